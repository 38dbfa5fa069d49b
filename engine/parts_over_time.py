"""What becomes of a model's parts from checkpoint to checkpoint: gradients, ways moved, and how numbers are spread.

Each function takes checkpoints and plain values, so that another process can be asked. `windows` are inputs and targets
(N, T) int64 of a text that the model never trained on.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

from engine.checkpoint import Checkpoint
from engine.inspection import trace_of
from engine.weight_statistics import (
    Histograms,
    PartLengths,
    Place,
    activations_of,
    gradient_lengths,
    histograms,
    movement,
    part_weights,
)


def lengths_at(checkpoint: Checkpoint, windows: tuple[Tensor, Tensor], n_tokens: int) -> list[PartLengths]:
    """Every part's gradient and weights, on about `n_tokens` of the windows."""
    inputs, targets = windows
    n = max(1, min(len(inputs), n_tokens // inputs.shape[1]))
    keep = np.linspace(0, len(inputs) - 1, n).round().astype(int)  # of a mixture, some of every source
    return gradient_lengths(checkpoint.model, inputs[keep], targets[keep])


def moved_between(before: Checkpoint, after: Checkpoint, steps: int) -> dict[str, float]:
    """How far each part moved per step, as a share of its length before."""
    return movement(before.model, after.model, steps)


def weights_over(part: str, *checkpoints: Checkpoint) -> Histograms:
    """How the weights of a part are spread at each checkpoint."""
    return histograms([part_weights(each.model, part) for each in checkpoints])


def activations_over(ids: tuple[int, ...], place: Place, layer: int, *checkpoints: Checkpoint) -> Histograms:
    """How the numbers at one place of a layer are spread while each checkpoint reads a text (T,)."""
    return histograms([activations_of(trace_of(each.model, ids)[0], place, layer) for each in checkpoints])
