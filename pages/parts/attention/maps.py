"""Part: what each head looks at, as a map, as arcs, and all heads at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from engine import inspection
from engine.checkpoint import Checkpoint
from engine.gpt import GPT
from engine.language import N_, _
from pages.parts.attention.head import choose_head, chosen_head, head_name, set_head
from pages.shared.charts import percent, visible_token
from pages.shared.code_panel import show_code
from pages.shared.components.attention_arcs import attention_arcs, strong_arcs
from pages.shared.components.attention_map import attention_map
from pages.shared.components.head_maps import HeadTile, PackedMaps, head_maps, pack_maps
from pages.shared.lesson import exercise, notice
from pages.shared.models import ModelChoice, choose_model, inference, load
from pages.shared.sentence import Sentence, choose_sentence, traced
from pages.shared.tables import show_table
from pages.shared.wording import inside, slider_form

VIEWS = (N_("One head"), N_("Arcs"), N_("All heads"))
ORDERS = (N_("Layer"), N_("Entropy"), N_("Label"))
MOST_TOKENS = 256
MOST_PACKED = 24_000_000  # weights that are sent at once
TABLE_ROWS = 100
LOCKED_FROM = 0.005


@dataclass(frozen=True)
class Overview:
    """What is known of all heads on one text; entropy in bits (L, H). `packed` holds the first `n_packed` tokens."""

    entropy: np.ndarray
    scores: inspection.HeadScores
    packed: PackedMaps
    n_packed: int


def show() -> None:
    """Draw the part."""
    st.markdown(
        _(
            "A head decides for each token how much it reads from each earlier one. Its **attention map** has a row "
            "for each token that reads and a column for each that is read; the weights of a row sum to 1."
        )
    )
    found = choose_model_and_sentence()
    if found is None:
        return
    choice, checkpoint, sentence = found
    left, right = st.columns([1, 1.6], gap="large")
    view = left.segmented_control(
        _("View"),
        VIEWS,
        format_func=_,
        default=VIEWS[0],
        required=True,
        key="attention_view",
        persist_state="session",
        help=_("One head as a map or as arcs between tokens, or small maps of all heads."),
    )
    if view == "All heads":
        with right:
            order = _choose_order()
        _all_heads(choice, checkpoint, sentence, order)
    else:
        with right:
            layer, head = choose_head(checkpoint.model.config, wide=True)
        weights = weights_of(choice, sentence.ids, layer, head)
        if view == "One head":
            _one_head(weights, sentence, checkpoint, layer, head)
        else:
            _arcs(weights, sentence, layer, head)
        _table(weights, sentence)
    notice(
        _(
            "The upper right is hatched: a token cannot read what comes later. The first token has no choice, it reads "
            "itself with weight 1."
        ),
        _(
            "Heads differ. Some hold on to the token before, some to the first token or to themselves, some spread "
            "over everything; **All heads** sorted by entropy shows the sharp ones first."
        ),
        _(
            "A head that has nothing to look for often rests on the first token. A large weight there says little "
            "about that token."
        ),
        _(
            "Move the checkpoint to step 0: before training nearly all maps are even, the same weight for every token "
            "that can be seen."
        ),
    )
    exercise(
        _(
            "Lock the second “ lion” and go through the heads. Does any look back to the first “ lion”, or to what "
            "came after it? Could a head of the first layer do either on purpose?"
        ),
        _(
            "Looking for an earlier copy of the own token can be done in the first layer: both are the same vector "
            "there. Looking at what *followed* the copy needs two layers: a head of an earlier layer first has to "
            "write at each token what stood before it. The part **What is this head doing?** measures whether a head "
            "does so."
        ),
    )
    show_code(GPT.forward, inspection.attention_maps, inspection.attention_entropy)


def choose_model_and_sentence() -> tuple[ModelChoice, Checkpoint, Sentence] | None:
    """Controls for the model, the sentence and how much of it is read; None while one of them is missing."""
    left, right = st.columns([1, 1.6], gap="large")
    with left:
        choice = choose_model()
    if choice is None:
        return None
    checkpoint = load(choice)
    most = min(checkpoint.model.config.context_length, MOST_TOKENS)
    with right:
        limit = st.session_state.get(_limit_key(most), min(most, 128))
        sentence = choose_sentence(choice, most=limit)
        if most > 8 and sentence is not None:
            st.slider(
                _("Tokens read, at most"),
                8,
                most,
                min(most, 128),
                key=_limit_key(most),
                persist_state="session",
                help=_(
                    "How much of a long text is drawn: at most {most}, by this model's context and for the picture.",
                    most=most,
                ),
            )
    return None if sentence is None else (choice, checkpoint, sentence)


def _limit_key(most: int) -> str:
    return f"attention_most:{most}"


def weights_of(choice: ModelChoice, ids: tuple[int, ...], layer: int, head: int) -> np.ndarray:
    """The map of one head, (T, T)."""
    weights: np.ndarray = traced(choice, ids)[0].layers[layer].attention[0, head].numpy()
    return weights


def overview(choice: ModelChoice, ids: tuple[int, ...]) -> Overview:
    """All heads on one text, computed once for everybody."""
    return _overview(choice.key, ids, choice)


@st.cache_resource(max_entries=8, show_spinner=N_("Looking at all heads …"))
def _overview(key: str, ids: tuple[int, ...], _choice: ModelChoice) -> Overview:
    model = load(_choice).model
    causal = model.config.causal
    maps = inspection.attention_maps(traced(_choice, ids)[0])
    with inference():
        scores = inspection.head_scores(model, ids, maps=maps)
    n_maps = maps.shape[0] * maps.shape[1]
    n_packed = min(len(ids), int((MOST_PACKED / n_maps) ** 0.5))
    packed = pack_maps(np.ascontiguousarray(maps[:, :, :n_packed, :n_packed]), causal=causal)
    return Overview(inspection.attention_entropy(maps), scores, packed, n_packed)


def _one_head(weights: np.ndarray, sentence: Sentence, checkpoint: Checkpoint, layer: int, head: int) -> None:
    locked = _locked(sentence)
    says = in_words(weights, sentence, layer, head, locked)
    attention_map(
        weights,
        sentence.tokens,
        sentence.tokens,
        key="attention_map",
        row_ids=sentence.ids,
        column_ids=sentence.ids,
        locked=locked,
        causal=checkpoint.model.config.causal,
        summary=_("Attention map of {n_ids} tokens. {says}", n_ids=len(sentence.ids), says=says),
        on_click=lambda row: _toggle_lock(sentence, row),
    )
    st.text(says)
    _entropy_caption(weights)


def _arcs(weights: np.ndarray, sentence: Sentence, layer: int, head: int) -> None:
    locked = _locked(sentence)
    threshold = st.slider(
        _("Weights from"),
        0.0,
        0.9,
        0.1,
        0.05,
        format=slider_form(),
        key="attention_threshold",
        persist_state="session",
        help=_(
            "Only weights of at least this much are drawn as arcs; of a locked token all from {locked_from}.",
            locked_from=LOCKED_FROM,
        ),
    )
    if locked is not None:
        threshold = LOCKED_FROM
    arcs = strong_arcs(weights, threshold, locked)
    says = in_words(weights, sentence, layer, head, locked)
    attention_arcs(
        weights,
        sentence.tokens,
        key="attention_arcs",
        ids=sentence.ids,
        arcs=arcs,
        locked=locked,
        summary=_(
            "{n_places} arcs between {n_ids} tokens. {says}",
            n_places=len(arcs.places),
            n_ids=len(sentence.ids),
            says=says,
        ),
        on_click=lambda row: _toggle_lock(sentence, row),
    )
    st.text(says)
    drawn = _(
        "{n_places} weights of at least {threshold:g}, drawn from the token that reads to the one read",
        n_places=len(arcs.places),
        threshold=threshold,
    )
    left_out = _("; {left_out:,} weaker ones are left out", left_out=arcs.left_out) if arcs.left_out else ""
    st.caption(
        _("{drawn}{left_out}. Thickness is weight, colour is the token that is read.", drawn=drawn, left_out=left_out)
    )


def _choose_order() -> str:
    return st.segmented_control(
        _("Sorted by"),
        ORDERS,
        format_func=_,
        default=ORDERS[0],
        required=True,
        key="attention_order",
        persist_state="session",
        help=_("By place in the model, by entropy (the sharpest first), or by what the head mostly looks at."),
    )


def _all_heads(choice: ModelChoice, checkpoint: Checkpoint, sentence: Sentence, order: str) -> None:
    config = checkpoint.model.config
    found = overview(choice, sentence.ids)
    heads = sorted_heads(found, order)
    tiles = [_tile(found, layer, head) for layer, head in heads]

    def open_head(layer: int, head: int) -> None:
        set_head(config, layer, head)
        st.session_state["attention_view"] = VIEWS[0]

    head_maps(
        tiles,
        key="attention_heads",
        maps=found.packed,
        columns=config.n_heads if order == "Layer" else None,
        selected=chosen_head(config),
        size="small" if len(tiles) > 24 else "large",
        summary=_("{n_tiles} attention maps, by {lower}. Enter opens one.", n_tiles=len(tiles), lower=inside(order)),
        on_click=open_head,
    )
    sharpest, widest = (sorted_heads(found, N_("Entropy"))[each] for each in (0, -1))
    st.caption(
        _(
            "Layer · head; click one to open it. The sharpest is {head_name} "
            "({entropy:.2f} bits), the widest {head_name_2} ({entropy_2:.2f} bits).",
            head_name=head_name(*sharpest),
            entropy=found.entropy[sharpest],
            head_name_2=head_name(*widest),
            entropy_2=found.entropy[widest],
        )
    )
    if found.n_packed < len(sentence.ids):
        st.caption(_("The small maps show the first {n_packed} tokens.", n_packed=found.n_packed))
    with st.expander(_("As a table"), icon=":material/table:"):
        show_table(
            pd.DataFrame(
                [
                    (layer + 1, head + 1, _(label), round(score, 3), round(float(found.entropy[layer, head]), 3))
                    for layer, head in heads
                    for label, score in [found.scores.label(layer, head)]
                ],
                columns=[N_("layer"), N_("head"), N_("label"), N_("score"), N_("entropy (bits)")],
            ),
            hide_index=True,
            width="stretch",
        )


def sorted_heads(found: Overview, order: str) -> list[tuple[int, int]]:
    """All (layer, head): by layer, by entropy from the sharpest, or by label with the surest first."""
    heads = [(layer, head) for layer, head in np.ndindex(*found.entropy.shape)]
    if order == "Entropy":
        return sorted(heads, key=lambda each: float(found.entropy[each]))
    if order == "Label":
        names = [*inspection.HEAD_LABELS, "mixed"]

        def by_label(each: tuple[int, int]) -> tuple[int, float]:
            label, score = found.scores.label(*each)
            return names.index(label), -score

        return sorted(heads, key=by_label)
    return heads


def _tile(found: Overview, layer: int, head: int) -> HeadTile:
    label, score = found.scores.label(layer, head)
    bits = float(found.entropy[layer, head])
    name = _(
        "{capitalize}: {label}, score {score:.2f}, entropy {bits:.2f} bits",
        capitalize=head_name(layer, head).capitalize(),
        label=_(label),
        score=score,
        bits=bits,
    )
    return HeadTile(layer, head, label, (_("{bits:.2f} bits", bits=bits),), name)


def in_words(weights: np.ndarray, sentence: Sentence, layer: int, head: int, locked: int | None = None) -> str:
    """What the map shows in one sentence: of the locked row, else of the row with the most decided choice."""
    if len(weights) == 1:
        return _("There is one token only, and it reads itself.")
    row = locked
    if row is None:
        row = 1 + int(weights[1:].max(-1).argmax())  # the first token has no choice
    column = int(weights[row].argmax())
    what = _("itself") if column == row else f"{visible_token(sentence.tokens[column])} ({column})"
    reader = f"{visible_token(sentence.tokens[row])} ({row})"
    return _(
        "{capitalize}: {reader} gives {percent} to {what}.",
        capitalize=head_name(layer, head).capitalize(),
        reader=reader,
        percent=percent(float(weights[row, column])),
        what=what,
    )


def _entropy_caption(weights: np.ndarray) -> None:
    bits = float(inspection.attention_entropy(weights[None, None])[0, 0])
    even = float(np.log2((weights > 0).sum(-1).clip(1)).mean())
    st.caption(
        _(
            "Entropy {bits:.2f} bits on average over the rows: 0 would be one token only, {even:.2f} all alike. Every "
            "row sums to 1.",
            bits=bits,
            even=even,
        )
    )


def _table(weights: np.ndarray, sentence: Sentence) -> None:
    with st.expander(_("As a table"), icon=":material/table:"):
        rows, columns = np.unravel_index(np.argsort(-weights, axis=None)[:TABLE_ROWS], weights.shape)
        names = [visible_token(each) for each in sentence.tokens]
        show_table(
            pd.DataFrame(
                {
                    N_("position"): rows,
                    N_("reads"): [names[row] for row in rows],
                    N_("from position"): columns,
                    N_("is read"): [names[column] for column in columns],
                    N_("weight"): weights[rows, columns].round(4),
                }
            ),
            hide_index=True,
            width="stretch",
        )
        st.caption(_("The {n_rows} largest of {size:,} weights.", n_rows=len(rows), size=weights.size))


def _locked(sentence: Sentence) -> int | None:
    ids, row = st.session_state.get("attention_locked", ((), None))
    return row if ids == sentence.ids else None


def _toggle_lock(sentence: Sentence, row: int) -> None:
    st.session_state["attention_locked"] = (sentence.ids, None if _locked(sentence) == row else row)
