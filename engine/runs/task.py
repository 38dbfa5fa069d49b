"""What is sent to a Dask worker: two functions so small that whoever sends them need not import torch."""

from __future__ import annotations


def run_task(run_id: str, environment: dict[str, str]) -> str:
    """Train a queued run in this process; `environment` names store and artifacts. Returns the state reached."""
    from engine.runs.execution import execute

    return execute(run_id, environment)


def warm_up() -> None:
    """Import what the first run needs, before it is there: torch takes seconds."""
    import engine.runs.execution  # noqa: F401
