"""Translate a sentence and see which source words the decoder looks at while it writes."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import streamlit as st

from engine import seq2seq
from engine.language import N_, _
from engine.seq2seq import END, Hypothesis
from engine.translation import split_words
from engine.two_decodings import translate_and_look
from pages.parts.translation.source import (
    LANGUAGE_NAMES,
    choose_translator,
    config_of,
    held_out_of,
    translator,
)
from pages.shared import guide
from pages.shared.aside import computed
from pages.shared.code_panel import show_code
from pages.shared.components.attention_map import attention_map
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.models import ModelChoice, model_named
from pages.shared.tables import show_table

SENTENCE = "translation-sentence"
MAX_CHARS = 300
MEAN = N_("mean of all heads")


def show() -> None:
    """The part "Translate"."""
    st.markdown(
        _(
            "While the decoder writes a word, **cross-attention** looks at the encoder's output: its queries come from "
            "what is written so far, its keys and values from the English sentence."
        )
    )
    choice = choose_translator()
    if choice is not None and (source := _source(choice)) is not None:
        _translation(choice, source)
    notice(
        _(
            "Some heads follow the words one by one and so draw an alignment, though nobody ever told the model which "
            "word belongs to which."
        ),
        _("Word order shows: German verbs at the end and French adjectives after the noun leave the diagonal."),
        _("An article looks at its noun as well as at the English article, since its form depends on gender."),
        _(
            "At step 0 every head looks everywhere alike. Move the checkpoint: the alignment forms together with the "
            "first right sentences."
        ),
    )
    exercise(
        _(
            "Choose one head at a time. Find one that aligns, and one that looks at the full stop or at a word already "
            "translated. What could the second kind be good for?"
        ),
        _(
            "A head must give its attention to something: weights sum to 1. Where it has nothing to add it often rests "
            "on punctuation. Others look one word ahead or at the verb, which decides endings elsewhere."
        ),
    )
    show_code(seq2seq.MultiHeadAttention.forward, seq2seq.DecoderBlock.forward, seq2seq.trace_of)


def _another(sentences: tuple[str, ...]) -> None:
    st.session_state[SENTENCE] = random.choice([each for each in sentences if each != st.session_state.get(SENTENCE)])


def _source(choice: ModelChoice) -> tuple[int, ...] | None:
    """The ids of the learner's sentence; None, with advice, if it cannot be translated."""
    pairs = held_out_of(choice)
    st.session_state.setdefault(SENTENCE, pairs[0].english)
    box, button = st.columns([4, 1], vertical_alignment="bottom")
    button.button(
        _("Another"),
        icon=":material/casino:",
        key="translation-another",
        width="stretch",
        on_click=_another,
        args=(tuple(pair.english for pair in pairs),),
        help=_("A held-out sentence by chance."),
    )
    text = box.text_input(
        _("English sentence"),
        key=SENTENCE,
        persist_state="session",
        max_chars=MAX_CHARS,
        help=_("Type your own, of words that the phrasebook uses, or take a held-out one."),
    )
    model, vocabulary = translator(choice)
    if not split_words(text):
        st.info(_("Type an English sentence, or take another held-out one."))
        return None
    unknown = vocabulary.unknown_english(text)
    if unknown:
        st.warning(_("The model has never read some of these words; it knows only those of the phrasebook."))
        rows = [(word[:40], ", ".join(near) or "–") for word, near in list(unknown.items())[:10]]
        show_table(
            pd.DataFrame(rows, columns=[N_("Unknown word"), N_("Try instead")]), hide_index=True, width="stretch"
        )
        _known_words(vocabulary.english)
        return None
    ids = tuple(vocabulary.encode(text))
    if len(ids) > model.config.max_length:
        st.warning(
            _(
                "The sentence has {n_ids} words and marks; the model has positions for {max_length}. Shorten it.",
                n_ids=len(ids),
                max_length=model.config.max_length,
            )
        )
        return None
    return ids


