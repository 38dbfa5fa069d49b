"""Tokens as they are drawn: each with its id, its bytes and its place in the text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.offsets import TokenSpans, token_spans
from engine.tokenizer import AllowedSpecial, Tokenizer

CONTINUATION = bytes(range(0x80, 0xC0))  # the second and later bytes of a character in UTF-8


@dataclass(frozen=True, slots=True)
class Chip:
    """One token of a text.

    `text` is what to draw: the characters that begin in the token. Bytes of a character that began in the token
    before stand as \\xNN; a token for an unknown word has that word here and its own name in `data`.
    `data` holds the token's bytes; `start` and `end` are character offsets in the text, as in `text[start:end]`.
    """

    id: int
    text: str
    data: bytes
    start: int
    end: int


def chips_of(text: str, tokenizer: Tokenizer, *, allowed_special: AllowedSpecial = ()) -> list[Chip]:
    """The tokens of a text as chips. Raises TokenizerError as the tokenizer's `encode`."""
    return chips_from_spans(text, token_spans(text, tokenizer, allowed_special=allowed_special), tokenizer)


def chips_from_spans(text: str, spans: TokenSpans, tokenizer: Tokenizer, *, first: int | None = None) -> list[Chip]:
    """The first `first` tokens (all, if None) as chips; `spans` are what `token_spans` found in the text."""
    ids, starts, ends = (values[:first].tolist() for values in (spans.ids, spans.starts, spans.ends))
    data = np.frombuffer(text.encode("utf-8"), dtype=np.uint8)
    begins = np.concatenate([[0], np.cumsum((data & 0xC0) != 0x80)])[spans.bounds]  # characters that begin before
    drawn_from, drawn_to = begins[:-1].tolist(), begins[1:].tolist()
    known = {each: tokenizer.token_bytes(each) for each in set(ids)}
    chips = []
    for token_id, start, end, begin, stop in zip(ids, starts, ends, drawn_from, drawn_to, strict=False):
        token = known[token_id]
        shown = text[begin:stop]
        if begin > start:  # begins inside a character
            shown = escaped(token[: len(token) - len(token.lstrip(CONTINUATION))]) + shown
        chips.append(Chip(token_id, shown, token, start, end))
    return chips


def escaped(data: bytes) -> str:
    """Bytes as \\xNN each: `escaped(b"\\xc3") -> "\\\\xc3"`."""
    return "".join(f"\\x{byte:02x}" for byte in data)
