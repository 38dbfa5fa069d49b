"""Vectors as strips of bars, laid under each other so that equal dimensions stand in one column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.language import N_
from pages.shared.components.mount import register

MAX_NUMBERS = 40_000
_mount = register("vector_strips")


@dataclass(frozen=True)
class Strip:
    """One vector (d,) with its name; `marked` frames it. `sign` ("+", "=") stands before the name.

    With `own_scale` its largest number fills the height, whatever the other strips hold.
    """

    label: str
    values: np.ndarray
    sign: str = ""
    marked: bool = False
    own_scale: bool = False


@dataclass(frozen=True)
class OneHot:
    """A one-hot vector of `size` numbers, drawn to scale: all 0 but a 1 at `hot`."""

    label: str
    hot: int
    size: int


@dataclass(frozen=True)
class StripGroup:
    """Strips that belong together, under a token (text and id) or a plain title."""

    title: str
    strips: Sequence[Strip | OneHot] = field(default_factory=tuple)
    token_id: int | None = None


def vector_strips(groups: Sequence[StripGroup], key: str, *, label: str = N_("Vectors, one bar a dimension")) -> None:
    """Draw groups of strips on one common scale; pointing at a dimension or the arrow keys read its numbers.

    Raises `ValueError` for vectors of different lengths, numbers that are not finite, or more than 40,000 numbers.
    """
    vectors = [np.asarray(s.values, dtype=float) for group in groups for s in group.strips if isinstance(s, Strip)]
    if len({len(vector) for vector in vectors}) > 1:
        raise ValueError(f"All vectors must have one length, not {sorted({len(v) for v in vectors})}.")
    if any(not np.isfinite(vector).all() for vector in vectors):
        raise ValueError("A vector holds a number that is not finite.")
    if sum(map(len, vectors)) > MAX_NUMBERS:
        raise ValueError(f"{sum(map(len, vectors)):,} numbers are too many to draw; the limit is {MAX_NUMBERS:,}.")
    common = [s for group in groups for s in group.strips if isinstance(s, Strip) and not s.own_scale]
    scale = max((_largest(strip) for strip in common), default=0.0)
    data: dict[str, Any] = {
        "groups": [
            {"title": str(group.title), "token": group.token_id, "strips": [_strip(strip) for strip in group.strips]}
            for group in groups
        ],
        "width": len(vectors[0]) if vectors else 0,
        "scale": scale or 1.0,
        "label": label,
    }
    _mount(key=key, data=data)


def _strip(strip: Strip | OneHot) -> dict[str, Any]:
    if isinstance(strip, OneHot):
        return {"label": strip.label, "hot": int(strip.hot), "size": int(strip.size)}
    return {
        "label": strip.label,
        "sign": strip.sign,
        "marked": strip.marked,
        "scale": (_largest(strip) or 1.0) if strip.own_scale else None,
        "values": [float(f"{value:.5g}") for value in np.asarray(strip.values, dtype=float)],
    }


def _largest(strip: Strip) -> float:
    return float(np.abs(np.asarray(strip.values, dtype=float)).max(initial=0))
