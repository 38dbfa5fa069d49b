"""Small maps of the same thing at several moments, in a row: one canvas each, of which one can be chosen."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from pages.shared.components.mount import clicked, register

MAX_MAPS = 40
MAX_SIDE = 128
_mount = register("map_series")


@dataclass(frozen=True)
class SmallMap:
    """Weights (T, S) between 0 and 1, a title, and a line beneath it."""

    weights: np.ndarray
    title: str
    note: str = ""


def map_series(
    maps: Sequence[SmallMap],
    *,
    key: str,
    chosen: int,
    label: str,
    on_click: Callable[[int], None] | None = None,
) -> int | None:
    """Draw small maps in a row, one of them marked; returns the index of the one just clicked, once, else None.

    `on_click` is called with it before the script runs again. Raises `ValueError` for no or too many maps, a map that
    is too large, and weights outside 0 to 1.
    """
    if not 1 <= len(maps) <= MAX_MAPS:
        raise ValueError(f"{len(maps)} maps cannot be drawn in a row; 1 to {MAX_MAPS} can.")
    data: dict[str, Any] = {"maps": [_small(each) for each in maps], "chosen": int(chosen), "label": label}

    def changed() -> None:
        index = _valid(clicked(st.session_state.get(key)), len(maps))
        if on_click is not None and index is not None:
            on_click(index)

    return _valid(clicked(_mount(key=key, data=data, on_clicked_change=changed)), len(maps))


def _valid(index: Any, n: int) -> int | None:
    return index if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < n else None


def _small(each: SmallMap) -> dict[str, Any]:
    matrix = np.asarray(each.weights, dtype=np.float32)
    if matrix.ndim != 2 or not matrix.size or max(matrix.shape) > MAX_SIDE:
        raise ValueError(f"A small map has rows and columns, at most {MAX_SIDE} of each, not {matrix.shape}.")
    if not (np.isfinite(matrix).all() and matrix.min() >= -1e-6 and matrix.max() <= 1 + 1e-4):
        raise ValueError(f"The map “{each.title}” holds a weight outside 0 to 1.")
    levels = np.rint(255 * np.clip(matrix, 0, 1)).astype(np.uint8)
    return {
        "rows": matrix.shape[0],
        "columns": matrix.shape[1],
        "levels": base64.b64encode(levels.tobytes()).decode("ascii"),
        "title": each.title,
        "note": each.note,
    }
