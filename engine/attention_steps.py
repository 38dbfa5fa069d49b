"""Attention by hand: the arithmetic of one cell, a changed query, dropout of weights, and what a missing mask lets see.

`engine.inspection.attention_stages` computes whole matrices; here is what stands behind a single number of them
(Vaswani et al. 2017, eq. 1). Arrays are NumPy, so that pages need no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.checks import require_number, require_whole
from engine.errors import ConfigError
from engine.gpt import GPT


@dataclass(frozen=True)
class SumOfProducts:
    """a · b, term by term: products (D,) = a × b, running (D,) their running sum, whose last number is `total`."""

    a: np.ndarray
    b: np.ndarray
    products: np.ndarray
    running: np.ndarray
    total: float


@dataclass(frozen=True)
class SoftmaxRow:
    """Softmax of one row (S,), step by step. exponentials = e^(scores − largest), weights = exponentials / total.

    Subtracting the largest score changes no weight and keeps e^x from overflowing; −inf becomes 0.
    """

    scores: np.ndarray
    largest: float
    exponentials: np.ndarray
    total: float
    weights: np.ndarray


@dataclass(frozen=True)
class Dropped:
    """Attention weights after dropout: `weights` (T, S), `kept` (T, S) bool, `scale` the factor of the kept."""

    weights: np.ndarray
    kept: np.ndarray
    scale: float


def sum_of_products(a: np.ndarray, b: np.ndarray) -> SumOfProducts:
    """The dot product of two vectors (D,), with every term; ConfigError for different lengths.

    >>> sum_of_products([1, 2], [3, -1]).running.tolist()
    [3.0, 1.0]
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.ndim != 1 or first.shape != second.shape or not len(first):
        raise ConfigError(f"a dot product needs two vectors of one length, not {first.shape} and {second.shape}.")
    products = first * second
    running = products.cumsum()
    return SumOfProducts(first, second, products, running, float(running[-1]))


def softmax_row(scores: np.ndarray) -> SoftmaxRow:
    """Softmax of a row of scores (S,), of which at least one is finite; ConfigError otherwise.

    >>> softmax_row([0.0, -np.inf, 0.0]).weights.tolist()
    [0.5, 0.0, 0.5]
    """
    row = np.asarray(scores, dtype=np.float64)
    if row.ndim != 1 or np.isnan(row).any() or not np.isfinite(row.max(initial=-np.inf)):
        raise ConfigError("softmax needs a row of numbers, at least one of them above minus infinity.")
    largest = float(row.max())
    exponentials = np.exp(row - largest)
    total = float(exponentials.sum())
    return SoftmaxRow(row, largest, exponentials, total, exponentials / total)


def with_changes(queries: np.ndarray, changes: Mapping[tuple[int, int], float]) -> np.ndarray:
    """A copy of the queries (T, D) with some numbers replaced: (token, dimension) → value.

    Raises ConfigError for a place outside the matrix or a value that is no finite number.
    """
    changed = np.array(queries, dtype=np.float32)
    n_tokens, width = changed.shape
    for (token, dimension), value in changes.items():
        require_whole("token", token, 0, n_tokens - 1)
        require_whole("dimension", dimension, 0, width - 1)
        if not np.isfinite(value):
            raise ConfigError(f"a query holds numbers; {value!r} at dimension {dimension} is none.")
        changed[token, dimension] = value
    return changed


def drop_weights(weights: np.ndarray, rate: float, seed: int) -> Dropped:
    """Dropout on attention weights (T, S) as in training: each is set to 0 with probability `rate`, from its own dice.

    The kept ones are multiplied by 1 / (1 − rate), so that each weight's mean over many rolls stays what it was
    ("inverted" dropout; Srivastava et al. 2014). Rows no longer sum to 1. ConfigError unless 0 ≤ rate < 1.
    """
    require_number("the dropout rate", rate, 0, 1, below=True)
    require_whole("seed", seed, 0)
    matrix = np.asarray(weights, dtype=np.float32)
    kept = np.random.default_rng(seed).random(matrix.shape) >= rate
    scale = 1 / (1 - rate)
    return Dropped((matrix * kept * scale).astype(np.float32), kept, scale)


def attention_ahead(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How much heads look at what comes later: (L, H) the share above the diagonal, (L, H) the share on the next token.

    `maps` (L, H, T, T). Means over the positions that have a later one; 0 for a single token. A causal model has 0.
    """
    T = maps.shape[-1]
    if T < 2:
        none = np.zeros(maps.shape[:2], dtype=np.float32)
        return none, none
    rows = np.arange(T - 1)
    later = np.triu(maps, k=1).sum(-1)[..., :-1].mean(-1)
    return later, maps[:, :, rows, rows + 1].mean(-1)


def loss_by_position(model: GPT, inputs: Tensor, targets: Tensor) -> np.ndarray:
    """The mean loss (nats per token) at each position of windows (N, T) int64: (T,).

    The mean of the result is the validation loss. ConfigError for windows without a token.
    """
    if inputs.numel() == 0 or inputs.shape != targets.shape:
        raise ConfigError(f"windows {tuple(inputs.shape)} and targets {tuple(targets.shape)} must be alike, not empty.")
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        logits = model(inputs)
        losses = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").view(targets.shape)
    model.train(was_training)
    by_position: np.ndarray = losses.mean(0).numpy()
    return by_position


def known_triples(written: str, read: str) -> float:
    """Of the three-word sequences of a written text, the share that occur in the text it was learned from, 0 to 1.

    Words are what white space separates; 0 for fewer than three.

    >>> known_triples("the lion is in the sea", "The lion is in the forest. And the lion is old.")
    0.75
    """
    flat = " " + " ".join(read.split()) + " "
    words = written.split()
    triples = [f" {' '.join(words[i : i + 3])} " for i in range(len(words) - 2)]
    return sum(triple in flat for triple in triples) / len(triples) if triples else 0.0
