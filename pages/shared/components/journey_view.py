"""The way of one prompt through a model, as eight stations under each other along one line.

Each station is a mapping with `kind` (which figure), title, sentence, shape, lesson (address), link (its title), and
what its figure needs; `pages/parts/journey/stations.py` makes them. The figures change in place, so that a model that
is training can be watched without a blink.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from pages.shared.components.mount import clicked, register

KINDS = ("bytes", "merges", "ids", "vectors", "head", "stream", "logits", "next")
MAX_NUMBERS = 80_000
_mount = register("journey_view")


def packed(values: np.ndarray) -> dict[str, Any]:
    """A matrix (rows, columns) for a heat strip: float32 as base64, with its largest size, at least above 0.

    Raises `ValueError` for another number of dimensions, more than 80,000 numbers, or one that is not finite.
    """
    matrix = np.asarray(values, dtype="<f4")
    if matrix.ndim != 2 or matrix.size > MAX_NUMBERS:
        raise ValueError(f"Strips need rows and columns and at most {MAX_NUMBERS:,} numbers, not {matrix.shape}.")
    if not np.isfinite(matrix).all():
        raise ValueError("A vector holds a number that is not finite.")
    return {
        "rows": matrix.shape[0],
        "columns": matrix.shape[1],
        "values": base64.b64encode(matrix.tobytes()).decode("ascii"),
        "scale": float(np.abs(matrix).max(initial=0)) or 1.0,
    }


def journey_view(
    head: Mapping[str, Any],
    stations: Sequence[Mapping[str, Any]],
    key: str,
    *,
    on_choice: Callable[[list[Any]], None] | None = None,
) -> list[Any] | None:
    """Draw the prompt with its next token (`head`) and the stations; returns what was just chosen, once, else None.

    That is ["lesson", address], ["word", index], ["head", layer, head] or ["append", token id]. `on_choice` gets it
    before the script runs, as a widget's callback does. Whoever reads it checks the numbers against what was shown.
    Raises `ValueError` for a figure that there is not.
    """
    unknown = [station.get("kind") for station in stations if station.get("kind") not in KINDS]
    if unknown:
        raise ValueError(f"There is no figure {unknown[0]!r}; it must be one of {', '.join(KINDS)}.")

    def chosen() -> None:
        answer = _as_list(st.session_state[key].get("clicked"))
        if on_choice is not None and answer:
            on_choice(answer)

    result = _mount(
        key=key, data={"head": dict(head), "stations": [dict(each) for each in stations]}, on_clicked_change=chosen
    )
    return _as_list(clicked(result))


def _as_list(answer: Any) -> list[Any] | None:
    return list(answer) if isinstance(answer, (list, tuple)) and answer else None
