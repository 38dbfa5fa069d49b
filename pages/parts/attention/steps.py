"""Part: one head computed by hand, from queries and keys to what it writes, a matrix at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from engine import attention_steps, inspection
from engine.attention_steps import Dropped
from engine.gpt import GPTConfig, rotate
from engine.inspection import AttentionStages
from pages.parts.attention.head import choose_head
from pages.shared.charts import visible_token
from pages.shared.code_panel import show_code
from pages.shared.components.matrix_view import Labels, Operand, matrix_view
from pages.shared.components.vector_strips import Strip, StripGroup, vector_strips
from pages.shared.lesson import exercise, notice
from pages.shared.models import choose_model, load
from pages.shared.sentence import Sentence, choose_sentence, traced

FEWEST, MOST, USUAL = 4, 24, 12
_STAGE, _PLACE, _CHANGES = "steps_stage", "steps_place", "steps_changes"
_SEED = "steps_seed"


@dataclass(frozen=True)
class Stage:
    """One step of the computation: its short name, what it does, and the shapes it does it to."""

    name: str
    title: str
    words: str
    shapes: str


STAGES = (
    Stage(
        "q · kᵀ",
        "Scores: every query with every key",
        "Each token asks with its **query** q, and each token answers with its **key** k. How well they match is one "
        "number, their dot product: row *i*, column *j* is q of token *i* · k of token *j*.",
        "(T, D) · (D, T) → (T, T)",
    ),
    Stage(
        "÷ √D",
        "Scaled scores",
        "A sum of D products spreads about √D times as wide as one of them. Dividing by √D keeps the scores in a range "
        "where softmax still answers to small changes.",
        "(T, T) → (T, T)",
    ),
    Stage(
        "mask",
        "Masked scores",
        "What comes after a token is not known when it is read. Its scores are replaced by −∞, which softmax turns "
        "into a weight of exactly 0.",
        "(T, T) → (T, T)",
    ),
    Stage(
        "softmax",
        "Attention weights",
        "e to each score, divided by the sum of its row: positive weights that sum to 1. This is the attention of the "
        "head: how much of each token's value is taken.",
        "(T, T) → (T, T)",
    ),
    Stage(
        "weights · v",
        "Output: weighted sums of the values",
        "Each token offers a **value** v. What the head writes at a token is the sum of all values, each times its "
        "weight.",
        "(T, T) · (T, D) → (T, D)",
    ),
)


@dataclass
class Changes:
    """Numbers of the queries that the learner replaced: (token, dimension) → value, and what was there before."""

    context: tuple[object, ...]
    now: dict[tuple[int, int], float] = field(default_factory=dict)
    past: list[dict[tuple[int, int], float]] = field(default_factory=list)

    def put(self, place: tuple[int, int], value: float) -> None:
        """Replace a number."""
        if self.now.get(place) != value:
            self.past = [*self.past, dict(self.now)][-50:]
            self.now[place] = value

    def undo(self) -> None:
        """Take the last change back."""
        if self.past:
            self.now = self.past.pop()

    def reset(self) -> None:
        """The model's own queries again; can itself be undone."""
        if self.now:
            self.past = [*self.past, dict(self.now)][-50:]
            self.now = {}


@dataclass(frozen=True)
class View:
    """Everything that the figures of one run of the page are drawn from."""

    sentence: Sentence
    config: GPTConfig
    own: AttentionStages
    stages: AttentionStages
    dropped: Dropped | None
    changes: Changes

    @property
    def n_tokens(self) -> int:
        """T."""
        return len(self.sentence.ids)

    @property
    def changed_rows(self) -> list[int]:
        """Tokens whose query is not the model's own."""
        return sorted({token for token, _ in self.changes.now})

    def matrix(self, stage: int, stages: AttentionStages | None = None) -> np.ndarray:
        """The result of a stage, with dropout where it is on."""
        found = stages or self.stages
        if stage >= 3 and self.dropped is not None:
            weights = found.weights * self.dropped.kept * np.float32(self.dropped.scale)
            return weights if stage == 3 else weights @ found.v
        return (found.scores, found.scaled, found.masked, found.weights, found.output)[stage]

    def token(self, index: int) -> str:
        """A token in quotes, for places that show text as it is."""
        return visible_token(self.sentence.tokens[index])

    @property
    def hidden(self) -> np.ndarray:
        """(T, T) bool: what the mask hides."""
        return np.isneginf(self.stages.masked)


