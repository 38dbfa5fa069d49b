"""Part: what a model writes, searched word for word in what it was trained on, beside real text searched the same."""

from __future__ import annotations

import random

import pandas as pd
import streamlit as st

from engine import memorised
from engine.language import N_, _, number
from engine.memorised import LEAST_WORDS
from engine.runs.config import RunConfig
from engine.runs.copying import HELD_OUT, LEASTS, OWN, TRAINING, Measured, Normal, Passage, Prompt, Written
from pages.parts.evaluation.figures import copied_by_length
from pages.parts.evaluation.source import copies
from pages.shared.code_panel import show_code
from pages.shared.components.copied_text import copied_text
from pages.shared.components.text_view import text_view, view_rows
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.models import ModelChoice, choose_model
from pages.shared.tables import show_table
from pages.shared.text_source import source_title
from pages.shared.viewer import lab
from pages.shared.wording import slider_form

PROMPTS = {HELD_OUT: N_("Held-out text"), TRAINING: N_("Training text"), OWN: N_("My own")}
MAX_PROMPT = 1_000
DEFAULT_PROMPT = N_("Once upon a time")
MAX_ROWS = 60
DICE = "memorised-dice"


def show() -> None:
    """The part "Memorised or generalised?"."""
    st.markdown(
        _(
            "A model that repeats its training text has learned nothing that a file could not do. So let it write, and "
            "look for every run of words that stands **word for word** in what it was trained on."
        )
    )
    choice = choose_model()
    place = st.container()  # filled at the end: the first learner of a run waits some seconds for its training text
    notice(
        _(
            "Short spans prove nothing: real text that the model never read shares them with the training text as "
            "well. Compare the lines, and none of them with zero."
        ),
        _(
            "At temperature 0 the model takes the likeliest path, and that is where copies are. Hotter sampling breaks "
            "spans sooner."
        ),
        _(
            "Text made of patterns (stories, phrases) has long common spans without any copying; in plays a long one "
            "is memory."
        ),
        _("What stands many times in the training text is memorised first (Lee et al. 2022)."),
    )
    exercise(
        _(
            "Prompt with training text at temperature 0, throw the dice a few times, and then do the same with "
            "held-out text. Does the model know its training text by heart?"
        ),
        _(
            "A prompt from the training text is the attack of Carlini et al. (2021, 2023): if the model goes on word "
            "for word, it has memorised. A small model that saw each text once or twice hardly does, and both prompts "
            "give about the same. Train one for many epochs on a short text and the difference appears."
        ),
    )
    show_code(memorised.WordIndex, memorised._hashes, memorised.Copied.share, memorised.find_place)
    with place:
        if choice is not None and choice.is_open:
            st.info(
                _(
                    "These weights came without their training text, so nobody here can tell what they copy. Choose a "
                    "model that was trained in this course."
                )
            )
        elif choice is not None:
            with shown_errors():
                _search(choice)


def _search(choice: ModelChoice) -> None:
    config = lab().run(choice.run_id).config
    if not isinstance(config, RunConfig):
        st.info(_("This model was not pretrained on a text. Choose a pretraining run."))
        return
    prompt = _choose_prompt()
    left, middle, right = st.columns(3)
    temperature = left.slider(
        _("Temperature"),
        0.0,
        1.5,
        0.8,
        0.1,
        format=slider_form(),
        key="memorised-temperature",
        persist_state="session",
        help=_("0 always takes the likeliest token; higher values take unlikely ones more often."),
    )
    n_words = middle.slider(
        _("Length (words)"),
        50,
        300,
        150,
        25,
        key="memorised-length",
        persist_state="session",
        help=_("About so many words are written. A longer text says more and takes longer."),
    )
    least = right.slider(
        _("Words that make a span"),
        LEAST_WORDS,
        LEASTS[-1],
        6,
        key="memorised-least",
        persist_state="session",
        help=_("Only runs of at least so many words are underlined and counted."),
    )
    if prompt.source == OWN and not prompt.own.strip():
        st.info(_("Write a prompt: the model needs something to go on from."))
        return
    found = copies(choice, ((prompt, st.session_state.get(DICE, 0)),), n_words, temperature)
    (written,) = found.written
    if not written.copied.n_words:
        st.info(_("The model wrote no word. Choose another prompt or a later checkpoint."))
        return
    chosen = _text(written, least, choice)
    _numbers(written, found, least)
    if written.going_on:
        _by_heart(written)
    if chosen is not None:
        _passage(written.passages[chosen])
    _curve(written, found.usual)
    _table(written, least)


