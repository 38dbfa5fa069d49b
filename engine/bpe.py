"""Byte-pair encoding learned from text: start from bytes, then merge the most frequent neighbours, again and again.

The idea is Gage's compression of 1994, brought to language by Sennrich et al. (2016, arXiv:1508.07909) and to bytes
by GPT-2 (Radford et al., 2019). Text goes in, an ordered list of merges comes out; `engine.tokenizer` encodes with it.

A regular expression first cuts the text into pieces (words with their leading space, numbers, punctuation); merges
never cross them. Equal pieces are kept once, with how often they occur, and a merge touches only the pieces that hold
its pair: pair counts are updated, never counted again.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from operator import add

import regex  # type: ignore[import-untyped]

from engine.errors import TokenizerError
from engine.language import _

END_OF_TEXT = "<|endoftext|>"

# GPT-2's split in the faster equivalent form that tiktoken uses: contractions, letters, digits, other marks, spaces.
GPT2_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"

N_BYTES = 256
_MAX_VOCAB_SIZE = 0x110000

# Space as `regex` and Rust define it; Python's own `\s` also holds the four separators U+001C to U+001F.
_SPACE_THEN_WORD = re.compile(r"[^\S\x1c-\x1f]*[\S\x1c-\x1f]+|[^\S\x1c-\x1f]+")

# GPT2_PATTERN for ASCII text, where `re` with its small classes is faster than Unicode's letters and digits.
_ASCII_PIECES = re.compile(
    r"'(?:[sdmt]|ll|ve|re)| ?[A-Za-z]+| ?[0-9]+| ?[^\t-\r A-Za-z0-9]+|[\t-\r ]+(?![^\t-\r ])|[\t-\r ]"
)

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class MergeStep:
    """One merge of the training: `pair` (two ids) occurred `count` times and became `new_id`.

    `token` holds the bytes of the new token and `n_tokens` the length of the whole training text, in tokens, after
    the merge. `runners_up` are the next most frequent pairs at that moment with their counts, best first.
    """

    pair: Pair
    count: int
    new_id: int
    token: bytes
    n_tokens: int
    runners_up: tuple[tuple[Pair, int], ...] = ()


def check_text(text: str) -> None:
    """Raises TokenizerError for half of a surrogate pair, which no UTF-8 file can hold; any other string passes."""
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise TokenizerError(
            _(
                "The text holds a lone surrogate, U+{ord:04X}, at character {start}: "
                "it is half of a character and has no UTF-8 bytes. Remove it, or read the file again as UTF-16.",
                ord=ord(text[error.start]),
                start=error.start,
            )
        ) from None


def whole_pattern(pattern: str) -> str:
    """The pattern with a last resort, any one character, so that no text falls between two pieces."""
    return pattern if pattern == GPT2_PATTERN else f"(?:{pattern})|(?s:.)"


@lru_cache(maxsize=16)
def compile_pattern(pattern: str) -> regex.Pattern[str]:
    """The compiled split pattern; TokenizerError when it is no regular expression or matches nothing at all."""
    try:
        compiled = regex.compile(whole_pattern(pattern))
    except regex.error as error:
        raise TokenizerError(
            _("The split pattern {pattern!r} is no regular expression: {error}.", pattern=pattern, error=error)
        ) from None
    if compiled.match(""):
        raise TokenizerError(
            _("The split pattern {pattern!r} matches the empty text; let it take a character or more.", pattern=pattern)
        )
    return compiled


@lru_cache(maxsize=64)
def special_token_splitter(special_tokens: tuple[str, ...]) -> re.Pattern[str]:
    """A pattern whose `split` keeps the special tokens as every second part; the longer of two wins."""
    longest_first = sorted(special_tokens, key=len, reverse=True)
    return re.compile("(" + "|".join(map(re.escape, longest_first)) + ")")


def split_special(text: str, special_tokens: Iterable[str]) -> list[str]:
    """Cuts text around special tokens: plain text at even places, special tokens at odd ones.

    >>> split_special("a<|endoftext|>b", ["<|endoftext|>"])
    ['a', '<|endoftext|>', 'b']
    """
    names = tuple(special_tokens)
    return special_token_splitter(names).split(text) if names else [text]


def split_pieces(text: str, pattern: str = GPT2_PATTERN) -> list[str]:
    """The pieces that merges never cross, in order; joined they are the text again.

    >>> split_pieces("Hello world's end")
    ['Hello', ' world', "'s", ' end']
    """
    return [match.group() for match in compile_pattern(pattern).finditer(text)]


def count_pieces(texts: Iterable[str], pattern: str = GPT2_PATTERN) -> dict[str, int]:
    """How often each piece occurs in the texts: what counting their `split_pieces` would say, in half the time.

    No piece of GPT-2's pattern runs from a non-space into a space and none looks back, so a text may be cut there
    first: a cheap cut into space + word, of which most repeat, leaves the costly pattern only the distinct ones.
    """
    if pattern != GPT2_PATTERN:
        return Counter(piece for text in texts for piece in split_pieces(text, pattern))
    counts: dict[str, int] = {}
    get = counts.get
    find, find_in_ascii = compile_pattern(pattern).findall, _ASCII_PIECES.findall
    words = Counter(chain.from_iterable(map(_SPACE_THEN_WORD.findall, texts)))
    for word, count in words.items():
        for piece in find_in_ascii(word) if word.isascii() else find(word):
            counts[piece] = get(piece, 0) + count
    return counts


class PairTable:
    """The state of the training: the distinct pieces as token sequences, and every pair's count and places.

    A token sequence is a `str` with one character per token, the character whose code point is the token's id. So
    merging a pair is cutting a string, done by the interpreter in C, and two such strings compare as their ids do.

    A pair's count can only fall after the merge that made its newer half: later merges create only pairs with later
    tokens. So each pair enters the heap once, its entry is never too low, and an entry found too high at the top goes
    back with the present count as long as that is above zero.
    """

    def __init__(self, pieces: Mapping[str, int]) -> None:
        """Takes pieces with their counts, as `count_pieces` gives them."""
        self.n_tokens = 0
        self._sequences: list[str] = []
        self._weights: list[int] = []
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._places: defaultdict[str, list[int]] = defaultdict(list)
        counts, places = self._counts, self._places
        for piece, weight in pieces.items():
            sequence = piece.encode("utf-8").decode("latin-1")
            self.n_tokens += len(sequence) * weight
            if len(sequence) < 2:
                continue
            place = len(self._sequences)
            self._sequences.append(sequence)
            self._weights.append(weight)
            for pair in map(add, sequence, sequence[1:]):
                places[pair].append(place)
        for pair, standing in places.items():
            counts[pair] = sum(map(self._weights.__getitem__, standing))
        self._heap = [(-count, pair) for pair, count in counts.items()]
        heapq.heapify(self._heap)

    def best(self) -> tuple[str, int] | None:
        """The most frequent pair and its count; of equally frequent ones the pair of smallest ids. None at the end."""
        heap, counts = self._heap, self._counts
        while heap:
            noted, pair = heap[0]
            count = counts.get(pair, 0)
            if count == -noted:
                return pair, count
            if count > 0:
                heapq.heapreplace(heap, (-count, pair))
            else:
                heapq.heappop(heap)
        return None

    def top(self, n: int) -> list[tuple[str, int]]:
        """The n most frequent pairs with their counts, best first."""
        found: list[tuple[str, int]] = []
        while len(found) < n and (best := self.best()):
            found.append(best)
            heapq.heappop(self._heap)
        for pair, count in found:
            heapq.heappush(self._heap, (-count, pair))
        return found

    def merge(self, pair: str, new_id: int) -> None:
        """Replaces `pair` by one token everywhere and brings the counts of its neighbours up to date.

        Of most pieces the pair is one part, and only what stands left and right of it loses one neighbour and gains
        another; their places are gathered by neighbour, so the tables are touched once for each, not for each place.
        """
        counts, sequences, weight_of = self._counts, self._sequences, self._weights.__getitem__
        first, second = pair[0], pair[1]
        new = chr(new_id)
        repeats = first == second
        lefts: defaultdict[str, list[int]] = defaultdict(list)
        rights: defaultdict[str, list[int]] = defaultdict(list)
        created: defaultdict[str, list[int]] = defaultdict(list)
        if not repeats:
            self.n_tokens -= counts[pair]
        for place in dict.fromkeys(self._places.pop(pair)):  # a long piece may hold the pair many times
            sequence = sequences[place]
            start = sequence.find(pair)
            if start < 0:
                continue  # another merge took the pair, or it stood here twice and both are done
            merged = sequences[place] = sequence.replace(pair, new)
            n_removed = len(sequence) - len(merged)
            if n_removed == 1 and not repeats:
                if start:
                    lefts[sequence[start - 1]].append(place)
                if start + 1 < len(merged):
                    rights[merged[start + 1]].append(place)
                continue
            weight = weight_of(place)
            if repeats:
                self.n_tokens -= n_removed * weight
            for neighbours in map(add, sequence, sequence[1:]):
                counts[neighbours] -= weight
            for neighbours in map(add, merged, merged[1:]):
                if new in neighbours:
                    created[neighbours].append(place)
                else:
                    counts[neighbours] += weight
        for left, places in lefts.items():
            counts[left + first] -= sum(map(weight_of, places))
            created[left + new] += places
        for right, places in rights.items():
            counts[second + right] -= sum(map(weight_of, places))
            created[new + right] += places
        del counts[pair]
        self._places.update(created)
        for neighbours, places in created.items():
            count = counts[neighbours] = sum(map(weight_of, places))
            heapq.heappush(self._heap, (-count, neighbours))


def check_special_tokens(special_tokens: Sequence[str]) -> tuple[str, ...]:
    """The special tokens as a tuple; TokenizerError when one is empty, no text, or there twice."""
    if isinstance(special_tokens, str):
        raise TokenizerError(
            _(
                "special_tokens must be a list of texts, not the one text {special_tokens!r}.",
                special_tokens=special_tokens,
            )
        )
    for token in special_tokens:
        if not isinstance(token, str) or not token:
            raise TokenizerError(
                _("A special token must be a text of at least one character, not {token!r}.", token=token)
            )
        check_text(token)
    if len(set(special_tokens)) < len(special_tokens):
        raise TokenizerError(_("Every special token may be named once, but got {list}.", list=list(special_tokens)))
    return tuple(special_tokens)


def train_steps(
    text: str,
    vocab_size: int,
    *,
    special_tokens: Sequence[str] = (END_OF_TEXT,),
    pattern: str = GPT2_PATTERN,
    runners_up: int = 10,
) -> Iterator[MergeStep]:
    """Learns the merges one by one; `BPETokenizer.train` is this stream taken to its end.

    The vocabulary is 256 bytes, then the merges, then the special tokens; training ends when it is full or when no
    piece holds two tokens any more. Each step merges the pair with the highest count (overlapping occurrences, as in
    "aaa", all count); among equals the pair with the smaller first id, then the smaller second id. Special tokens in
    the text cut it and take no part. `runners_up` says how many rivals each step lists (0 is fastest).

    Raises TokenizerError when vocab_size leaves no room or the text holds a lone surrogate.
    """
    names = check_special_tokens(special_tokens)
    smallest = N_BYTES + len(names)
    if not smallest <= vocab_size <= _MAX_VOCAB_SIZE:
        raise TokenizerError(
            _(
                "vocab_size is {vocab_size}, but must lie between {smallest} (256 bytes and {n_names} special "
                "tokens) and {max_vocab_size:,}.",
                vocab_size=vocab_size,
                smallest=smallest,
                n_names=len(names),
                max_vocab_size=_MAX_VOCAB_SIZE,
            )
        )
    check_text(text)
    parts = split_special(text, names)
    table = PairTable(count_pieces(parts[::2], pattern))
    return _merge_steps(table, vocab_size - smallest, len(parts) // 2, runners_up)


def _merge_steps(table: PairTable, n_merges: int, n_special: int, runners_up: int) -> Iterator[MergeStep]:
    token_bytes = [bytes([value]) for value in range(N_BYTES)]
    for new_id in range(N_BYTES, N_BYTES + n_merges):
        best = table.best()
        if best is None:
            return
        rivals = table.top(runners_up + 1)[1:] if runners_up else []
        chosen, count = best
        pair = _ids(chosen)
        table.merge(chosen, new_id)
        token_bytes.append(token_bytes[pair[0]] + token_bytes[pair[1]])
        yield MergeStep(
            pair=pair,
            count=count,
            new_id=new_id,
            token=token_bytes[new_id],
            n_tokens=table.n_tokens + n_special,
            runners_up=tuple((_ids(rival), rival_count) for rival, rival_count in rivals),
        )


def _ids(pair: str) -> Pair:
    return ord(pair[0]), ord(pair[1])
