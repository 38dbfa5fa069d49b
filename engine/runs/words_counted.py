"""The words and tokens of a text that has a name, counted. Another process can be asked for them.

What is returned is no more than figures show: some of many points, the names of the first words.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engine import offsets, text_statistics
from engine.bpe import END_OF_TEXT
from engine.offsets import TokenSpans
from engine.runs.named_texts import TextOf, TokenizerOf
from engine.spreadsheets import harmless_cell
from engine.text_statistics import TextCounts, TextSplit, VocabularyGrowth

N_POINTS = 90
N_NAMED = 2_000
"""So many of the most frequent words are named."""


@dataclass(frozen=True)
class Distribution:
    """How often each different word or token of a text occurs, and how many different ones came up so far.

    `frequencies` (V,) int64, the most frequent first, of `n` in all; `ranks` (P,) int64 of some of them, evenly spaced
    on a log axis, with their `names`; `first` names the most frequent words.
    """

    n: int
    frequencies: np.ndarray
    growth: VocabularyGrowth
    ranks: np.ndarray
    names: tuple[str, ...]
    first: tuple[str, ...] = ()


@lru_cache(maxsize=2)
def _words(text: TextOf) -> tuple[np.ndarray, list[str]]:
    return text_statistics.number_words(text.read())


@lru_cache(maxsize=1)
def _spans(text: TextOf, tokenizer: TokenizerOf) -> TokenSpans:
    """The tokens of the text as training reads it, with their places."""
    return offsets.token_spans(text.read(), tokenizer.load(), allowed_special=(END_OF_TEXT,))


def text_counted(text: TextOf) -> TextCounts:
    """Characters, words and lines of a text. Raises CorpusError where it cannot be read, as all of these do."""
    return text_statistics.count_text(text.read())


def text_splits(text: TextOf, tokenizer: TokenizerOf, shares: tuple[int, ...]) -> dict[int, TextSplit]:
    """Where validation begins for each of these shares in percent. Raises TokenizerError, as all that cut texts do."""
    starts = _spans(text, tokenizer).starts
    return {share: text_statistics.split_text(text.read(), starts, share / 100) for share in shares}


def words_in(text: TextOf) -> Distribution:
    """The words of a text by frequency."""
    ids, words = _words(text)
    ranked = text_statistics.rank_frequency(ids)
    ranks = text_statistics.log_spaced(len(ranked.ids), N_POINTS)
    return Distribution(
        n=len(ids),
        frequencies=ranked.frequencies,
        growth=text_statistics.vocabulary_growth(ids),
        ranks=ranks,
        names=tuple(words[number] for number in ranked.ids[ranks - 1]),
        first=tuple(words[number] for number in ranked.ids[:N_NAMED]),
    )


def tokens_in(text: TextOf, tokenizer: TokenizerOf) -> tuple[Distribution, int]:
    """The tokens of a text by frequency, and how many the tokenizer knows."""
    coder, ids = tokenizer.load(), _spans(text, tokenizer).ids
    ranked = text_statistics.rank_frequency(ids)
    ranks = text_statistics.log_spaced(len(ranked.ids), N_POINTS)
    names = (coder.token_bytes(int(number)).decode("utf-8", "replace") for number in ranked.ids[ranks - 1])
    growth = text_statistics.vocabulary_growth(ids)
    return Distribution(len(ids), ranked.frequencies, growth, ranks, tuple(names)), coder.n_vocab


def words_file(text: TextOf) -> bytes:
    """Rank, word and frequency of every different word, as CSV that a spreadsheet opens safely."""
    ids, words = _words(text)
    ranked = text_statistics.rank_frequency(ids)
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(("rank", "word", "frequency"))
    found = zip(ranked.ids.tolist(), ranked.frequencies.tolist(), strict=True)
    rows.writerows((rank, harmless_cell(words[number]), n) for rank, (number, n) in enumerate(found, 1))
    return file.getvalue().encode("utf-8")
