"""Looking inside a GPT while it reads: the stages of attention, maps of all heads, what a head does, the logit lens.

Everything is computed by the model itself (`GPT.forward` with a `Trace`), never by a second implementation. Ids go in
as one row `(T,)`, arrays come out as NumPy float32, so that pages need no torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.errors import ConfigError
from engine.gpt import GPT, Trace, attention_mask

HEAD_LABELS = ("previous token", "first token", "itself", "same token", "induction")
"""What a head may be found to look at; the order of `HeadScores.values`' last axis."""


@dataclass(frozen=True)
class AttentionStages:
    """One head, step by step (Vaswani et al. 2017, eq. 1). T tokens, D numbers a head.

    q, k, v: (T, D), turned by their positions where these are rotary. scores = q kᵀ, scaled = scores / √D, masked: −inf
    above the diagonal of a causal model, weights = softmax of each row, all (T, T). output = weights v, (T, D).
    """

    q: np.ndarray
    k: np.ndarray
    v: np.ndarray
    scores: np.ndarray
    scaled: np.ndarray
    masked: np.ndarray
    weights: np.ndarray
    output: np.ndarray


@dataclass(frozen=True)
class HeadScores:
    """How much of its attention each head gives to each kind of place, measured; `values` is (L, H, 5), 0 to 1."""

    values: np.ndarray

    def label(self, layer: int, head: int, at_least: float = 0.4) -> tuple[str, float]:
        """The strongest habit of a head and its score; "mixed" when none reaches `at_least`."""
        scores = self.values[layer, head]
        best = int(scores.argmax())
        return (HEAD_LABELS[best] if scores[best] >= at_least else "mixed"), float(scores[best])


def trace_of(model: GPT, ids: Sequence[int], *, head_scale: np.ndarray | None = None) -> tuple[Trace, np.ndarray]:
    """Everything the model computes for one text, and its logits (T, V). ConfigError for no or too many ids."""
    if not len(ids):
        raise ConfigError("there is no token to look at: type a text.")
    trace = Trace()
    scale = None if head_scale is None else torch.as_tensor(head_scale, dtype=torch.float32)
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        logits = model(torch.tensor([list(ids)]), trace=trace, head_scale=scale)[0]
    model.train(was_training)
    return trace, logits.numpy()


def attention_maps(trace: Trace) -> np.ndarray:
    """The attention of all heads of all layers, (L, H, T, T) float32; each row sums to 1."""
    return np.stack([layer.attention[0].numpy() for layer in trace.layers])


def attention_stages(
    trace: Trace, layer: int, head: int, *, causal: bool = True, q: np.ndarray | None = None
) -> AttentionStages:
    """Every step of one head, computed again from its q, k and v; `q` (T, D) replaces the model's own queries."""
    recorded = trace.layers[layer]
    keys, values = recorded.k[0, head], recorded.v[0, head]
    queries = recorded.q[0, head] if q is None else torch.as_tensor(q, dtype=torch.float32)
    scores = queries @ keys.T
    scaled = scores / math.sqrt(keys.shape[-1])
    masked = scaled.masked_fill(~attention_mask(*scaled.shape), -torch.inf) if causal else scaled
    weights = masked.softmax(-1)
    stages = (queries, keys, values, scores, scaled, masked, weights, weights @ values)
    return AttentionStages(*(stage.numpy() for stage in stages))


def attention_entropy(maps: np.ndarray) -> np.ndarray:
    """Mean entropy of a head's rows in bits, (L, H): 0 for one place only, log2 n for n places alike.

    >>> float(attention_entropy(np.full((1, 1, 1, 4), 0.25))[0, 0])
    2.0
    """
    logs = np.log2(maps, out=np.zeros_like(maps), where=maps > 0)
    entropy: np.ndarray = -(maps * logs).sum(-1).mean(-1)
    return entropy


def head_scores(model: GPT, ids: Sequence[int], *, seed: int = 0) -> HeadScores:
    """What each head looks at, as the mean share of its attention over the positions where that place exists.

    On the text itself: the token before, the first token, the token itself, earlier copies of it. Induction (Olsson
    et al. 2022) is measured on a random row of ids that is repeated once: from a token of the second half, the share
    on the token after its copy. The row is as long as the context allows, at most 64 tokens.
    """
    maps = attention_maps(trace_of(model, ids)[0])  # (L, H, T, T)
    row = np.asarray(ids)
    T = len(row)
    rows = np.arange(1, T)
    scores = np.zeros((*maps.shape[:2], len(HEAD_LABELS)), dtype=np.float32)
    if T > 1:
        scores[..., 0] = maps[:, :, rows, rows - 1].mean(-1)
        scores[..., 1] = maps[:, :, rows[1:], 0].mean(-1) if T > 2 else 0  # of token 1 the first is the previous
        scores[..., 2] = maps[:, :, rows, rows].mean(-1)
        same = np.tril(row[:, None] == row[None, :], k=-1)  # (T, T)
        if same.any():
            has_copy = same.any(-1)
            scores[..., 3] = (maps * same).sum(-1)[:, :, has_copy].mean(-1)
    half = min(model.config.context_length, 64) // 2
    if half >= 2:
        first = np.random.default_rng(seed).integers(0, model.config.vocab_size, half)
        repeated = attention_maps(trace_of(model, [*first, *first])[0])
        queries = np.arange(half, 2 * half)
        scores[..., 4] = repeated[:, :, queries, queries - half + 1].mean(-1)
    return HeadScores(scores)


def head_damage(model: GPT, inputs: Tensor, targets: Tensor) -> tuple[float, np.ndarray]:
    """The loss (nats per token) on windows (N, T) int64, and how much it rises with each head switched off: (L, H)."""
    config = model.config
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        base = float(model.loss(inputs, targets))
        damage = np.zeros((config.n_layers, config.n_heads), dtype=np.float32)
        for layer in range(config.n_layers):
            for head in range(config.n_heads):
                scale = torch.ones(config.n_layers, config.n_heads)
                scale[layer, head] = 0
                damage[layer, head] = float(model.loss(inputs, targets, head_scale=scale)) - base
    model.train(was_training)
    return base, damage


def logit_lens(model: GPT, trace: Trace) -> np.ndarray:
    """What the model would predict if it stopped after each layer (nostalgebraist 2020): probabilities (L + 1, T, V).

    The residual stream before the first block and after each block goes through the final norm and the head; the last
    one is the model's own prediction.
    """
    assert trace.embedding is not None
    stream = torch.stack([trace.embedding[0], *(layer.residual[0] for layer in trace.layers)])  # (L + 1, T, C)
    with torch.inference_mode():
        return F.softmax(model.head(model.norm(stream)), dim=-1).numpy()


def residual_norms(trace: Trace) -> np.ndarray:
    """Length of every token's vector in the residual stream, before the first block and after each: (L + 1, T)."""
    assert trace.embedding is not None
    return np.stack([trace.embedding[0].norm(dim=-1), *(layer.residual[0].norm(dim=-1) for layer in trace.layers)])
