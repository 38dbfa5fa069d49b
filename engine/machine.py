"""What this machine has: memory, disk, cores, and how fast it multiplies matrices.

In a container the limits of its control group count, not those of the host.
"""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import torch

from engine.errors import ConfigError
from engine.language import _

_GROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Machine:
    """Bytes of memory in all and free now, bytes free on the disk of the data folder, cores this process may use."""

    memory: int
    available: int
    disk_free: int
    n_cores: int


def this_machine(folder: Path) -> Machine:
    """The machine as it is at this moment; `folder` (or its nearest existing parent) names the disk."""
    memory = psutil.virtual_memory()
    total, available = int(memory.total), int(memory.available)
    limit, used = _number(_GROUP / "memory.max"), _number(_GROUP / "memory.current")
    if limit is not None and limit < total:
        total = limit
        available = min(available, limit - (used or 0))
    existing = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    return Machine(total, max(0, available), shutil.disk_usage(existing).free, cores)


def measure_flops(seconds: float = 0.2, size: int = 768) -> float:
    """FLOP/s of float32 products of two matrices (size, size) with the threads torch uses here, over about `seconds`.

    A product takes 2 · size³ operations. ConfigError unless both numbers are above 0.
    """
    if seconds <= 0 or size < 1:
        raise ConfigError(
            _("measuring needs a time and a size above 0, not {seconds} s and {size}.", seconds=seconds, size=size)
        )
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, size, size, generator=generator)
    with torch.inference_mode():
        _unused = a @ b  # the first product also makes the kernels ready
        n, start = 0, time.perf_counter()
        while (passed := time.perf_counter() - start) < seconds:
            _unused = a @ b
            n += 1
    return 2.0 * size**3 * max(n, 1) / max(passed, 1e-9)


def _number(file: Path) -> int | None:
    """The number in a file of the kernel, None where there is none ("max" stands for no limit)."""
    try:
        text = file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return int(text) if text.isdigit() else None
