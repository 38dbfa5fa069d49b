"""The three families of transformers side by side: who may look at whom, what they learn, what they are for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from engine import families, gpt, seq2seq
from engine.language import N_, _
from pages.shared import sitemap
from pages.shared.code_panel import show_code
from pages.shared.components.attention_map import attention_map
from pages.shared.lesson import exercise, notice

SOURCE = ("The", "lion", "sleeps", ".")
TARGET = ("start", N_("Der"), "Löwe", "schläft", ".")
WORDS: dict[str, tuple[str, ...]] = {
    N_("Encoder–decoder"): (*SOURCE, *TARGET),
    N_("Decoder-only"): TARGET[1:],
    N_("Encoder-only"): (*SOURCE, "pad"),
}


@dataclass(frozen=True)
class Family:
    """One family as the page tells it."""

    name: str
    looks: str
    learns: str
    use: str
    models: str
    here: str
    lesson: str


BLOCKS = N_("Above: the encoder. Below, from left to right: cross-attention and the decoder's own attention.")
FAMILIES = (
    Family(
        N_("Encoder–decoder"),
        N_(
            "The encoder looks both ways; the decoder back at its own words and, by cross-attention, at all of the "
            "source."
        ),
        N_("to write the target sentence, given the source (T5 and BART: to restore a damaged text)"),
        N_("translation, summaries, speech to text: one text in, another out"),
        N_("Transformer (2017), T5 (2019), BART (2019), Whisper (2022)"),
        N_("this page"),
        "",
    ),
    Family(
        N_("Decoder-only"),
        N_("Every token looks back at itself and at those before it: a causal mask."),
        N_("to predict the next token of any text"),
        N_("writing, chat, code: whatever can be put as a text to go on with"),
        N_("GPT-2 (2019), GPT-3 (2020), Llama (2023)"),
        N_("Pretraining and most other pages"),
        "pretraining",
    ),
    Family(
        N_("Encoder-only"),
        N_("Every token looks at every other, before and after it: no mask but for padding."),
        N_("to guess tokens that were hidden (masked language modelling)"),
        N_("understanding: classification, search, embeddings; it cannot write on"),
        N_("BERT (2018), RoBERTa (2019)"),
        N_("the encoder on this page, taken by itself"),
        "",
    ),
)


def show() -> None:
    """The part "Three families"."""
    st.markdown(
        _(
            "Encoder and decoder are made of the same blocks. What tells the families apart is the **mask**: who may "
            "look at whom. These pictures are computed by the code that the models run."
        )
    )
    measured = st.toggle(
        _("Measure instead: which output depends on which word?"),
        key="families-measured",
        persist_state="session",
        help=_("Replaces one word after the other in a small model and marks every output that changes."),
    )
    maps = _visibility(measured)
    for family in FAMILIES:
        with st.container(border=True):
            st.header(_(family.name), anchor=False)
            picture, words = st.columns([2, 3], gap="medium")
            with picture:
                _picture(family, maps[family.name], measured=measured)
            words.markdown(
                _(
                    "**Looks:** {looks}\n\n**Learns** {learns}.\n\n**Used for** {use}.\n\n"
                    "**Known ones:** {models}.\n\n**In this course:** {here}.",
                    looks=family.looks,
                    learns=family.learns,
                    use=family.use,
                    models=family.models,
                    here=family.here,
                )
            )
            if family.lesson and words.button(
                _("Open Pretraining"), key=f"open:{family.lesson}", icon=":material/arrow_forward:", help=_("Go there.")
            ):
                sitemap.open_lesson(family.lesson)
    notice(
        _("A causal mask lets one pass learn all positions at once: no token can copy its own answer from the right."),
        _("Without that mask predicting the next token would be trivial, so an encoder has to hide tokens to learn."),
        _(
            "The encoder–decoder's picture holds both others: a full square for the source, a triangle for the target, "
            "and between them cross-attention."
        ),
    )
    exercise(
        _("Why can a decoder-only model translate too, though it has no encoder?"),
        _(
            "Put the source before the target in one text: “English: … German: …”. The target's tokens look back at "
            "all of the source by ordinary causal attention. The source's own tokens cannot look ahead, which costs a "
            "little; one stack instead of two is simpler to scale."
        ),
    )
    show_code(seq2seq.padding_mask, seq2seq.causal_mask, gpt.attention_mask, seq2seq.measured_visibility)


@st.cache_data(show_spinner=False)
def _visibility(measured: bool) -> dict[str, np.ndarray]:
    compute = families.measured_families if measured else families.masked_families
    return compute(len(SOURCE), len(TARGET))


def _picture(family: Family, visible: np.ndarray, *, measured: bool) -> None:
    words = WORDS[family.name][: len(visible)]  # padding is not measured
    n_seen = int(visible.sum())
    what = _("outputs that change with a word") if measured else _("pairs that the mask allows")
    summary = _("{name}: {n_seen} of {size} {what}.", name=family.name, n_seen=n_seen, size=visible.size, what=what)
    attention_map(
        visible,
        words,
        words,
        key=f"family:{family.name}",
        causal=False,
        yes_no=True,
        row_name=_("changes") if measured else _("looks"),
        column_name=_("was replaced") if measured else _("may be seen"),
        summary=summary,
    )
    st.caption(summary + (" " + _(BLOCKS) if family.name == "Encoder–decoder" else ""))