def show() -> None:
    """Draw the part."""
    st.markdown(
        "One head of attention is five small steps: softmax(q kᵀ / √D) v. Follow them on your own sentence, with the "
        "numbers of a model that was trained. Choose any cell to see where its number comes from."
    )
    controls, figure = st.columns([1, 2.6], gap="large")
    with controls:
        choice = choose_model()
        if choice is None:
            return
        n_tokens = st.slider(
            "Tokens",
            FEWEST,
            MOST,
            USUAL,
            key="steps_tokens",
            persist_state="session",
            help="How many tokens of the sentence are read here: T, the side of the matrices.",
        )
        sentence = choose_sentence(choice, most=n_tokens)
        if sentence is None:
            return
        config = load(choice).model.config
        layer, head = choose_head(config)
        _positions_note(config)
    trace, _ = traced(choice, sentence.ids)
    own = inspection.attention_stages(trace, layer, head, causal=config.causal)
    changes = _changes((choice.key, sentence.ids, layer, head))
    with figure:
        stage = _choose_stage()
        dropped = _choose_dropout(own) if stage >= 3 else None
        stages = own
        if changes.now:
            stages = inspection.attention_stages(
                trace, layer, head, causal=config.causal, q=attention_steps.with_changes(own.q, changes.now)
            )
        view = View(sentence, config, own, stages, dropped, changes)
        place = _matrix(view, stage)
        _ARITHMETIC[stage](view, *place)
        _change_a_query(view, stage, place[0])
    notice(
        "Only one matrix is T × T numbers of *where to look*; q, k, v and the output are T × D numbers of *what*. "
        "Twice as many tokens make four times as many scores.",
        "Steps 1 to 3 treat each cell by itself. Softmax is the first that ties a row together: raise one score and "
        "all other weights of its row fall.",
        "A changed query moves its own row only: each token asks for itself. A changed key would move a column.",
    )
    exercise(
        "In step 1, choose a cell below the diagonal. Which single number of the query would you change, and in which "
        "direction, to raise its score most? Try it, then look at step 4.",
        "The score changes by Δq[d] · k[d], so take the dimension where the key is largest in size, and move q the way "
        "of the key's sign. In step 4 that column gains weight, but other keys with the same sign there gain as well.",
    )
    show_code(
        inspection.attention_stages,
        attention_steps.sum_of_products,
        attention_steps.softmax_row,
        attention_steps.with_changes,
        attention_steps.drop_weights,
        *([rotate] if config.positions == "rotary" else []),
    )


def _positions_note(config: GPTConfig) -> None:
    if config.positions == "rotary":
        st.caption("Positions are rotary here: q and k are shown after each was turned by its position.")
    elif config.positions == "learned":
        st.caption("Positions were added to the embeddings before the first layer, so q and k already know them.")
    else:
        st.caption("This model knows no positions: q and k depend on the tokens alone.")


# --- controls above the matrix --------------------------------------------------------------------------------


