"""How well a model predicts a text: token by token, and in the units that compare models.

The surprise of a token is −log₂ of the probability that the model gave it (Shannon 1948), in bits. Its mean in nats is
the loss, e to the loss is the perplexity, and all bits divided by the bytes of the text are the bits per byte, the
one number that models with different tokenizers share. Where two of them read one text, they are compared on the
smallest stretches of whole characters that end a token in both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from engine.errors import ConfigError
from engine.gpt import GPT
from engine.language import _
from engine.offsets import TokenSpans

_ROWS = 64


@dataclass(frozen=True)
class Surprise:
    """A text measured: how many tokens were predicted, of how many bytes, and all their surprise in bits."""

    n_tokens: int
    n_bytes: int
    bits: float

    @property
    def loss(self) -> float:
        """Nats per token."""
        return self.bits * math.log(2) / self.n_tokens

    @property
    def perplexity(self) -> float:
        """As unsure as if it had chosen among so many tokens, all alike."""
        return math.exp(min(self.loss, 700.0))

    @property
    def bits_per_byte(self) -> float:
        """Comparable between tokenizers."""
        return self.bits / self.n_bytes


@torch.inference_mode()
def token_probabilities(model: GPT, ids: Sequence[int]) -> np.ndarray:
    """The probability the model gave each token of a text before it read it: (T,) float64, NaN for the first.

    A text longer than the context is read in windows that overlap by half, so that every token is predicted from at
    least half a context. Raises ConfigError for no token or an id that the model does not have.
    """
    row = torch.tensor(list(ids), dtype=torch.int64)
    if not len(row):
        raise ConfigError(_("there is no token to measure: type a text."))
    if int(row.min()) < 0 or int(row.max()) >= model.config.vocab_size:
        raise ConfigError(_("token ids must lie between 0 and {value}.", value=model.config.vocab_size - 1))
    model.eval()
    context = model.config.context_length
    probabilities = np.full(len(row), np.nan)
    known = 1  # tokens before this one are done
    while known < len(row):
        start = 0 if known == 1 else known - context // 2
        end = min(start + context, len(row) - 1)
        logits = model(row[None, start:end])[0]  # position t predicts token start + t + 1
        targets = row[start + 1 : end + 1, None]
        pieces = zip(
            logits.split(_ROWS), targets.split(_ROWS), strict=True
        )  # V may be 50,257: not all at once as double
        logs = torch.cat([F.log_softmax(each.double(), dim=-1).gather(1, wanted)[:, 0] for each, wanted in pieces])
        found = logs.exp().numpy()
        probabilities[known : end + 1] = found[known - start - 1 :]
        known = end + 1
    return probabilities


@torch.inference_mode()
def window_nats(model: GPT, inputs: torch.Tensor, targets: torch.Tensor) -> np.ndarray:
    """−ln p of every target of windows, inputs and targets (N, T) int64: (N, T) float32.

    One window is read at a time, since the vocabulary may be large.
    """
    model.eval()
    rows = [F.cross_entropy(model(x[None])[0], y, reduction="none") for x, y in zip(inputs, targets, strict=True)]
    return torch.stack(rows).numpy()


def surprise(probabilities: Sequence[float], n_bytes: Sequence[int]) -> Surprise:
    """What the predicted tokens of a text add up to; tokens without a probability (None, NaN) are left out.

    `n_bytes` are the bytes of each token. Raises ConfigError when nothing was predicted.

    >>> surprise([float("nan"), 0.5, 0.25], [1, 1, 2]).bits
    3.0
    """
    values = np.array([math.nan if each is None else each for each in probabilities], dtype=float)
    predicted = ~np.isnan(values)
    if not predicted.any():
        raise ConfigError(_("nothing was predicted yet: the first token of a text has nothing before it."))
    bits = -np.log2(np.maximum(values[predicted], 1e-300))
    return Surprise(int(predicted.sum()), int(np.asarray(n_bytes)[predicted].sum()), float(bits.sum()))


@dataclass(frozen=True)
class CrossEntropy:
    """The way from logits to the loss for T predicted tokens, each number kept: arrays of (T,), float64.

    `targets` are the ids that came; `logits` are theirs, `log_sums` the logarithm of the sum of all exponentials at
    their positions, `ranks` how many tokens had a higher logit. Bytes are those of the predicted tokens.
    """

    targets: np.ndarray
    logits: np.ndarray
    log_sums: np.ndarray
    ranks: np.ndarray
    n_bytes: np.ndarray

    @property
    def nats(self) -> np.ndarray:
        """−ln p of each token: log_sum − logit, which needs no division."""
        return self.log_sums - self.logits

    @property
    def probabilities(self) -> np.ndarray:
        """The softmax at the token that came."""
        return np.exp(-self.nats)

    @property
    def loss(self) -> float:
        """The mean of −ln p: the cross-entropy in nats per token."""
        return float(self.nats.mean())

    @property
    def perplexity(self) -> float:
        """e to the loss."""
        return math.exp(min(self.loss, 700.0))

    @property
    def bits_per_byte(self) -> float:
        """All nats as bits, divided by all bytes."""
        return float(self.nats.sum()) / math.log(2) / int(self.n_bytes.sum())


def cross_entropy(logits: np.ndarray, targets: Sequence[int], n_bytes: Sequence[int]) -> CrossEntropy:
    """The loss of `targets` (T,) under `logits` (T, V), of which row t predicts target t, with every step of the way.

    `n_bytes` (T,) are the bytes of each target. Raises ConfigError where the lengths differ or nothing is predicted.

    >>> cross_entropy(np.zeros((1, 8)), [3], [2]).perplexity
    8.0
    """
    wanted = np.asarray(targets, dtype=np.int64)
    if not len(wanted):
        raise ConfigError(_("nothing is predicted: the first token of a text has nothing before it. Type one more."))
    if len(logits) != len(wanted) or len(n_bytes) != len(wanted):
        raise ConfigError(
            _(
                "{n_logits} rows of logits, {n_wanted} targets and {n_counts} byte counts differ.",
                n_logits=len(logits),
                n_wanted=len(wanted),
                n_counts=len(n_bytes),
            )
        )
    rows = np.asarray(logits, dtype=np.float64)
    highest = rows.max(axis=1, keepdims=True)  # taken out first: e to a large logit would overflow
    log_sums = np.log(np.exp(rows - highest).sum(axis=1)) + highest[:, 0]
    own = rows[np.arange(len(rows)), wanted]
    ranks = (rows > own[:, None]).sum(axis=1)
    return CrossEntropy(wanted, own, log_sums, ranks, np.asarray(n_bytes, dtype=np.int64))


@dataclass(frozen=True)
class Comparison:
    """One text read by two models: S stretches of whole characters that end a token in both, with their bits.

    `starts`, `ends` (S,) int64 are characters, `n_bytes` (S,) int64; `bits` (2, S) float64, NaN where a model predicted
    nothing, as at the first token.
    """

    starts: np.ndarray
    ends: np.ndarray
    n_bytes: np.ndarray
    bits: np.ndarray

    @property
    def difference(self) -> np.ndarray:
        """Bits that the second model was surprised more by than the first, (S,); NaN where one predicted nothing."""
        return self.bits[1] - self.bits[0]

    @property
    def bits_per_byte(self) -> tuple[float, float]:
        """Of each model, over the stretches that both predicted. NaN if there is none."""
        both = ~np.isnan(self.difference)
        n_bytes = int(self.n_bytes[both].sum())
        if not n_bytes:
            return math.nan, math.nan
        return float(self.bits[0][both].sum()) / n_bytes, float(self.bits[1][both].sum()) / n_bytes


def compare_surprise(
    one: TokenSpans, probabilities: np.ndarray, other: TokenSpans, other_probabilities: np.ndarray
) -> Comparison:
    """Two models' probabilities of their own tokens of one text, (T,) each, brought to common stretches.

    The surprise of tokens in a row adds up: by the chain rule their probabilities multiply. So stretches between two
    places where both models end a token can be compared exactly, whatever their tokenizers. Raises ConfigError where
    the spans are of different texts or empty.
    """
    if not len(one) or not len(other) or one.bounds[-1] != other.bounds[-1]:
        raise ConfigError(_("both models must read the same text, of one token at least."))
    whole = np.concatenate([[True], one.ends[:-1] <= one.starts[1:], [True]])  # no token ends inside a character there
    common = np.intersect1d(one.bounds[whole], other.bounds)  # (S + 1,) bytes, 0 and the end among them
    summed = []
    for spans, found in ((one, probabilities), (other, other_probabilities)):
        bits = -np.log2(np.maximum(np.asarray(found, dtype=float), 1e-300))
        summed.append(np.add.reduceat(bits, np.searchsorted(spans.bounds, common[:-1])))
    first, last = np.searchsorted(one.bounds, common[:-1]), np.searchsorted(one.bounds, common[1:]) - 1
    return Comparison(one.starts[first], one.ends[last], np.diff(common), np.stack(summed))
