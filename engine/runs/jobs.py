"""What a run can compute, by the "job" that its config names: each kind of training is one `Job`.

The run service knows jobs only by this shape: a config with an id, something to prepare, a `TrainingLoop` whose events
are recorded, and a model that is saved and loaded. A config without a job's name is one of pretraining, so that the
ids of older runs stay what they are. Jobs are imported when they are asked for: they bring torch.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Protocol

from engine.checkpoint import Restored, Saveable
from engine.errors import ConfigError
from engine.runs.artifacts import ArtifactStore
from engine.runs.records import PRETRAINING, job_name
from engine.training import TrainingLoop

_JOBS = {
    PRETRAINING: "engine.runs.pretraining:PretrainingJob",
    "translation": "engine.runs.translating:TranslationJob",
    "classification": "engine.runs.classifying:ClassificationJob",
}


class JobConfig(Protocol):
    """A frozen config. Its dict has the key "job" (only pretraining's has none) and "training", a TrainingConfig's."""

    @property
    def run_id(self) -> str: ...

    def to_dict(self) -> dict[str, Any]: ...


class Job(ABC):
    """One kind of training: from its config to a training loop and back from a saved model.

    `prepare` is called once, before `trainer` and `tokenizer` are asked for.
    """

    eval_columns: ClassVar[tuple[str, ...]]
    """What an evaluation measures, in the order of the CSV."""

    @staticmethod
    @abstractmethod
    def config_from_dict(data: dict[str, Any]) -> JobConfig:
        """The inverse of the config's `to_dict`; ConfigError names the setting at fault."""

    @staticmethod
    @abstractmethod
    def load(folder: str | Path) -> Restored[Any, Any]:
        """A model as `save_checkpoint` wrote it; CheckpointError if it is missing, damaged or of another job."""

    @abstractmethod
    def __init__(self, config: Any, artifacts: ArtifactStore) -> None: ...

    @abstractmethod
    def prepare(self, say: Callable[[str], None], *, fresh: bool) -> list[dict[str, Any]]:
        """Read and encode what is trained on; call `say` with each thing done, which may raise to end it early.

        Returns event dicts to record before the first step of a `fresh` run.
        """

    @property
    @abstractmethod
    def tokenizer(self) -> Saveable:
        """What is saved beside the model and turns text into ids."""

    @abstractmethod
    def trainer(self, restored: Restored[Any, Any] | None) -> TrainingLoop:
        """The training, from its beginning or from where the restored checkpoint was saved."""


def job_class(name: str) -> type[Job]:
    """The job of that name; ConfigError for a name that this version does not know.

    >>> job_class("pretraining").__name__
    'PretrainingJob'
    """
    if name not in _JOBS:
        raise ConfigError(f"this version knows no job {name!r}; it knows {', '.join(_JOBS)}.")
    module, _, attribute = _JOBS[name].partition(":")
    found: type[Job] = getattr(importlib.import_module(module), attribute)
    return found


def job_of(config_dict: dict[str, Any]) -> type[Job]:
    """The job that a config names."""
    return job_class(job_name(config_dict))


def config_from_dict(config_dict: dict[str, Any]) -> JobConfig:
    """A run's config as the dataclass of its job; ConfigError when another version wrote it that knew others."""
    return job_of(config_dict).config_from_dict(config_dict)
