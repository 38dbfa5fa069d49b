"""The near-duplicates of a text that has a name. Another process can be asked for them."""

from __future__ import annotations

from functools import lru_cache

from engine.duplicates import Duplicates, Shingled, group_duplicates, shingle_passages
from engine.runs.named_texts import TextOf


@lru_cache(maxsize=3)
def _shingled(text: TextOf, n_words: int) -> Shingled:
    return shingle_passages(text.read(), n_words)


def copies_in(text: TextOf, threshold: float, n_words: int) -> Duplicates:
    """Groups of passages that share at least the share `threshold` of their shingles of so many words.

    Raises CorpusError where the text cannot be read.
    """
    return group_duplicates(_shingled(text, n_words), threshold)