def _choose_stage() -> int:
    st.session_state.setdefault(_STAGE, 0)  # in place of a default: Back and Next set it too
    with st.container(horizontal=True, vertical_alignment="bottom"):
        stage = st.segmented_control(
            "Step",
            list(range(len(STAGES))),
            required=True,
            format_func=lambda i: f"{i + 1}: {STAGES[i].name}",
            key=_STAGE,
            persist_state="session",
            help="The five steps in their order; each begins with the matrix of the one before.",
        )
        stage = stage or 0
        st.button(
            "Back",
            key="steps_back",
            disabled=stage == 0,
            on_click=_go,
            args=(stage - 1,),
            help="The step before.",
        )
        st.button(
            "Next",
            key="steps_next",
            disabled=stage == len(STAGES) - 1,
            on_click=_go,
            args=(stage + 1,),
            help="The step after.",
        )
    st.markdown(STAGES[stage].words)
    return stage


def _go(stage: int) -> None:
    st.session_state[_STAGE] = stage


def _choose_dropout(own: AttentionStages) -> Dropped | None:
    on = st.toggle(
        "Dropout, as in training",
        key="steps_dropout",
        persist_state="session",
        help="During training some weights are set to 0 by chance, so that no head can rely on a single token.",
    )
    if not on:
        return None
    rate_place, roll = st.columns([2, 1], vertical_alignment="bottom")
    rate = rate_place.slider(
        "Dropout rate",
        0.0,
        0.9,
        0.2,
        0.05,
        key="steps_rate",
        persist_state="session",
        help="The chance of each weight to be dropped. Those kept are multiplied by 1 / (1 − rate).",
    )
    roll.button(
        "Roll again",
        icon=":material/casino:",
        key="steps_roll",
        on_click=_roll,
        width="stretch",
        help="New dice: every training step rolls its own.",
    )
    seed = int(st.session_state.get(_SEED, 0))
    dropped = attention_steps.drop_weights(own.weights, rate, seed)
    allowed = np.isfinite(own.masked)
    n_lost, n = int((allowed & ~dropped.kept).sum()), int(allowed.sum())
    sums = (own.weights * dropped.kept).sum(1) * dropped.scale
    st.caption(
        f"Roll {seed + 1}: {n_lost} of {n} weights are dropped ({n_lost / n:.0%}, expected {rate:.0%}); the others are "
        f"multiplied by {dropped.scale:.2f}. The rows now sum to {sums.min():.2f} up to {sums.max():.2f}, and to 1 on "
        "average over many rolls. Only training does this: a model that writes keeps every weight."
    )
    return dropped


def _roll() -> None:
    st.session_state[_SEED] = int(st.session_state.get(_SEED, 0)) + 1


# --- the matrix -----------------------------------------------------------------------------------------------


def _matrix(view: View, stage: int) -> tuple[int, int]:
    """Draw the matrix of a stage; returns the chosen cell."""
    values = view.matrix(stage)
    row, column = _place(view, values.shape)
    T, D = view.n_tokens, view.config.head_size
    tokens = Labels("query", view.sentence.tokens, view.sentence.ids)
    keys = Labels("key", view.sentence.tokens, view.sentence.ids)
    columns = keys if stage < 4 else Labels("dimension", [str(d) for d in range(D)])
    shape = STAGES[stage].shapes
    numbers = shape.replace("T", str(T)).replace("D", str(D))
    left = {0: Operand("q", view.stages.q), 4: Operand("weights", view.matrix(3))}.get(stage)
    top = {0: Operand("kᵀ", view.stages.k.T), 4: Operand("v", view.stages.v)}.get(stage)
    crossed = None
    if stage == 3 and view.dropped is not None:
        crossed = ~view.dropped.kept & ~view.hidden
    matrix_view(
        values,
        tokens,
        columns,
        key="steps_matrix",
        title=STAGES[stage].title,
        shape=f"{shape} = {numbers}",
        summary=_summary(view, stage, values),
        left=left,
        top=top,
        hatched=view.hidden if stage in (2, 3) else None,
        hatched_means="masked",
        crossed=crossed,
        changed_row=view.changed_rows[0] if len(view.changed_rows) == 1 else None,
        selected=(row, column),
        share=stage == 3,
        on_click=partial(_choose_place, stage == 4),
    )
    st.caption(_summary(view, stage, values))
    return row, column


