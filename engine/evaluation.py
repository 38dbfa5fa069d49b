"""How well a model predicts a text: token by token, and in the units that compare models.

The surprise of a token is −log₂ of the probability that the model gave it (Shannon 1948), in bits. Its mean in nats is
the loss, e to the loss is the perplexity, and all bits divided by the bytes of the text are the bits per byte, the
one number that models with different tokenizers share.
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
        raise ConfigError("there is no token to measure: type a text.")
    if int(row.min()) < 0 or int(row.max()) >= model.config.vocab_size:
        raise ConfigError(f"token ids must lie between 0 and {model.config.vocab_size - 1}.")
    model.eval()
    context = model.config.context_length
    probabilities = np.full(len(row), np.nan)
    known = 1  # tokens before this one are done
    while known < len(row):
        start = 0 if known == 1 else known - context // 2
        end = min(start + context, len(row) - 1)
        logits = model(row[None, start:end])[0]  # position t predicts token start + t + 1
        logs = F.log_softmax(logits.double(), dim=-1)
        found = logs.gather(1, row[start + 1 : end + 1, None])[:, 0].exp().numpy()
        probabilities[known : end + 1] = found[known - start - 1 :]
        known = end + 1
    return probabilities


def surprise(probabilities: Sequence[float], n_bytes: Sequence[int]) -> Surprise:
    """What the predicted tokens of a text add up to; tokens without a probability (None, NaN) are left out.

    `n_bytes` are the bytes of each token. Raises ConfigError when nothing was predicted.

    >>> surprise([float("nan"), 0.5, 0.25], [1, 1, 2]).bits
    3.0
    """
    values = np.array([math.nan if each is None else each for each in probabilities], dtype=float)
    predicted = ~np.isnan(values)
    if not predicted.any():
        raise ConfigError("nothing was predicted yet: the first token of a text has nothing before it.")
    bits = -np.log2(np.maximum(values[predicted], 1e-300))
    return Surprise(int(predicted.sum()), int(np.asarray(n_bytes)[predicted].sum()), float(bits.sum()))
