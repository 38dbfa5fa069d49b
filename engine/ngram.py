"""n-gram language models: the next token from the last few, by counting. The baselines a network must beat.

Counts of longer contexts are sharp but rare, those of shorter ones dull but sure, so each order takes a fixed discount
D from every count and gives what it saved to the order below: interpolated Kneser-Ney smoothing (Kneser and Ney, 1995;
Chen and Goodman, 1999). With h the context, h' the context without its oldest token, c the counts:

    p(w | h) = max(c(h w) − D, 0) / c(h) + D · n(h) / c(h) · p(w | h'),   p(w | h') alone where h was never seen

c(h) is the sum of c(h w) over w and n(h) the number of different w after h. The highest order counts occurrences;
a lower order counts in how many different contexts its n-gram stands, not how often ("Francisco" is frequent, but only
after "San"). Below the unigram is the uniform distribution 1 / V, so nothing has probability zero. Each order's
discount is D = n1 / (n1 + 2 n2), with n1 of its n-grams counted once and n2 twice (Ney et al., 1994).

An n-gram is kept as the number of its first n − 1 tokens among all of those, and its last token: two numbers in one
key, however long it is and however large the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from engine.errors import ConfigError

BASELINES = ("uniform", "unigram", "bigram", "trigram")
MAX_ORDER = 5
CONTEXT_ONLY = len(BASELINES) - 2
"""So many tokens at the start of a text are not scored: the trigram baseline needs them."""

# The number of an n-gram (below 2^42 in any text that fits the memory) and an id share one int64 key.
_MAX_VOCAB_SIZE = 1 << 21


@dataclass(frozen=True)
class _Level:
    """One order's n-grams as sorted int64 keys (number of the context · V + last token) with what follows from counts.

    `excess` is (count − D) / c(h) for each key; `back_off` is D · n(h) / c(h) for each of the sorted context numbers,
    and `first[i]` to `first[i + 1]` are the places of context i's n-grams.
    """

    keys: np.ndarray
    excess: np.ndarray
    contexts: np.ndarray
    back_off: np.ndarray
    first: np.ndarray
    discount: float

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
            discount=float(discount),
        )


class _Grams:
    """All n-grams of a text up to an order, each numbered by its place among the sorted keys of its length.

    `keys[n - 1]` are the distinct n-grams, `counts[n - 1]` how often each occurs, `endings[n - 1]` the number of its
    last n − 1 tokens. A single token is its own number.
    """

    def __init__(self, tokens: np.ndarray, vocab_size: int, order: int) -> None:
        self.vocab_size = vocab_size
        self.keys: list[np.ndarray] = []
        self.counts: list[np.ndarray] = []
        self.endings: list[np.ndarray] = []
        numbers = np.zeros(len(tokens) + 1, dtype=np.int64)  # of the empty n-gram, which begins anywhere
        for n in range(1, order + 1):
            at = numbers[: len(tokens) - n + 1] * vocab_size + tokens[n - 1 :]
            by_key = np.argsort(at)
            ordered = at[by_key]
            new = np.concatenate(([True], ordered[1:] != ordered[:-1]))
            first = np.flatnonzero(new)
            self.keys.append(ordered[first])
            self.counts.append(np.diff(np.append(first, len(ordered))))
            self.endings.append(numbers[by_key[first] + 1])
            if n == 1:
                numbers = tokens
            elif n < order:
                numbers = np.empty(len(at), dtype=np.int64)
                numbers[by_key] = np.cumsum(new) - 1

    def model(self, order: int) -> NGram:
        """The smoothed model of the n-grams up to `order`."""
        levels: list[_Level] = []
        counted = np.arange(len(self.keys[order - 1])) if order else np.empty(0, dtype=np.int64)
        counts = self.counts[order - 1] if order else counted
        for n in range(order, 0, -1):
            levels.insert(0, _Level.from_counts(self.keys[n - 1][counted], counts, self.vocab_size))
            # Each distinct n-gram is one context that its ending stands in.
            numbers, counts = np.unique(self.endings[n - 1][counted], return_counts=True)
            counted = np.searchsorted(self.keys[0], numbers) if n == 2 else numbers
        return NGram(self.vocab_size, levels, tuple(self.keys[: max(0, order - 1)]))


class NGram:
    """A smoothed n-gram model over token ids; order 0 is uniform, 1 unigram, 2 bigram, 3 trigram, up to 5.

    >>> NGram.fit([0, 1, 0, 1, 0, 1], vocab_size=4, order=2).next_probabilities([0]).argmax()
    np.int64(1)
    """

    def __init__(self, vocab_size: int, levels: Sequence[_Level], known: Sequence[np.ndarray] = ()) -> None:
        self.vocab_size = vocab_size
        self.order = len(levels)
        self._levels = tuple(levels)
        self._known = tuple(known)  # the keys of all n-grams that are contexts, by length

    @classmethod
    def fit(cls, ids: ArrayLike, vocab_size: int, order: int) -> NGram:
        """Counts the n-grams of `ids` (N,). Memory grows with the distinct n-grams, never with V × V.

        Raises ConfigError for an order outside 0 to 5, ids outside the vocabulary, or fewer ids than the order.
        """
        return _grams(ids, vocab_size, order).model(order)

    @classmethod
    def fit_all(cls, ids: ArrayLike, vocab_size: int, order: int) -> list[NGram]:
        """The models of every order from 0 to `order`, counted once. Raises what `fit` raises."""
        grams = _grams(ids, vocab_size, order)
        return [grams.model(each) for each in range(order + 1)]

    @property
    def n_grams(self) -> int:
        """How many distinct n-grams of the highest order were counted: what the model has to remember."""
        return len(self._levels[-1].keys) if self._levels else 0

    def back_off(self, context: ArrayLike) -> int:
        """How many of the last tokens of `context` (N,) were ever seen together with a next one: 0 up to order − 1.

        So far the model looks back here; what is older does not count.
        """
        return max(0, len(self._places(_checked_ids(context, self.vocab_size))) - 1)

    def _places(self, tokens: np.ndarray) -> list[int]:
        """For each level that has something to say after `tokens`, the place of its context there."""
        places: list[int] = []
        for back, level in enumerate(self._levels):
            if back > len(tokens):
                break
            number = self._number(tokens[len(tokens) - back :])
            place = int(np.searchsorted(level.contexts, number))
            if number < 0 or place == len(level.contexts) or level.contexts[place] != number:
                break  # a longer context that ends in an unseen one is unseen as well
            places.append(place)
        return places

    def _number(self, tokens: np.ndarray) -> int:
        """The number of a context among all of its length, −1 if it was never seen."""
        number = 0
        for n, token in enumerate(tokens.tolist()):
            key = number * self.vocab_size + token
            if n == 0:
                number = key
                continue
            number = int(np.searchsorted(self._known[n], key))
            if number == len(self._known[n]) or self._known[n][number] != key:
                return -1
        return number

    def next_probabilities(self, context: ArrayLike) -> np.ndarray:
        """Probabilities (V,) float64 of the token after `context` (N,), of which only the last order − 1 ids count.

        With fewer ids than the order looks back, the lower order speaks.
        """
        probabilities = np.full(self.vocab_size, 1.0 / self.vocab_size)
        places = self._places(_checked_ids(context, self.vocab_size))
        for level, place in zip(self._levels, places, strict=False):
            ngrams = slice(level.first[place], level.first[place + 1])
            probabilities *= level.back_off[place]
            probabilities[level.keys[ngrams] % self.vocab_size] += level.excess[ngrams]
        return probabilities

    def probabilities(self, ids: ArrayLike) -> np.ndarray:
        """The probability (N,) float64 that the model gave each of `ids` (N,) after those before it."""
        return self._scan(ids)[0]

    def looks_back(self, ids: ArrayLike) -> np.ndarray:
        """On how many tokens before it the probability of each of `ids` (N,) rests: (N,) int64, at most order − 1.

        Where fewer than order − 1 count, the whole context was never seen, and the model backed off to a shorter one.
        """
        return np.maximum(self._scan(ids)[1] - 1, 0)

    def _scan(self, ids: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities (N,), and how many levels spoke for each (N,)."""
        tokens = _checked_ids(ids, self.vocab_size)
        result = np.full(len(tokens), 1.0 / self.vocab_size)
        spoke = np.zeros(len(tokens), dtype=np.int64)
        numbers = np.zeros(len(tokens) + 1, dtype=np.int64)  # of the n-gram that begins at each place, −1 if unknown
        for back, level in enumerate(self._levels):
            if back >= len(tokens):
                break
            contexts = numbers[: len(tokens) - back]
            keys = np.where(contexts < 0, -1, contexts * self.vocab_size + tokens[back:])
            below = result[back:]
            back_off, seen = _look_up(level.contexts, level.back_off, contexts)
            excess, _ = _look_up(level.keys, level.excess, keys)
            result[back:] = np.where(seen, excess + back_off * below, below)
            spoke[back:] += seen
            if back == 0:
                numbers = tokens
            elif back < len(self._known):
                numbers = _find(self._known[back], keys)
        return result, spoke

    def loss(self, ids: ArrayLike, *, skip: int = CONTEXT_ONLY) -> float:
        """Cross-entropy in nats per token of ids (N,), or of rows of ids (R, N), each a text of its own.

        The first `skip` of a row are context only, so that every order up to skip + 1 is measured on the same
        positions. NaN where nothing is left to score.
        """
        tokens = np.asarray(ids)
        flat = self.probabilities(tokens.ravel()) if tokens.ndim < 2 or skip >= self.order - 1 else None
        if flat is None:  # rows must not look back into the row before
            flat = np.concatenate([self.probabilities(row) for row in tokens])
        scored = flat.reshape(tokens.shape)[..., skip:]
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