def _choose_place(of_output: bool, row: int, column: int) -> None:
    st.session_state[_PLACE] = (row, column, of_output)


def _place(view: View, shape: tuple[int, ...]) -> tuple[int, int]:
    """The cell chosen last, where the matrix has it; a column of keys is not one of dimensions."""
    of_output = shape[1] != view.n_tokens
    row, column, was_output = st.session_state.get(_PLACE, (view.n_tokens - 1, 1, False))
    row = min(int(row), shape[0] - 1)
    if bool(was_output) != of_output:
        column = 0 if of_output else min(1, row)
    return row, min(int(column), shape[1] - 1)


def _summary(view: View, stage: int, values: np.ndarray) -> str:
    finite = np.where(np.isfinite(values), values, -np.inf)
    row, column = (int(each) for each in np.unravel_index(int(finite.argmax()), values.shape))
    if stage < 4:
        what = "weight" if stage == 3 else "score"
        return (
            f"The largest {what}, {_number(values[row, column])}, is where token {row} looks at token {column}"
            f"{' (itself)' if row == column else ''}."
        )
    return f"The largest number, {_number(values[row, column])}, is written at token {row} in dimension {column}."


def _number(value: float) -> str:
    """Three to four digits with a proper minus; −∞ as such."""
    if value == -math.inf:
        return "−∞"
    size = abs(float(value))
    text = f"{size:.0f}" if size >= 1000 else f"{size:.4g}" if size >= 0.001 or size == 0 else f"{size:.1e}"
    return ("−" if value < 0 else "") + text


# --- the arithmetic of the chosen cell ------------------------------------------------------------------------


def _heading(view: View, row: int, column: int, text: str) -> None:
    st.text(f"Query {view.token(row)} ({row}), key {view.token(column)} ({column})")
    st.markdown(text)


def _dot_product(view: View, row: int, column: int) -> None:
    terms = attention_steps.sum_of_products(view.stages.q[row], view.stages.k[column])
    first = " ".join(
        f"{_number(p)}" if i == 0 else f"{'−' if p < 0 else '+'} {_number(abs(p))}"
        for i, p in enumerate(terms.products[:4])
    )
    rest = f" … ({len(terms.products)} terms)" if len(terms.products) > 4 else ""
    _heading(view, row, column, f"q · k = {first}{rest} = **{_number(terms.total)}**")
    vector_strips(
        [
            StripGroup(
                "One bar a dimension",
                [
                    Strip("q of the query", terms.a),
                    Strip("k of the key", terms.b, sign="×"),
                    Strip("products", terms.products, sign="=", own_scale=True),
                    Strip("running sum", terms.running, sign="Σ", marked=True, own_scale=True),
                ],
            )
        ],
        "steps_strips",
        label="The dot product of a query and a key, dimension by dimension",
    )
    with st.expander("As a table", icon=":material/table_rows:"):
        table = pd.DataFrame({"q": terms.a, "k": terms.b, "q × k": terms.products, "running sum": terms.running})
        table.index.name = "dimension"
        st.dataframe(table, width="stretch", height=300)


def _division(view: View, row: int, column: int) -> None:
    D = view.config.head_size
    score, scaled = view.stages.scores[row, column], view.stages.scaled[row, column]
    _heading(
        view,
        row,
        column,
        f"{_number(score)} ÷ √{D} = {_number(score)} ÷ {math.sqrt(D):.3f} = **{_number(scaled)}**",
    )
    seen = ~view.hidden[row]
    without = attention_steps.softmax_row(np.where(seen, view.stages.scores[row], -np.inf)).weights.max()
    with_it = view.stages.weights[row].max()
    spread = [float(matrix[~view.hidden].std()) for matrix in (view.stages.scores, view.stages.scaled)]
    columns = st.columns(3)
    columns[0].metric(
        "Spread of the scores",
        f"{spread[0]:.2f} → {spread[1]:.2f}",
        help="Standard deviation of all scores that the mask leaves, before and after the division.",
    )
    columns[1].metric(
        "Largest weight, not divided",
        f"{without:.1%}",
        help="What softmax would make of this row if the scores were not divided.",
    )
    columns[2].metric("Largest weight, divided", f"{with_it:.1%}", help="What it does make of this row.")


