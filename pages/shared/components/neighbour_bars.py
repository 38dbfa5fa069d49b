"""The tokens nearest to one token, as bars of their cosine; each can be chosen in its turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pages.shared.components.mount import clicked, ignore, register

MAX_ROWS = 50
_mount = register("neighbour_bars")


def neighbour_bars(rows: Sequence[tuple[int, str, float]], key: str, *, label: str) -> int | None:
    """Draw (id, text, cosine) rows; returns the id just chosen, once, else None.

    Raises `ValueError` for more than 50 rows or a cosine outside −1 to 1.
    """
    if len(rows) > MAX_ROWS:
        raise ValueError(f"{len(rows)} rows are too many; the limit is {MAX_ROWS}.")
    if any(not -1.001 <= cosine <= 1.001 for _, _, cosine in rows):
        raise ValueError("A cosine lies between −1 and 1.")
    data: dict[str, Any] = {
        "rows": [[int(token_id), str(text), round(float(cosine), 4)] for token_id, text, cosine in rows],
        "label": label,
    }
    result = _mount(key=key, data=data, on_clicked_change=ignore)
    chosen = clicked(result)
    return chosen if any(row[0] == chosen for row in rows) else None
