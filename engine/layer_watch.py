"""How one update moves a model, part by part: how long the gradients are and how far the weights go, by layer.

A training asks for it in the step before each evaluation; anything else that makes updates can ask as well.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from engine.events import LayersEvent, LayerState


class LayerWatch:
    """Measures one update part by part: make it, call `before` once the gradients are there, read `event` after it."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self._gradients: dict[str, float] = {}
        self._before: dict[str, Tensor] = {}

    @torch.no_grad()
    def before(self, unclip: float) -> None:
        """The gradients are there, shortened by `unclip`, and the weights about to move."""
        trained = {name: p for name, p in self.model.named_parameters() if p.grad is not None}
        self._before = {name: parameter.clone() for name, parameter in trained.items()}
        self._gradients = {name: unclip * float(p.grad.norm()) for name, p in trained.items() if p.grad is not None}

    @torch.no_grad()
    def event(self, step: int) -> LayersEvent:
        """The weights have moved."""
        parameters = dict(self.model.named_parameters())
        parts: dict[str, list[tuple[float, float, float]]] = {}
        for name, old in self._before.items():
            lengths = self._gradients[name], float(old.norm()), float((parameters[name] - old).norm())
            parts.setdefault(part_of(name), []).append(lengths)
        states = (LayerState(part, *map(_length, zip(*rows, strict=True))) for part, rows in parts.items())
        return LayersEvent(step, tuple(states))


def part_of(name: str) -> str:
    """What a GPT's parameter belongs to: "embedding", "layer 1 attention", "layer 1 MLP", …, "final norm", "head".

    >>> part_of("blocks.0.norm_mlp.weight")
    'layer 1 MLP'
    """
    head, *rest = name.split(".")
    if head == "blocks":
        return f"layer {int(rest[0]) + 1} {'attention' if 'attention' in rest[1] else 'MLP'}"
    return {"token_embedding": "embedding", "position_embedding": "embedding", "norm": "final norm"}.get(head, head)


def _length(lengths: tuple[float, ...]) -> float:
    return math.sqrt(sum(length * length for length in lengths))
