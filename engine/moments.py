"""What a model does at one moment of its training: what it writes, how it reads, where its tokens lie.

Each function takes a checkpoint and plain values, so that another process can be asked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine import anatomy, embedding, inspection
from engine.checkpoint import Checkpoint
from engine.evaluation import token_probabilities
from engine.generation import SamplingConfig, generate, next_logits, next_token_distribution, top_candidates
from engine.offsets import TokenSpans, token_spans

SAMPLE_TOKENS = 40
N_BARS = 8
LENS_TOP = 3
GREEDY = SamplingConfig(temperature=0.0)
DICE = SamplingConfig(temperature=0.8, top_k=50, seed=0)


@dataclass(frozen=True)
class Written:
    """What a model writes after a prompt, and its most probable next tokens there: pairs of text and probability."""

    text: str
    top: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Looked:
    """A short text inside a model: maps (L, H, T, T) float32, and the lens (engine.anatomy.Lens)."""

    maps: np.ndarray
    lens: anatomy.Lens


@dataclass(frozen=True)
class Read:
    """A text as a model read it: its tokens' places and probabilities (T,), NaN for the first."""

    spans: TokenSpans
    probabilities: np.ndarray


def write_after(checkpoint: Checkpoint, prompt: str, greedy: bool) -> Written:
    """40 tokens after a prompt of at least one token: always the likeliest, or with the same dice every time."""
    model, tokenizer = checkpoint.model, checkpoint.tokenizer
    ids = tokenizer.encode(prompt)
    text = "".join(step.text for step in generate(model, tokenizer, ids, SAMPLE_TOKENS, GREEDY if greedy else DICE))
    base = next_token_distribution(next_logits(model, ids)[: tokenizer.n_vocab], SamplingConfig()).base
    top = tuple((each.text, each.probability) for each in top_candidates(base, tokenizer, N_BARS))
    return Written(text, top)


def read_logits(checkpoint: Checkpoint, ids: tuple[int, ...]) -> np.ndarray:
    """The logits of the next token after a text, (vocabulary of the tokenizer,) float32."""
    return next_logits(checkpoint.model, ids)[: checkpoint.tokenizer.n_vocab]


def read_probabilities(checkpoint: Checkpoint, ids: tuple[int, ...]) -> list[float]:
    """The model's probability of each token of a text, NaN for the first."""
    return [float(each) for each in token_probabilities(checkpoint.model, ids)]


def look_inside(checkpoint: Checkpoint, ids: tuple[int, ...]) -> Looked:
    """What happens inside while the model reads a few tokens (T,)."""
    trace, _ = inspection.trace_of(checkpoint.model, ids)
    return Looked(inspection.attention_maps(trace), anatomy.logit_lens_top(checkpoint.model, trace, LENS_TOP))


def read_text(checkpoint: Checkpoint, text: str) -> Read:
    """How probable the model finds each token of a text."""
    spans = token_spans(text, checkpoint.tokenizer)
    return Read(spans, token_probabilities(checkpoint.model, spans.ids.tolist()))


def places_of(
    checkpoint: Checkpoint, last: Checkpoint, ids: tuple[int, ...], n_dims: int = 2
) -> tuple[np.ndarray, float]:
    """Where these tokens lie, (n, n_dims) float, on the axes of largest spread at the `last` checkpoint; and the share
    of their variance that these axes keep, 0 to 1.
    """
    chosen = np.array(ids, dtype=np.int64)
    frame, vectors = (embedding.token_directions(each.model, chosen) for each in (last, checkpoint))
    return embedding.project_into(frame, vectors, n_dims)
