"""From logits to text: which token comes next, and how the choice can be narrowed.

`next_token_distribution` shows every filter's work: repetition penalty (Keskar et al. 2019), temperature, top-k
(Fan et al. 2018), top-p (Holtzman et al. 2020), min-p (Nguyen et al. 2024), in that order. `generate` repeats
"read, narrow, draw, append" with a key–value cache. Every draw depends on the seed and the position alone: rewinding
and forcing one token leaves the dice of all other positions as they were.
"""

from __future__ import annotations

import codecs
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from engine.checks import require_number, require_whole
from engine.decoding import VectorDecoder
from engine.errors import ConfigError
from engine.events import Candidate
from engine.gpt import GPT, KVCache
from engine.language import _

FILTERS = ("", "top-k", "top-p", "min-p")  # what NextToken.cut_by counts


class TokenCoder(Protocol):
    """What generation needs of a tokenizer."""

    n_vocab: int

    def encode(self, text: str) -> list[int]: ...
    def token_bytes(self, token_id: int) -> bytes: ...


@dataclass(frozen=True)
class SamplingConfig:
    """How the next token is chosen. temperature 0 is greedy; top_k 0, top_p 1, min_p 0, penalty 1 are off.

    Raises ConfigError for values outside their range.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        require_number("temperature", self.temperature, 0, 100, note=_("; 0 is greedy"))
        require_whole("top_k", self.top_k, 0)
        require_number("top_p", self.top_p, 0, 1, above=True, note=_("; 1 is off"))
        require_number("min_p", self.min_p, 0, 1, note=_("; 0 is off"))
        require_number("repetition_penalty", self.repetition_penalty, 0.01, 100, note=_("; 1 is off"))
        require_whole("seed", self.seed, 0)


@dataclass(frozen=True)
class NextToken:
    """One choice, opened up. Arrays of length V.

    base: softmax of the untouched logits. scaled: after penalty and temperature. final: what is drawn from, cut
    tokens at 0. cut_by: int8 index into FILTERS, 0 where the token was kept.
    """

    base: np.ndarray
    scaled: np.ndarray
    final: np.ndarray
    cut_by: np.ndarray

    def top(self, n: int = 10, *, by: str = "base") -> np.ndarray:
        """Ids of the n most probable tokens, first by probability, then by id: (n,) int64."""
        return np.argsort(-getattr(self, by), kind="stable")[:n]


def next_token_distribution(
    logits: np.ndarray, sampling: SamplingConfig, previous_ids: Sequence[int] = ()
) -> NextToken:
    """Apply every filter of `sampling` to logits (V,); `previous_ids` are what the penalty looks at.

    At least one token always survives. temperature 0 keeps only the most probable one.
    """
    logits = np.asarray(logits, dtype=np.float64)
    base = _softmax(logits)
    scores = logits
    if sampling.repetition_penalty != 1 and len(previous_ids):
        scores = scores.copy()
        seen = np.unique(np.asarray(previous_ids))
        seen = seen[seen < len(scores)]
        penalty = sampling.repetition_penalty
        scores[seen] = np.where(scores[seen] > 0, scores[seen] / penalty, scores[seen] * penalty)
    cut_by = np.zeros(len(logits), dtype=np.int8)
    if sampling.temperature == 0:
        scaled = np.zeros_like(base)
        scaled[int(scores.argmax())] = 1.0
        return NextToken(base, scaled, scaled, cut_by)
    scaled = base
    if scores is not logits or sampling.temperature != 1:
        with np.errstate(over="ignore"):  # a temperature near 0 may send all but the best to −infinity
            scaled = _softmax((scores - scores.max()) / sampling.temperature)
    final = scaled
    if 0 < sampling.top_k < len(scaled):
        threshold = np.partition(final, -sampling.top_k)[-sampling.top_k]
        final = _cut(final, final < threshold, cut_by, 1)
    if sampling.top_p < 1:
        order = np.argsort(-final, kind="stable")
        before = np.concatenate(([0.0], np.cumsum(final[order])[:-1]))  # mass of the more probable tokens
        outside = np.zeros(len(final), dtype=bool)
        outside[order[1:]] = before[1:] >= sampling.top_p
        final = _cut(final, outside, cut_by, 2)
    if sampling.min_p > 0:
        final = _cut(final, final < sampling.min_p * final.max(), cut_by, 3)
    return NextToken(base, scaled, final, cut_by)


def draw(probabilities: np.ndarray, seed: int, position: int) -> int:
    """Draw one id by inverting the cumulative sum at a uniform number made of (seed, position)."""
    kept = np.flatnonzero(probabilities)
    cumulative = probabilities[kept].cumsum()
    index = int(cumulative.searchsorted(uniform(seed, position) * cumulative[-1], side="right"))
    return int(kept[min(index, len(kept) - 1)])


def uniform(seed: int, position: int) -> float:
    """A number in [0, 1) that is the same for the same seed and position: SplitMix64 (Steele et al. 2014)."""
    mixed = _mix64((seed * _GOLDEN + position + 1) & _MASK)
    return (_mix64((mixed + _GOLDEN) & _MASK) >> 11) / 2**53


_GOLDEN, _MASK = 0x9E3779B97F4A7C15, (1 << 64) - 1


def _mix64(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


@dataclass(frozen=True)
class GenerationStep:
    """One new token. `text` is what it adds to the output: the bytes of an unfinished character wait for the rest.

    base_probability is the model's own, final_probability the one it was drawn with.
    """

    position: int
    id: int
    token: bytes
    text: str
    base_probability: float
    final_probability: float


class Reader:
    """A model that has read some ids: holds the cache and the logits of the next token.

    Past the context the oldest quarter is dropped and the rest is read again, so that reading on stays cheap. A model
    without a causal mask reads all of its window again at every token: each new one changes what the earlier ones see.
    """

    def __init__(self, model: GPT, ids: Sequence[int]) -> None:
        if not len(ids):
            raise ConfigError(_("the prompt is empty: type at least one character."))
        self.model = model.eval()
        self.ids: list[int] = []
        self.logits: np.ndarray = np.empty(0)
        self._cache = KVCache(model.config)
        self._decoder = VectorDecoder(model, self._cache)
        self.read(list(ids))

    @torch.inference_mode()
    def read(self, ids: list[int]) -> np.ndarray:
        """Append ids and return the logits (V,) float32 after the last one.

        Raises ConfigError for an id that the model's table does not have.
        """
        if not ids:
            return self.logits
        if min(ids) < 0 or max(ids) >= self.model.config.vocab_size:
            raise ConfigError(
                _(
                    "token ids must lie between 0 and {vocab_size}, not {ids}.",
                    vocab_size=self.model.config.vocab_size - 1,
                    ids=ids,
                )
            )
        self.ids += ids
        context = self.model.config.context_length
        if not self.model.config.causal:
            window = torch.tensor([self.ids[-context:]])
            self.logits = self.model.head(self.model.hidden(window)[0, -1]).numpy()
            return self.logits
        if self._cache.length + len(ids) > context:
            self._cache.length = 0
            ids = self.ids[-context if len(ids) >= context else -max(len(ids), context - context // 4) :]
        if len(ids) == 1:
            logits = self._decoder.read(ids[0])
        else:
            hidden = self.model.hidden(torch.tensor([ids]), cache=self._cache)
            logits = self.model.head(hidden[0, -1])
        self.logits = logits.numpy()
        return self.logits


def next_logits(model: GPT, ids: Sequence[int]) -> np.ndarray:
    """Logits (V,) float32 of the token after ids, read in the last window that fits the context."""
    return Reader(model, ids).logits


def top_candidates(probabilities: np.ndarray, tokenizer: TokenCoder, n: int = 10) -> tuple[Candidate, ...]:
    """The n most probable tokens of (V,), as text."""
    best = np.argsort(-probabilities, kind="stable")[:n]
    return tuple(
        Candidate(int(i), tokenizer.token_bytes(int(i)).decode("utf-8", "replace"), float(probabilities[i]))
        for i in best
    )


def generate(
    model: GPT,
    tokenizer: TokenCoder,
    prompt: str | Sequence[int],
    max_new_tokens: int,
    sampling: SamplingConfig | None = None,
    *,
    stop_ids: Collection[int] = (),
) -> Iterator[GenerationStep]:
    """Write on after a prompt (text or ids), one token a time; a token of `stop_ids` ends it and is yielded last.

    Raises ConfigError for an empty prompt.
    """
    sampling = sampling or SamplingConfig()
    ids = tokenizer.encode(prompt) if isinstance(prompt, str) else list(prompt)
    reader = Reader(model, ids)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for n in range(max_new_tokens):
        # Where the table of ids is larger than the tokenizer's, the surplus rows stand for no text.
        choice = next_token_distribution(reader.logits[: tokenizer.n_vocab], sampling, reader.ids)
        position = len(reader.ids)
        chosen = draw(choice.final, sampling.seed, position)
        token = tokenizer.token_bytes(chosen)
        last = chosen in stop_ids or n == max_new_tokens - 1
        yield GenerationStep(
            position,
            chosen,
            token,
            decoder.decode(token, last),
            float(choice.base[chosen]),
            float(choice.final[chosen]),
        )
        if last:
            return
        reader.read([chosen])


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max())
    return exponentials / exponentials.sum()


def _cut(probabilities: np.ndarray, outside: np.ndarray, cut_by: np.ndarray, reason: int) -> np.ndarray:
    """Set `outside` to 0, note the reason where it was not cut before, and rescale the rest to sum to 1."""
    cut_by[outside & (cut_by == 0)] = reason
    kept = np.where(outside, 0.0, probabilities)
    return kept / kept.sum()
