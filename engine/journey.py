"""One prompt followed through a model, from its ids to the next token.

Everything is what the model itself computes (`inspection.trace_of`), reduced to what one page can show: the vectors of
the tokens, and for the last token, which alone decides what comes next, its row of every head's attention, its vector
in the residual stream, and the logits. A `Journey` of GPT-2 over 64 tokens is half a megabyte, where its trace is six.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from engine.bpe import GPT2_PATTERN, split_pieces
from engine.checkpoint import Checkpoint
from engine.gpt import GPT
from engine.inspection import trace_of
from engine.tokenizer import BPETokenizer, OfficialTokenizer, Tokenizer


@dataclass(frozen=True)
class Journey:
    """What a model computes for T ids; L layers, H heads, vectors of C numbers, V tokens. Arrays are float32.

    token_vectors: (T, C), rows of the embedding table. position_vectors: (T, C), what learned positions add to them;
    None where positions are rotary or absent. attention: (L, H, T), from the last token to every token; rows sum to 1.
    stream: (2L + 1, C), the last token's vector as it enters the first layer, then after the attention and after the
    MLP of each layer. lens_ids, lens_probabilities: (L + 1,), the likeliest token if the model stopped before the first
    layer or after each (the logit lens, nostalgebraist 2020). logits: (V,), after the last token.
    """

    ids: tuple[int, ...]
    token_vectors: np.ndarray
    position_vectors: np.ndarray | None
    attention: np.ndarray
    stream: np.ndarray
    lens_ids: np.ndarray
    lens_probabilities: np.ndarray
    logits: np.ndarray

    @property
    def probabilities(self) -> np.ndarray:
        """Softmax of the logits: (V,) float64, sums to 1."""
        exponentials: np.ndarray = np.exp(self.logits.astype(np.float64) - float(self.logits.max()))
        return exponentials / exponentials.sum()

    @property
    def lengths(self) -> np.ndarray:
        """Euclidean length of the last token's vector before the first layer and after each: (L + 1,)."""
        return np.linalg.norm(self.stream[::2], axis=1)

    @property
    def added(self) -> np.ndarray:
        """Length of what the attention and the MLP of each layer add to that vector: (L, 2)."""
        return np.linalg.norm(np.diff(self.stream, axis=0), axis=1).reshape(-1, 2)


@dataclass(frozen=True)
class Glance:
    """A model's answer to a prompt at one checkpoint: probabilities (V,) float32, and their entropy in bits."""

    step: int
    validation_loss: float | None
    probabilities: np.ndarray
    entropy: float

    @property
    def first(self) -> int:
        """Id of the most probable token."""
        return int(self.probabilities.argmax())


def follow_prompt(model: GPT, ids: Sequence[int], n_vocab: int | None = None) -> Journey:
    """Let a model read ids (T,) once and keep what the last token went through.

    `n_vocab` cuts the logits to the tokens that a tokenizer has, where the model's table is longer. Raises ConfigError
    for no ids, or for more than the context holds.
    """
    trace, logits = trace_of(model, ids)
    assert trace.embedding is not None
    last = [trace.embedding[0, -1]]
    for layer in trace.layers:
        last += [layer.residual_middle[0, -1], layer.residual[0, -1]]
    with torch.inference_mode():
        stream = torch.stack(last)  # (2L + 1, C)
        lens = F.softmax(model.head(model.norm(stream[::2]))[:, :n_vocab], dim=-1)  # (L + 1, V)
        best = lens.max(-1)
        positions = model.position_embedding
        return Journey(
            ids=tuple(int(i) for i in ids),
            token_vectors=model.token_embedding(torch.tensor(list(ids))).numpy(),
            position_vectors=None if positions is None else positions.weight[: len(ids)].detach().numpy().copy(),
            attention=np.stack([layer.attention[0, :, -1].numpy() for layer in trace.layers]),
            stream=stream.numpy(),
            lens_ids=best.indices.numpy(),
            lens_probabilities=best.values.numpy(),
            logits=logits[-1, :n_vocab].copy(),
        )


def glance(journey: Journey, step: int, validation_loss: float | None = None) -> Glance:
    """What a journey came to, small enough to keep for every checkpoint of a run."""
    probabilities = journey.probabilities
    return Glance(step, validation_loss, probabilities.astype(np.float32), entropy_bits(probabilities))


def glance_at(checkpoint: Checkpoint, ids: tuple[int, ...], step: int, validation_loss: float | None) -> Glance:
    """What a checkpoint answers to a prompt (T,)."""
    return glance(follow_prompt(checkpoint.model, ids, checkpoint.tokenizer.n_vocab), step, validation_loss)


def entropy_bits(probabilities: np.ndarray) -> float:
    """Shannon's entropy of a distribution (V,): 0 when one token is certain, log2 V when all are alike.

    >>> entropy_bits(np.full(8, 1 / 8))
    3.0
    """
    kept = probabilities[probabilities > 0]
    return float(-(kept * np.log2(kept)).sum()) + 0.0  # no −0.0


def draw_sorted(probabilities: np.ndarray, dice: float) -> int:
    """The id on which `dice` (0 ≤ dice < 1) falls when all tokens lie side by side on a line, the likeliest first.

    Each takes a stretch as long as its probability, so it is drawn as often as it is probable.

    >>> [draw_sorted(np.array([0.2, 0.5, 0.3]), dice) for dice in (0.0, 0.49, 0.5, 0.79, 0.8, 0.99)]
    [1, 1, 2, 2, 0, 0]
    """
    order = np.argsort(-probabilities, kind="stable")
    ends = probabilities[order].cumsum()
    place = int(ends.searchsorted(dice * ends[-1], side="right"))
    return int(order[min(place, len(order) - 1)])


def words_of(text: str, tokenizer: Tokenizer) -> list[str]:
    """The pieces of a text that the tokenizer never merges across; joined they are the text again.

    Where a tokenizer has no split pattern of its own, GPT-2's cuts the text into words.
    """
    if isinstance(tokenizer, BPETokenizer):
        return split_pieces(text, tokenizer.pattern)
    if isinstance(tokenizer, OfficialTokenizer):
        return split_pieces(text, tokenizer.to_tiktoken()._pat_str)
    return split_pieces(text, GPT2_PATTERN)
