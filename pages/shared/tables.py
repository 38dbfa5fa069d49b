"""Tables whose column names are in the reader's language."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from engine.language import SOURCE, _, language


def show_table(data: Any, *, column_config: dict[Any, Any] | None = None, placeholder: str = "–", **kwargs: Any) -> Any:
    """`st.dataframe`, with the names of columns and index translated; the data keep their names.

    Cells without a value show the `placeholder`.
    """
    if language() == SOURCE:
        return st.dataframe(data, column_config=column_config, placeholder=placeholder, **kwargs)
    config = dict(column_config or {})
    given = {_(name): own for name, own in config.items()}  # pages name columns in English or in the reader's language
    for name in _names(data):
        own = given.get(_(name), {})
        if isinstance(own, str):
            config[name] = _(own)
        elif own is not None:  # None hides a column
            config[name] = {**own, "label": _(own.get("label") or name)}
    return st.dataframe(data, column_config=config, placeholder=placeholder, **kwargs)


def _names(data: Any) -> list[str]:
    """The columns' names, and the index's where it has one."""
    frame = getattr(data, "data", data)  # of a styled frame the frame
    if not isinstance(frame, pd.DataFrame):
        return []
    return [name for name in (*frame.columns, *frame.index.names) if isinstance(name, str)]
