"""How a token was made and how a word is encoded, merge by merge, for learned and for official tokenizers alike.

A learned tokenizer knows its merges. OpenAI publishes only ranks: each token's bytes with its place in the order of
training. That is enough: encoding a token's own bytes with the ranks below its own leaves the two parts that its merge
joined, for each of the 350,000 tokens of the three encodings here. GPT-2's own list of merges is the judge in the
tests. The procedure itself is Sennrich et al. (2016, arXiv:1508.07909): again and again, the merge learned first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import regex  # type: ignore[import-untyped]
import tiktoken

from engine.bpe import N_BYTES, Pair, check_text, split_pieces
from engine.encodings import official_encoding
from engine.errors import TokenizerError
from engine.language import _
from engine.tokenizer import BPETokenizer, MergeTree, OfficialTokenizer, Tokenizer

MAX_TRACED_BYTES = 2_000
"""A trace keeps every state, so its size grows with the square of the text."""

Join = Callable[[int, int], int | None]


@dataclass(frozen=True, slots=True)
class TraceState:
    """One state of encoding a text: the token ids in order, and what the merge before it did.

    `new_id` is the token that the merge made of `pair`, and `made` holds its places in `ids`; in the first state,
    which is bytes, there was no merge.
    """

    ids: tuple[int, ...]
    pair: Pair | None = None
    new_id: int | None = None
    made: tuple[int, ...] = ()


def has_merges(tokenizer: Tokenizer) -> bool:
    """Whether the tokens of this tokenizer were made by merging."""
    return isinstance(tokenizer, (BPETokenizer, OfficialTokenizer))


def merges_of(tokenizer: Tokenizer) -> list[Pair]:
    """Every merge in the order of training, as pairs of token ids; the n-th of them made token 256 + n.

    Those of an official encoding are recovered from its ranks at the first call: half a second for GPT-2, about two
    seconds for GPT-4o. Raises TokenizerError for a tokenizer without merges.
    """
    if isinstance(tokenizer, BPETokenizer):
        return list(tokenizer.merges)
    if isinstance(tokenizer, OfficialTokenizer):
        return list(_official_merges(tokenizer.kind))
    raise _no_merges(tokenizer)


def merge_number(token_id: int) -> int:
    """The place of a token's merge in the order of training, from 1: the 256 bytes were there before."""
    return token_id - N_BYTES + 1


def merge_tree(tokenizer: Tokenizer, token_id: int) -> MergeTree:
    """The token's merge and, nested, those of its halves down to single bytes.

    Raises TokenizerError for an unknown id or a tokenizer without merges.
    """
    tokenizer.token_bytes(token_id)  # an unknown id is named in the tokenizer's own words
    if isinstance(tokenizer, BPETokenizer):
        learned = tokenizer.merges
        return _tree(token_id, lambda i: learned[i - N_BYTES] if 0 <= i - N_BYTES < len(learned) else None, tokenizer)
    if isinstance(tokenizer, OfficialTokenizer):
        encoding = tokenizer.to_tiktoken()
        return _tree(token_id, lambda i: _official_pair(encoding, i), tokenizer)
    raise _no_merges(tokenizer)


def merge_trace(tokenizer: Tokenizer, text: str) -> list[TraceState]:
    """Every state of encoding a text: its bytes first, what `encode` returns last, one merge between each two.

    The merge that was learned first goes first, wherever its pair stands. Special tokens are plain text here.

    Raises TokenizerError for a tokenizer without merges, a lone surrogate, or more than 2,000 bytes.

    >>> [state.ids for state in merge_trace(BPETokenizer([(108, 111), (256, 119)]), "low")]
    [(108, 111, 119), (256, 119), (257,)]
    """
    check_text(text)
    if len(text.encode("utf-8")) > MAX_TRACED_BYTES:
        raise TokenizerError(
            _(
                "This text has {n_items:,} bytes; a trace shows every state and takes at most "
                "{max_traced_bytes:,}. Choose a word or a sentence.",
                n_items=len(text.encode("utf-8")),
                max_traced_bytes=MAX_TRACED_BYTES,
            )
        )
    if isinstance(tokenizer, BPETokenizer):
        ids = {pair: N_BYTES + rank for rank, pair in enumerate(tokenizer.merges)}
        pieces = [list(piece.encode("utf-8")) for piece in split_pieces(text, tokenizer.pattern)]
        return list(_states(pieces, lambda left, right: ids.get((left, right))))
    if isinstance(tokenizer, OfficialTokenizer):
        encoding = tokenizer.to_tiktoken()
        ranks, bytes_of = ranks_of(encoding), encoding.decode_single_token_bytes
        found = _pattern(encoding).findall(text)
        pieces = [[ranks[bytes([value])] for value in piece.encode("utf-8")] for piece in found]
        return list(_states(pieces, lambda left, right: ranks.get(bytes_of(left) + bytes_of(right))))
    raise _no_merges(tokenizer)


