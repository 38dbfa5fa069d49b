"""Data-parallel training: several processes train one model, each on its share of every batch.

All hold the same weights. In each step a process computes the gradient of its own windows' summed loss, divided by
the targets of the whole batch; added up over all processes these are the gradients of the whole batch, so N processes
take the same steps as one (but for rounding). The first process alone decides, evaluates, records and saves; before
each step it tells the others which one it is. torchrun starts the processes (torch.distributed: gloo, NCCL on GPUs).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import torch
import torch.distributed as dist
from torch import Tensor

from engine.errors import ConfigError
from engine.events import Event
from engine.gpt import GPT
from engine.training import Sampler, Trainer, TrainingConfig, learning_rate_at

PATIENCE = timedelta(days=1)
"""How long a process waits for the others: the first one may evaluate and save meanwhile."""

OrderKind = Literal["start", "step", "trial", "end"]
_KINDS: tuple[OrderKind, ...] = ("start", "step", "trial", "end")


@dataclass(frozen=True)
class Order:
    """What the first process asks of the others: a step of so large a share of the learning rate, a trial, or the end.

    A trial's gradients are computed and not used: the first one measures how long they take.
    """

    kind: OrderKind
    step: int = 0
    share: float = 0.0


class Group:
    """The processes that train together, seen from one of them: number `rank` of `size`."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank = rank
        self.size = size
        self.broken = False
        """Whether a step failed half-way here: then the others wait in it and cannot be told anything."""

    @property
    def is_first(self) -> bool:
        """Whether this process decides and records."""
        return self.rank == 0

    def tell(self, order: Order) -> None:
        """The first process gives an order to all others."""
        numbers = (float(_KINDS.index(order.kind)), float(order.step), order.share)
        dist.broadcast(torch.tensor(numbers, dtype=torch.float64), src=0)

    def hear(self) -> Order:
        """Wait for the first process's next order."""
        numbers = torch.zeros(3, dtype=torch.float64)
        dist.broadcast(numbers, src=0)
        kind, step, share = numbers.tolist()
        return Order(_KINDS[int(kind)], int(step), share)

    def add_up(self, tensor: Tensor) -> None:
        """Replace the tensor, in every process, by the sum over all processes."""
        dist.all_reduce(tensor)

    def copy_from_first(self, tensor: Tensor) -> None:
        """Replace the tensor by that of the first process."""
        dist.broadcast(tensor, src=0)


@contextmanager
def joined(environment: Mapping[str, str], *, gpu: bool) -> Iterator[Group]:
    """The group that torchrun's variables name (RANK, WORLD_SIZE, MASTER_ADDR, …), left at the end.

    Raises ConfigError for variables that do not belong together.
    """
    try:
        rank, size = int(environment["RANK"]), int(environment["WORLD_SIZE"])
    except (KeyError, ValueError) as error:
        raise ConfigError(f"the variables of torchrun are incomplete ({error}): start with torchrun.") from error
    # Orders are tensors on the processor: gloo carries them also where NCCL carries the gradients.
    dist.init_process_group("cpu:gloo,cuda:nccl" if gpu else "gloo", timeout=PATIENCE)
    group = Group(rank, size)
    try:
        yield group
    finally:
        if not group.broken:
            dist.destroy_process_group()


class ParallelTrainer(Trainer):
    """A `Trainer` in a group. The first process reads `events()`, the others call `follow()`.

    Raises ConfigError where a batch has fewer windows than there are processes.
    """

    def __init__(self, model: GPT, sampler: Sampler, config: TrainingConfig, *, group: Group, **options: Any) -> None:
        if config.batch_size < group.size:
            raise ConfigError(
                f"a batch of {config.batch_size} windows cannot be shared by {group.size} processes: start fewer, or "
                "choose a larger batch."
            )
        super().__init__(model, sampler, config, **options)
        self.group = group
        if not group.is_first:
            torch.manual_seed(config.seed + group.rank)  # else dropout would fall alike on all shares

    def events(self) -> Iterator[Event]:
        """As `Trainer.events`, with the others at work too."""
        self.group.tell(Order("start"))
        self._share_state()
        yield from super().events()

    def follow(self) -> None:
        """Train along, after the order "start" was heard, until the order "end"."""
        self._share_state()
        while (order := self.group.hear()).kind != "end":
            self._gradients(self.model, order.step)
            if order.kind == "step":
                self._update(self._optimizers, order.share)

    def _share_state(self) -> None:
        """Weights and optimizer of the first process to all: a resumed training has them from a checkpoint."""
        tensors, _ = self.state()
        optimizer = [tensor for name, tensor in tensors.items() if not name.startswith("rng")]
        for tensor in [*(parameter.data for parameter in self.model.parameters()), *optimizer]:
            self.group.copy_from_first(tensor)

    def _gradients(self, model: GPT, step: int) -> tuple[float, float, int]:
        try:
            if self.group.is_first:
                share = learning_rate_at(step, self.total_steps or 1, self.config) * self.learning_rate_scale
                self.group.tell(Order("step" if model is self.model else "trial", step, share))
            return super()._gradients(model, step)
        except BaseException:
            self.group.broken = True
            raise

    def _read(self, step: int) -> tuple[list[tuple[Tensor, Tensor]], int, int]:
        """This process's share of the windows: every `size`-th; the counts are those of the whole batch."""
        batches, n_targets, n_tokens = super()._read(step)
        own = slice(self.group.rank, None, self.group.size)
        return [(x[own], y[own]) for x, y in batches], n_targets, n_tokens

    def _joined(self, model: GPT, loss: float) -> float:
        """Add up gradients and loss over all processes, in one message."""
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        flat = torch.cat([*(each.reshape(-1) for each in gradients), gradients[0].new_tensor([loss])])
        self.group.add_up(flat)
        for gradient, total in zip(gradients, flat[:-1].split([each.numel() for each in gradients]), strict=True):
            gradient.copy_(total.view_as(gradient))
        return float(flat[-1])
