"""The rows of a labelled set in an editor: find, relabel, rewrite, add and delete."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from engine.language import _
from engine.uploads import (
    LabelledTexts,
)
from pages.parts.classification.source import (
    data_title,
    shortened,
)
from pages.parts.classification.upload import take_over

ROWS_SHOWN = 25


def edit_rows(name: str, data: LabelledTexts) -> None:
    """The rows that match, to be edited, and a button that takes the edits over."""
    st.header(_("Read, relabel, rewrite"), anchor=False)
    find, of, more = st.columns([2, 1.3, 1.3], vertical_alignment="bottom")
    wanted = find.text_input(
        _("Find texts with"),
        key="classification-find",
        persist_state="session",
        max_chars=100,
        placeholder=_("prize"),
        help=_("Case does not matter. Empty: all texts."),
    )
    label = of.selectbox(
        _("Label"),
        [None, *range(len(data.label_names))],
        format_func=lambda i: _("all labels") if i is None else shortened(data.label_names[i], 40),
        key=f"classification-label:{name}",
        help=_("Show the rows of one class only."),
    )
    extra = more.text_input(
        _("Another label"),
        key="classification-extra",
        max_chars=60,
        placeholder=_("none"),
        help=_("A new label that can then be chosen in the table. It needs at least five different texts."),
    ).strip()
    rows = _matching(data, wanted, label)
    if not rows:
        st.info(_("No text matches. Type another word, or choose all labels."))
        return
    n_pages = -(-len(rows) // ROWS_SHOWN)
    page = 1
    if n_pages > 1:
        page = st.number_input(
            _("Page (1 to {n_pages:,})", n_pages=n_pages),
            1,
            n_pages,
            1,
            key=f"classification-page:{name}:{wanted}:{label}",
            width=220,
            help=_("{n_rows:,} rows match, {rows_shown} on a page.", n_rows=len(rows), rows_shown=ROWS_SHOWN),
        )
    on_page = rows[(int(page) - 1) * ROWS_SHOWN :][:ROWS_SHOWN]
    options = [*data.label_names, *([extra] if extra and extra not in data.label_names else [])]
    shown = pd.DataFrame(
        {
            "label": [data.label_names[data.labels[row]] for row in on_page],
            "text": [data.texts[row] for row in on_page],
        },
    )
    edited = st.data_editor(
        shown,
        key=f"rows:{name}:{wanted}:{label}:{page}:{len(options)}",
        num_rows="dynamic",
        hide_index=True,
        width="stretch",
        column_config={
            "label": st.column_config.SelectboxColumn(_("Label"), options=options, required=True, width="small"),
            "text": st.column_config.TextColumn(_("Text (double click to edit)"), required=True, width="large"),
        },
    )
    changed = apply_edits(data, on_page, shown, edited)
    if changed is None:
        st.caption(
            _(
                "{n_rows:,} of {n_data:,} rows match. Change a label or a text, add rows at the end, or mark rows "
                "and delete them; then a button takes the edited rows over.",
                n_rows=len(rows),
                n_data=len(data),
            )
        )
        return
    n_changed = n_changes(shown, edited)
    st.button(
        _("Use the edited rows ({n_changed:,} changed)", n_changed=n_changed),
        type="primary",
        icon=":material/save:",
        key="use-edited",
        on_click=take_over,
        args=(changed, f"{data_title(name).removesuffix(', edited')}, edited"),
        help=_(
            "Makes a new set of all rows with your changes, and works on it from now on. The set it came from stays."
        ),
    )


def _matching(data: LabelledTexts, wanted: str, label: int | None) -> list[int]:
    needle = wanted.strip().casefold()
    return [
        row
        for row, text in enumerate(data.texts)
        if (label is None or data.labels[row] == label) and (not needle or needle in text.casefold())
    ]


def _cells(frame: pd.DataFrame) -> dict[Any, tuple[str, str]]:
    """Line on the page → label and text; rows in which one of them is missing are left out."""
    return {
        row: (str(label).strip(), _clean(text))
        for row, label, text in zip(frame.index, frame["label"], frame["text"], strict=True)
        if isinstance(label, str) and isinstance(text, str) and label.strip() and _clean(text)
    }


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "").strip()


def n_changes(shown: pd.DataFrame, edited: pd.DataFrame) -> int:
    """How many rows of the editor were changed, added or deleted."""
    before, after = _cells(shown), _cells(edited)
    return sum(before.get(row) != after.get(row) for row in {*before, *after})


def apply_edits(
    data: LabelledTexts, on_page: list[int], shown: pd.DataFrame, edited: pd.DataFrame
) -> LabelledTexts | None:
    """All rows with the changes of the editor, whose lines are the rows `on_page`; None where nothing has changed."""
    after = _cells(edited)
    if _cells(shown) == after:
        return None
    line_of = {row: line for line, row in enumerate(on_page)}
    pairs = [
        after.get(line_of[row]) if row in line_of else (data.label_names[label], text)
        for row, (text, label) in enumerate(zip(data.texts, data.labels, strict=True))
    ]
    pairs += [cell for line, cell in after.items() if line >= len(on_page)]
    return LabelledTexts.from_names(pair for pair in pairs if pair is not None)
