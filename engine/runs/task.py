"""What is sent to a Dask worker: two functions so small that whoever sends them need not import torch."""

from __future__ import annotations

import os

DECLINED = "declined"
"""What a worker says that could not take the run it was given."""


def run_task(run_id: str, environment: dict[str, str]) -> str:
    """Train a queued run in this process; `environment` names store and artifacts. Returns the state reached.

    Files on their way lie in this process's own LLM_LAB_HOME where it has one: the sender may be another machine.
    """
    from engine.runs.execution import execute

    own = {name: os.environ[name] for name in ("LLM_LAB_HOME", "LLM_LAB_DEVICE") if os.environ.get(name)}
    return execute(run_id, {**environment, **own})


def warm_up() -> None:
    """Import what the first run needs, before it is there: torch takes seconds."""
    import engine.runs.execution  # noqa: F401
