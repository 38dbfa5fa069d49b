"""A batch as a table of token ids; each cell leads back to the passage of the text that it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pages.shared.components.mount import register

MAX_CELLS = 4_096
_mount = register("batch_table")


@dataclass(frozen=True)
class BatchRow:
    """A window of a batch: where it begins in the text, its inputs and targets, and the ids before and after it."""

    start: int
    x: Sequence[int]
    y: Sequence[int]
    before: Sequence[int]
    after: Sequence[int]


def batch_table(rows: Sequence[BatchRow], texts: Mapping[int, str], key: str, *, show_ids: bool, show: str) -> None:
    """Draw x or y (`show`) as a (B, T) table of ids or texts; choosing a cell shows its passage, in the browser alone.

    `texts` holds the text of every id. Raises `ValueError` for another name than "x" or "y", rows of different
    lengths, an id without a text, or more than 4,096 cells.
    """
    if show not in ("x", "y"):
        raise ValueError(f"show is {show!r}; it must be 'x' or 'y'.")
    lengths = {len(row.x) for row in rows} | {len(row.y) for row in rows}
    if len(lengths) > 1:
        raise ValueError(f"All rows of a batch have one length, not {sorted(lengths)}.")
    if sum(len(row.x) for row in rows) > MAX_CELLS:
        raise ValueError(f"A batch of {len(rows)} windows is too large to show; the limit is {MAX_CELLS:,} cells.")
    used = {int(i) for row in rows for ids in (row.before, row.x, row.y, row.after) for i in ids}
    missing = sorted(used - set(texts))
    if missing:
        raise ValueError(f"The id {missing[0]} has no text.")
    data: dict[str, Any] = {
        "rows": [
            {
                "start": int(row.start),
                "x": [int(i) for i in row.x],
                "y": [int(i) for i in row.y],
                "before": [int(i) for i in row.before],
                "after": [int(i) for i in row.after],
            }
            for row in rows
        ],
        "texts": [[i, str(texts[i])] for i in sorted(used)],
        "ids": bool(show_ids),
        "show": show,
    }
    _mount(key=key, data=data)
