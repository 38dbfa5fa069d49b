"""A matrix whose cells can be chosen, with the two matrices it was multiplied from beside and above it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from engine.language import N_, _
from pages.shared.components.mount import clicked, register

MAX_CELLS = 4_096
MAX_OPERAND = 40_000
_mount = register("matrix_view")


@dataclass(frozen=True)
class Labels:
    """What stands at the rows or the columns. `name` says what one is ("query", "dimension"); ids colour tokens."""

    name: str
    texts: Sequence[str]
    ids: Sequence[int] | None = None


@dataclass(frozen=True)
class Operand:
    """A matrix drawn along an edge: its name and its numbers, rows or columns aligned with the result's."""

    name: str
    values: np.ndarray


def matrix_view(
    values: np.ndarray,
    rows: Labels,
    columns: Labels,
    *,
    key: str,
    title: str,
    shape: str,
    summary: str,
    left: Operand | None = None,
    top: Operand | None = None,
    hatched: np.ndarray | None = None,
    hatched_means: str = N_("masked"),
    crossed: np.ndarray | None = None,
    crossed_means: str = N_("dropped"),
    changed_row: int | None = None,
    selected: tuple[int, int] | None = None,
    share: bool = False,
    on_click: Callable[[int, int], None] | None = None,
) -> tuple[int, int] | None:
    """Draw a matrix (R, S); returns the (row, column) that was just clicked or entered, once, else None.

    `on_click` is called with them before the script runs again, so that one run is enough to follow a click.

    Numbers are written in the cells where they fit, and always read out on pointing and by the arrow keys. −inf is
    written as −∞. `left` (R, n) and `top` (n, S) are drawn along the edges, and the row and column that belong to a
    cell are marked in them. `hatched` and `crossed` (R, S) bool mark cells; `share` colours from 0 to 1 instead of
    around 0. Raises `ValueError` for shapes that do not fit, NaN, or more than 4,096 cells.
    """
    matrix = np.asarray(values, dtype=np.float32)
    if matrix.ndim != 2 or not matrix.size or matrix.size > MAX_CELLS:
        raise ValueError(f"A matrix needs rows and columns and at most {MAX_CELLS:,} cells, not {matrix.shape}.")
    if np.isnan(matrix).any() or np.isposinf(matrix).any():
        raise ValueError("A cell must be a number or minus infinity.")
    for labels, expected in ((rows, matrix.shape[0]), (columns, matrix.shape[1])):
        if len(labels.texts) != expected or (labels.ids is not None and len(labels.ids) != expected):
            raise ValueError(f"{expected} labels are needed for {labels.name}, not {len(labels.texts)}.")
    finite = np.abs(matrix[np.isfinite(matrix)])
    place = _inside(selected, matrix.shape)
    data: dict[str, Any] = {
        "values": _encoded(matrix),
        "rows": _labels(rows),
        "columns": _labels(columns),
        "left": _operand(left, "left", matrix.shape[0], 0),
        "top": _operand(top, "top", matrix.shape[1], 1),
        "hatched": _marks(hatched, matrix.shape, "hatched"),
        "hatchedMeans": _(hatched_means),
        "crossed": _marks(crossed, matrix.shape, "crossed"),
        "crossedMeans": _(crossed_means),
        "changedRow": changed_row,
        "selected": None if place is None else list(place),
        "scale": float(finite.max(initial=0)) or 1.0,
        "share": share,
        "title": _(title),
        "shape": shape,
        "summary": _(summary),
    }

    def changed() -> None:
        chosen = _inside(clicked(st.session_state.get(key)), matrix.shape)
        if on_click is not None and chosen is not None:
            on_click(*chosen)

    return _inside(clicked(_mount(key=key, data=data, on_clicked_change=changed)), matrix.shape)


def _inside(place: Any, shape: tuple[int, ...]) -> tuple[int, int] | None:
    if not isinstance(place, (list, tuple)) or len(place) != 2:
        return None
    row, column = place
    if not all(isinstance(each, int) and not isinstance(each, bool) for each in place):
        return None
    return (row, column) if 0 <= row < shape[0] and 0 <= column < shape[1] else None


def _labels(labels: Labels) -> dict[str, Any]:
    ids = None if labels.ids is None else [int(each) for each in labels.ids]
    return {"name": _(labels.name), "texts": [str(text) for text in labels.texts], "ids": ids}


def _operand(operand: Operand | None, place: str, expected: int, axis: int) -> dict[str, Any] | None:
    if operand is None:
        return None
    matrix = np.asarray(operand.values, dtype=np.float32)
    if matrix.ndim != 2 or matrix.shape[axis] != expected or matrix.size > MAX_OPERAND:
        raise ValueError(f"The matrix at the {place} has the shape {matrix.shape}, which does not fit {expected}.")
    if not np.isfinite(matrix).all():
        raise ValueError(f"The matrix at the {place} holds a number that is not finite.")
    return {
        "name": _(operand.name),
        "rows": matrix.shape[0],
        "columns": matrix.shape[1],
        "values": _encoded(matrix),
        "scale": float(np.abs(matrix).max(initial=0)) or 1.0,
    }


def _marks(marks: np.ndarray | None, shape: tuple[int, ...], name: str) -> list[int] | None:
    if marks is None or not marks.any():
        return None
    if marks.shape != shape:
        raise ValueError(f"{name} has the shape {marks.shape}, the matrix {shape}.")
    return np.flatnonzero(marks).tolist()


def _encoded(matrix: np.ndarray) -> str:
    return base64.b64encode(matrix.astype("<f4").tobytes()).decode("ascii")
