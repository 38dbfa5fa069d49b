"""What a GPT's numbers look like while it learns: gradients, movement and histograms, part by part.

A training step moves every part of the model by rate × direction. How long a part's gradient is, how far it moves for
its own length, and how its weights and activations are spread tell whether it learns at all, learns too fast, or has
fallen silent. "Parts" are those of `engine.layer_watch.part_of`: embedding, attention and MLP of each layer, final
norm, head.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from engine.errors import ConfigError
from engine.gpt import GPT, Trace
from engine.language import _
from engine.layer_watch import part_of

RULE_OF_THUMB = 1e-3
"""A rough heuristic: an update is about a thousandth of the weights that it changes (CS231n course notes, 2015)."""
Place = Literal["stream", "before", "behind"]
PLACES: tuple[Place, ...] = ("stream", "before", "behind")
"""The residual stream after a layer; its MLP's numbers before and behind the nonlinearity."""


@dataclass(frozen=True)
class PartLengths:
    """A part of a model: lengths (L2 norms) of its gradient and of its weights, and how many numbers it has."""

    name: str
    gradient: float
    weights: float
    size: int


def gradient_lengths(model: GPT, inputs: Tensor, targets: Tensor, *, windows_at_once: int = 8) -> list[PartLengths]:
    """The gradient of the mean loss on windows (N, T) int64, part by part, without changing the model.

    The same number that training records before clipping, but on these windows. `targets` of −100 do not count.
    ConfigError where no target counts.
    """
    n_targets = int((targets != -100).sum())
    if not n_targets:
        raise ConfigError(_("there is no target to measure a gradient on: give windows with a next token."))
    named = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    totals = [torch.zeros_like(parameter) for parameter in named.values()]
    was_training = model.training
    model.eval()
    for x, y in zip(inputs.split(windows_at_once), targets.split(windows_at_once), strict=True):
        loss = model.loss(x, y, reduction="sum") / n_targets
        # Not `backward`: that would write into the model, which others read at the same time.
        for total, found in zip(totals, torch.autograd.grad(loss, list(named.values())), strict=True):
            total += found
    model.train(was_training)
    parts: dict[str, list[tuple[Tensor, Tensor]]] = {}
    for (name, parameter), total in zip(named.items(), totals, strict=True):
        parts.setdefault(part_of(name), []).append((total, parameter.detach()))
    return [
        PartLengths(
            name,
            _length([gradient for gradient, _ in rows]),
            _length([weights for _, weights in rows]),
            sum(weights.numel() for _, weights in rows),
        )
        for name, rows in parts.items()
    ]


def movement(before: GPT, after: GPT, steps: int) -> dict[str, float]:
    """How far each part moved per step between two checkpoints of one run, as a share of its length before.

    By the triangle inequality the mean update ÷ weights of those steps is at least that: updates that undo each other
    do not count. ConfigError for fewer than one step or models of different shapes.
    """
    if steps < 1:
        raise ConfigError(
            _("{steps} steps lie between these checkpoints: choose two that follow each other.", steps=steps)
        )
    later = dict(after.named_parameters())
    parts: dict[str, list[tuple[Tensor, Tensor]]] = {}
    for name, parameter in before.named_parameters():
        if name not in later or later[name].shape != parameter.shape:
            raise ConfigError(_("the two models differ in {name}: they are not of one run.", name=name))
        parts.setdefault(part_of(name), []).append((parameter.detach(), later[name].detach()))
    return {
        name: _length([new - old for old, new in rows]) / steps / max(_length([old for old, _ in rows]), 1e-30)
        for name, rows in parts.items()
    }


def part_names(model: GPT) -> list[str]:
    """The parts of a model from the embedding to the head; a tied head belongs to the embedding."""
    return list(dict.fromkeys(part_of(name) for name, _ in model.named_parameters()))


def part_weights(model: GPT, part: str) -> np.ndarray:
    """All matrix weights of a part as one row (n,) float32; the gains and biases only of a part that has no matrix.

    ConfigError for an unknown part.
    """
    found = [parameter.detach() for name, parameter in model.named_parameters() if part_of(name) == part]
    if not found:
        raise ConfigError(
            _("there is no part {part!r}: choose one of {names}.", part=part, names=", ".join(part_names(model)))
        )
    matrices = [each for each in found if each.dim() > 1] or found
    return torch.cat([each.reshape(-1) for each in matrices]).float().numpy()


def activations_of(trace: Trace, place: Place, layer: int) -> np.ndarray:
    """The numbers at one place of a layer (counted from 0) for all tokens that were read: (n,) float32."""
    if not 0 <= layer < len(trace.layers):
        raise ConfigError(
            _("layer {value} does not exist: the model has {n_layers}.", value=layer + 1, n_layers=len(trace.layers))
        )
    recorded = trace.layers[layer]
    tensors = {"stream": recorded.residual, "before": recorded.pre_activations, "behind": recorded.activations}
    if place not in tensors:
        raise ConfigError(_("place is {place!r}; it must be one of {names}.", place=place, names=", ".join(PLACES)))
    values: np.ndarray = tensors[place].reshape(-1).float().numpy()
    return values


@dataclass(frozen=True)
class Histograms:
    """The same bins at several moments: edges (n + 1,), shares (moments, n), which add up to 1 with what is outside.

    spreads: (moments,), the standard deviation; outside: (moments,), the share beyond the edges; zeros: (moments,), the
    share that is exactly 0.
    """

    edges: np.ndarray
    shares: np.ndarray
    spreads: np.ndarray
    outside: np.ndarray
    zeros: np.ndarray


def histograms(moments: Sequence[np.ndarray], n_bins: int = 60, *, cover: float = 0.999) -> Histograms:
    """Histograms of numbers (n,) at several moments over bins that all share.

    The bins reach from −r to r, where r is the largest of the moments' `cover` quantiles of the absolute values: one
    outlier does not flatten the rest. Numbers that are not finite count as outside. ConfigError for no numbers.
    """
    if not moments or any(not each.size for each in moments):
        raise ConfigError(_("there are no numbers to sort into bins."))
    finite = [each[np.isfinite(each)] for each in moments]
    reach = max((float(np.quantile(np.abs(each), cover)) for each in finite if each.size), default=1.0) or 1.0
    edges = np.linspace(-reach, reach, n_bins + 1)
    counts = np.array([np.histogram(each, edges)[0] for each in finite], dtype=float)
    totals = np.array([each.size for each in moments], dtype=float)
    shares = counts / totals[:, None]
    return Histograms(
        edges,
        shares,
        np.array([each.std() if each.size else math.nan for each in finite], dtype=float),
        1 - shares.sum(axis=1),
        np.array([(each == 0).mean() for each in moments], dtype=float),
    )


def _length(tensors: Sequence[Tensor]) -> float:
    return math.sqrt(sum(float(tensor.double().pow(2).sum()) for tensor in tensors))
