"""What a run can compute, by the "job" that its config names: each kind of training is one `Job`.

The run service knows jobs only by this shape: a config with an id, something to prepare, a `TrainingLoop` whose events
are recorded, and a model that is saved and loaded. A config without a job's name is one of pretraining, so that the
ids of older runs stay what they are. Jobs are imported when they are asked for: they bring torch.
"""

from __future__ import annotations

import dataclasses
import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, cast

from engine.checkpoint import Restored, Saveable
from engine.checks import require_number, require_whole
from engine.devices import PROCESSOR, Compute
from engine.errors import ConfigError
from engine.language import _
from engine.parallel import Group
from engine.runs.artifacts import ArtifactStore
from engine.runs.config import MAX_EVALUATIONS, MAX_SECONDS, MAX_SEED, MAX_STEPS, digest
from engine.runs.records import PRETRAINING, job_name
from engine.training import TrainingConfig, TrainingLoop

MAX_BATCH_SIZE = 512
_JOBS = {
    PRETRAINING: "engine.runs.pretraining:PretrainingJob",
    "translation": "engine.runs.translating:TranslationJob",
    "classification": "engine.runs.classifying:ClassificationJob",
    "instructions": "engine.runs.instructing:InstructionJob",
}


class JobConfig(Protocol):
    """A frozen config. Its dict has the key "job" (only pretraining's has none) and "training", a TrainingConfig's."""

    @property
    def run_id(self) -> str: ...

    def to_dict(self) -> dict[str, Any]: ...


class JobSettings:
    """What the configs of jobs share: dict and JSON, the run's id, and the limits of a training. A frozen dataclass
    inherits it and names its job.
    """

    job: ClassVar[str]
    training: TrainingConfig

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able dict of every setting, with the name of the job."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(cast(Any, self))}
        return {"job": self.job, **values, "training": self.training.to_dict()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The inverse of `to_dict`. ConfigError names what is unknown, missing or of the wrong type."""
        values = {name: value for name, value in data.items() if name != "job"}
        unknown = sorted(set(values) - {field.name for field in dataclasses.fields(cast(Any, cls))})
        if unknown:
            raise ConfigError(
                _("the config of the {job} has unknown settings: {join}.", job=cls.job, join=", ".join(unknown))
            )
        try:
            values["training"] = TrainingConfig.from_dict(values["training"])
            return cls(**values)
        except KeyError as error:
            raise ConfigError(
                _("the config of the {job} lacks the setting {args!r}.", job=cls.job, args=error.args[0])
            ) from error
        except (TypeError, ValueError, AttributeError) as error:
            raise ConfigError(
                _("the config of the {job} has a value of the wrong type: {error}.", job=cls.job, error=error)
            ) from error

    @cached_property
    def run_id(self) -> str:
        """16 hexadecimal digits: the SHA-256 of the settings as JSON in a fixed form."""
        return digest(self.to_dict())

    def _check_training(self) -> None:
        """ConfigError for a training that would occupy a server for days, or that counts in windows of a text."""
        training = self.training
        if not isinstance(training, TrainingConfig):
            raise ConfigError(_("training must be a TrainingConfig."))
        require_whole("batch_size", training.batch_size, 1, MAX_BATCH_SIZE)
        if training.accumulation != 1:
            raise ConfigError(
                _(
                    "accumulation ({accumulation}) must be 1 here: choose a larger batch instead.",
                    accumulation=training.accumulation,
                )
            )
        if training.steps is not None:
            require_whole("steps", training.steps, 1, MAX_STEPS)
        if training.seconds is not None:
            require_number("seconds", training.seconds, 0, MAX_SECONDS, note=_(", which is a day"))
        require_whole("evaluations", training.evaluations, 0, MAX_EVALUATIONS)
        require_whole(_("the seed of the training"), training.seed, 0, MAX_SEED)


class Job(ABC):
    """One kind of training: from its config to a training loop and back from a saved model.

    `prepare` is called once, before `trainer` and `tokenizer` are asked for.
    """

    eval_columns: ClassVar[tuple[str, ...]]
    """What an evaluation measures, in the order of the CSV."""
    compute: Compute = PROCESSOR
    """Where to train; a job that knows only the processor does not look at it."""
    group: Group | None = None
    """The processes that train together, if there are several."""

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
        raise ConfigError(_("this version knows no job {name!r}; it knows {join}.", name=name, join=", ".join(_JOBS)))
    module, _unused, attribute = _JOBS[name].partition(":")
    found: type[Job] = getattr(importlib.import_module(module), attribute)
    return found


def job_of(config_dict: dict[str, Any]) -> type[Job]:
    """The job that a config names."""
    return job_class(job_name(config_dict))


def config_from_dict(config_dict: dict[str, Any]) -> JobConfig:
    """A run's config as the dataclass of its job; ConfigError when another version wrote it that knew others."""
    return job_of(config_dict).config_from_dict(config_dict)
