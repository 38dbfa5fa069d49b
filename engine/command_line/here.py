"""Options of a training in the process that was started, not in the training service. Needs no torch."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping


def add_options(command: argparse.ArgumentParser) -> None:
    """The options of a training in this process; each of them asks for one."""
    group = command.add_argument_group(
        "training in this process", "for GPUs and torchrun; without these the training service trains"
    )
    group.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), help="auto takes the GPU of each process if there is one"
    )
    group.add_argument(
        "--precision", choices=("auto", "float32", "bfloat16"), help="auto: bfloat16 on a GPU, else float32"
    )
    group.add_argument(
        "--compile",
        action=argparse.BooleanOptionalAction,
        dest="compiled",
        help="compile the model with torch.compile; by default on a GPU only",
    )


def wanted(options: argparse.Namespace, environment: Mapping[str, str] | None = None) -> bool:
    """Whether to train in this process: torchrun started it, or an option asks for it."""
    env = os.environ if environment is None else environment
    asked = (options.device, options.precision, options.compiled)
    return "TORCHELASTIC_RUN_ID" in env or any(option is not None for option in asked)
