"""What is measured of a model's heads: their habits, their worth, and the loss without some of them.

Each function takes a checkpoint and plain values, so that another process can be asked. `windows` are inputs and
targets (N, T) int64 of a text that the model never trained on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from engine import attention_steps, inspection
from engine.checkpoint import Checkpoint
from engine.inspection import HeadEffect, HeadScores

Windows = tuple[Tensor, Tensor]
Places = tuple[tuple[int, int], ...]
"""Layers and heads."""


@dataclass(frozen=True)
class HeadMoment:
    """What a model's heads do on a text at one checkpoint: maps (L, H, T, T), entropy (L, H) in bits, their habits."""

    maps: np.ndarray
    entropy: np.ndarray
    habits: HeadScores

    @property
    def scores(self) -> np.ndarray:
        """Of each head, the share of its attention that each habit takes: (L, H, 5)."""
        return self.habits.values


@dataclass(frozen=True)
class LayerEffects:
    """The loss with all heads, in nats per token, and what changes without each head of one layer."""

    base: float
    heads: tuple[HeadEffect, ...]


def heads_reading(checkpoint: Checkpoint, ids: tuple[int, ...]) -> HeadMoment:
    """What all heads do on one text (T,)."""
    maps = inspection.attention_maps(inspection.trace_of(checkpoint.model, ids)[0])
    habits = inspection.head_scores(checkpoint.model, ids, maps=maps)
    return HeadMoment(maps, inspection.attention_entropy(maps), habits)


def shape_of(windows: Windows) -> tuple[int, int]:
    """How many windows there are, and of how many tokens."""
    rows, length = windows[0].shape
    return rows, length


def habits_on(checkpoint: Checkpoint, windows: Windows, n_tokens: int) -> tuple[HeadScores, tuple[int, int]]:
    """The heads' habits over about `n_tokens` of the windows, and how many windows and tokens in each those are."""
    rows = windows[0].numpy()
    rows = rows[: max(1, n_tokens // rows.shape[1])]
    return inspection.head_scores(checkpoint.model, rows), rows.shape


def effects_on(checkpoint: Checkpoint, windows: Windows, layer: int) -> LayerEffects:
    """What each head of a layer is worth on the windows."""
    return _effects(checkpoint, windows, None, layer)


def effects_on_text(checkpoint: Checkpoint, ids: tuple[int, ...], layer: int) -> LayerEffects:
    """What each head of a layer is worth on one text (T,), and for the token after it."""
    return _effects(checkpoint, inspection.next_token_targets(ids), ids, layer)


def _effects(checkpoint: Checkpoint, windows: Windows, ids: tuple[int, ...] | None, layer: int) -> LayerEffects:
    base, *found = inspection.head_effects(checkpoint.model, *windows, ids, layers=[layer])
    assert isinstance(base, float)
    return LayerEffects(base, tuple(each for each in found if isinstance(each, HeadEffect)))


def loss_with_off(checkpoint: Checkpoint, windows: Windows, off: Places) -> float:
    """The loss, in nats per token, with these heads switched off."""
    config = checkpoint.model.config
    scale = np.ones((config.n_layers, config.n_heads), dtype=np.float32)
    for place in off:
        scale[place] = 0
    return inspection.loss_without(checkpoint.model, *windows, scale)


def position_losses(checkpoint: Checkpoint, windows: Windows) -> np.ndarray:
    """The mean loss (nats per token) at each position of the windows: (T,)."""
    return attention_steps.loss_by_position(checkpoint.model, *windows)
