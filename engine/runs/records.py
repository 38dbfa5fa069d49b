"""What the run service hands out: frozen values, readable without a database."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from engine.runs.states import LIVE

if TYPE_CHECKING:
    from engine.runs.jobs import JobConfig

PRETRAINING = "pretraining"


def job_name(config_dict: dict[str, Any]) -> str:
    """What kind of training a run's config describes; one that does not say so is of pretraining.

    >>> job_name({"job": "translation"}), job_name({})
    ('translation', 'pretraining')
    """
    return str(config_dict.get("job", PRETRAINING))


@dataclass(frozen=True)
class RunRecord:
    """One run as the store knows it now. Times are seconds since 1970, durations seconds, losses nats per token."""

    run_id: str
    config_dict: dict[str, Any]
    state: str
    label: str
    note: str
    error: str
    step: int
    total_steps: int | None
    seconds_per_step: float | None
    seconds: float
    train_loss: float | None
    validation_loss: float | None
    attempt: int
    losses: int
    worker: str
    created_at: float
    queued_at: float
    updated_at: float
    started_at: float | None
    finished_at: float | None
    heartbeat_at: float | None

    @cached_property
    def config(self) -> JobConfig:
        """The config as the dataclass of its job (a `RunConfig` for pretraining); ConfigError when it was written by
        another version that knew other settings.
        """
        from engine.runs.jobs import config_from_dict  # imports torch, which the server's own process does without

        return config_from_dict(self.config_dict)

    @property
    def job(self) -> str:
        """What kind of training it is: "pretraining", "translation", …"""
        return job_name(self.config_dict)

    @property
    def live(self) -> bool:
        """Whether the record will change without anybody asking, so that a page should look again."""
        return self.state in LIVE

    @property
    def progress(self) -> float:
        """Share of the steps that are done, 0 to 1; 0 while the number of steps is not known."""
        return min(1.0, self.step / self.total_steps) if self.total_steps else 0.0


@dataclass(frozen=True)
class RecordedEvent:
    """One line of a run's record. `seq` grows for ever: pass the last one seen as `after` to get what is new.

    Kinds: those of engine.events, and "state" (state, note), "note" (text), "baselines" (nats per token by name),
    "control" (name, value: a setting the learner changed at that step).
    """

    seq: int
    kind: str
    step: int
    at: float
    payload: dict[str, Any]


@dataclass(frozen=True)
class Curve:
    """A whole run thinned for a chart: payloads of every `stride`-th step and the last; all evaluations and controls.

    The stride is a power of two, so that a point once drawn stays while the run grows.
    """

    steps: list[dict[str, Any]]
    evaluations: list[dict[str, Any]]
    controls: list[dict[str, Any]]
    stride: int


@dataclass(frozen=True)
class CheckpointInfo:
    """A model that can be loaded: after how many steps and seconds of training, with which last validation loss."""

    step: int
    seconds: float
    validation_loss: float | None


@dataclass(frozen=True)
class StoredCheckpoint:
    """Where a checkpoint lies among the artifacts; is it kept for good, and can training go on from it?"""

    step: int
    seconds: float
    validation_loss: float | None
    folder: str
    kept: bool
    resumable: bool


@dataclass(frozen=True)
class Request:
    """A wish of the learner that a worker has yet to fulfil; with `step`, not before that step (a replay)."""

    id: int
    kind: str
    value: float | None
    step: int | None


@dataclass(frozen=True)
class Claim:
    """A worker's right to write to a run: every write names the token and is refused once another was given."""

    run_id: str
    token: str
    attempt: int
    config_dict: dict[str, Any]


@dataclass(frozen=True)
class Leader:
    """The server that dispatches runs: who, when it was last heard of, and how many runs it can train at once."""

    holder: str
    heartbeat_at: float
    slots: int
