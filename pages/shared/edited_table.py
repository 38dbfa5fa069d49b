"""A table that learners edit: it outlives a change of page, a link brings it back, and a teacher's lock holds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from engine.language import _


def edited_table(key: str, usual: Callable[[], pd.DataFrame], *, reset: str, **options: Any) -> pd.DataFrame:
    """The table of this name as edited, `usual()` at first. `reset` is what the button says that goes back to it;
    `options` are those of `st.data_editor`.

    What it holds stands in the session under "table:KEY", column by column, where a scene finds it and puts it back.
    """
    kept, editor, seen, base = f"table:{key}", f"{key}-table", f"table-seen:{key}", f"table-base:{key}"
    if editor not in st.session_state or st.session_state.get(kept) != st.session_state.get(seen):
        st.session_state.pop(editor, None)  # drawn anew, or set from outside: begin from what is kept
        columns = st.session_state.get(kept)
        st.session_state[base] = usual() if columns is None else _frame(columns, usual())
    edited: pd.DataFrame = st.data_editor(
        st.session_state[base], key=editor, num_rows="dynamic", hide_index=True, width="stretch", **options
    )
    st.session_state[kept] = _columns(edited)
    st.session_state[seen] = st.session_state[kept]
    if st.button(reset, key=f"{key}-table-reset", help=_("Undoes every change in the table.")):
        for name in (kept, editor, seen, base):
            st.session_state.pop(name, None)
        st.rerun()
    return edited


def _columns(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """Its columns as plain lists: an empty cell is None, for a number that is none does not equal itself."""
    return {
        str(name): [None if pd.isna(cell) else cell for cell in frame[name].astype(object).tolist()] for name in frame
    }


def _frame(columns: dict[str, list[Any]], usual: pd.DataFrame) -> pd.DataFrame:
    """The lists as a table with the columns and types that the editor knows; `usual` where they do not fit."""
    try:
        return pd.DataFrame({name: columns[name] for name in usual}).astype(usual.dtypes)
    except (KeyError, TypeError, ValueError):
        return usual
