"""A table whose cells are tokens: each in its own colour, with a number, a bar and a mark where they are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from engine.language import _
from pages.shared.components.mount import probability, register

MAX_CELLS = 2_000
Mark = Literal["", "right", "wrong", "ended", "dropped"]
_mount = register("token_table")


@dataclass(frozen=True)
class Cell:
    """One token: what stands `before` it (quiet), its colour's `id`, a `note` beneath, a `share` (0 to 1) as a bar,
    and a `mark` with the `word` that says what it means.
    """

    text: str
    id: int | None = None
    before: str = ""
    note: str = ""
    share: float | None = None
    mark: Mark = ""
    word: str = ""


@dataclass(frozen=True)
class Row:
    """A named line of cells; None is an empty cell. `marked` lines stand out."""

    name: str
    cells: tuple[Cell | None, ...]
    marked: bool = False


def token_table(head: Sequence[str], rows: Sequence[Row], key: str, *, summary: str) -> None:
    """Draw the rows under `head` (its first entry names the rows); `summary` says what is to be seen.

    Raises `ValueError` for a row that does not fit the head, a share outside 0 to 1, a mark without its word, or too
    many cells.
    """
    if sum(len(row.cells) for row in rows) > MAX_CELLS:
        raise ValueError(f"The table has more than {MAX_CELLS:,} cells.")
    data: dict[str, Any] = {
        "head": [str(text) for text in head],
        "rows": [
            {"name": row.name, "cells": [_cell(cell) for cell in _fitting(row, head)], "marked": bool(row.marked)}
            for row in rows
        ],
        "summary": summary,
    }
    _mount(key=key, data=data)


def _fitting(row: Row, head: Sequence[str]) -> tuple[Cell | None, ...]:
    if len(row.cells) != len(head) - 1:
        raise ValueError(f"Row {row.name!r} has {len(row.cells)} cells under {len(head) - 1} columns.")
    return row.cells


def _cell(cell: Cell | None) -> dict[str, Any] | None:
    if cell is None:
        return None
    if cell.mark and not cell.word:
        raise ValueError(f"The mark {cell.mark!r} needs a word.")
    return {
        "text": cell.text,
        "id": cell.id,
        "before": cell.before,
        "note": cell.note,
        "share": None if cell.share is None else round(probability(cell.share, _("A share")), 4),
        "mark": cell.mark,
        "word": cell.word,
    }
