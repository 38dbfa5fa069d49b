"""A confusion matrix whose cells can be chosen: rows are what texts are, columns what they were called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import streamlit as st

from pages.shared.components.mount import clicked, register

MAX_CLASSES = 12
_mount = register("confusion_grid")


def confusion_grid(
    counts: np.ndarray,
    label_names: Sequence[str],
    *,
    key: str,
    title: str,
    summary: str,
    selected: tuple[int, int] | None = None,
    on_click: Callable[[int, int], None] | None = None,
) -> None:
    """Draw counts (K, K); `on_click` is called with the (true, called) classes of a chosen cell before the next run.

    Right answers lie on the diagonal, in blue, wrong ones beside it, in orange and with a dashed frame; the shade is a
    cell's share of its row. Raises `ValueError` for a matrix that does not fit the names or more than 12 classes.
    """
    matrix = np.asarray(counts)
    n = len(label_names)
    if matrix.shape != (n, n) or not 2 <= n <= MAX_CLASSES:
        raise ValueError(f"{n} names do not fit a matrix of the shape {matrix.shape}, or exceed {MAX_CLASSES} classes.")
    if (matrix < 0).any():
        raise ValueError("A count cannot be below 0.")
    data: dict[str, Any] = {
        "counts": matrix.astype(int).tolist(),
        "names": [str(name) for name in label_names],
        "selected": None if selected is None else list(selected),
        "title": title,
        "summary": summary,
    }

    def changed() -> None:
        place = _inside(clicked(st.session_state.get(key)), n)
        if on_click is not None and place is not None:
            on_click(*place)

    _mount(key=key, data=data, on_clicked_change=changed)


def _inside(place: Any, n: int) -> tuple[int, int] | None:
    if not isinstance(place, (list, tuple)) or len(place) != 2:
        return None
    if not all(isinstance(each, int) and not isinstance(each, bool) and 0 <= each < n for each in place):
        return None
    return place[0], place[1]