def _masking(view: View, row: int, column: int) -> None:
    scaled = _number(view.stages.scaled[row, column])
    if view.hidden[row, column]:
        text = (
            f"{scaled} becomes **−∞**: token {column} comes after token {row}. Since e^(−∞) = 0, softmax gives it no "
            "weight, and what it says has no way into this row."
        )
    elif not view.config.causal:
        text = f"**{scaled}** stays: this model was trained without a mask, every token sees every other."
    else:
        where = "is the token itself" if row == column else f"comes before token {row}"
        text = f"**{scaled}** stays: token {column} {where}."
    _heading(view, row, column, text)
    n_hidden, n = int(view.hidden.sum()), view.hidden.size
    st.caption(f"The mask hides {n_hidden} of {n} cells: row i keeps the i + 1 tokens up to its own, counted from 0.")


def _softmax(view: View, row: int, column: int) -> None:
    steps = attention_steps.softmax_row(view.stages.masked[row])
    weight = view.matrix(3)[row, column]
    text = (
        f"e^({_number(steps.scores[column])} − {_number(steps.largest)}) ÷ {_number(steps.total)} = "
        f"{_number(steps.exponentials[column])} ÷ {_number(steps.total)} = **{_number(steps.weights[column])}**"
    )
    if view.dropped is not None:
        if view.dropped.kept[row, column]:
            text += f", kept by dropout: × {view.dropped.scale:.2f} = **{_number(weight)}**"
        else:
            text += ", dropped: **0**"
    _heading(view, row, column, text)
    table = pd.DataFrame(
        {
            "key": [view.token(i) for i in range(view.n_tokens)],
            "score": [_number(each) for each in steps.scores],
            "e^(score − largest)": steps.exponentials,
            "weight": steps.weights,
        }
    )
    if view.dropped is not None:
        table["after dropout"] = view.matrix(3)[row]
    _table(table, shares=("weight", "after dropout"))
    st.caption(
        f"The row's largest score, {_number(steps.largest)}, is subtracted from all first: the weights stay the same, "
        f"and no power of e gets too large. The sum of the row is {_number(steps.total)}."
    )


def _weighted_sum(view: View, row: int, dimension: int) -> None:
    weights = view.matrix(3)[row]
    terms = attention_steps.sum_of_products(weights, view.stages.v[:, dimension])
    st.text(f"Output at {view.token(row)} ({row}), dimension {dimension}")
    largest = int(np.abs(terms.products).argmax())
    st.markdown(
        f"The sum over all tokens of weight × v[token, {dimension}] = **{_number(terms.total)}**. The largest part, "
        f"{_number(terms.products[largest])}, comes from token {largest}."
    )
    _table(
        pd.DataFrame(
            {
                "token": [view.token(i) for i in range(view.n_tokens)],
                "weight": terms.a,
                f"v[token, {dimension}]": terms.b,
                "weight × v": terms.products,
                "running sum": terms.running,
            }
        ),
        shares=("weight",),
    )


def _table(table: pd.DataFrame, *, shares: tuple[str, ...]) -> None:
    config: dict[str, object] = {
        name: st.column_config.NumberColumn(format="%.4f") for name in table.select_dtypes("number")
    }
    for name in shares:
        if name in table:
            config[name] = st.column_config.ProgressColumn(
                format="%.3f", min_value=0, max_value=max(1.0, float(table[name].max()))
            )
    st.dataframe(table, hide_index=True, width="stretch", column_config=config, height=min(35 * len(table) + 38, 460))


