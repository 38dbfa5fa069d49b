"""Labelled texts from a file of the learner's: read, confirmed column by column, and kept."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine.errors import CorpusError
from engine.language import N_, _
from engine.uploads import (
    LABELLED_SUFFIXES,
    LabelledTable,
    LabelledTexts,
    labelled_columns,
    labelled_jsonl,
    read_labelled_table,
)
from pages.parts.classification.source import (
    shortened,
    use_data,
)
from pages.shared.errors import sentence
from pages.shared.tables import show_table
from pages.shared.viewer import lab

_PREVIEW = 5


def upload_file() -> None:
    """The uploader; once a file is there, what its columns mean."""
    upload = st.file_uploader(
        _("Upload labelled texts"),
        type=[suffix.removeprefix(".") for suffix in LABELLED_SUFFIXES],
        key="classification-file",
        help=_("A table with one text and one label in each row: CSV, TSV or JSON lines, up to 20 MB."),
    )
    if upload is None:
        st.info(
            _(
                "Upload a table with a column of texts and a column of labels. The columns are guessed, and you "
                "confirm them. At least five different texts of each label are needed; a hundred of each are a good "
                "start."
            )
        )
        return
    try:
        table = _table(upload.file_id, upload.name, upload.getvalue())
    except CorpusError as error:
        st.error(sentence(error), icon=":material/error:")
        return
    _confirm(table, upload.file_id)


@st.cache_resource(max_entries=4, show_spinner=N_("Reading the file …"))
def _table(file_id: str, name: str, _data: bytes) -> LabelledTable:
    return read_labelled_table(_data, name)


def _confirm(table: LabelledTable, file_id: str) -> None:
    st.markdown(_("**Are these the columns?**"))
    left, right = st.columns(2)
    columns = list(table.columns)
    text_column = left.selectbox(
        _("Column of the texts"),
        columns,
        index=columns.index(table.text_column),
        format_func=_,
        key=f"text-column:{file_id}",
        help=_("Guessed by its name, else the column with the most characters."),
    )
    label_column = right.selectbox(
        _("Column of the labels"),
        columns,
        index=columns.index(table.label_column),
        format_func=_,
        key=f"label-column:{file_id}",
        help=_("Guessed by its name, else the column with the fewest different values."),
    )
    preview = [
        {"label": shortened(row.get(label_column, ""), 60), "text": shortened(row.get(text_column, ""))}
        for row in table.rows[:_PREVIEW]
    ]
    show_table(pd.DataFrame(preview), hide_index=True, width="stretch")
    try:
        found = labelled_columns(table, text_column, label_column)
    except CorpusError as error:
        st.error(sentence(error), icon=":material/error:")
        return
    left_out = len(table.rows) - len(found)
    st.caption(
        _(
            "{n_rows:,} rows, the first {n_preview} shown; {n_label_names} labels.",
            n_rows=len(table.rows),
            n_preview=len(preview),
            n_label_names=len(found.label_names),
        )
        + (_(" {left_out:,} rows without text or label are left out.", left_out=left_out) if left_out else "")
    )
    st.button(
        _("Use these columns"),
        type="primary",
        icon=":material/check:",
        key="use-columns",
        on_click=take_over,
        args=(found, shortened(table.filename, 40)),
        help=_("From now on this lesson works on these rows."),
    )


def take_over(found: LabelledTexts, title: str) -> None:
    """Keep these rows as a set and work on it from now on."""
    try:
        name = lab().save_upload(labelled_jsonl(found))
    except CorpusError as error:
        st.toast(sentence(error), icon=":material/error:")
        return
    use_data(name, title)
    st.session_state["classification-set"] = name
