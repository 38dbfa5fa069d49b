"""A language model becomes a classifier: the same body, the head of the vocabulary swapped for one of the classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from engine.language import _, number
from pages.shared.components.mount import register

MAX_ROWS = 6
_mount = register("head_swap")


@dataclass(frozen=True)
class Part:
    """A part of the body from the embeddings up: its numbers, and whether they learn."""

    name: str
    n_parameters: int
    learns: Literal["no", "yes", "adapter"]


def head_swap(
    parts: Sequence[Part],
    old_rows: Sequence[str],
    n_vocab: int,
    label_names: Sequence[str],
    d_model: int,
    *,
    key: str,
    pooling: Literal["last", "mean"],
    tied: bool,
    summary: str,
) -> None:
    """Draw the body (shared by both), the old head with a few of its `old_rows`, and the new head with a row a class.

    `tied`: the old head was the token embedding itself, so that its rows stay in the body.
    """
    shown = [_(str(name)) for name in label_names[:MAX_ROWS]]
    data: dict[str, Any] = {
        "parts": [{"name": _(part.name), "n": number(part.n_parameters), "learns": part.learns} for part in parts],
        "old": {"rows": [str(row) for row in old_rows[:MAX_ROWS]], "n": f"{number(n_vocab)} × {number(d_model)}"},
        "new": {
            "rows": shown,
            "more": len(label_names) - len(shown),
            "n": f"{number(len(label_names))} × {number(d_model)} + {number(len(label_names))}",
        },
        "pooling": pooling,
        "tied": bool(tied),
        "summary": _(summary),
    }
    _mount(key=key, data=data)