def _throw() -> None:
    st.session_state[DICE] = random.randrange(1, 10_000)


def _choose_prompt() -> Prompt:
    """Controls for what the model goes on from."""
    box, button = st.columns([4, 1], vertical_alignment="bottom")
    source = box.segmented_control(
        _("Prompt from"),
        list(PROMPTS),
        format_func=lambda each: _(PROMPTS[each]),
        default=HELD_OUT,
        required=True,
        key="memorised-prompt-kind",
        persist_state="session",
        help=_("Some words of text that it never read, of text it was trained on, or your own."),
    )
    button.button(
        _("Another"),
        icon=":material/casino:",
        key="memorised-another",
        width="stretch",
        on_click=_throw,
        help=_("Another prompt, and other dice for the model."),
    )
    if source != OWN:
        return Prompt(source)
    own = st.text_input(
        _("Your prompt"),
        DEFAULT_PROMPT,
        key="memorised-prompt",
        persist_state="session",
        max_chars=MAX_PROMPT,
        help=_("The model goes on from here."),
    )
    return Prompt(OWN, own[:MAX_PROMPT].encode("utf-8", "replace").decode("utf-8"))


def _text(written: Written, least: int, choice: ModelChoice) -> int | None:
    """The written text with its spans; returns the number of the chosen one, the longest at first."""
    copied = written.copied
    long = [index for index, span in enumerate(copied.spans) if span.n_words >= least]
    key = f"memorised-span:{choice.key}:{hash((written.prompt, written.text))}"
    chosen = st.session_state.get(key)
    if chosen not in long:
        chosen = max(long, key=lambda each: copied.spans[each].n_words, default=None)
    notes = [
        _(
            "{n_words} words, in {n_places:,} place{ending} of the training text",
            n_words=span.n_words,
            n_places=span.n_places,
            ending="s" if span.n_places > 1 else "",
        )
        for span in copied.spans
    ]
    pieces: list[tuple[str, int | None]] = []
    place = 0
    for start, end, index in copied.pieces(least):
        pieces += [(written.text[place:start], None), (written.text[start:end], index)] if index is not None else []
        place = end if index is not None else place
    pieces.append((written.text[place:], None))
    pressed = copied_text(
        [piece for piece in pieces if piece[0]],
        notes,
        "memorised-text",
        label=_("What the model wrote; press an underlined span to see where it stands"),
        selected=chosen,
        prompt=written.prompt,
    )
    if pressed is not None and pressed in long and pressed != chosen:
        st.session_state[key] = pressed
        st.rerun()
    st.caption(
        _(
            "Bold is the prompt, which is not searched. Underlined words stand in the training text in this order; "
            "press them to see where."
        )
        if long
        else _("Bold is the prompt, which is not searched. Nothing is underlined: no run of so many words is copied.")
    )
    return chosen


def _numbers(written: Written, found: Measured, least: int) -> None:
    copied, usual = written.copied, found.usual
    left, middle, right = st.columns(3)
    left.metric(
        _("In spans of {least} words or more", least=least),
        number(copied.share(least), ".0%"),
        help=_("The share of the {n_words:,} words that the model wrote.", n_words=copied.n_words),
    )
    middle.metric(
        _("Longest span"),
        _("{longest} words", longest=copied.longest),
        help=_("Of four words or more; 0 where there is none."),
    )
    right.metric(
        _("Searched"),
        _("{n_words:,} words", n_words=found.n_words),
        help=_("The training text of {n_chars:,} characters, every document counted once.", n_chars=found.n_chars),
    )
    rows = [
        {
            N_("text"): _("what the model wrote"),
            N_("in such spans"): 100 * copied.share(least),
            N_("longest span (words)"): copied.longest,
        }
    ]
    rows += [
        {
            N_("text"): _("held-out: {source_title}", source_title=source_title(name)),
            N_("in such spans"): 100 * usual.shares[name][least],
            N_("longest span (words)"): usual.longest[name],
        }
        for name in usual.shares
    ]
    show_table(
        pd.DataFrame(rows),
        hide_index=True,
        width="stretch",
        column_config={N_("in such spans"): st.column_config.NumberColumn(format="%.1f %%")},
    )
    st.caption(
        _(
            "Held-out text is real text that the model never read: the mean share and the median longest span of "
            "stretches of {n_words} words. What it shares with the training text is not copied but usual.",
            n_words=usual.n_words,
        )
    )


