"""A text whose stretches are tinted by a number: how surprised a model was, or which of two models more.

Every stretch can be reached with the arrow keys and says its numbers on hover and on focus; its level shows twice, as a
tint and as a line beneath it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from engine.language import N_, _
from pages.shared.components.mount import clicked, ignore, register

MAX_PIECES = 20_000
Scale = Literal["surprise", "difference"]
BITS = (1.0, 3.0, 6.0, 10.0)
"""Where the levels of surprise begin, in bits; the first one is below the first of these."""
DIFFERENCES = (0.5, 2.0)
"""From how many bits on a difference is small, and large."""
UNKNOWN = 9
_LEGENDS: dict[str, tuple[str, list[tuple[int, str]]]] = {
    "surprise": (
        N_("Surprise in bits:"),
        [
            (0, N_("under 1")),
            (1, N_("1 to 3")),
            (2, N_("3 to 6")),
            (3, N_("6 to 10")),
            (4, N_("10 or more")),
            (UNKNOWN, N_("not predicted")),
        ],
    ),
    "difference": (
        N_("More surprised:"),
        [
            (-2, N_("A by 2 bits or more")),
            (-1, N_("A by ½ to 2")),
            (0, N_("both alike")),
            (1, N_("B by ½ to 2")),
            (2, N_("B by 2 bits or more")),
            (UNKNOWN, N_("not predicted")),
        ],
    ),
}
_mount = register("surprise_text")


@dataclass(frozen=True)
class Piece:
    """A stretch of text, the bits that tint it (None where nothing was predicted) and what it says of itself."""

    text: str
    bits: float | None
    note: str


def level_of(bits: float | None, scale: Scale) -> int:
    """Which step of the scale a number of bits is on: `level_of(4.0, "surprise") -> 2`; −2 to 2 for a difference."""
    if bits is None or bits != bits:
        return UNKNOWN
    if scale == "surprise":
        return sum(bits >= edge for edge in BITS)
    size = sum(abs(bits) >= edge for edge in DIFFERENCES)
    return size if bits > 0 else -size


def surprise_text(
    pieces: Sequence[Piece], key: str, *, scale: Scale, label: str, selected: int | None = None
) -> int | None:
    """Draw the pieces as running text with the legend of its scale beneath; one of them may be marked as `selected`.

    Returns the piece that was just pressed, once. Raises `ValueError` for an unknown scale or too many pieces.
    """
    if scale not in _LEGENDS:
        raise ValueError(f"The scale is {scale!r}; it must be one of {', '.join(_LEGENDS)}.")
    if len(pieces) > MAX_PIECES:
        raise ValueError(f"{len(pieces):,} pieces are too many to show at once; the limit is {MAX_PIECES:,}.")
    title, levels = _LEGENDS[scale]
    rows = [[each.text, level_of(each.bits, scale), each.note] for each in pieces]
    data = {
        "rows": rows,
        "title": _(title),
        "levels": [[level, _(words)] for level, words in levels],
        "label": _(label),
        "selected": selected,
    }
    pressed = clicked(_mount(key=key, data=data, on_clicked_change=ignore))
    return pressed if isinstance(pressed, int) and 0 <= pressed < len(rows) else None
