"""A stretch of raw text to read: hits, the validation part, differing words and sources are marked, nothing is hidden.

Characters that cannot be seen (control characters, overrides of the writing direction, lone surrogates) come as small
labelled signs, so that a text is what it looks like; right-to-left lines are set as such.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import regex

from engine.language import N_, _, number
from pages.shared.components.mount import clicked, ignore, register

MAX_CHARS = 60_000
HIT, CURRENT, CHANGED, SIGN, VALIDATION, BOUNDARY, HEADING = 1, 2, 4, 8, 16, 32, 64
MANY_MARKS = 8  # combining marks on one letter that are drawn; more would cover the lines around

_mount = register("text_view")
# What has no glyph of its own, but the line end and the tab. Zero-width joiners stay: emoji and Indic scripts need
# them.
_UNSEEN = regex.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
    rf"|[\U000e0000-\U000e007f\ud800-\udfff]|(?<=\p{{M}}{{{MANY_MARKS}}})\p{{M}}+"
)
_NAMES = {"\u200b": "ZWSP", "\u200e": "LRM", "\u200f": "RLM", "\u202a": "LRE", "\u202b": "RLE", "\u202c": "PDF"}
_NAMES |= {"\u202d": "LRO", "\u202e": "RLO", "\u2066": "LRI", "\u2067": "RLI", "\u2068": "FSI", "\u2069": "PDI"}
_NAMES |= {"\ufeff": "BOM", "\x7f": "␡"}

Row = list[Any]  # [text, flags] or, for a sign, [text, flags, what it stands for]


@dataclass(frozen=True)
class Overview:
    """The strip above the text: which of `n_pages` is open, where validation begins and where hits are (0 to 1)."""

    n_pages: int
    page: int
    boundary: float | None = None
    hits: tuple[float, ...] = ()


def text_view(
    rows: Sequence[Row], key: str, *, label: str, height: int = 420, overview: Overview | None = None
) -> int | None:
    """Show rows from `view_rows`, `diff_rows` or `heading_row`; returns the page that was just asked for, once.

    `height` is in pixels, at most (longer text scrolls). Raises `ValueError` for more than 60,000 characters.
    """
    n_chars = sum(len(row[0]) for row in rows)
    if n_chars > MAX_CHARS:
        raise ValueError(f"{n_chars:,} characters are too many to show at once; the limit is {MAX_CHARS:,}.")
    strip = None
    if overview is not None:
        strip = {
            "pages": overview.n_pages,
            "page": overview.page,
            "boundary": overview.boundary,
            "hits": [round(each, 4) for each in overview.hits],
        }
    data = {"rows": list(rows), "label": label, "height": height, "overview": strip}
    page = clicked(_mount(key=key, data=data, on_clicked_change=ignore))
    return page if isinstance(page, int) and overview and 0 <= page < overview.n_pages else None


def view_rows(
    text: str,
    *,
    hits: Iterable[tuple[int, int]] = (),
    current: tuple[int, int] | None = None,
    boundary: int | None = None,
    boundary_label: str = N_("Validation begins here"),
) -> list[Row]:
    """A text as rows. `hits` are (start, end) in it, in order; validation begins at `boundary` (0: all of it is).

    >>> view_rows("a cat", hits=[(2, 5)])
    [['a ', 0], ['cat', 1]]
    """
    flags_at: list[tuple[int, int, int]] = []
    place = 0
    for start, end in hits:
        flags_at += [(place, start, 0), (start, end, HIT | (CURRENT if (start, end) == current else 0))]
        place = end
    flags_at.append((place, len(text), 0))
    rows: list[Row] = []
    for start, end, flags in flags_at:
        if boundary is None or end <= boundary:
            rows += _signed(text[start:end], flags)
            continue
        if start < boundary:
            rows += _signed(text[start:boundary], flags)
        if start <= boundary < end and boundary > 0:
            rows.append([boundary_label, BOUNDARY | VALIDATION])
        rows += _signed(text[max(start, boundary) : end], flags | VALIDATION)
    return rows


def diff_rows(pieces: Iterable[tuple[str, bool]]) -> list[Row]:
    """Rows of (text, whether it differs) pieces."""
    return [row for text, differs in pieces for row in _signed(text, CHANGED if differs else 0)]


def heading_row(text: str) -> Row:
    """A line above what follows, such as the name of a source."""
    return [text, HEADING]


def _signed(text: str, flags: int) -> list[Row]:
    """One stretch as rows, with a sign in place of each character that cannot be seen."""
    rows: list[Row] = []
    place = 0
    for found in _UNSEEN.finditer(text):
        if found.start() > place:
            rows.append([text[place : found.start()], flags])
        sign, meaning = _sign(found[0])
        rows.append([sign, flags | SIGN, meaning])
        place = found.end()
    if place < len(text):
        rows.append([text[place:], flags])
    return rows


def _sign(unseen: str) -> tuple[str, str]:
    """The sign that is drawn and what it stands for: "\\0" -> ("␀", "U+0000 NULL")."""
    if unicodedata.category(unseen[0]).startswith("M"):
        return f"+{number(len(unseen))}", _("{n_unseen:,} more combining marks", n_unseen=len(unseen))
    code = ord(unseen)
    name = unicodedata.name(unseen, _("lone surrogate") if 0xD800 <= code <= 0xDFFF else _("control character"))
    if code < 0x20:
        return chr(0x2400 + code), f"U+{code:04X} {name}"
    return _NAMES.get(unseen, f"U+{code:04X}"), f"U+{code:04X} {name}"
