"""What a model would say after each layer: a row for each layer, a column for each token, the likeliest in a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pages.shared.components.mount import clicked, ignore, register

MAX_CELLS = 8_000
_mount = register("lens_table")


def lens_table(
    ids: np.ndarray,
    probabilities: np.ndarray,
    texts: Mapping[int, str],
    tokens: Sequence[tuple[str, int]],
    rows: Sequence[str],
    key: str,
    *,
    selected: int,
    label: str,
) -> int | None:
    """Draw the table; returns the column that was just clicked, once, else None.

    `ids` and `probabilities` are (rows, T, k), the most probable token first; `texts` names every id, `tokens` the
    sentence itself (text and id), `rows` the layers. The last row is the model's own answer; cells that agree with it
    are marked. Raises `ValueError` for shapes that do not fit and for more than 8,000 cells.
    """
    if ids.shape != probabilities.shape or ids.shape[:2] != (len(rows), len(tokens)):
        raise ValueError(f"{len(rows)} rows and {len(tokens)} tokens do not fit {ids.shape} and {probabilities.shape}.")
    if ids.shape[0] * ids.shape[1] > MAX_CELLS:
        raise ValueError(f"{ids.shape[0] * ids.shape[1]:,} cells are too many; the limit is {MAX_CELLS:,}.")
    data: dict[str, Any] = {
        "ids": ids.tolist(),
        "probabilities": np.round(probabilities.astype(float), 4).tolist(),
        "texts": {str(i): str(text) for i, text in texts.items()},
        "tokens": [[str(text), int(i)] for text, i in tokens],
        "rows": [str(each) for each in rows],
        "selected": int(selected),
        "label": label,
    }
    column = clicked(_mount(key=key, data=data, on_clicked_change=ignore))
    return column if isinstance(column, int) and 0 <= column < len(tokens) else None
