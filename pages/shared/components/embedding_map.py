"""Tokens as points of a plane: each can be chosen, and moves to its new place when the data change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pages.shared.components.mount import clicked, ignore, register

MAX_POINTS = 1_500
MAX_GROUPS = 6  # as many as there are shapes and colours
_mount = register("embedding_map")


@dataclass(frozen=True)
class MapPoint:
    """A token at (x, y), of the group with this index."""

    token_id: int
    text: str
    x: float
    y: float
    group: int


def embedding_map(
    points: Sequence[MapPoint],
    groups: Sequence[str],
    bounds: tuple[float, float, float, float],
    key: str,
    *,
    selected: int | None = None,
    near: Sequence[int] = (),
    label: str,
) -> int | None:
    """Draw points, the first ones with labels where there is room; returns the id just chosen, once, else None.

    The picture holds what lies within `bounds` (left, right, bottom, top). `selected` is framed and joined by lines to
    the ids in `near`. The last group is drawn quietly, as the rest. Raises `ValueError` for too many points or groups,
    and for bounds the wrong way round.
    """
    if len(points) > MAX_POINTS or not 1 <= len(groups) <= MAX_GROUPS:
        raise ValueError(
            f"{len(points)} points in {len(groups)} groups cannot be drawn; at most {MAX_POINTS} in {MAX_GROUPS}."
        )
    if any(not 0 <= point.group < len(groups) for point in points):
        raise ValueError(f"A point's group must be one of {len(groups)}.")
    if not (bounds[0] <= bounds[1] and bounds[2] <= bounds[3]):
        raise ValueError(f"bounds are left, right, bottom, top, not {bounds}.")
    ids = {point.token_id for point in points}
    data: dict[str, Any] = {
        "points": [[int(p.token_id), str(p.text), round(float(p.x), 5), round(float(p.y), 5), p.group] for p in points],
        "groups": [str(group) for group in groups],
        "bounds": [float(each) for each in bounds],
        "selected": selected if selected in ids else None,
        "near": [int(i) for i in near if i in ids],
        "label": label,
    }
    result = _mount(key=key, data=data, on_clicked_change=ignore)
    chosen = clicked(result)
    return chosen if chosen in ids else None
