"""The same attention map as arcs between tokens: thickness is weight, colour the token that is read.

On a wide page the tokens stand in a row with arcs above them, on a narrow one in two columns (after BertViz, Vig 2019).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pages.shared.components.attention_map import clicked_row, labels
from pages.shared.components.mount import clicked, register

MAX_ARCS = 600
MAX_TOKENS = 512
_mount = register("attention_arcs")


@dataclass(frozen=True)
class Arcs:
    """Which weights are drawn: `places` (N, 2) of reading and read token, strongest first; `left_out` were too many."""

    places: np.ndarray
    left_out: int


def strong_arcs(weights: np.ndarray, threshold: float, locked: int | None = None) -> Arcs:
    """The weights (T, T) of at least `threshold` and above 0, of one row alone if `locked`, at most 600."""
    shown = weights >= max(threshold, 1e-4)
    if locked is not None:
        shown &= (np.arange(len(weights)) == locked)[:, None]
    places = np.argwhere(shown)
    order = np.argsort(-weights[shown], kind="stable")
    return Arcs(places[order][:MAX_ARCS], max(0, len(places) - MAX_ARCS))


def attention_arcs(
    weights: np.ndarray,
    tokens: Sequence[str],
    *,
    key: str,
    ids: Sequence[int],
    arcs: Arcs,
    locked: int | None = None,
    summary: str,
    on_click: Callable[[int], None] | None = None,
) -> int | None:
    """Draw arcs of weights (T, T); returns the token that was just clicked, once, else None.

    `on_click` is called with it before the script runs again. Raises `ValueError` for weights that do not fit the
    tokens, lie outside 0 to 1 or are not finite.
    """
    n = len(tokens)
    if weights.shape != (n, n) or len(ids) != n or not 0 < n <= MAX_TOKENS:
        raise ValueError(f"{n} tokens and {len(ids)} ids do not fit weights of shape {weights.shape}.")
    if not np.isfinite(weights).all() or weights.min() < -1e-6 or weights.max() > 1 + 1e-4:
        raise ValueError("The map holds a number that is not between 0 and 1.")
    drawn = [[int(row), int(column), round(float(weights[row, column]), 4)] for row, column in arcs.places]
    result = _mount(
        key=key,
        data={
            "tokens": labels(tokens),
            "ids": [int(i) for i in ids],
            "arcs": drawn,
            "locked": int(locked) if locked is not None and 0 <= locked < n else None,
            "summary": summary,
        },
        on_clicked_change=clicked_row(key, n, on_click),
    )
    row = clicked(result)
    return row if isinstance(row, int) and not isinstance(row, bool) and 0 <= row < n else None
