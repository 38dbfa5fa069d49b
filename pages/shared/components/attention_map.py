"""One attention map as a canvas: a row for each token that reads, a column for each that is read.

Works for any weights between 0 and 1: self-attention with a causal mask (`causal`), without one, and attention from one
text to another (T ≠ S).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import streamlit as st

from engine.language import N_, _
from pages.shared import projector
from pages.shared.components.mount import clicked, register

MAX_CELLS = 1_100_000  # 1,024 tokens by 1,024
LONGEST_LABEL = 40
_mount = register("attention_map")


def attention_map(
    weights: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    key: str,
    row_ids: Sequence[int] | None = None,
    column_ids: Sequence[int] | None = None,
    locked: int | None = None,
    causal: bool = True,
    yes_no: bool = False,
    row_name: str = N_("reads"),
    column_name: str = N_("is read"),
    summary: str,
    on_click: Callable[[int], None] | None = None,
) -> int | None:
    """Draw weights (T, S) between 0 and 1; returns the row that was just clicked, once, else None.

    Pointing at a cell or the arrow keys read it, a click or Enter chooses its row. `locked` marks a row and lists its
    largest weights. `on_click` is called with the row before the script runs again, so that one run is enough to lock
    it. With `causal` the cells above the diagonal (the last column belongs to the last row) are hatched. The ids give
    the labels their colours. `yes_no` is for weights that are all 0 or 1: it
    shows no scale. `summary` says what is to be seen, for those who do not see it. Raises `ValueError` for
    weights that are not finite or outside 0 to 1, for a masked cell that is not 0, and for labels that do not fit.
    """
    matrix = np.asarray(weights, dtype=np.float32)
    _check(matrix, rows, columns, row_ids, column_ids, causal)
    n_rows, n_columns = matrix.shape
    data: dict[str, Any] = {
        "rows": labels(rows),
        "columns": labels(columns),
        "rowIds": None if row_ids is None else [int(i) for i in row_ids],
        "columnIds": None if column_ids is None else [int(i) for i in column_ids],
        "values": encoded(matrix),
        "locked": int(locked) if locked is not None and 0 <= locked < n_rows else None,
        "yesNo": yes_no,
        "shift": n_columns - n_rows if causal else None,
        "rowName": _(row_name),
        "columnName": _(column_name),
        "summary": summary,
    }
    row = clicked(_mount(key=key, data=data, on_clicked_change=clicked_row(key, n_rows, on_click)))
    projector.show_cells(matrix, rows, columns)
    return row if _is_row(row, n_rows) else None


def labels(texts: Sequence[str]) -> list[str]:
    """Texts short enough for a label and for the wire."""
    return [text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…" for text in map(str, texts)]


def encoded(matrix: np.ndarray) -> str:
    """Weights between 0 and 1 as base64 of little-endian uint16: 65,535 is 1."""
    return base64.b64encode(np.rint(np.clip(matrix, 0, 1) * 65535).astype("<u2").tobytes()).decode("ascii")


def clicked_row(key: str, n_rows: int, on_click: Callable[[int], None] | None) -> Callable[[], None]:
    """The callback of the trigger: hands a valid row to `on_click`."""

    def changed() -> None:
        row = clicked(st.session_state.get(key))
        if on_click is not None and _is_row(row, n_rows):
            on_click(row)

    return changed


def _is_row(row: Any, n_rows: int) -> bool:
    return isinstance(row, int) and not isinstance(row, bool) and 0 <= row < n_rows


def _check(
    matrix: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    row_ids: Sequence[int] | None,
    column_ids: Sequence[int] | None,
    causal: bool,
) -> None:
    if matrix.ndim != 2 or not matrix.size or matrix.size > MAX_CELLS:
        raise ValueError(f"A map needs rows and columns and at most {MAX_CELLS:,} cells, not {matrix.shape}.")
    if matrix.shape != (len(rows), len(columns)):
        raise ValueError(f"{len(rows)} and {len(columns)} labels do not fit weights of shape {matrix.shape}.")
    for name, ids, texts in (("row_ids", row_ids, rows), ("column_ids", column_ids, columns)):
        if ids is not None and len(ids) != len(texts):
            raise ValueError(f"{name} has {len(ids)} ids for {len(texts)} labels.")
    if not np.isfinite(matrix).all():
        raise ValueError("The map holds a number that is not finite.")
    if matrix.min() < -1e-6 or matrix.max() > 1 + 1e-4:
        raise ValueError(f"Weights lie between 0 and 1, these between {matrix.min():g} and {matrix.max():g}.")
    if causal and np.triu(matrix, k=1 + matrix.shape[1] - matrix.shape[0]).any():
        raise ValueError("A cell above the diagonal is not 0: pass causal=False for a map without a mask.")
