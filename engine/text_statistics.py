"""A text in numbers: how much there is of it, how often each word occurs, how fast new words keep coming.

Two regularities hold for about every natural text. Zipf (1949): the word of rank r occurs about C · r^−a times, a near
1, so a few words make half of the text and half of the words occur once. Heaps (1978; Herdan 1960): after n words
about K · n^b different ones were seen, b well below 1 and yet never 0: no vocabulary is ever complete. Both are
straight lines on log axes, for `engine.power_law` to fit. Words or tokens go in as numbers, so one code does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import regex  # type: ignore[import-untyped]

from engine.bpe import END_OF_TEXT
from engine.tokenizer import Tokenizer
from engine.windows import split_ids

# Letters and digits with their accents, joined by inner apostrophes; Chinese and Japanese, written without spaces,
# count each ideograph and hiragana as a word, as Unicode's default word boundaries do (UAX #29).
_SPACED = r"[[\p{L}\p{N}\p{M}]--[\p{Han}\p{Hiragana}]]"
WORD = regex.compile(rf"(?V1){_SPACED}++(?:['’]{_SPACED}++)*+|[\p{{Han}}\p{{Hiragana}}]")


@dataclass(frozen=True)
class TextCounts:
    """How much of everything a text has. Words are those of `find_words`; the end-of-text marker is none."""

    n_chars: int
    n_distinct_chars: int
    n_bytes: int  # in UTF-8
    n_words: int
    n_distinct_words: int
    n_lines: int
    n_documents: int


@dataclass(frozen=True)
class RankFrequency:
    """The different ids of a text, the most frequent first: `ids` and `frequencies`, (V,) int64 each."""

    ids: np.ndarray
    frequencies: np.ndarray

    @property
    def ranks(self) -> np.ndarray:
        """1 to V, (V,) int64."""
        return np.arange(1, len(self.ids) + 1)


@dataclass(frozen=True)
class VocabularyGrowth:
    """After `seen` words or tokens, `distinct` different ones had occurred: (P,) int64 each."""

    seen: np.ndarray
    distinct: np.ndarray


@dataclass(frozen=True)
class TextSplit:
    """Where validation begins: token number `token` of `n_tokens`, which begins at character `char`."""

    token: int
    char: int
    n_tokens: int

    @property
    def n_validation(self) -> int:
        """Tokens kept aside."""
        return self.n_tokens - self.token


def find_words(text: str, *, fold_case: bool = True) -> list[str]:
    """The words of a text in order: runs of letters, accents and digits with inner apostrophes.

    Case is folded unless told otherwise ("The" and "the" are one word). Each Chinese character and each hiragana is a
    word of its own; other scripts without spaces (Thai) come as one long word between two marks.

    >>> find_words("Don't panic: 42 cafés, 東京")
    ["don't", 'panic', '42', 'cafés', '東', '京']
    """
    plain = text.replace(END_OF_TEXT, " ")
    found: list[str] = WORD.findall(plain.casefold() if fold_case else plain)
    return found


def number_words(text: str, *, fold_case: bool = True) -> tuple[np.ndarray, list[str]]:
    """The words as numbers, (N,) int64, and the different words: number i is words[i], in order of first occurrence."""
    numbers: dict[str, int] = {}
    ids = [numbers.setdefault(word, len(numbers)) for word in find_words(text, fold_case=fold_case)]
    return np.array(ids, dtype=np.int64), list(numbers)


def count_text(text: str) -> TextCounts:
    """Characters (code points), UTF-8 bytes, words, lines and documents (parted by the end-of-text marker) of a text.

    A last line without a line end counts; an empty text has no lines and no documents.
    """
    words = find_words(text)
    return TextCounts(
        n_chars=len(text),
        n_distinct_chars=len(set(text)),
        n_bytes=len(text.encode("utf-8", errors="surrogatepass")),
        n_words=len(words),
        n_distinct_words=len(set(words)),
        n_lines=text.count("\n") + (not text.endswith("\n") and bool(text)),
        n_documents=sum(1 for document in text.split(END_OF_TEXT) if document.strip()),
    )


def find_text(text: str, query: str) -> np.ndarray:
    """Where `query` stands in a text, whatever its case: (H, 2) int64 of start and end, in order, none overlapping.

    >>> find_text("A cat saw a Cat.", "cat").tolist()
    [[2, 5], [12, 15]]
    """
    if not query:
        return np.empty((0, 2), dtype=np.int64)
    spans = [found.span() for found in re.finditer(re.escape(query), text, re.IGNORECASE)]
    return np.array(spans, dtype=np.int64).reshape(-1, 2)


def rank_frequency(ids: np.ndarray) -> RankFrequency:
    """How often each id occurs, the most frequent first; equally frequent ones in the order of their ids.

    >>> rank_frequency(np.array([7, 3, 7, 5, 5, 7])).frequencies.tolist()
    [3, 2, 1]
    """
    distinct, counts = np.unique(np.asarray(ids, dtype=np.int64), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return RankFrequency(distinct[order], counts[order].astype(np.int64))


def vocabulary_growth(ids: np.ndarray, n_points: int = 80) -> VocabularyGrowth:
    """How many different ids there are among the first n, at about `n_points` log-spaced n from 1 to N; exact.

    >>> vocabulary_growth(np.array([7, 3, 7, 5])).distinct.tolist()
    [1, 2, 2, 3]
    """
    ids = np.asarray(ids, dtype=np.int64)
    if len(ids) == 0:
        return VocabularyGrowth(np.empty(0, np.int64), np.empty(0, np.int64))
    first_seen = np.sort(np.unique(ids, return_index=True)[1])
    seen = log_spaced(len(ids), n_points)
    return VocabularyGrowth(seen, np.searchsorted(first_seen, seen, side="left").astype(np.int64))


def log_spaced(last: int, n_points: int) -> np.ndarray:
    """At most from 1 to `last`, evenly spaced on a log axis; all of them if there are fewer."""
    if last <= n_points:
        return np.arange(1, last + 1)
    return np.unique(np.geomspace(1, last, n_points).round().astype(np.int64))


def split_text(text: str, starts: np.ndarray, validation_fraction: float) -> TextSplit:
    """Where `windows.split_ids` cuts the tokens of a text, in tokens and in characters.

    `starts` are the characters at which its tokens begin, (N,) int64, as `offsets.token_spans` has them.
    """
    training, _ = split_ids(starts, validation_fraction)
    char = int(starts[len(training)]) if len(training) < len(starts) else len(text)
    return TextSplit(len(training), char, len(starts))


def tokens_per_word(text: str, tokenizer: Tokenizer) -> float:
    """How many tokens the tokenizer makes per word of `find_words`; nan for a text without words.

    >>> from engine.tokenizer import ByteTokenizer
    >>> tokens_per_word("low tide", ByteTokenizer())
    4.0
    """
    n_words = len(find_words(text, fold_case=False))
    return len(tokenizer.encode_array(text)) / n_words if n_words else float("nan")
