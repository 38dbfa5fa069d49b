"""n-gram language models: the next token from the last one or two, by counting. The baselines a network must beat.

Counts of longer contexts are sharp but rare, those of shorter ones dull but sure, so each order takes a fixed discount
D from every count and gives what it saved to the order below: interpolated Kneser-Ney smoothing (Kneser and Ney, 1995;
Chen and Goodman, 1999). With h the context, h' the context without its oldest token, c the counts:

    p(w | h) = max(c(h w) − D, 0) / c(h) + D · n(h) / c(h) · p(w | h'),   p(w | h') alone where h was never seen

c(h) is the sum of c(h w) over w and n(h) the number of different w after h. The highest order counts occurrences;
a lower order counts in how many different contexts its n-gram stands, not how often ("Francisco" is frequent, but only
after "San"). Below the unigram is the uniform distribution 1 / V, so nothing has probability zero. Each order's
discount is D = n1 / (n1 + 2 n2), with n1 of its n-grams counted once and n2 twice (Ney et al., 1994).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from engine.errors import ConfigError

BASELINES = ("uniform", "unigram", "bigram", "trigram")
MAX_ORDER = len(BASELINES) - 1

# Three ids in one int64 key need 3 × 21 bits.
_MAX_VOCAB_SIZE = 1 << 21


@dataclass(frozen=True)
class _Level:
    """One order's n-grams as sorted int64 keys (last token in the lowest digit, base V) with what follows from counts.

    `excess` is (count − D) / c(h) for each key; `back_off` is D · n(h) / c(h) for each of the sorted context keys, and
    `first[i]` to `first[i + 1]` are the places of context i's n-grams.
    """

    keys: np.ndarray
    excess: np.ndarray
    contexts: np.ndarray
    back_off: np.ndarray
    first: np.ndarray

    @classmethod
    def from_counts(cls, keys: np.ndarray, counts: np.ndarray, vocab_size: int) -> Self:
        contexts, first = np.unique(keys // vocab_size, return_index=True)
        first = np.append(first, len(keys))
        n_following = np.diff(first)
        totals = np.add.reduceat(counts, first[:-1])
        once, twice = np.count_nonzero(counts == 1), np.count_nonzero(counts == 2)
        # Without n-grams seen once or twice (a tiny or very regular text) the estimate has no meaning: take the middle.
        discount = once / (once + 2 * twice) if once and twice else 0.5
        return cls(
            keys=keys,
            excess=(counts - discount) / np.repeat(totals, n_following),
            contexts=contexts,
            back_off=discount * n_following / totals,
            first=first,
        )


class NGram:
    """A smoothed n-gram model over token ids; order 0 is uniform, 1 unigram, 2 bigram, 3 trigram.

    >>> NGram.fit([0, 1, 0, 1, 0, 1], vocab_size=4, order=2).next_probabilities([0]).argmax()
    np.int64(1)
    """

    def __init__(self, vocab_size: int, levels: Sequence[_Level]) -> None:
        self.vocab_size = vocab_size
        self.order = len(levels)
        self._levels = tuple(levels)

    @classmethod
    def fit(cls, ids: ArrayLike, vocab_size: int, order: int) -> Self:
        """Counts the n-grams of `ids` (N,). Memory grows with the distinct n-grams, never with V × V.

        Raises ConfigError for an order outside 0 to 3, ids outside the vocabulary, or fewer ids than the order.
        """
        if not 0 <= order <= MAX_ORDER:
            raise ConfigError(f"order is {order}, but must be 0 (uniform), 1, 2 or {MAX_ORDER} (trigram).")
        if not 1 <= vocab_size <= _MAX_VOCAB_SIZE:
            raise ConfigError(f"vocab_size is {vocab_size}, but must lie between 1 and {_MAX_VOCAB_SIZE:,}.")
        tokens = _checked_ids(ids, vocab_size)
        if len(tokens) < order:
            raise ConfigError(
                f"{len(tokens)} tokens are too few to count n-grams of order {order}; give a longer text."
            )
        levels: list[_Level] = []
        if order:
            keys, counts = np.unique(_keys(tokens, order, vocab_size), return_counts=True)
            levels.insert(0, _Level.from_counts(keys, counts, vocab_size))
        for lower in range(order - 1, 0, -1):
            # Each distinct n-gram one longer is one context that its ending stands in.
            keys, counts = np.unique(keys % vocab_size**lower, return_counts=True)
            levels.insert(0, _Level.from_counts(keys, counts, vocab_size))
        return cls(vocab_size, levels)

    def next_probabilities(self, context: ArrayLike) -> np.ndarray:
        """Probabilities (V,) float64 of the token after `context` (N,), of which only the last two ids count.

        With fewer ids than the order looks back, the lower order speaks.
        """
        tokens = _checked_ids(context, self.vocab_size)
        probabilities = np.full(self.vocab_size, 1.0 / self.vocab_size)
        for back, level in enumerate(self._levels):
            if back > len(tokens):
                break
            key = 0
            for token in tokens[len(tokens) - back :].tolist():
                key = key * self.vocab_size + token
            place = int(np.searchsorted(level.contexts, key))
            if place == len(level.contexts) or level.contexts[place] != key:
                break  # a longer context that ends in an unseen one is unseen as well
            ngrams = slice(level.first[place], level.first[place + 1])
            probabilities *= level.back_off[place]
            probabilities[level.keys[ngrams] % self.vocab_size] += level.excess[ngrams]
        return probabilities

    def probabilities(self, ids: ArrayLike) -> np.ndarray:
        """The probability (N,) float64 that the model gave each of `ids` (N,) after those before it."""
        tokens = _checked_ids(ids, self.vocab_size)
        result = np.full(len(tokens), 1.0 / self.vocab_size)
        for back, level in enumerate(self._levels):
            if back >= len(tokens):
                break
            keys = _keys(tokens, back + 1, self.vocab_size)
            below = result[back:]
            back_off, seen = _look_up(level.contexts, level.back_off, keys // self.vocab_size)
            excess, _ = _look_up(level.keys, level.excess, keys)
            result[back:] = np.where(seen, excess + back_off * below, below)
        return result

    def loss(self, ids: ArrayLike) -> float:
        """Cross-entropy in nats per token of ids (N,), or of rows of ids (R, N), each a text of its own.

        The first two of a row are context only, so that every order is measured on the same positions. NaN for two
        ids or less.
        """
        tokens = np.asarray(ids)
        scored = self.probabilities(tokens.ravel()).reshape(tokens.shape)[..., MAX_ORDER - 1 :]
        return float(-np.log(scored).mean()) if scored.size else float("nan")

    def sample(self, n_tokens: int, *, context: ArrayLike = (), seed: int = 0) -> list[int]:
        """Draws `n_tokens` ids one after the other, each from `next_probabilities`; the same seed, the same ids."""
        generator = np.random.default_rng(seed)
        tokens = _checked_ids(context, self.vocab_size).tolist()
        start = len(tokens)
        for _ in range(n_tokens):
            cumulative = np.cumsum(self.next_probabilities(tokens[-MAX_ORDER:]))
            drawn = np.searchsorted(cumulative, generator.random() * cumulative[-1], side="right")
            tokens.append(min(int(drawn), self.vocab_size - 1))
        return tokens[start:]


def baselines(train_ids: ArrayLike, validation_ids: ArrayLike, vocab_size: int) -> dict[str, float]:
    """Validation loss, in nats per token, of "uniform" (ln V), "unigram", "bigram" and "trigram" models.

    All four are fitted on `train_ids` (N,) and measured on the same positions of `validation_ids` (M,), or of rows of
    them (R, M), M at least 3.
    """
    validation = np.asarray(validation_ids)
    _checked_ids(validation.ravel(), vocab_size)
    if validation.shape[-1] < MAX_ORDER:
        raise ConfigError(f"{validation.shape[-1]} validation tokens are too few; at least {MAX_ORDER} are needed.")
    return {name: NGram.fit(train_ids, vocab_size, order).loss(validation) for order, name in enumerate(BASELINES)}


def _checked_ids(ids: ArrayLike, vocab_size: int) -> np.ndarray:
    tokens = np.asarray(ids)
    if tokens.size == 0:
        return np.empty(0, dtype=np.int64)
    if tokens.ndim != 1 or not np.issubdtype(tokens.dtype, np.integer):
        raise ConfigError(f"ids must be one row of whole numbers, not {tokens.dtype} of shape {tokens.shape}.")
    if tokens.min() < 0 or tokens.max() >= vocab_size:
        raise ConfigError(f"ids lie between {tokens.min()} and {tokens.max()}, but vocab_size is {vocab_size}.")
    return tokens.astype(np.int64, copy=False)


def _keys(tokens: np.ndarray, n: int, vocab_size: int) -> np.ndarray:
    """Every run of n tokens as one number: `_keys([1, 2, 3], 2, 10) -> [12, 23]`, (N − n + 1,) int64."""
    keys = tokens[: len(tokens) - n + 1]
    for shift in range(1, n):
        keys = keys * vocab_size + tokens[shift : len(tokens) - n + 1 + shift]
    return keys


def _look_up(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The value of each wanted key, 0 where there is none, and whether there is one."""
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    found = keys[places] == wanted
    return np.where(found, values[places], 0.0), found
