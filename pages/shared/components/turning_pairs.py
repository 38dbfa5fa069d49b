"""Rotary positions as dials: each pair of numbers of a query and a key is an arrow that turns with its position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pages.shared.components.mount import register

MAX_DIALS = 32
_mount = register("turning_pairs")


@dataclass(frozen=True)
class Dial:
    """One pair. Angles in radians: before any turn and after the turn by the position. Lengths are at least 0.

    `product` is the pair's part of q·k, `turn` the angle from one position to the next.
    """

    query_angle: float
    query_turned: float
    query_length: float
    key_angle: float
    key_turned: float
    key_length: float
    turn: float
    product: float


def turning_pairs(dials: Sequence[Dial], key: str, *, query_name: str, key_name: str) -> None:
    """Draw the dials; `query_name` and `key_name` say which tokens they belong to, and where they stand.

    Raises `ValueError` for more than 32 dials.
    """
    if len(dials) > MAX_DIALS:
        raise ValueError(f"{len(dials)} dials are too many; the limit is {MAX_DIALS}.")
    longest = max((max(d.query_length, d.key_length) for d in dials), default=1.0) or 1.0
    data: dict[str, Any] = {
        "dials": [
            {
                "query": [d.query_angle, d.query_turned, d.query_length / longest],
                "key": [d.key_angle, d.key_turned, d.key_length / longest],
                "turn": d.turn,
                "product": d.product,
            }
            for d in dials
        ],
        "queryName": query_name,
        "keyName": key_name,
    }
    _mount(key=key, data=data)
