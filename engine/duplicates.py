"""Near-duplicate passages: found quickly by MinHash, then verified exactly, and taken out if wanted.

Two passages are compared by their shingles, all their sequences of five words: the Jaccard similarity of two sets is
the size of what they share over the size of what they have together. MinHash (Broder 1997) keeps of each set a short
signature whose equal entries are as frequent as the sets are similar; locality-sensitive hashing looks only at passages
that agree in a whole band of it. What it proposes is then compared exactly, so no pair is reported that is not similar
enough; a few that are may be missed. Lee et al. (2022) found that models trained on deduplicated text memorise less.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np
from datasketch import MinHash, MinHashLSH

from engine.bpe import END_OF_TEXT
from engine.errors import EngineError
from engine.language import _
from engine.text_statistics import WORD, find_words

SHINGLE_WORDS = 5
MIN_WORDS = 10  # shorter passages ("Exeunt", a speaker's name) repeat in every text and teach nothing about it
PERMUTATIONS = 128
MISSED = 0.002  # of the pairs exactly at the threshold, how many are not even compared, at most
_ESTIMATE_ERROR = 0.2  # over four standard deviations of what 128 hash values estimate
LONG_PASSAGE = 2_000  # characters; a longer paragraph is cut into groups of lines
_GROUP_CHARS = 300
_LINE_CHARS = 1_000

_BREAK = re.compile(rf"(?:\n[^\S\n]*+(?:{re.escape(END_OF_TEXT)}[^\S\n]*+)?(?=\n))++\n|{re.escape(END_OF_TEXT)}")


@dataclass(frozen=True)
class Passage:
    """A stretch of a text: text[start:end]."""

    start: int
    end: int


@dataclass(frozen=True)
class NearDuplicate:
    """A passage and the exact Jaccard similarity of its shingles with those of the first of its group."""

    passage: Passage
    similarity: float


@dataclass(frozen=True)
class DuplicateGroup:
    """A passage that is kept, the first in the text, and later ones that are nearly the same as it."""

    kept: Passage
    copies: tuple[NearDuplicate, ...]


@dataclass(frozen=True)
class Duplicates:
    """What was found: groups in the order of the text, and how much was compared."""

    groups: tuple[DuplicateGroup, ...]
    n_passages: int
    n_skipped: int  # too short to be compared
    n_compared: int  # pairs that were verified exactly

    @property
    def copies(self) -> list[Passage]:
        """Every passage that is a near-duplicate of an earlier one, in the order of the text."""
        return sorted((copy.passage for group in self.groups for copy in group.copies), key=lambda each: each.start)

    @property
    def n_chars(self) -> int:
        """Characters in all copies."""
        return sum(passage.end - passage.start for passage in self.copies)


def find_passages(text: str) -> list[Passage]:
    """The paragraphs of a text, parted by blank lines and end-of-text markers, without white space around them.

    A paragraph of more than 2,000 characters is cut into groups of lines of 300 characters or more, and a line of more
    than 1,000 at spaces; so a text without blank lines is also compared piece by piece.
    """
    return list(_passages(text))


def _passages(text: str) -> Iterator[Passage]:
    start = 0
    for found in _BREAK.finditer(text):
        yield from _cut(text, start, found.start())
        start = found.end()
    yield from _cut(text, start, len(text))


def _cut(text: str, start: int, end: int) -> Iterator[Passage]:
    """One paragraph as passages: itself, or groups of its lines where it is long."""
    passage = _stripped(text, start, end)
    if passage is None:
        return
    if passage.end - passage.start <= LONG_PASSAGE:
        yield passage
        return
    begin = place = passage.start
    while place < passage.end:
        line_end = text.find("\n", place, passage.end) + 1 or passage.end
        if line_end - place > _LINE_CHARS:
            line_end = text.rfind(" ", place + 1, place + _LINE_CHARS) + 1 or min(place + _LINE_CHARS, passage.end)
        place = line_end
        if place - begin >= _GROUP_CHARS or place == passage.end:
            if (piece := _stripped(text, begin, place)) is not None:
                yield piece
            begin = place


def _stripped(text: str, start: int, end: int) -> Passage | None:
    stretch = text[start:end]
    kept = stretch.strip()
    if not kept:
        return None
    start += len(stretch) - len(stretch.lstrip())
    return Passage(start, start + len(kept))


def shingle_sets(texts: Iterable[str], n_words: int = SHINGLE_WORDS) -> list[np.ndarray]:
    """For each text the numbers of its different shingles, sorted uint32; equal shingles have equal numbers, exactly.

    A text of fewer than `n_words` words has none. Case and punctuation do not count.
    """
    numbers: dict[str, int] = {}
    rows = [[numbers.setdefault(word, len(numbers)) for word in find_words(text)] for text in texts]
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    words = np.array([number for row in rows for number in row], dtype=np.int64)
    # A shingle of k words is one of k - 1 and the next word: numbered anew at each length, no two are ever mixed up.
    shingles = words
    for length in range(2, n_words + 1):
        pairs = shingles[: max(len(words) - length + 1, 0)] * (len(numbers) + 1) + words[length - 1 :]
        shingles = np.unique(pairs, return_inverse=True)[1]
    starts = np.cumsum(lengths) - lengths
    return [
        np.unique(shingles[start : start + max(length - n_words + 1, 0)]).astype(np.uint32)
        for start, length in zip(starts, lengths, strict=True)
    ]


def jaccard(left: np.ndarray, right: np.ndarray) -> float:
    """Shared over united, of two arrays of distinct numbers; 0 for two empty ones.

    >>> jaccard(np.array([1, 2, 3]), np.array([2, 3, 4]))
    0.5
    """
    shared = len(np.intersect1d(left, right, assume_unique=True))
    united = len(left) + len(right) - shared
    return shared / united if united else 0.0


@dataclass(frozen=True)
class Shingled:
    """The passages of a text with their shingle sets, and the numbers of those long enough to be compared."""

    passages: tuple[Passage, ...]
    sets: tuple[np.ndarray, ...]
    compared: tuple[int, ...]


def shingle_passages(text: str, n_words: int = SHINGLE_WORDS, min_words: int = MIN_WORDS) -> Shingled:
    """A text cut into passages, and these into shingles of `n_words` words: all of the work that needs no threshold.

    Passages of fewer than `min_words` words are left alone. About half a second a megabyte.
    Raises EngineError for passages shorter than a shingle.
    """
    if not 1 <= n_words <= min_words:
        raise EngineError(
            _(
                "a shingle of {n_words} words must have at least 1, and at most min_words ({min_words}).",
                n_words=n_words,
                min_words=min_words,
            )
        )
    passages = find_passages(text)
    sets = shingle_sets((text[each.start : each.end] for each in passages), n_words)
    # k words have at most k - n + 1 different shingles; a passage that repeats itself has fewer, and is rightly short.
    compared = [number for number, found in enumerate(sets) if len(found) > min_words - n_words]
    return Shingled(tuple(passages), tuple(sets), tuple(compared))


def find_duplicates(
    text: str, threshold: float = 0.8, *, n_words: int = SHINGLE_WORDS, min_words: int = MIN_WORDS
) -> Duplicates:
    """The near-duplicate passages of a text: `group_duplicates` of its `shingle_passages`; errors as theirs."""
    return group_duplicates(shingle_passages(text, n_words, min_words), threshold)


def group_duplicates(shingled: Shingled, threshold: float = 0.8) -> Duplicates:
    """Groups of passages whose Jaccard similarity with the first of their group is at least `threshold`.

    Each passage is compared with the earlier ones that were kept and joins the most similar of them, if that is
    similar enough. Raises EngineError for a threshold outside 0.3 to 1.
    """
    if not 0.3 <= threshold <= 1:
        raise EngineError(
            _(
                "the threshold ({threshold}) must lie between 0.3 and 1: below that everything is alike.",
                threshold=threshold,
            )
        )
    passages, sets = shingled.passages, shingled.sets
    promising = _promising(sets, shingled.compared, threshold)
    index = MinHashLSH(num_perm=PERMUTATIONS, params=bands(threshold))
    signatures = MinHash.bulk((sets[each].tolist() for each in promising), num_perm=PERMUTATIONS, hashfunc=int)
    values = np.array([signature.hashvalues for signature in signatures])  # (passages, permutations)
    copies: dict[int, list[NearDuplicate]] = {}
    n_compared = 0
    for place, number in enumerate(promising):
        proposed = np.sort(np.array(index.query(signatures[place]), dtype=np.int64))
        estimates = (values[proposed] == values[place]).mean(axis=1)
        best, similarity = -1, 0.0
        for candidate in proposed[estimates >= threshold - _ESTIMATE_ERROR].tolist():
            n_compared += 1
            if (value := jaccard(sets[promising[candidate]], sets[number])) > similarity:
                best, similarity = promising[candidate], value
        if best >= 0 and similarity >= threshold:
            copies.setdefault(best, []).append(NearDuplicate(passages[number], similarity))
        else:
            index.insert(place, signatures[place], check_duplication=False)
    groups = tuple(DuplicateGroup(passages[kept], tuple(copies[kept])) for kept in sorted(copies))
    return Duplicates(groups, len(passages), len(passages) - len(shingled.compared), n_compared)


def bands(threshold: float) -> tuple[int, int]:
    """How to cut a signature into bands: (number of bands, rows in each), as long as `MISSED` allows.

    Two passages of similarity s agree in all rows of a band with probability s^rows, so they meet in no band with
    probability (1 - s^rows)^bands. Longer bands propose fewer pairs in vain and miss more.

    >>> bands(0.8)
    (21, 6)
    """
    rows = 1
    while (1 - threshold ** (rows + 1)) ** (PERMUTATIONS // (rows + 1)) <= MISSED and rows < 16:
        rows += 1
    return PERMUTATIONS // rows, rows


def _promising(sets: Sequence[np.ndarray], numbers: Sequence[int], threshold: float) -> list[int]:
    """Those of whose shingles at least the share `threshold` stands in another passage too.

    No other can be similar enough, since what two sets share is at most that; of most texts few passages are left.
    """
    if not numbers:
        return []
    together = np.concatenate([sets[number] for number in numbers])
    lengths = np.array([len(sets[number]) for number in numbers])
    shared = np.add.reduceat(np.bincount(together)[together] > 1, np.cumsum(lengths) - lengths, dtype=np.int64)
    return [number for number, enough in zip(numbers, shared >= threshold * lengths - 1e-9, strict=True) if enough]


def remove_passages(text: str, passages: Iterable[Passage]) -> str:
    """The text without these passages, each with the white space up to what follows it.

    >>> remove_passages("one\\n\\ntwo\\n\\nthree", [Passage(5, 8)])
    'one\\n\\nthree'
    """
    kept = []
    place = 0
    for passage in sorted(passages, key=lambda each: each.start):
        kept.append(text[place : passage.start])
        place = passage.end
        while place < len(text) and text[place].isspace():
            place += 1
    return "".join([*kept, text[place:]])


@dataclass(frozen=True)
class DiffPiece:
    """A stretch of one of two compared texts; `differs` where the other one has other words there, or none."""

    text: str
    differs: bool


def compare_words(left: str, right: str) -> tuple[list[DiffPiece], list[DiffPiece]]:
    """Both texts in pieces, alternately equal and different by words (case and marks between words do not count).

    The pieces of a side, joined, are that text.

    >>> [piece.text for piece in compare_words("a red fox", "a grey fox")[0] if piece.differs]
    ['red']
    """
    spans = [[match.span() for match in WORD.finditer(side)] for side in (left, right)]
    words = [
        [side[start:end].casefold() for start, end in each] for side, each in zip((left, right), spans, strict=True)
    ]
    blocks = SequenceMatcher(None, words[0], words[1], autojunk=False).get_opcodes()
    sides = []
    for number, (text, each) in enumerate(zip((left, right), spans, strict=True)):
        pieces: list[DiffPiece] = []
        place = 0
        for kind, *ends in blocks:
            first, last = ends[2 * number : 2 * number + 2]
            if kind == "equal" or first == last:
                continue
            start, end = each[first][0], each[last - 1][1]
            pieces += [DiffPiece(text[place:start], False), DiffPiece(text[start:end], True)]
            place = end
        pieces.append(DiffPiece(text[place:], False))
        sides.append([piece for piece in pieces if piece.text])
    return sides[0], sides[1]
