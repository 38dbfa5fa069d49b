"""Tokens as they can be read: bytes on one line, with a sign for whatever would not be seen."""

from __future__ import annotations

import unicodedata

_SIGNS = {" ": "␣", "\n": "↵", "\t": "⇥"}


def readable(data: bytes, limit: int = 60) -> str:
    """A token as it can be read on one line: spaces as ␣, line ends as ↵, what cannot be seen by its number.

    Bytes that are no character by themselves stand as \\xNN; a mark that sits on another character gets a circle.

    >>> readable(b" the\\n"), readable(b"\\xe6\\x97"), readable("\\u202e".encode())
    ('␣the↵', '\\\\xe6\\\\x97', 'U+202E')
    """
    text = data.decode("utf-8", "backslashreplace")
    if text.isprintable() and not unicodedata.combining(text[:1] or " "):
        shown = text.replace(" ", "␣")
    else:
        shown = "".join(map(_sign, text[: limit + 1]))
        if text and unicodedata.category(text[0]).startswith("M"):
            shown = "◌" + shown
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _sign(character: str) -> str:
    if character in _SIGNS:
        return _SIGNS[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x80 else f"U+{code:04X}"
