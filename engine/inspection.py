"""Looking inside a GPT while it reads: the stages of attention, maps of all heads, what a head does, the logit lens.

Everything is computed by the model itself (`GPT.forward` with a `Trace`), never by a second implementation. Ids go in
as one row `(T,)`, arrays come out as NumPy float32, so that pages need no torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.errors import ConfigError
from engine.gpt import GPT, GPTConfig, Trace, attention_mask
from engine.language import N_, _

HEAD_LABELS = (N_("previous token"), N_("first token"), N_("itself"), N_("same token"), N_("induction"))
"""What a head may be found to look at; the order of `HeadScores.values`' last axis."""
INDUCTION_ROWS = 4
_ROWS_AT_ONCE = 8


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
    """How much of its attention each head gives to each kind of place, measured; `values` is (L, H, 5), 0 to 1.

    `chance` (5,) is what a head that looks everywhere alike would score on the same text; `counts` (5,) over how many
    positions each habit was measured, 0 where the text had no such place.
    """

    values: np.ndarray
    chance: np.ndarray
    counts: np.ndarray

    @property
    def above_chance(self) -> np.ndarray:
        """The part of the attention that chance leaves open and the habit takes: 0 for a uniform head, 1 at most."""
        above: np.ndarray = (self.values - self.chance) / np.maximum(1 - self.chance, 1e-6)
        return above

    def label(self, layer: int, head: int, at_least: float = 0.25) -> tuple[str, float]:
        """The habit that stands out most from chance, and its score; "mixed" when none is `at_least` above chance.

        In a text of three tokens a head that looks everywhere alike gives the previous one 0.42; so what counts is
        the score above chance, as in Cohen's kappa.
        """
        above = np.where(self.counts > 0, self.above_chance[layer, head], -1)
        best = int(above.argmax())
        return (HEAD_LABELS[best] if above[best] >= at_least else N_("mixed")), float(self.values[layer, head, best])


@dataclass(frozen=True)
class HeadEffect:
    """What changes with one head switched off.

    damage: how much the loss rises, in nats per token (negative: the model does better without). shift: how much
    probability moves from some next tokens to others, 0 to 1 (total variation distance).
    """

    layer: int
    head: int
    damage: float
    shift: float


def trace_of(model: GPT, ids: Sequence[int], *, head_scale: np.ndarray | None = None) -> tuple[Trace, np.ndarray]:
    """Everything the model computes for one text, and its logits (T, V). ConfigError for no or too many ids."""
    if not len(ids):
        raise ConfigError(_("there is no token to look at: type a text."))
    trace = Trace()
    scale = None if head_scale is None else torch.as_tensor(head_scale, dtype=torch.float32)
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        logits = model(torch.tensor([list(ids)]), trace=trace, head_scale=scale)[0]
    model.train(was_training)
    return trace, logits.numpy()


def next_token_targets(ids: Sequence[int]) -> tuple[Tensor, Tensor]:
    """One text as inputs and targets (1, T) int64; the last token's target is −100, for nothing follows it."""
    row = torch.tensor([list(ids)])
    return row, torch.cat([row[:, 1:], torch.tensor([[-100]])], dim=1)


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


def head_scores(
    model: GPT, ids: Sequence[int] | np.ndarray, *, maps: np.ndarray | None = None, seed: int = 0
) -> HeadScores:
    """What each head looks at, as the mean share of its attention over the positions where that place exists.

    `ids` is one text (T,) or several of one length (N, T). On the text itself: the token before, the first token, the
    token itself, earlier copies of it. Induction (Olsson et al. 2022) is measured on four random rows of ids that are
    repeated once: from a token of the second half, the share on the token after its copy. `maps` (L, H, T, T) are those
    of one text, where they are known already.
    """
    config = model.config
    rows = np.atleast_2d(np.asarray(ids, dtype=np.int64))
    repeated = np.array([repeated_row(config, seed=seed + n) for n in range(INDUCTION_ROWS)], dtype=np.int64)
    known = iter([maps]) if maps is not None else _maps_of_rows(model, rows)
    texts = chain(
        ((row, _places(row), found) for row, found in zip(rows, known, strict=False)),
        (
            (row, {4: _after_the_copy(len(row))}, found)
            for row, found in zip(repeated, _maps_of_rows(model, repeated), strict=False)
        ),
    )
    sums = np.zeros((config.n_layers, config.n_heads, len(HEAD_LABELS)))
    chances, counts = np.zeros(len(HEAD_LABELS)), np.zeros(len(HEAD_LABELS), dtype=np.int64)
    for row, habits, found in texts:
        visible = np.arange(1, len(row) + 1) if config.causal else np.full(len(row), len(row))
        for habit, places in habits.items():
            measured = places.any(-1)
            sums[..., habit] += (found[:, :, measured] * places[measured]).sum((-1, -2))
            chances[habit] += (places.sum(-1) / visible)[measured].sum()
            counts[habit] += measured.sum()
    n_positions = np.maximum(counts, 1)
    return HeadScores((sums / n_positions).astype(np.float32), (chances / n_positions).astype(np.float32), counts)


