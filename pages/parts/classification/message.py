"""One message: its probability, the words that decided in two senses, and the fewest words without which it flips."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from engine import attribution
from engine.attribution import Attribution
from engine.errors import ConfigError
from engine.language import N_, _
from engine.runs.classifier_answers import explain, flip
from pages.parts.classification.source import (
    Chosen,
    choose_classifier,
    model_of,
    shortened,
    split_of_run,
    test_probabilities,
)
from pages.shared import charts, guide
from pages.shared.aside import computed
from pages.shared.code_panel import show_code
from pages.shared.components.word_marks import word_marks
from pages.shared.errors import sentence, shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.models import inference, model_named
from pages.shared.tables import show_table

MAX_CHARS = 1_500
_TEXT = "classification-message"
_WANTED = "classification-mistake-wanted"
_OWN = {
    "sms-spam": "Congratulations! You have won a free holiday. Call 09061701461 now to claim your prize.",
    "bbc-topics": "The champions won the final after a late goal, and their coach praised the young players.",
    "shakespeare-genres": "O, she doth teach the torches to burn bright! My heart breaks, and death is near.",
}
_FLIP_WORDS = 8


def show() -> None:
    """The part "One message"."""
    st.markdown(
        _(
            "Type a message, or take one of the test set. The classifier says how probable each class is, and two "
            "methods say **which words** made it think so."
        )
    )
    chosen = choose_classifier()
    if chosen is not None:
        _look(chosen)
    notice(
        _(
            "Occlusion is what it says: the probability of the whole text minus that of the text without the word. "
            "Where the model is very sure, no single word matters, and all numbers are near 0."
        ),
        _(
            "Gradient times input looks at the score before the softmax, so it still speaks where the model is sure; "
            "but it is a straight line put to a curved function, and the two may disagree."
        ),
        _("The fewest words that flip the verdict are an attack: a spammer needs them too."),
    )
    exercise(
        _("Write a spam message that the classifier lets through, without making it harmless to a human reader."),
        _(
            "Misspell what occlusion marks, or add friendly words that speak for ham. The classifier sees tokens, "
            "not intentions; a filter in use is trained again and again on what got through."
        ),
    )
    show_code(attribution.occlusion, attribution.gradient_times_input, attribution.fewest_words_to_flip)


def _look(chosen: Chosen) -> None:
    names = chosen.label_names
    key = f"{_TEXT}:{chosen.config.data}"
    if key not in st.session_state:
        st.session_state[key] = _OWN.get(chosen.config.data, split_of_run(chosen.record).test.texts[0][:MAX_CHARS])
    box, beside = st.columns([4, 1.3], vertical_alignment="bottom")
    beside.button(
        _("A test message"),
        icon=":material/casino:",
        key="message-any",
        width="stretch",
        on_click=_take,
        args=(key, chosen),
        help=_("One of the test set by chance."),
    )
    if beside.button(
        _("A mistake"),
        icon=":material/error:",
        key="message-wrong",
        width="stretch",
        help=_("A test message that this classifier calls wrongly, by chance."),
    ):
        st.session_state[_WANTED] = chosen.choice.key
    if st.session_state.get(_WANTED) == chosen.choice.key:
        with shown_errors():
            _take_a_mistake(key, chosen)
    text = box.text_area(
        _("Your message"),
        key=key,
        persist_state="session",
        max_chars=MAX_CHARS,
        height=110,
        help=_("Up to 200 words are looked at one by one; the model reads as many tokens as it was trained on."),
    )
    text = text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
    origin = st.session_state.get(f"{key}:label")
    if origin is not None and origin[0] == text and origin[1] < len(names):
        st.text(_("From the test set, where it is labelled “{names}”.", names=names[origin[1]]))
    try:
        attribution.words_of(text)
        said = _said(chosen.choice.key, text, chosen)
    except ConfigError as error:
        st.info(sentence(error))
        return
    _verdict(names, said)
    label = int(said.argmax())
    guide.tell("message", {"text": text, "label": names[label], "classifier": chosen.record.run_id})
    asked = st.selectbox(
        _("Which words speak for"),
        range(len(names)),
        index=label,
        format_func=lambda i: _(shortened(names[i], 40)),
        key=f"message-class:{chosen.choice.key}:{text}",
        help=_("The class whose evidence is shown: the verdict, unless you ask for another one."),
    )
    with shown_errors():
        _why(chosen, text, asked)
    read = _n_read(chosen, text)
    if read is not None:
        st.caption(read)
    _flip(chosen, text, names, label)


def _why(chosen: Chosen, text: str, asked: int) -> None:
    """Which words speak for the class that is asked about, in two senses."""
    occluded, gradient = computed(
        _("The classifier reads it word by word …"),
        explain,
        model_named(chosen.choice),
        text,
        asked,
        chosen.config.most_tokens,
    )
    shown = shortened(chosen.label_names[asked], 40)
    _marks(
        "occlusion",
        _("Occlusion: leave the word out"),
        occluded,
        _("of probability of “{shown}”", shown=shown),
        percent=True,
    )
    _marks(
        "gradient",
        _("Gradient × input: a straight guess"),
        gradient,
        _("on the score of “{shown}”", shown=shown),
        percent=False,
    )
    with st.expander(_("As a table"), icon=":material/table:"):
        show_table(
            pd.DataFrame(
                {
                    N_("word"): [word.text for word in occluded.words],
                    N_("occlusion (percentage points)"): np.round(100 * occluded.values, 3),
                    N_("gradient × input (score)"): np.round(gradient.values, 4),
                }
            ),
            width="stretch",
        )


def _take(key: str, chosen: Chosen, rows: np.ndarray | None = None) -> None:
    """Puts one of the test texts, or of these `rows` of them, into the box."""
    test = split_of_run(chosen.record).test
    row = int(np.random.default_rng().choice(np.arange(len(test)) if rows is None else rows))
    text = test.texts[row][:MAX_CHARS]
    st.session_state[key] = text
    st.session_state[f"{key}:label"] = (text, int(test.labels[row]))


def _take_a_mistake(key: str, chosen: Chosen) -> None:
    wrong = test_probabilities(chosen).argmax(1) != np.asarray(split_of_run(chosen.record).test.labels)
    del st.session_state[_WANTED]
    if wrong.any():
        _take(key, chosen, np.flatnonzero(wrong))
    else:
        st.toast(_("This classifier makes no mistake on the test set."), icon=":material/info:")


@st.cache_data(max_entries=256, show_spinner=False)
def _said(key: str, text: str, _chosen: Chosen) -> np.ndarray:
    model, tokenizer = model_of(_chosen)
    with inference():
        return attribution.probabilities(model, tokenizer, [text], _chosen.config.most_tokens)[0]


def _verdict(names: tuple[str, ...], said: np.ndarray) -> None:
    order = np.argsort(-said)[:8]
    rows = pd.DataFrame(
        [
            {
                "row": shortened(names[i], 30),
                "series": _("probability"),
                "value": float(100 * said[i]),
                "shown": charts.percent(float(said[i])),
            }
            for i in order
        ]
    )
    charts.grouped_bars(
        rows,
        title=_("What it is"),
        rows_title=_("Class"),
        value_title=_("Probability (%)"),
        series_title="",
        alt_text=_("Bar chart: probability of each class."),
        summary="",
        height=34 * len(order) + 110,
    ).show(caption=False)
    st.text(_("Called “{names}” with {said:.2%}.", names=names[order[0]], said=said[order[0]]))


def _marks(name: str, title: str, found: Attribution, unit: str, *, percent: bool) -> None:
    best = int(np.argmax(found.values))
    word_marks(
        [word.text for word in found.words],
        found.values.tolist(),
        key=f"words-{name}",
        title=title,
        unit=unit,
        summary=_("The strongest word is “{text}”.", text=found.words[best].text),
        percent=percent,
    )


def _n_read(chosen: Chosen, text: str) -> str | None:
    _unused, tokenizer = model_of(chosen)
    n, most = len(tokenizer.encode(text)), chosen.config.most_tokens
    return (
        _(
            "The text has {n:,} tokens; the classifier reads the first {most:,} and the last "
            "{most_2:,}, so the words between count 0.",
            n=n,
            most=most // 3,
            most_2=most - most // 3,
        )
        if n > most
        else None
    )


def _flip(chosen: Chosen, text: str, names: tuple[str, ...], label: int) -> None:
    st.header(_("The fewest words that flip it"), anchor=False)
    wanted = st.toggle(
        _("Search"),
        False,
        key="classification-flip",
        persist_state="session",
        help=_("Tries every word, then every pair, and so on up to 2,000 choices, then greedily. Some seconds."),
    )
    if not wanted:
        st.caption(_("Which words would have to go, so that the verdict is another one? Up to eight are tried."))
        return
    with shown_errors():
        _flipped(chosen, text, names[label])


def _flipped(chosen: Chosen, text: str, called: str) -> None:
    found = computed(
        _("Trying which words to leave out …"),
        flip,
        model_named(chosen.choice),
        text,
        _FLIP_WORDS,
        chosen.config.most_tokens,
    )
    if found is None:
        st.text(
            _(
                "Leaving out up to {flip_words} words does not do: it stays “{names}”.",
                flip_words=_FLIP_WORDS,
                names=called,
            )
        )
        return
    words: tuple[Any, ...] = attribution.words_of(text)
    gone = ", ".join(_("“{text}”", text=words[place].text) for place in found.left_out)
    how = _("No smaller choice does it.") if found.shortest else _("Found greedily: a smaller choice may exist.")
    st.text(
        _(
            "Without {gone} it is no longer called “{names}” ({probability:.1%} left). {how}",
            gone=gone,
            names=called,
            probability=found.probability,
            how=how,
        )
    )
    st.code(found.text, language=None, wrap_lines=True)
