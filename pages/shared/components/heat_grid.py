"""A matrix as a coloured grid: one pixel block a number, orange above zero and blue below."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.language import _
from pages.shared import projector
from pages.shared.components.mount import register

MAX_CELLS = 300_000
_mount = register("heat_grid")


def heat_grid(
    values: np.ndarray,
    key: str,
    *,
    title: str,
    row_name: str,
    column_name: str,
    summary: str,
    height: int = 320,
    row_labels: Sequence[str] | None = None,
    column_labels: Sequence[str] | None = None,
) -> None:
    """Draw a matrix (rows, columns); pointing at a cell or the arrow keys read its number.

    `row_name` and `column_name` say what an index is ("position", "dimension"), `summary` what is to be seen, for
    those who do not see it. `row_labels` and `column_labels` name each row and column, as tokens do; rows that are high
    enough bear their names. Raises `ValueError` unless the matrix has two dimensions, at most 300,000 numbers, and all
    of them finite, or for another number of names.
    """
    matrix = np.asarray(values, dtype=np.float32)
    if matrix.ndim != 2 or not matrix.size or matrix.size > MAX_CELLS:
        raise ValueError(f"A grid needs rows and columns and at most {MAX_CELLS:,} numbers, not {matrix.shape}.")
    if not np.isfinite(matrix).all():
        raise ValueError("The matrix holds a number that is not finite.")
    for labels, length in ((row_labels, matrix.shape[0]), (column_labels, matrix.shape[1])):
        if labels is not None and len(labels) != length:
            raise ValueError(f"{len(labels)} names do not fit {length} rows or columns.")
    data: dict[str, Any] = {
        "rows": matrix.shape[0],
        "columns": matrix.shape[1],
        "values": base64.b64encode(matrix.astype("<f4").tobytes()).decode("ascii"),
        "scale": float(np.abs(matrix).max()) or 1.0,
        "title": title,
        "rowName": _(row_name),
        "columnName": _(column_name),
        "summary": summary,
        "height": int(height),
        "rowLabels": None if row_labels is None else [str(each) for each in row_labels],
        "columnLabels": None if column_labels is None else [str(each) for each in column_labels],
    }
    _mount(key=key, data=data)
    projector.show_cells(matrix, row_labels, column_labels)