def _by_heart(written: Written) -> None:
    """How far the model went on as its training text does."""
    going_on = written.going_on
    same = 0
    for own, real in zip(written.text.split(), going_on.split(), strict=False):
        if own != real:
            break
        same += 1
    verdict = (
        _("from the first word on it goes its own way")
        if not same
        else _("its first {same} words are the same", same=same)
    )
    st.markdown(_("**How the training text goes on**"))
    st.text(going_on.strip()[:400] + " …")
    st.caption(
        _(
            "The prompt stands in the training text, which goes on like this. Of what the model wrote, {verdict}.",
            verdict=verdict,
        )
    )


def _passage(passage: Passage) -> None:
    """The place in the source where the chosen span stands, with what is around it."""
    st.markdown(_("**Where the chosen span stands**"))
    if passage.place is None:
        st.caption(_("In the training text, where several sources meet."))
    else:
        st.text(_where(passage))
    inside = (passage.start, passage.end)
    text_view(
        view_rows(passage.text, hits=[inside], current=inside),
        "memorised-passage",
        label=_("The passage of the training text"),
        height=240,
    )


def _where(passage: Passage) -> str:
    place = passage.place
    assert place is not None
    work = f" · {place.work[:80]}" if place.work else ""
    return _(
        "{source_title}{work} · line {line:,}, {start:.0%} into the text",
        source_title=source_title(place.source),
        work=work,
        line=place.line,
        start=passage.share,
    )


def _curve(written: Written, usual: Normal) -> None:
    model = _("the model")
    rows = [(model, n, written.copied.share(n)) for n in LEASTS]
    rows += [(source_title(name), n, usual.shares[name][n]) for name in usual.shares for n in LEASTS]
    frame = pd.DataFrame(rows, columns=[N_("name"), N_("words"), N_("share")])
    own, at = written.copied.share(8), frame[(frame["words"] == 8) & (frame["name"] != model)]["share"]
    summary = _("In spans of eight words or more stand {own:.0%} of what the model wrote", own=own)
    if len(at):
        low, high = at.min(), at.max()
        between = (
            number(low, ".0%")
            if number(low, ".0%") == number(high, ".0%")
            else _("{low:.0%} to {high:.0%}", low=low, high=high)
        )
        summary += _(", and {between} of real text that it never read", between=between)
    copied_by_length(frame, summary=summary + ".").show()
    with st.expander(_("As a table"), icon=":material/table:"):
        show_table((100 * frame.pivot(index="words", columns="name", values="share")).round(1), width="stretch")


def _table(written: Written, least: int) -> None:
    """Every span with its source, the longest first."""
    spans = written.copied.spans
    order = sorted((n for n, s in enumerate(spans) if s.n_words >= least), key=lambda n: -spans[n].n_words)[:MAX_ROWS]
    if not order:
        return
    with st.expander(_("All {n_order} spans and where they stand", n_order=len(order)), icon=":material/table:"):
        rows = []
        for index in order:
            span, place = spans[index], written.passages[index].place
            start, end = written.copied.words[span.start][0], written.copied.words[span.end - 1][1]
            rows.append(
                {
                    N_("words"): span.n_words,
                    N_("span"): written.text[start:end],
                    N_("places"): span.n_places,
                    N_("source"): source_title(place.source) if place else _("several"),
                    N_("work"): place.work if place else "",
                    N_("line"): place.line if place else None,
                }
            )
        show_table(pd.DataFrame(rows), hide_index=True, width="stretch")
