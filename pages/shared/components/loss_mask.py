"""What counts for the loss: tokens of the prompt greyed, padding hatched, those that are learned framed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pages.shared.components.mount import register

MAX_CELLS = 4_096
Kind = Literal["masked", "learned", "padding"]
_KINDS = ("masked", "learned", "padding")
_mount = register("loss_mask")


@dataclass(frozen=True)
class MaskedToken:
    """A token, its id, and what its target does: "masked" (−100), "learned", or "padding" where there is no token."""

    text: str
    id: int
    kind: Kind


def loss_mask(rows: Sequence[Sequence[MaskedToken]], key: str, *, wrap: bool, show_ids: bool, summary: str) -> None:
    """Draw rows of tokens: as running text (`wrap`) or as the matrix of a batch, one column for each position.

    Raises `ValueError` for an unknown kind or more than 4,096 cells.
    """
    if sum(map(len, rows)) > MAX_CELLS:
        raise ValueError(f"More than {MAX_CELLS:,} tokens are too many to show.")
    cells: list[list[list[Any]]] = []
    for row in rows:
        if any(token.kind not in _KINDS for token in row):
            raise ValueError(f"A token's kind must be one of {', '.join(_KINDS)}.")
        cells.append([[token.text, token.id, _KINDS.index(token.kind)] for token in row])
    _mount(key=key, data={"rows": cells, "wrap": wrap, "ids": show_ids, "summary": summary})
