"""LoRA: a frozen matrix learns by adding the product of two thin ones (Hu et al. 2021, section 4.1).

y = W x + (α / r) · B A x, where A is (r, in), B is (out, r) and W stays as it was pretrained. B begins at zero, so that
an adapted model first says exactly what it said before. The product can be added to W once training is done: a merged
model costs nothing extra.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.checks import require_number, require_whole
from engine.errors import ConfigError
from engine.gpt import GPTConfig
from engine.language import _

ModelT = TypeVar("ModelT", bound=nn.Module)

TARGETS = ("qkv", "projection", "up", "down")
"""The matrices of a block that can be adapted: attention in and out, MLP in and out."""


class LoRALinear(nn.Linear):
    """A linear map whose own weight is frozen, with a learned update of rank r beside it."""

    def __init__(self, linear: nn.Linear, rank: int, alpha: float, generator: torch.Generator | None = None) -> None:
        super().__init__(linear.in_features, linear.out_features, bias=linear.bias is not None, device="meta")
        require_whole("rank", rank, 1, min(linear.in_features, linear.out_features))
        require_number("alpha", alpha, 0, above=True)
        self.weight, self.bias = linear.weight, linear.bias
        self.weight.requires_grad_(False)
        if self.bias is not None:
            self.bias.requires_grad_(False)
        self.rank, self.alpha = rank, alpha
        self.strength = 1.0
        """How much of the update is used: 0 is the model as it was pretrained, 1 as it was adapted."""
        self.lora_A = nn.Parameter(torch.empty(rank, linear.in_features))
        self.lora_B = nn.Parameter(torch.zeros(linear.out_features, rank))
        nn.init.normal_(self.lora_A, std=1 / math.sqrt(linear.in_features), generator=generator)

    def forward(self, input: Tensor) -> Tensor:
        """(…, in) → (…, out), the update's two thin matrices one after the other."""
        y = F.linear(input, self.weight, self.bias)
        return y + self.scale * F.linear(F.linear(input, self.lora_A), self.lora_B)

    @property
    def scale(self) -> float:
        """What multiplies B A: α / r, times the strength."""
        return self.strength * self.alpha / self.rank

    def update(self) -> Tensor:
        """What is added to the weight, (out, in) float32, without gradients."""
        return (self.scale * self.lora_B @ self.lora_A).detach()

    def merged(self) -> nn.Linear:
        """An ordinary linear map that computes the same."""
        plain = nn.Linear(self.in_features, self.out_features, bias=self.bias is not None, device="meta")
        plain.weight = nn.Parameter(self.weight.detach() + self.update())
        if self.bias is not None:
            plain.bias = nn.Parameter(self.bias.detach().clone())
        return plain


def add_lora(model: nn.Module, rank: int, alpha: float, targets: Sequence[str] = TARGETS, *, seed: int = 0) -> None:
    """Freeze every parameter of `model` and put adapters beside the matrices named `targets`, in place.

    Raises ConfigError for a rank that does not fit, for an unknown target, and where nothing is left to adapt.
    """
    unknown = sorted(set(targets) - set(TARGETS))
    if unknown or not targets:
        raise ConfigError(
            _(
                "LoRA's targets ({value}) must be some of {join}.",
                value=", ".join(unknown) or "none",
                join=", ".join(TARGETS),
            )
        )
    places = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if name in targets and type(child) is nn.Linear
    ]
    if not places:
        raise ConfigError(_("this model has no matrix that could be adapted, or it has been adapted already."))
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for parent, name, child in places:
        setattr(parent, name, LoRALinear(child, rank, alpha, generator))


def adapters(model: nn.Module) -> Iterator[tuple[str, LoRALinear]]:
    """The adapted matrices of a model, each with its name."""
    for name, module in model.named_modules():
        if isinstance(module, LoRALinear):
            yield name, module


def lora_parameters(config: GPTConfig, rank: int, targets: Sequence[str] = TARGETS) -> int:
    """How many numbers the adapters of a GPT have: r (in + out) for each matrix, in every layer.

    >>> lora_parameters(GPTConfig.preset("gpt2"), 8, ["qkv"])
    294912
    """
    C, hidden = config.d_model, config.d_ff
    sides = {"qkv": 4 * C, "projection": 2 * C, "up": C + hidden, "down": C + hidden}
    return config.n_layers * rank * sum(sides[target] for target in targets)


def with_strength(model: ModelT, strength: float) -> ModelT:
    """A copy of an adapted model that uses so much of its updates; the model itself stays as it is."""
    changed = copy.deepcopy(model)
    set_strength(changed, strength)
    return changed


def set_strength(model: nn.Module, strength: float) -> None:
    """How much of every update is used, 0 to 1 (more exaggerates it). ConfigError below 0."""
    require_number("strength", strength, 0)
    for _unused, adapter in adapters(model):
        adapter.strength = float(strength)


def merge_lora(model: nn.Module) -> None:
    """Add every update to its matrix and remove the adapters, in place; all parameters can be trained again."""
    merged = [(name, adapter.merged()) for name, adapter in adapters(model)]
    for name, plain in merged:
        parent, _unused, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, plain)
    for parameter in model.parameters():
        parameter.requires_grad_(True)


def adapter_weights(model: nn.Module) -> dict[str, Tensor]:
    """A and B of every adapter by name, without the frozen weights: what is saved of an adapted model."""
    found: dict[str, Tensor] = {}
    for name, adapter in adapters(model):
        found[f"{name}.lora_A"] = adapter.lora_A.detach()
        found[f"{name}.lora_B"] = adapter.lora_B.detach()
    return found


def load_adapters(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Fill in what `adapter_weights` gave. ConfigError unless names and shapes are those of the model's adapters."""
    expected = adapter_weights(model)
    if {name: tensor.shape for name, tensor in expected.items()} != {n: t.shape for n, t in weights.items()}:
        raise ConfigError(_("these adapters belong to a model of another shape, rank or choice of matrices."))
    with torch.no_grad():
        for name, tensor in expected.items():
            tensor.copy_(weights[name])
