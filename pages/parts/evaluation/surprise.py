"""Part: a text of one's own, coloured by how surprised a model was, and two models compared on it."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import streamlit as st

from engine import evaluation
from engine.evaluation import Comparison, compare_surprise
from engine.evaluation import surprise as total_surprise
from engine.language import N_, _, number
from engine.moments import Read
from engine.open_models import list_open_models, models_folder
from pages.parts.evaluation.source import read
from pages.shared import guide
from pages.shared.charts import visible_token
from pages.shared.code_panel import show_code
from pages.shared.components.surprise_text import Piece, surprise_text
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.models import OPEN, ModelChoice, choose_model
from pages.shared.run_data import run_name
from pages.shared.tables import show_table
from pages.shared.viewer import lab

MAX_CHARS = 3_000
DEFAULT = N_(
    "Long ago a clever girl named Nadia lived in the windy harbour. One morning Nadia saw a lion near the sea. The "
    "lion was asleep, for it had eaten a pudding made of seventeen umbrellas."
)
NONE = ""
_NO_COMPARISON = N_("Nothing: one model alone")


def show() -> None:
    """The part "Surprise"."""
    st.markdown(
        _(
            "A token of probability p surprises by **−log₂ p** bits: 1 bit is a coin's worth, 10 bits one chance in a "
            "thousand. Write a text and see where a model expected something else."
        )
    )
    model, text = st.columns([1, 1.6], gap="large")
    with model:
        choice = choose_model()
        other = _choose_other() if choice is not None else None
    if choice is not None:
        with text:
            own = st.text_area(
                _("Your text"),
                DEFAULT,
                key="evaluation-text",
                persist_state="session",
                max_chars=MAX_CHARS,
                height=190,
                help=_("Any text of at most 3,000 characters. The model reads all of it, in windows where it is long."),
            )
        with shown_errors():
            _read_and_show(choice, other, own[:MAX_CHARS].encode("utf-8", "replace").decode("utf-8"))
    notice(
        _("The first part of a word carries the surprise; its other tokens then follow almost for free."),
        _("A name is dear once and cheap afterwards: the model copies it from what it has read."),
        _("Between two checkpoints grammar and frequent words improve first, names and rare words last."),
        _("Surprise tells how usual a text is to this model, not whether it is true."),
    )
    exercise(
        _(
            "Write a sentence twice, one after the other. How many bits does the copy cost, and at which checkpoint "
            "does that begin?"
        ),
        _(
            "A trained model has heads that look for what followed last time (induction heads, Olsson et al. 2022), so "
            "the copy costs a part of the first time. At early checkpoints both cost the same. Small models copy "
            "poorly: watch whether the later words of the copy get cheaper than the first ones."
        ),
    )
    show_code(evaluation.token_probabilities, evaluation.surprise, evaluation.compare_surprise)


def _choose_other() -> ModelChoice | None:
    """A second model at one of its checkpoints, or None for no comparison."""
    service = lab()
    names = {NONE: _NO_COMPARISON}
    for record in service.runs():
        if (record.step > 0 or not record.live) and service.checkpoints(record.run_id):
            names[record.run_id] = run_name(record)
    for found in list_open_models(models_folder(service.settings)):
        if not found.problem:
            names[OPEN + found.name] = _("{value} · open weights", value=found.hub_id or found.name)
    if st.session_state.get("evaluation-other") not in names:  # deleted meanwhile
        st.session_state["evaluation-other"] = NONE
    run_id = st.selectbox(
        _("Compare with"),
        list(names),
        format_func=lambda each: _(names[each]),
        key="evaluation-other",
        persist_state="session",
        help=_("A second model B beside the one above, A: the same run at another checkpoint, or any other model."),
    )
    if run_id == NONE:
        return None
    if run_id.startswith(OPEN):
        return ModelChoice(run_id, 0, names[run_id])
    steps = [info.step for info in service.checkpoints(run_id)]
    step = steps[-1]
    if len(steps) > 1:
        key = f"evaluation-other-step:{run_id}"
        if st.session_state.get(key) not in steps:
            st.session_state[key] = steps[len(steps) // 2]
        step = st.select_slider(
            _("Checkpoint of B"),
            steps,
            format_func=lambda each: _("step {each:,}", each=each),
            key=key,
            persist_state="session",
            help=_("Model B at an earlier step of its training."),
        )
    return ModelChoice(run_id, step, names[run_id])


def _read_and_show(choice: ModelChoice, other: ModelChoice | None, text: str) -> None:
    if not text.strip():
        st.info(_("Write a text: there is nothing to be surprised by yet."))
        return
    first, *others = read([choice] if other is None else [choice, other], text)
    if len(first.spans) < 2:
        st.info(_("Write one more word: the first token has nothing before it that could predict it."))
        return
    if other is None:
        _one(text, first)
        return
    (second,) = others
    found = compare_surprise(first.spans, first.probabilities, second.spans, second.probabilities)
    _two(text, found, first, second, (choice, other))


def _bits(probabilities: np.ndarray) -> np.ndarray:
    return -np.log2(np.maximum(probabilities, 1e-300))


def _totals(found: Read) -> evaluation.Surprise:
    return total_surprise(found.probabilities.tolist(), np.diff(found.spans.bounds).tolist())


def _one(text: str, found: Read) -> None:
    bits, spans = _bits(found.probabilities), found.spans
    texts = _drawn(text, spans.starts, spans.ends)
    pieces = [
        Piece(each, None if math.isnan(bit) else bit, _said(bit, p))
        for each, bit, p in zip(texts, bits.tolist(), found.probabilities.tolist(), strict=True)
    ]
    surprise_text(
        pieces, "evaluation-surprise", scale="surprise", label=_("Your text, tinted by the surprise of each token")
    )
    total = _totals(found)
    for column, (name, value, help_) in zip(
        st.columns(4),
        (
            (
                _("All bits"),
                number(total.bits, ",.0f"),
                _("The surprise of {n_tokens:,} tokens, added up.", n_tokens=total.n_tokens),
            ),
            (_("Loss (nats per token)"), number(total.loss, ".3f"), _("The mean surprise in nats.")),
            (_("Perplexity"), number(total.perplexity, ",.1f"), _("e to the loss.")),
            (
                _("Bits per byte"),
                number(total.bits_per_byte, ".3f"),
                _("All bits divided by the bytes of these tokens."),
            ),
        ),
        strict=True,
    ):
        column.metric(_(name), value, help=_(help_))
    known = bits[~np.isnan(bits)]
    guide.tell("surprise", {"own": text != DEFAULT, "total": total, "most": float(known.max())})
    st.caption(
        _(
            "The dearest tenth of the tokens holds {tenth:.0%} of all surprise; {mean:.0%} of the "
            "tokens cost less than one bit.",
            tenth=_tenth(known),
            mean=(known < 1).mean(),
        )
    )
    with st.expander(_("As a table"), icon=":material/table:"):
        table = pd.DataFrame(
            {
                N_("token"): [visible_token(each) for each in texts],
                N_("id"): spans.ids,
                N_("probability"): found.probabilities,
                N_("surprise (bits)"): bits,
                N_("bytes"): np.diff(spans.bounds),
            }
        )
        show_table(
            table,
            hide_index=True,
            width="stretch",
            column_config={
                N_("probability"): st.column_config.NumberColumn(format="%.5f"),
                N_("surprise (bits)"): st.column_config.NumberColumn(format="%.2f"),
            },
        )


def _drawn(text: str, starts: np.ndarray, ends: np.ndarray) -> list[str]:
    """The characters of each token; one that only finishes a character of the token before is an ellipsis."""
    texts, place = [], 0
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        texts.append(text[max(start, place) : end] or "…")
        place = max(place, end)
    return texts


def _tenth(values: np.ndarray) -> float:
    return float(np.sort(values)[::-1][: max(1, len(values) // 10)].sum() / max(values.sum(), 1e-12))


def _said(bits: float, p: float) -> str:
    if math.isnan(bits):
        return _("nothing stood before it")
    return _("surprise {bits:.1f} bits · probability {p:.3g} %", bits=bits, p=100 * p)


def _two(text: str, found: Comparison, first: Read, second: Read, choices: tuple[ModelChoice, ModelChoice]) -> None:
    texts = _drawn(text, found.starts, found.ends)
    pieces = [
        Piece(each, None if math.isnan(more) else more, _compared(a, b))
        for each, more, a, b in zip(texts, found.difference.tolist(), *found.bits.tolist(), strict=True)
    ]
    surprise_text(
        pieces,
        "evaluation-difference",
        scale="difference",
        label=_("Your text, tinted by which model was more surprised"),
    )
    same = np.array_equal(first.spans.bounds, second.spans.bounds)
    if same:
        st.caption(_("Both models cut the text alike, so every token is compared with itself."))
    else:
        st.caption(
            _(
                "A cuts the text into {n_spans:,} tokens and B into {n_spans_2:,}. They are compared on "
                "the {n_starts:,} stretches that end a token in both: there the bits of the tokens inside add up.",
                n_spans=len(first.spans),
                n_spans_2=len(second.spans),
                n_starts=len(found.starts),
            )
        )
    a, b = found.bits_per_byte
    rows = []
    for name, choice, each, bits_per_byte in (("A", choices[0], first, a), ("B", choices[1], second, b)):
        total = _totals(each) if len(each.spans) > 1 else None
        rows.append(
            {
                N_("model"): f"{name} · {choice.title}"
                + ("" if choice.is_open else _(" · step {step:,}", step=choice.step)),
                N_("tokens"): len(each.spans),
                N_("perplexity"): total.perplexity if total else None,
                N_("bits per byte"): bits_per_byte,
            }
        )
    show_table(
        pd.DataFrame(rows),
        hide_index=True,
        width="stretch",
        column_config={
            N_("perplexity"): st.column_config.NumberColumn(
                format="%.2f", help=_("Comparable only with the same tokens.")
            ),
            N_("bits per byte"): st.column_config.NumberColumn(format="%.3f", help=_("Over what both predicted.")),
        },
    )
    if not math.isnan(a):
        verdict = (
            _("Both predict it alike")
            if abs(a - b) < 0.0005
            else _("{ending} predicts it better", ending="A" if a < b else "B")
        )
        more = int(np.nansum(found.difference < 0)), int(np.nansum(found.difference > 0))
        st.caption(
            _(
                "{verdict}: {a:.3f} bits per byte for A and {b:.3f} for B. B was more surprised on {more:,} stretches, "
                "A on {more_2:,}.",
                verdict=verdict,
                a=a,
                b=b,
                more=more[1],
                more_2=more[0],
            )
        )
    with st.expander(_("As a table"), icon=":material/table:"):
        table = pd.DataFrame(
            {
                N_("text"): [visible_token(each) for each in texts],
                N_("A (bits)"): found.bits[0],
                N_("B (bits)"): found.bits[1],
                N_("B − A (bits)"): found.difference,
                N_("bytes"): found.n_bytes,
            }
        )
        number = st.column_config.NumberColumn(format="%.2f")
        names = (_("A (bits)"), _("B (bits)"), _("B − A (bits)"))
        show_table(table, hide_index=True, width="stretch", column_config=dict.fromkeys(names, number))


def _compared(a: float, b: float) -> str:
    if math.isnan(a) or math.isnan(b):
        return _("one of them had nothing before it")
    return _("A {a:.1f} bits, B {b:.1f} bits · B − A {b_2:+.1f}", a=a, b=b, b_2=b - a)
