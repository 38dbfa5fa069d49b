"""Where a training computes: on the processor or on a GPU, in which precision, compiled or not.

The default is the processor in float32, as it is: nothing is moved, cast or compiled, so that every loss stays bit for
bit what it was. On a GPU products may run in bfloat16 (autocast: weights, gradients and optimizer stay float32).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

import torch
from torch import Tensor, nn

from engine.checks import require_choice
from engine.errors import ConfigError

Precision = Literal["float32", "bfloat16"]
DEVICE_CHOICES = ("auto", "cpu", "cuda")
PRECISION_CHOICES = ("auto", *get_args(Precision))

ModuleT = TypeVar("ModuleT", bound=nn.Module)


@dataclass(frozen=True)
class Compute:
    """A device by torch's name ("cpu", "cuda:0"), the precision of products, and whether the loss is compiled."""

    device: str = "cpu"
    precision: Precision = "float32"
    compiled: bool = False

    def __post_init__(self) -> None:
        require_choice("precision", self.precision, get_args(Precision))

    @property
    def on_gpu(self) -> bool:
        """Whether the device is a GPU of CUDA's kind."""
        return self.device.startswith("cuda")

    def __str__(self) -> str:
        return f"{self.device}, {self.precision}{', compiled' if self.compiled else ''}"

    def place(self, model: ModuleT) -> ModuleT:
        """The model itself with its weights on the device."""
        return model.to(self.device)

    def move(self, tensor: Tensor) -> Tensor:
        """The tensor on the device; itself where it is there already."""
        return tensor.to(self.device, non_blocking=True)

    def autocast(self) -> AbstractContextManager[Any]:
        """A context in which products run in the precision."""
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(torch.device(self.device).type, dtype=torch.bfloat16)

    def loss_of(self, model: Any) -> Callable[..., Tensor]:
        """The model's loss, compiled if so asked; torch keeps what it has compiled for the next call."""
        loss: Callable[..., Tensor] = torch.compile(model.loss) if self.compiled else model.loss
        return loss

    def on_cpu(self, model: ModuleT) -> ModuleT:
        """The model where text is written with it: itself, or a copy of one that lives on a GPU."""
        return copy.deepcopy(model).to("cpu") if self.device != "cpu" else model

    def random_state(self) -> dict[str, Tensor]:
        """State of the device's own generator of random numbers (dropout); the processor's is kept elsewhere."""
        return {"rng_cuda": torch.cuda.get_rng_state(self.device)} if self.on_gpu else {}

    def load_random_state(self, tensors: dict[str, Tensor]) -> None:
        """Restore what `random_state` gave; a state of another kind of device is left aside."""
        if self.on_gpu and "rng_cuda" in tensors:
            torch.cuda.set_rng_state(tensors["rng_cuda"].cpu(), self.device)


PROCESSOR = Compute()


def choose_compute(
    device: str = "auto", precision: str = "auto", compiled: bool | None = None, *, local_rank: int = 0
) -> Compute:
    """What is there: with "auto" the GPU of this process (`local_rank`), else the processor.

    precision "auto" and compiled None mean bfloat16 and compiled on a GPU, float32 and not compiled on the processor.
    Raises ConfigError for an unknown choice, or a GPU that is not there.
    """
    require_choice("device", device, DEVICE_CHOICES)
    require_choice("precision", precision, PRECISION_CHOICES)
    n_gpus = torch.cuda.device_count() if device != "cpu" and torch.cuda.is_available() else 0
    if device == "cuda" and n_gpus <= local_rank:
        raise ConfigError(
            f"process {local_rank} found no GPU ({n_gpus} here): start fewer processes, or choose the device cpu."
        )
    gpu = n_gpus > local_rank
    chosen: Precision = "bfloat16" if precision == "bfloat16" or (precision == "auto" and gpu) else "float32"
    return Compute(f"cuda:{local_rank}" if gpu else "cpu", chosen, gpu if compiled is None else compiled)