def _maps_of_rows(model: GPT, rows: np.ndarray) -> Iterator[np.ndarray]:
    """The maps (L, H, T, T) of each of the rows (N, T), a few of them in one pass; none of empty rows."""
    was_training = model.training
    model.eval()
    for start in range(0, len(rows) if rows.shape[1] else 0, _ROWS_AT_ONCE):
        trace = Trace()
        with torch.inference_mode():
            model(torch.from_numpy(rows[start : start + _ROWS_AT_ONCE]), trace=trace)
        yield from np.stack([layer.attention.numpy() for layer in trace.layers], axis=1)
    model.train(was_training)


def repeated_row(config: GPTConfig, *, seed: int = 0, most: int = 64) -> list[int]:
    """Random ids, then the same again: as long as the context allows, at most `most`. Empty for a context below 4."""
    half = min(config.context_length, most) // 2
    if half < 2:
        return []
    rng = np.random.default_rng(seed)
    first = rng.choice(config.vocab_size, half, replace=half > config.vocab_size).tolist()
    return [*first, *first]


def _places(row: np.ndarray) -> dict[int, np.ndarray]:
    """For the habits that a text shows by itself, which places (T, T) count from each position."""
    T = len(row)
    first, itself = np.zeros((T, T), dtype=bool), np.eye(T, dtype=bool)
    first[2:, 0] = True  # of token 1 the first is the previous one
    itself[0] = False  # token 0 has no choice
    same = np.tril(row[:, None] == row[None, :], k=-1)
    return {0: np.eye(T, k=-1, dtype=bool), 1: first, 2: itself, 3: same}


def _after_the_copy(T: int) -> np.ndarray:
    """In a row whose second half repeats the first: from each repeated token, the one after its copy."""
    queries = np.arange(T // 2, T)
    places = np.zeros((T, T), dtype=bool)
    places[queries, queries - T // 2 + 1] = True
    return places


def head_effects(
    model: GPT,
    inputs: Tensor,
    targets: Tensor,
    ids: Sequence[int] | None = None,
    *,
    layers: Sequence[int] | None = None,
) -> Iterator[HeadEffect | float]:
    """Switches off one head after the other; first yields the loss with all heads, then a `HeadEffect` for each.

    The loss is measured on windows (N, T) int64, the shift of the next token after `ids` (nan without them). Only
    the heads of `layers`, if they are named. What lies before the head's layer is computed once. An iterator, so that
    it can be watched and given up.
    """
    config = model.config
    # A generator must not leave inference mode switched on while its caller has the floor.
    with torch.inference_mode():
        streams = _streams(model, inputs)
        base = _loss(_logits(model, streams[-1]), targets)
        own = None if ids is None else _streams(model, torch.tensor([list(ids)]))
        before = None if own is None else _logits(model, own[-1][:, -1:]).softmax(-1)
    yield base
    for layer in range(config.n_layers) if layers is None else layers:
        for head in range(config.n_heads):
            scale = torch.ones(config.n_layers, config.n_heads)
            scale[layer, head] = 0
            with torch.inference_mode():
                damage = _loss(_logits(model, _read_on(model, streams[layer], layer, scale)[-1]), targets) - base
                shift = math.nan
                if own is not None and before is not None:
                    after = _logits(model, _read_on(model, own[layer], layer, scale)[-1][:, -1:]).softmax(-1)
                    shift = float((after - before).abs().sum()) / 2
            yield HeadEffect(layer, head, damage, shift)


def head_damage(model: GPT, inputs: Tensor, targets: Tensor) -> tuple[float, np.ndarray]:
    """The loss (nats per token) on windows (N, T) int64, and how much it rises with each head switched off: (L, H)."""
    base = math.nan
    damage = np.zeros((model.config.n_layers, model.config.n_heads), dtype=np.float32)
    for effect in head_effects(model, inputs, targets):
        if isinstance(effect, HeadEffect):
            damage[effect.layer, effect.head] = effect.damage
        else:
            base = effect
    return base, damage


def loss_without(model: GPT, inputs: Tensor, targets: Tensor, head_scale: np.ndarray) -> float:
    """The loss (nats per token) on windows (N, T) int64 with heads scaled by `head_scale` (L, H); 0 is off."""
    with torch.inference_mode():
        streams = _read_on(model, _embed(model, inputs), 0, torch.as_tensor(head_scale, dtype=torch.float32))
        return _loss(_logits(model, streams[-1]), targets)


def _embed(model: GPT, ids: Tensor) -> Tensor:
    x = model.token_embedding(ids)
    if model.position_embedding is not None:
        x = x + model.position_embedding.weight[: ids.shape[1]]
    return x


def _streams(model: GPT, ids: Tensor) -> list[Tensor]:
    """The residual stream (B, T, C) before the first block and after each."""
    x = _embed(model, ids)
    return [x, *_read_on(model, x, 0, None)]


def _read_on(model: GPT, x: Tensor, first: int, head_scale: Tensor | None) -> list[Tensor]:
    """The stream after each block from `first` on, when it is `x` before that block. Dropout is left out."""
    T = x.shape[1]
    rotation = (model.cosines[:T], model.sines[:T]) if model.config.positions == "rotary" else None
    after = []
    was_training = model.training
    model.eval()
    for layer, block in enumerate(model.layers[first:], first):
        x = block(x, rotation, None, layer, None, head_scale)
        after.append(x)
    model.train(was_training)
    return after


def _logits(model: GPT, x: Tensor) -> Tensor:
    logits: Tensor = model.head(model.norm(x))
    return logits


def _loss(logits: Tensor, targets: Tensor) -> float:
    return float(F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.reshape(-1), ignore_index=-100))


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
