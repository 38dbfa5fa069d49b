"""The two optimizers of the course: AdamW for every weight, or Muon for the matrices inside the blocks.

AdamW (Loshchilov & Hutter 2019) scales each number by its own gradient history. Muon (Jordan et al. 2024) turns the
momentum of a whole matrix into the nearest orthogonal matrix, so that every direction of it moves equally far.
Both keep their state by parameter name, so that a checkpoint can hold it as plain tensors.
"""

from __future__ import annotations

from collections import defaultdict

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

# Five steps of this quintic bring all singular values to about 1 (Jordan et al. 2024).
_QUINTIC = (3.4445, -4.7750, 2.0315)


def orthogonalize(matrices: Tensor, steps: int = 5) -> Tensor:
    """The nearest (semi-)orthogonal matrix of each in a batch `(N, rows, columns)`, by Newton–Schulz in float32."""
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    wide = x.shape[-1] >= 2 * x.shape[-2]
    x = _iterate_by_gram(x, steps) if wide else _iterate(x, steps)
    return x.mT if tall else x


def _iterate(x: Tensor, steps: int) -> Tensor:
    """x ← a x + b (x xᵀ) x + c (x xᵀ)² x, so many times."""
    a, b, c = _QUINTIC
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x


def _iterate_by_gram(x: Tensor, steps: int) -> Tensor:
    """The same on the small matrices G = x xᵀ alone, about 1.7 times as fast where x is wide.

    A step is x ← F x with F = a + b G + c G², hence G ← F G F; the product of all F meets x once, at the end.
    """
    a, b, c = _QUINTIC
    gram = x @ x.mT
    product: Tensor | None = None
    for step in range(steps):
        factor = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        factor.diagonal(dim1=-2, dim2=-1).add_(a)
        product = factor if product is None else factor @ product
        if step < steps - 1:
            gram = factor @ gram @ factor
    return x if product is None else product @ x


class Muon:
    """Momentum, orthogonalised: w ← w − rate · √max(1, rows/columns) · orthogonal(momentum).

    Matrices of the same shape are treated in one batch; a fused query–key–value matrix counts as three.
    """

    def __init__(
        self,
        parameters: dict[str, nn.Parameter],
        *,
        momentum: float = 0.95,
        steps: int = 5,
        weight_decay: float = 0.0,
    ) -> None:
        self.parameters = parameters
        self.momentum = momentum
        self.steps = steps
        self.weight_decay = weight_decay
        self.buffers = {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """One update from the gradients that the parameters hold."""
        groups: dict[tuple[int, ...], list[tuple[Tensor, Tensor]]] = defaultdict(list)
        for name, parameter in self.parameters.items():
            if parameter.grad is None:
                continue
            buffer = self.buffers[name]
            buffer.lerp_(parameter.grad, 1 - self.momentum)
            update = torch.lerp(parameter.grad, buffer, self.momentum)  # Nesterov: look one step ahead
            n_parts = 3 if name.endswith("qkv.weight") else 1
            for weight, part in zip(parameter.chunk(n_parts), update.chunk(n_parts), strict=True):
                # A wide matrix and its tall twin share a batch.
                wide = part if part.shape[0] <= part.shape[1] else part.mT
                groups[tuple(wide.shape)].append((weight, part))
        for members in groups.values():
            batch = torch.stack([p if p.shape[0] <= p.shape[1] else p.mT for _, p in members])
            for (weight, part), orthogonal in zip(members, orthogonalize(batch, self.steps), strict=True):
                direction = orthogonal if part.shape[0] <= part.shape[1] else orthogonal.mT
                scale = max(1.0, weight.shape[0] / weight.shape[1]) ** 0.5
                if self.weight_decay:
                    weight.mul_(1 - learning_rate * self.weight_decay)
                weight.add_(direction, alpha=-learning_rate * scale)

    def state(self) -> dict[str, Tensor]:
        """Momentum by parameter name."""
        return {f"momentum.{name}": buffer for name, buffer in self.buffers.items()}

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Restore what `state` gave."""
        for name, buffer in self.buffers.items():
            buffer.copy_(tensors[f"momentum.{name}"])


class AdamW:
    """PyTorch's fused AdamW kernel: decay and rates by kind of weight, state by parameter name.

    Weight decay applies to the matrices that are no embeddings; embeddings may learn at a multiple of the rate. The
    kernel is called as a function: PyTorch's optimizer classes import its compiler first, which takes seconds.
    """

    def __init__(
        self,
        parameters: dict[str, nn.Parameter],
        *,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.1,
        embedding_rate: float = 1.0,
    ) -> None:
        self.parameters = parameters
        self.betas = betas
        self._means = {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}
        self._squares = {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}
        self._steps = {name: torch.tensor(0.0, device=parameter.device) for name, parameter in parameters.items()}
        self._groups: dict[tuple[float, float], list[str]] = defaultdict(list)  # (decay, rate) → names
        for name, parameter in parameters.items():
            embedding = "embedding" in name
            decay = weight_decay if parameter.dim() == 2 and not embedding else 0.0
            self._groups[decay, embedding_rate if embedding else 1.0].append(name)

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """One update from the gradients that the parameters hold."""
        for (decay, rate), members in self._groups.items():
            updates = {name: grad for name in members if (grad := self.parameters[name].grad) is not None}
            adamw(
                [self.parameters[name] for name in updates],
                list(updates.values()),
                [self._means[name] for name in updates],
                [self._squares[name] for name in updates],
                [],
                [self._steps[name] for name in updates],
                fused=True,
                amsgrad=False,
                beta1=self.betas[0],
                beta2=self.betas[1],
                lr=learning_rate * rate,
                weight_decay=decay,
                eps=1e-10,
                maximize=False,
            )

    def state(self) -> dict[str, Tensor]:
        """First and second moments and the step count by parameter name."""
        return {f"{key}.{name}": tensor for key, tensors in self._state().items() for name, tensor in tensors.items()}

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Restore what `state` gave."""
        for key, own in self._state().items():
            for name, tensor in own.items():
                tensor.copy_(tensors[f"{key}.{name}"])

    def _state(self) -> dict[str, dict[str, Tensor]]:
        return {"step": self._steps, "exp_avg": self._means, "exp_avg_sq": self._squares}