_ARITHMETIC: tuple[Callable[[View, int, int], None], ...] = (
    _dot_product,
    _division,
    _masking,
    _softmax,
    _weighted_sum,
)


# --- one number of a query, changed ---------------------------------------------------------------------------


def _changes(context: tuple[object, ...]) -> Changes:
    """This session's changes; another model, sentence or head begins without any."""
    changes = st.session_state.get(_CHANGES)
    if changes is None or changes.context != context:
        changes = Changes(context)
        st.session_state[_CHANGES] = changes
    return changes


def _change_a_query(view: View, stage: int, row: int) -> None:
    with st.container(border=True):
        st.markdown("**Change one number of a query** · and watch its row move")
        st.text(f"The query of {view.token(row)} (token {row}); choose a cell in another row to change another one.")
        D = view.config.head_size
        chosen, value_place = st.columns([1, 1.6])
        dimension = chosen.slider(
            "Dimension",
            0,
            D - 1,
            0,
            key="steps_dimension",
            persist_state="session",
            help="Which of the D numbers of the query is changed.",
        )
        place = (row, dimension)
        most = 3 * float(np.abs(view.own.q).max()) or 1.0
        own = float(view.own.q[place])
        # The slider of each number is a widget of its own; undo and reset make a new one, which begins at what holds.
        key = f"steps_value:{hash(view.changes.context)}:{place}:{len(view.changes.past)}:{len(view.changes.now)}"
        value_place.slider(
            f"q[{row}, {dimension}], the model's own is {_number(own)}",
            -most,
            most,
            view.changes.now.get(place, own),
            most / 300,
            format="%.3f",
            key=key,
            on_change=_put,
            args=(place, key),
            help="Up to three times the largest number in any query of this head, in both directions.",
        )
        with st.container(horizontal=True):
            st.button(
                "Undo",
                icon=":material/undo:",
                key="steps_undo",
                disabled=not view.changes.past,
                on_click=view.changes.undo,
                help="Take the last change back.",
            )
            st.button(
                "Reset",
                icon=":material/restart_alt:",
                key="steps_reset",
                disabled=not view.changes.now,
                on_click=view.changes.reset,
                help="The model's own queries again.",
            )
        if row in view.changed_rows:
            _before_and_after(view, stage, row)
        elif view.changes.now:
            rows = ", ".join(str(each) for each in view.changed_rows)
            st.caption(f"This row is unchanged. Changed so far: token {rows}.")


def _put(place: tuple[int, int], key: str) -> None:
    changes = st.session_state.get(_CHANGES)
    if changes is not None and key in st.session_state:
        changes.put(place, float(st.session_state[key]))


def _before_and_after(view: View, stage: int, row: int) -> None:
    before, after = view.matrix(stage, view.own), view.matrix(stage)
    n_columns = before.shape[1]
    columns = (
        Labels("key", view.sentence.tokens, view.sentence.ids)
        if stage < 4
        else Labels("dimension", [str(d) for d in range(n_columns)])
    )
    with np.errstate(invalid="ignore"):
        moved = np.nan_to_num(after - before, nan=0.0)
    largest = int(np.abs(moved[row]).argmax())
    others = np.delete(moved, view.changed_rows, axis=0)
    what = f"token {largest}" if stage < 4 else f"dimension {largest}"
    summary = f"Largest change: {_number(moved[row, largest])} at {what}."
    hidden = np.stack([view.hidden[row], view.hidden[row]]) if stage in (2, 3) else None
    matrix_view(
        np.stack([before[row], after[row]]),
        Labels("row", ["before", "after"]),
        columns,
        key="steps_before_after",
        title=f"Row {row} of step {stage + 1}",
        shape=f"(2, {n_columns})",
        summary=summary,
        hatched=hidden,
        share=stage == 3,
    )
    same = "are the same to the bit" if not np.abs(others).max(initial=0) else "changed as well"
    st.caption(f"{summary} The other {len(others)} rows {same}.")
