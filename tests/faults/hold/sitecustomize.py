"""Python reads this module at its start when its folder is on PYTHONPATH: worker processes of the fault tests do.

Where a file with the name of a point lies in the folder LESSONS_HOLD, a worker that comes to this point writes its
process id beside it and waits there until the file is gone. So a test can kill it exactly there.

The file LESSONS_CLOCK holds by how many seconds the clock of these processes is wrong; a test may set it at any time.
"""

from __future__ import annotations

import importlib.machinery
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

CLOCK = os.environ.get("LESSONS_CLOCK", "")
FOLDER = os.environ.get("LESSONS_HOLD", "")


def hold(point: str) -> None:
    flag = Path(FOLDER) / point
    if flag.exists():
        (Path(FOLDER) / f"{point}.reached").write_text(str(os.getpid()))
        while flag.exists():
            time.sleep(0.01)


def before(owner: Any, name: str, point: Callable[..., str]) -> None:
    """Holds each call of a method at the point that its arguments name ("" for none)."""
    method = getattr(owner, name)

    def held(*given: Any, **named: Any) -> Any:
        if reached := point(*given, **named):
            hold(reached)
        return method(*given, **named)

    setattr(owner, name, held)


def patch(execution: ModuleType) -> None:
    settled = {"paused": "pausing", "finished": "cancelling"}
    before(execution._Execution, "_prepare", lambda _, fresh: "starting" if fresh else "resuming")
    before(execution.TrainingLoop, "_train_step", lambda loop, *_: "training" if loop.step == 150 else "")
    before(execution.ArtifactStore, "put_folder", lambda _, source, name: "saving" if "/00000064-" in name else "")
    before(execution.RunStore, "add_checkpoint", lambda _, claim, found: "saved" if found.step == 64 else "")
    before(execution.RunStore, "settle", lambda _, claim, state, *rest, **named: settled.get(state, ""))


class Finder:
    """Patches the module once it has been imported."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name != "engine.runs.execution":
            return None
        sys.meta_path.remove(Finder)  # type: ignore[arg-type]
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        assert spec is not None and spec.loader is not None
        execute = spec.loader.exec_module

        def exec_and_patch(module: ModuleType) -> None:
            execute(module)
            patch(module)

        spec.loader.exec_module = exec_and_patch  # type: ignore[method-assign]
        return spec


def set_clock(path: Path) -> None:
    """`time.time` of this process goes by the file; what never jumps on a real machine (`time.monotonic`) stays."""
    right = time.time
    time.time = lambda: right() + float(path.read_text() or 0)


if CLOCK:
    set_clock(Path(CLOCK))
if FOLDER:
    sys.meta_path.insert(0, Finder)  # type: ignore[arg-type]