def _known_words(english: tuple[str, ...]) -> None:
    with st.expander(_("All {n_english} English words it knows", n_english=len(english))):
        st.text(" ".join(sorted(english, key=str.lower)))


def _translation(choice: ModelChoice, source: tuple[int, ...]) -> None:
    config = translator(choice)[0].config
    written = st.container()
    layer, head = _which(config.n_layers, config.n_heads)
    alignment = st.container()
    with written, shown_errors():
        found = computed(_("Translating …"), translate_and_look, model_named(choice), source)
        _written(choice, source, found.translation)
        with alignment:
            weights = found.cross[layer - 1]
            which = _(
                "layer {layer}, {ending}", layer=layer, ending=MEAN if head is None else _("head {head}", head=head)
            )
            shown = found.translation.ids[: config.max_length - 1]
            _alignment(choice, source, shown, weights.mean(0) if head is None else weights[head - 1], which)


def _written(choice: ModelChoice, source: tuple[int, ...], found: Hypothesis) -> None:
    text = translator(choice)[1].decode(found.ids)
    with st.container(border=True):
        st.markdown(
            _("**{language_names}, by the model**", language_names=_(LANGUAGE_NAMES[config_of(choice).language]))
        )
        st.text(text or _("∅ (it ends at once)"))
        reference = {pair.english: pair.foreign for pair in held_out_of(choice)}.get(st.session_state[SENTENCE])
        verdict = _("Probability of the whole sentence: {exp:.3g}.", exp=np.exp(found.log_probability))
        if reference is not None and reference == text:
            verdict = _("✓ Exactly the phrasebook's translation. {verdict}", verdict=verdict)
        st.caption(verdict)
        if reference is not None and reference != text:
            st.text(_("✗ The phrasebook says: {reference}", reference=reference))
    guide.tell("translated", {"run": choice.run_id, "step": choice.step, "source": source, "right": text == reference})


def _alignment(
    choice: ModelChoice, source: tuple[int, ...], shown: tuple[int, ...], weights: np.ndarray, which: str
) -> None:
    vocabulary = translator(choice)[1]
    rows = [*(vocabulary.words[i] for i in shown), _("end")]
    columns = [vocabulary.words[i] for i in source]
    strongest = [columns[int(i)] for i in weights.argmax(-1)]
    summary = _("Cross-attention of {which}: ", which=which) + ", ".join(
        _("{row} looks most at {column}", row=row, column=column)
        for row, column in zip(rows[:6], strongest, strict=False)
    )
    st.markdown(_("**Which English words it looked at** · {which}", which=which))
    st.caption(_("A row is a word just being written, a column a word of the English sentence; each row sums to 1."))
    attention_map(
        weights,
        rows,
        columns,
        key="translation-map",
        row_ids=[*shown, END],
        column_ids=source,
        causal=False,
        row_name="written",
        column_name=_("English"),
        summary=summary + ".",
    )
    with st.expander(_("As a table"), icon=":material/table:"):
        labels = [f"{place + 1} {word}" for place, word in enumerate(columns)]
        show_table(pd.DataFrame(weights.round(3), index=pd.Index(rows, name=N_("written")), columns=labels))


def _which(n_layers: int, n_heads: int) -> tuple[int, int | None]:
    """The layer, counted from 1, and the head or None for the mean of all."""
    left, right = st.columns(2)
    layer = left.segmented_control(
        _("Layer of the decoder"),
        list(range(1, n_layers + 1)),
        format_func=_,
        default=n_layers,
        required=True,
        key=f"translation-layer:{n_layers}",
        persist_state="session",
        help=_("The last layer decides the word; earlier ones gather what it needs."),
    )
    head = right.segmented_control(
        _("Head"),
        [MEAN, *map(str, range(1, n_heads + 1))],
        default=MEAN,
        required=True,
        key=f"translation-head:{n_heads}",
        persist_state="session",
        help=_("Each head has queries and keys of its own."),
    )
    return layer, None if head == MEAN else int(head)
