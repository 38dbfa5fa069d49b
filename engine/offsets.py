"""Where in its text each token stands: byte and character offsets, the bridge between ids and what a reader sees.

Byte-level tokens may hold only part of a character ("é" is two bytes, an emoji four), so both kinds of offset are
kept: byte offsets are exact, character offsets are rounded outwards to whole characters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.bpe import split_special
from engine.errors import TokenizerError
from engine.language import _
from engine.tokenizer import AllowedSpecial, CharTokenizer, Tokenizer, WordTokenizer


@dataclass(frozen=True)
class TokenSpans:
    """The N tokens of a text with their places.

    `ids` (N,) int64; `bounds` (N + 1,) int64, so that token n covers the bytes bounds[n] to bounds[n + 1] of the text
    in UTF-8; `starts` and `ends` (N,) int64: the character that holds its first byte, and the one after the
    character that holds its last byte. A token that stands for an unknown word covers that word.
    """

    ids: np.ndarray
    bounds: np.ndarray
    starts: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


def token_spans(text: str, tokenizer: Tokenizer, *, allowed_special: AllowedSpecial = ()) -> TokenSpans:
    """The tokens of `tokenizer.encode(text, allowed_special=…)` with their offsets.

    Raises TokenizerError as `encode`.

    >>> from engine.tokenizer import ByteTokenizer
    >>> spans = token_spans("aé", ByteTokenizer())
    >>> spans.bounds.tolist(), spans.starts.tolist(), spans.ends.tolist()
    ([0, 1, 2, 3], [0, 1, 1], [1, 2, 2])
    """
    ids = tokenizer.encode_array(text, allowed_special=allowed_special)
    if isinstance(tokenizer, (CharTokenizer, WordTokenizer)):
        lengths = _piece_lengths(text, tokenizer, allowed_special)
    else:
        lengths = _token_lengths(ids, tokenizer)
    data = np.frombuffer(text.encode("utf-8"), dtype=np.uint8)
    bounds = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    if len(lengths) != len(ids) or bounds[-1] != len(data):
        raise TokenizerError(
            _(
                "The {kind!r} tokenizer's tokens cover {bounds:,} bytes of a text of {n_data:,}: "
                "it cannot say where its tokens stand.",
                kind=tokenizer.kind,
                bounds=bounds[-1],
                n_data=len(data),
            )
        )
    character_of_byte = np.cumsum((data & 0xC0) != 0x80) - 1
    return TokenSpans(ids, bounds, character_of_byte[bounds[:-1]], character_of_byte[bounds[1:] - 1] + 1)


def _token_lengths(ids: np.ndarray, tokenizer: Tokenizer) -> np.ndarray:
    """The length of each token in bytes; each different id is looked up once."""
    different, places = np.unique(ids, return_inverse=True)
    return np.array([len(tokenizer.token_bytes(each)) for each in different.tolist()], dtype=np.int64)[places]


def _piece_lengths(text: str, tokenizer: CharTokenizer | WordTokenizer, allowed_special: AllowedSpecial) -> np.ndarray:
    """The bytes that each token covers where <|unk|> stands for a piece of any length."""
    names = tokenizer.special_tokens.keys()
    parts = split_special(text, sorted(names if allowed_special == "all" else names & set(allowed_special)))
    lengths: list[int] = []
    for position, part in enumerate(parts):
        pieces = [part] if position % 2 else tokenizer.pieces(part)
        lengths.extend(len(piece.encode("utf-8")) for piece in pieces)
    return np.array(lengths, dtype=np.int64)


def differing_boundaries(one: TokenSpans, other: TokenSpans) -> tuple[np.ndarray, np.ndarray]:
    """Which tokens of each begin where no token of the other begins: two arrays of indices, int64.

    Both must be spans of the same text. Raises TokenizerError where they cover a different number of bytes.
    """
    if one.bounds[-1] != other.bounds[-1]:
        raise TokenizerError(_("These tokens are of two different texts; compare tokenizers on one text."))
    alone = ~np.isin(one.bounds[:-1], other.bounds), ~np.isin(other.bounds[:-1], one.bounds)
    return np.flatnonzero(alone[0]), np.flatnonzero(alone[1])
