"""The architecture as a drawing: the residual stream from top to bottom, what reads from it and what adds to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pages.shared.components.mount import clicked, ignore, register

Place = Literal["before", "branch", "add", "after"]
_mount = register("architecture_map")


@dataclass(frozen=True)
class MapBox:
    """One operation. place: before the stream begins, in a branch off it, added back to it, or after it ends.

    group names the branch ("Attention", "MLP") and is empty outside the block that repeats.
    """

    key: str
    title: str
    shape: str
    place: Place
    group: str = ""


def architecture_map(boxes: Sequence[MapBox], key: str, *, current: str, repeated: str) -> str | None:
    """Draw the boxes from top to bottom; returns the key of the box just clicked, once, else None.

    `current` is highlighted; `repeated` is written beside the block ("layer 3 of 12"). Raises `ValueError` for two
    boxes of one key, or a `current` that is none of them.
    """
    keys = [box.key for box in boxes]
    if len(set(keys)) < len(keys):
        raise ValueError("Several boxes have the same key; keys must differ.")
    if current not in keys:
        raise ValueError(f"There is no box {current!r}; boxes are {', '.join(keys)}.")
    data: dict[str, Any] = {
        "boxes": [
            {"key": box.key, "title": box.title, "shape": box.shape, "place": box.place, "group": box.group}
            for box in boxes
        ],
        "current": current,
        "repeated": repeated,
    }
    chosen = clicked(_mount(key=key, data=data, on_clicked_change=ignore))
    return chosen if chosen in keys else None
