"""The life of a run as one table: which state may follow which.

queued → running → finished is the usual way. A pause gives the worker back; what was interrupted (worker or server
gone) is queued again by the server; failed waits for a decision of the learner.
"""

from __future__ import annotations

from engine.errors import RunError

QUEUED = "queued"
RUNNING = "running"
PAUSED = "paused"
STOPPING = "stopping"
FINISHED = "finished"
FAILED = "failed"
INTERRUPTED = "interrupted"

STATES = (QUEUED, RUNNING, PAUSED, STOPPING, FINISHED, FAILED, INTERRUPTED)

TRANSITIONS: dict[str, frozenset[str]] = {
    QUEUED: frozenset({RUNNING, PAUSED, FINISHED, FAILED}),
    RUNNING: frozenset({PAUSED, STOPPING, FINISHED, FAILED, INTERRUPTED, QUEUED}),
    STOPPING: frozenset({FINISHED, FAILED, INTERRUPTED, QUEUED}),
    PAUSED: frozenset({QUEUED, FINISHED}),
    INTERRUPTED: frozenset({QUEUED, PAUSED, FINISHED, FAILED}),
    FAILED: frozenset({QUEUED, FINISHED}),
    FINISHED: frozenset({QUEUED}),
}

AT_WORK = frozenset({RUNNING, STOPPING})
"""A worker holds the run, or held it until it was lost."""

LIVE = frozenset({QUEUED, RUNNING, STOPPING, INTERRUPTED})
"""The run will change without anybody asking: a page keeps looking."""


def check_transition(before: str, after: str) -> None:
    """RunError where the table does not allow it.

    >>> check_transition("queued", "running")
    """
    if after not in TRANSITIONS[before]:
        raise RunError(f"a run that is {before} cannot become {after}.")
