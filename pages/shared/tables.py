"""Tables whose column names and numbers are in the reader's language."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from engine.language import SOURCE, _, language, number, separators
from pages.shared.wording import worded

MOST_WRITTEN = 4_000
"""Tables of at most so many cells have their numbers written here, which takes about 0.02 ms a cell; in larger ones the
browser writes them, in its own language.
"""
_PRINTF = re.compile(r"%(\+?(?:\.\d+)?[dfg])((?: ?%%)?)")


def show_table(
    data: Any,
    *,
    column_config: dict[Any, Any] | None = None,
    placeholder: str = "–",
    words: Sequence[str] = (),
    **kwargs: Any,
) -> Any:
    """`st.dataframe`, with the names of columns and index translated; the data keep their names.

    Cells without a value show the `placeholder`; those of the columns named in `words` (the index may be one) hold
    messages and are translated too. Streamlit writes numbers in English or in the browser's language: here
    their formats ("%.2f", "localized", "percent") become those of the reader's, and columns are still sorted by value.
    """
    if language() == SOURCE:
        return st.dataframe(data, column_config=column_config, placeholder=placeholder, **kwargs)
    if words:
        data = worded(data, *words)
    config = dict(column_config or {})
    given = {_(name): own for name, own in config.items()}  # pages name columns in English or in the reader's language
    for name in _names(data):
        own = given.get(_(name), {})
        if isinstance(own, str):
            config[name] = {"label": _(own)}
        elif own is not None:  # None hides a column
            config[name] = {**own, "label": _(own.get("label") or name)}
    if isinstance(data, pd.DataFrame):
        data, config = _with_numbers(data, config, placeholder)
    return st.dataframe(data, column_config=config, placeholder=placeholder, **kwargs)


def _names(data: Any) -> list[str]:
    """The columns' names, and the index's where it has one."""
    frame = getattr(data, "data", data)  # of a styled frame the frame
    if not isinstance(frame, pd.DataFrame):
        return []
    return [name for name in (*frame.columns, *frame.index.names) if isinstance(name, str)]


def _with_numbers(frame: pd.DataFrame, config: dict[Any, Any], placeholder: str) -> tuple[Any, dict[Any, Any]]:
    """The table with its numbers as the reader writes them, and column settings that leave them so."""
    config, written = dict(config), {}
    small = frame.size <= MOST_WRITTEN and frame.columns.is_unique and frame.index.is_unique
    for name, column in frame.items():
        own = config.get(name, {})
        if own is None or not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
            continue
        kind = dict(own.get("type_config") or {})
        form = kind.get("format")
        if form is None and pd.api.types.is_integer_dtype(column):
            continue
        write = _writer(form) if kind.get("type", "number") == "number" and small else None
        if write is not None:
            written[name], kind["format"] = write, None
        elif form is None or _PRINTF.fullmatch(form):
            kind["format"] = "localized"
        config[name] = {**own, "type_config": {"type": "number", **kind}}
    return (frame.style.format(written, na_rep=placeholder) if written else frame), config


def _writer(form: str | None) -> Callable[[float], str] | None:
    """How a number is written by one of Streamlit's formats; None for a format that is not known here."""
    if form is None:
        return lambda value: _trimmed(value, 4, "")
    if form == "localized":
        return lambda value: _trimmed(value, 3, ",")
    if form == "percent":
        return lambda value: _trimmed(100 * value, 2, ",") + separators()["percent"]
    found = _PRINTF.fullmatch(form)
    if found is None:
        return None
    spec, percent = found[1], found[2] and separators()["percent"]
    return lambda value: _by_spec(value, spec) + percent


def _trimmed(value: float, decimals: int, thousands: str) -> str:
    """So many decimals at most, without zeros at the end."""
    rounded = round(float(value), decimals) + 0.0  # no minus before a zero
    whole, point, rest = number(rounded, f"{thousands}.{decimals}f").partition(separators()["decimal"])
    rest = rest.rstrip("0")
    return whole + point + rest if rest else whole


def _by_spec(value: float, spec: str) -> str:
    if spec.endswith("d"):
        return number(round(value), spec)
    if spec.endswith("g") and 1e-6 <= abs(value) < math.inf:  # never as a power of ten
        return np.format_float_positional(float(format(value, spec)), trim="-").replace(".", separators()["decimal"])
    return number(value, spec)
