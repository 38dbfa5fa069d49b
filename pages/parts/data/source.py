"""The text that the parts of this lesson look at: which one, how much of it, and what was removed from it."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from engine.language import _, number
from engine.runs.named_texts import TextOf
from pages.shared.models import settings_aside
from pages.shared.text_source import choose_text, corpora
from pages.shared.texts import text_of

CORPUS = "data-corpus"
READ = (100_000, 250_000, 500_000, 1_000_000, 2_000_000, 5_000_000)
_KEPT = "data-corpus-kept"
_OWN = "data-own-text"
_CLEANED = "data-cleaned"


@dataclass(frozen=True)
class Cleaned:
    """A text without its near-duplicates: `name` is what `text_of` reads."""

    name: str
    n_passages: int
    n_chars_removed: int


@dataclass(frozen=True)
class ChosenText:
    """The first `n_chars` of the `total` characters of a text. `original` is the name before passages were removed."""

    name: str
    title: str
    n_chars: int
    total: int
    original: str

    @property
    def text(self) -> str:
        """The characters that are read here."""
        return text_of(self.name, self.n_chars)

    @property
    def named(self) -> TextOf:
        """The same, named for what is computed aside."""
        return TextOf(settings_aside(), self.name, self.n_chars)

    @property
    def file_name(self) -> str:
        """A stem for downloads."""
        return "my-text" if self.original.startswith("upload:") else self.original


def the_text() -> ChosenText | None:
    """Controls for the text and how much of it is read; None, with a sentence on the page, where there is none."""
    remember_choice()
    source = choose_text(
        CORPUS,
        label=_("Text"),
        help=_("A corpus that ships with the course, or your own: paste it or upload a file."),
        min_chars=1,
    )
    st.session_state[_KEPT] = st.session_state.get(CORPUS)
    name, title, total = source.name, source.title, source.n_chars
    if name.startswith("upload:"):
        st.session_state[_OWN] = (name, title, total)
    elif not name and st.session_state.get(CORPUS) == "own" and _OWN in st.session_state and "Upload" in source.problem:
        name, title, total = st.session_state[_OWN]
        st.caption(_("Still reading the text you gave before, {total:,} characters.", total=total))
    if not name:
        st.info(source.problem)
        return None
    original = name
    for step in removals(original):
        name, total = step.name, total - step.n_chars_removed
    most = st.select_slider(
        _("Read at most"),
        READ,
        1_000_000,
        format_func=lambda n: _("{n:g} million", n=n / 1e6) if n >= 1_000_000 else number(n),
        key="data-read",
        persist_state="session",
        help=_(
            "Characters from the beginning of the text. More of them take longer to count: about a second a million."
        ),
    )
    n_chars = min(most, total)
    part = _("all") if n_chars == total else _("the first {n_chars:,}", n_chars=n_chars)
    st.caption(_("Read here: {part} of {total:,} characters.", part=part, total=total))
    if removals(original):
        _removed_note(original)
    return ChosenText(name, title, n_chars, total, original)


def remember_choice() -> None:
    """Keep the choice of text while a part or page without that control is shown."""
    known = corpora()
    if CORPUS in st.session_state or CORPUS in st.query_params:
        return
    first = next(info.name for info in known.values() if info.available)
    st.session_state[CORPUS] = st.session_state.get(_KEPT) or first


def choose(name: str) -> None:
    """Choose a corpus in place of the reader, from a button."""
    st.session_state[CORPUS] = name


def removals(original: str) -> list[Cleaned]:
    """What this session removed from a text, step by step."""
    found: list[Cleaned] = st.session_state.get(_CLEANED, {}).get(original, [])
    return found


def add_removal(original: str, cleaned: Cleaned) -> None:
    """From now on this session reads `cleaned` in place of the text `original`."""
    steps = st.session_state.setdefault(_CLEANED, {})
    steps[original] = [*steps.get(original, []), cleaned]


def undo_removal(original: str) -> None:
    """Back to the text before the last removal."""
    steps = st.session_state.get(_CLEANED, {})
    steps[original] = steps.get(original, [])[:-1]


def _removed_note(original: str) -> None:
    steps = removals(original)
    passages, chars = (sum(each.n_passages for each in steps), sum(each.n_chars_removed for each in steps))
    st.success(
        _("Without {passages:,} near-duplicate passage ({chars:,} characters).", passages=passages, chars=chars)
        if passages == 1
        else _("Without {passages:,} near-duplicate passages ({chars:,} characters).", passages=passages, chars=chars),
        icon=":material/content_cut:",
    )
    st.button(
        _("Undo the removal"),
        key="data-undo-removal",
        icon=":material/undo:",
        on_click=undo_removal,
        args=(original,),
        help=_("Back to the text with these passages."),
    )