def _grams(ids: ArrayLike, vocab_size: int, order: int) -> _Grams:
    if not 0 <= order <= MAX_ORDER:
        raise ConfigError(f"order is {order}, but must be 0 (uniform), 1, 2, 3 (trigram), 4 or {MAX_ORDER}.")
    if not 1 <= vocab_size <= _MAX_VOCAB_SIZE:
        raise ConfigError(f"vocab_size is {vocab_size}, but must lie between 1 and {_MAX_VOCAB_SIZE:,}.")
    tokens = _checked_ids(ids, vocab_size)
    if len(tokens) < order:
        raise ConfigError(f"{len(tokens)} tokens are too few to count n-grams of order {order}; give a longer text.")
    return _Grams(tokens, vocab_size, order)


def baselines(train_ids: ArrayLike, validation_ids: ArrayLike, vocab_size: int) -> dict[str, float]:
    """Validation loss, in nats per token, of "uniform" (ln V), "unigram", "bigram" and "trigram" models.

    All four are fitted on `train_ids` (N,) and measured on the same positions of `validation_ids` (M,), or of rows of
    them (R, M), M at least 3.
    """
    validation = np.asarray(validation_ids)
    _checked_ids(validation.ravel(), vocab_size)
    if validation.shape[-1] <= CONTEXT_ONLY:
        raise ConfigError(
            f"{validation.shape[-1]} validation tokens are too few; at least {CONTEXT_ONLY + 1} are needed."
        )
    models = NGram.fit_all(train_ids, vocab_size, len(BASELINES) - 1)
    return {name: model.loss(validation) for name, model in zip(BASELINES, models, strict=True)}


def _checked_ids(ids: ArrayLike, vocab_size: int) -> np.ndarray:
    tokens = np.asarray(ids)
    if tokens.size == 0:
        return np.empty(0, dtype=np.int64)
    if tokens.ndim != 1 or not np.issubdtype(tokens.dtype, np.integer):
        raise ConfigError(f"ids must be one row of whole numbers, not {tokens.dtype} of shape {tokens.shape}.")
    if tokens.min() < 0 or tokens.max() >= vocab_size:
        raise ConfigError(f"ids lie between {tokens.min()} and {tokens.max()}, but vocab_size is {vocab_size}.")
    return tokens.astype(np.int64, copy=False)


def _look_up(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The value of each wanted key, 0 where there is none, and whether there is one."""
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    found = keys[places] == wanted
    return np.where(found, values[places], 0.0), found


def _find(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The place of each wanted key, −1 where there is none."""
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[places] == wanted, places, -1)
