"""Part: passages that are nearly the same. Find them, look at them side by side, take them out."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine import duplicates
from engine.duplicates import Duplicates, Passage
from engine.language import N_, _, number
from engine.runs.copies_found import copies_in
from pages.parts.data import source
from pages.parts.data.figures import facts, table
from pages.parts.data.source import ChosenText, Cleaned, the_text
from pages.shared.aside import computed
from pages.shared.code_panel import show_code
from pages.shared.components.text_view import diff_rows, text_view
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.text_source import train_on_text
from pages.shared.texts import text_of
from pages.shared.viewer import lab
from pages.shared.wording import slider_form

SHOWN_CHARS = 6_000  # of a passage; none that was cut by rule is longer
LISTED = 300
REPETITIVE = "python-reference"


def show() -> None:
    """The whole part."""
    st.markdown(
        _(
            "What stands in a corpus twice is learned twice, and a copy in the validation part makes the model look "
            "better than it is. So makers of corpora look for near-duplicates first."
        )
    )
    controls, figure = st.columns([1, 2], gap="large")
    with controls:
        text = the_text()
        if text is None:
            return
        threshold = st.slider(
            _("Similar from"),
            0.5,
            1.0,
            0.8,
            0.05,
            format=slider_form(),
            key="data-threshold",
            persist_state="session",
            help=_(
                "The Jaccard similarity of two passages' shingles: shared over all. 1 means the same words in the "
                "same order."
            ),
        )
        n_words = st.slider(
            _("Words in a shingle"),
            3,
            8,
            5,
            key="data-shingle",
            persist_state="session",
            help=_("Passages are compared by all their sequences of so many words. Shorter ones find looser likeness."),
        )
    with figure, shown_errors():
        _found(text, threshold, n_words)
    notice(
        _(
            "MinHash proposes pairs, exact comparison decides: no passage is called a copy that is not similar enough. "
            "With {permutations} hash values fewer than {missed:g} % of the pairs at the "
            "threshold are never proposed, and hardly one above it.",
            permutations=duplicates.PERMUTATIONS,
            missed=100 * duplicates.MISSED,
        ),
        _(
            "Passages are paragraphs (or groups of lines where a text has no blank lines). Those of fewer than "
            "{min_words} words are left alone: “Exeunt” is no copied text.",
            min_words=duplicates.MIN_WORDS,
        ),
        _(
            "The Python reference repeats itself most: the same methods are described in every class that inherits "
            "them."
        ),
    )
    exercise(
        _("Look at the Python reference with the threshold at 1, then at 0.5 with shingles of 3 words. What joins?"),
        _(
            "At 1 only what is the same word for word: inherited methods, described again. At 0.5 also methods that "
            "differ in a name or a clause, which says something new. A threshold is a judgement about the text: look "
            "before you remove."
        ),
    )
    show_code(duplicates.group_duplicates, duplicates.shingle_sets, duplicates.jaccard, duplicates.find_passages)


def _found(text: ChosenText, threshold: float, n_words: int) -> None:
    found = computed(_("Comparing passages …"), copies_in, text.named, threshold, n_words)
    results(text, found)
    if found.groups:
        side_by_side(text, found)
        removal(text, found)
    elif source.removals(text.original):
        st.success(_("No near-duplicates are left at this threshold."), icon=":material/check:")
        with st.container(horizontal=True):
            use_it(text)
    else:
        st.info(_("No near-duplicates at this threshold. Lower it, use shorter shingles, or read more of the text."))
        if text.original != REPETITIVE:
            st.button(
                _("Look at the Python reference"),
                key="data-show-reference",
                icon=":material/library_books:",
                on_click=source.choose,
                args=(REPETITIVE,),
                help=_("A text with many near-duplicates."),
            )


def results(text: ChosenText, found: Duplicates) -> None:
    """How much was compared and found, and how many copies straddle the split."""
    copies = found.copies
    share = st.session_state.get("data-validation", 10)
    cut = round(text.n_chars * (1 - share / 100))
    leaked = sum(copy.passage.start >= cut for group in found.groups if group.kept.start < cut for copy in group.copies)
    facts(
        (
            (_("passages"), number(found.n_passages), _("Paragraphs, or groups of lines.")),
            (
                _("too short to compare"),
                number(found.n_skipped),
                _("Fewer than {min_words} words.", min_words=duplicates.MIN_WORDS),
            ),
            (_("groups"), number(len(found.groups)), _("A passage with its near-duplicates.")),
            (_("copies"), number(len(copies)), _("Passages that are nearly the same as an earlier one.")),
            (
                _("of the characters"),
                _("{value:.1f} %", value=100 * found.n_chars / max(text.n_chars, 1)),
                _("{n_chars:,} characters are in copies.", n_chars=found.n_chars),
            ),
            (
                _("copies in the last {share} %", share=share),
                number(leaked),
                _("Copies in the validation part of a passage in the training part."),
            ),
        )
    )
    rows = [
        (
            index,
            text.text[group.kept.start : group.kept.end][:80],
            copy.similarity,
            group.kept.start,
            copy.passage.start,
        )
        for index, group in enumerate(found.groups[:LISTED], 1)
        for copy in group.copies
    ]
    if rows:
        columns = [N_("group"), _("begins with"), N_("similarity"), _("first at character"), _("copy at character")]
        table(
            pd.DataFrame(rows[:LISTED], columns=columns),
            {N_("similarity"): "%.2f", N_("first at character"): "localized", N_("copy at character"): "localized"},
        )


def side_by_side(text: ChosenText, found: Duplicates) -> None:
    """One passage and one of its copies with the differing words marked."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        n_groups = len(found.groups)
        st.session_state["data-group"] = min(max(int(st.session_state.get("data-group") or 1), 1), n_groups)
        index = st.number_input(
            _("Group of {n_groups:,}", n_groups=n_groups),
            1,
            n_groups,
            key="data-group",
            persist_state="session",
            width=150,
            help=_("The groups in the order of the text."),
        )
        group = found.groups[index - 1]
        which = 1
        if len(group.copies) > 1:
            st.session_state["data-copy"] = min(max(int(st.session_state.get("data-copy") or 1), 1), len(group.copies))
            which = st.number_input(
                _("Copy of {n_copies:,}", n_copies=len(group.copies)),
                1,
                len(group.copies),
                key="data-copy",
                width=150,
                help=_("A passage can have several copies."),
            )
    copy = group.copies[which - 1]
    left, right = (_shown(text, each) for each in (group.kept, copy.passage))
    pieces = duplicates.compare_words(left, right)
    titles = (
        _("Kept · character {start:,}", start=group.kept.start),
        _("Copy · character {start:,}", start=copy.passage.start),
    )
    for column, title, side, key in zip(st.columns(2), titles, pieces, ("left", "right"), strict=True):
        with column:
            st.caption(title)
            rows = diff_rows((piece.text, piece.differs) for piece in side)
            text_view(rows, f"data-{key}", label=title, height=320)
    differing = [sum(len(piece.text.split()) for piece in side if piece.differs) for side in pieces]
    same = _("The words are the same.") if not any(differing) else _("Words that differ are bold with a wavy line.")
    st.caption(_("Similarity {similarity:.2f}. {same}", similarity=copy.similarity, same=same))