def ranks_of(encoding: tiktoken.Encoding) -> dict[bytes, int]:
    """What OpenAI publishes of an encoding: the bytes of each ordinary token with its rank, which is its id.

    tiktoken's own documentation names this attribute for whoever extends an encoding.
    """
    return encoding._mergeable_ranks


def _states(pieces: list[list[int]], join: Join) -> Iterator[TraceState]:
    """The states of all pieces together, from lists of byte tokens, which are changed in place."""
    yield TraceState(tuple(token_id for piece in pieces for token_id in piece))
    while True:
        possible = [joined for piece in pieces for joined in map(join, piece, piece[1:]) if joined is not None]
        if not possible:
            return
        new_id = min(possible)
        merged_pair: Pair | None = None
        made: list[int] = []
        offset = 0
        for piece in pieces:
            # One pair at a time, as tiktoken does: a new token may make a pair that goes before the next one.
            while (place := _lowest(piece, join)) is not None and join(piece[place], piece[place + 1]) == new_id:
                merged_pair = merged_pair or (piece[place], piece[place + 1])
                piece[place : place + 2] = [new_id]
                made.append(offset + place)
            offset += len(piece)
        yield TraceState(tuple(token_id for piece in pieces for token_id in piece), merged_pair, new_id, tuple(made))


def _lowest(piece: list[int], join: Join) -> int | None:
    """The place of the first pair whose merge has the lowest rank; None where no pair can be merged."""
    candidates = [(joined, place) for place, joined in enumerate(map(join, piece, piece[1:])) if joined is not None]
    return min(candidates)[1] if candidates else None


def _tree(token_id: int, pair_of: Callable[[int], Pair | None], tokenizer: Tokenizer) -> MergeTree:
    """Built from the smallest id up, so that no depth of nesting is too deep."""
    pairs: dict[int, Pair | None] = {}
    waiting = [token_id]
    while waiting:
        current = waiting.pop()
        if current not in pairs:
            pairs[current] = pair_of(current)
            waiting += pairs[current] or ()
    trees: dict[int, MergeTree] = {}
    for current in sorted(pairs, key=lambda i: (pairs[i] is not None, i)):  # bytes, then merges in their order
        pair = pairs[current]
        token = tokenizer.token_bytes(current)
        if pair is None:
            trees[current] = MergeTree(current, token)
        else:
            trees[current] = MergeTree(current, token, current - N_BYTES, trees[pair[0]], trees[pair[1]])
    return trees[token_id]


def _official_pair(encoding: tiktoken.Encoding, token_id: int) -> Pair | None:
    """The two tokens whose merge made this one; None for a single byte or a special token."""
    token = encoding.decode_single_token_bytes(token_id)
    ranks = ranks_of(encoding)
    if len(token) < 2 or ranks.get(token) != token_id:
        return None
    left, right = _halves(ranks, token, token_id)
    return ranks[left], ranks[right]


def _halves(ranks: dict[bytes, int], token: bytes, rank: int) -> tuple[bytes, bytes]:
    """What is left of a token's bytes when only merges before its own are allowed: the two parts it was made of."""
    parts = [token[place : place + 1] for place in range(len(token))]
    while True:
        lowest, place = rank, -1
        for index in range(len(parts) - 1):
            found = ranks.get(parts[index] + parts[index + 1], rank)
            if found < lowest:
                lowest, place = found, index
        if place < 0:
            break
        parts[place : place + 2] = [parts[place] + parts[place + 1]]
    if len(parts) != 2:
        raise TokenizerError(
            _(
                "The ranks below {rank} leave {n_parts} parts of {token!r}, so no merge can make it.",
                rank=rank,
                n_parts=len(parts),
                token=token,
            )
        )
    return parts[0], parts[1]


@lru_cache(maxsize=3)
def _official_merges(name: str) -> tuple[Pair, ...]:
    ranks = ranks_of(official_encoding(name))
    ordered = sorted(((rank, token) for token, rank in ranks.items() if len(token) > 1))
    pairs = []
    for rank, token in ordered:
        left, right = _halves(ranks, token, rank)
        pairs.append((ranks[left], ranks[right]))
    return tuple(pairs)


@lru_cache(maxsize=4)
def _compiled(pattern: str) -> regex.Pattern[str]:
    return regex.compile(pattern)


def _pattern(encoding: tiktoken.Encoding) -> regex.Pattern[str]:
    """The encoding's split pattern for Python's `regex`."""
    return _compiled(encoding._pat_str)


def _no_merges(tokenizer: Tokenizer) -> TokenizerError:
    return TokenizerError(
        _("A {kind!r} tokenizer merges nothing: its tokens are not made of others.", kind=tokenizer.kind)
    )