def _shown(text: ChosenText, passage: Passage) -> str:
    return text.text[passage.start : min(passage.end, passage.start + SHOWN_CHARS)]


def removal(text: ChosenText, found: Duplicates) -> None:
    """Make a text without the copies, for this session."""
    n = len(found.copies)
    with st.container(horizontal=True):
        if st.button(
            _("Remove {n:,} copy", n=n) if n == 1 else _("Remove {n:,} copies", n=n),
            type="primary",
            icon=":material/content_cut:",
            key="data-remove",
            help=_("Makes a new text without them, which this lesson then reads. The first of each group stays."),
        ):
            whole = text_of(text.name)
            cleaned = duplicates.remove_passages(whole, found.copies)
            name = lab().save_upload(cleaned)
            source.add_removal(text.original, Cleaned(name, n, len(whole) - len(cleaned)))
            st.rerun()
        if source.removals(text.original):
            use_it(text)


def use_it(text: ChosenText) -> None:
    """The cleaned text as a file, and to Pretraining."""
    if st.button(
        _("Train on this text"),
        key="data-train-on-cleaned",
        icon=":material/play_arrow:",
        help=_("Opens Pretraining with the whole text without what was removed."),
    ):
        train_on_text(text.name, _("{title} without near-duplicates", title=text.title), text.total)
    st.download_button(
        _("Cleaned text"),
        lambda: text_of(text.name).encode("utf-8"),
        f"{text.file_name}-without-duplicates.txt",
        "text/plain",
        key="data-cleaned-download",
        icon=":material/download:",
        on_click="ignore",
        help=_("The whole text without what was removed."),
    )
