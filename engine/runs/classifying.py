"""Classification fine-tuning as a job: a pretrained model (or the same network from random weights) learns labels."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.checkpoint import Restored, load_checkpoint, read_checkpoint
from engine.checks import require_choice, require_flag, require_number, require_whole
from engine.classification import (
    TRAINABLE,
    ClassificationTrainer,
    Classifier,
    ClassifierConfig,
    EncodedTexts,
    Pooling,
    Trainable,
)
from engine.corpus import load_labelled
from engine.errors import ConfigError
from engine.labelled import Split, split_labelled
from engine.runs.artifacts import KEPT_MODEL, UPLOAD, ArtifactStore
from engine.runs.config import MAX_SEED, MAX_TOKENS_PER_STEP
from engine.runs.jobs import Job, JobSettings
from engine.tokenizer import Tokenizer, load_tokenizer
from engine.training import TrainingConfig
from engine.uploads import LabelledTexts, read_labelled

JOB = "classification"
_HASHED = re.compile(r"[a-z]+:[0-9a-f]{64}")
_NAMED = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True)
class ClassificationConfig(JobSettings):
    """Everything that decides what a classification run computes.

    data: a labelled set's name, or "upload:<sha256>" of JSON lines with text and label. base: "model:<sha256>", a model
    that the service keeps; with `start` "random" only its shape and tokenizer are used. n_train: how many training
    texts are used, None for all. most_tokens: where longer texts are cut. Raises ConfigError with the setting at fault.
    """

    job = JOB

    data: str
    base: str
    training: TrainingConfig
    start: Literal["pretrained", "random"] = "pretrained"
    trainable: Trainable = "all"
    pooling: Pooling = "last"
    lora_rank: int = 8
    lora_alpha: float = 16.0
    balance: bool = False
    n_train: int | None = None
    validation_fraction: float = 0.1
    test_fraction: float = 0.2
    most_tokens: int = 128
    seed: int = 0

    def __post_init__(self) -> None:
        self._check_training()
        if not isinstance(self.data, str) or not (_NAMED.fullmatch(self.data) or self._hashed(self.data, UPLOAD)):
            raise ConfigError(f"data ({self.data!r}) must be a labelled set or {UPLOAD}<sha256>.")
        if not self._hashed(self.base, KEPT_MODEL):
            raise ConfigError(f"base ({self.base!r}) must be {KEPT_MODEL}<sha256>, a model that the service keeps.")
        require_choice("start", self.start, ("pretrained", "random"))
        require_choice("trainable", self.trainable, TRAINABLE)
        require_choice("pooling", self.pooling, ("last", "mean"))
        require_whole("lora_rank", self.lora_rank, 1, 256)
        require_number("lora_alpha", self.lora_alpha, 0, 1024, above=True)
        require_flag("balance", self.balance)
        if self.n_train is not None:
            require_whole("n_train", self.n_train, 2)
        require_number("validation_fraction", self.validation_fraction, 0.01, 0.4)
        require_number("test_fraction", self.test_fraction, 0.01, 0.5)
        require_whole("most_tokens", self.most_tokens, 1, 1024)
        require_whole("seed", self.seed, 0, MAX_SEED)
        if self.training.batch_size * self.most_tokens > MAX_TOKENS_PER_STEP:
            raise ConfigError(
                f"batch_size times most_tokens must be at most {MAX_TOKENS_PER_STEP:,}: lower one of them."
            )

    @staticmethod
    def _hashed(value: Any, prefix: str) -> bool:
        return isinstance(value, str) and value.startswith(prefix) and _HASHED.fullmatch(value) is not None


class ClassifierCheckpoint(Restored[Classifier, Tokenizer]):
    """A classifier and the tokenizer of the model it was made from."""


def load_classifier(folder: str | Path) -> ClassifierCheckpoint:
    """A classifier as `engine.checkpoint.save_checkpoint` wrote it; CheckpointError if it cannot be read."""
    read = read_checkpoint(folder, lambda settings: Classifier(ClassifierConfig.from_dict(settings)), load_tokenizer)
    return ClassifierCheckpoint(read.model, read.tokenizer, read.extra, read.training_tensors, read.training_numbers)


def read_labelled_set(name: str, artifacts: ArtifactStore) -> LabelledTexts:
    """A labelled set by the name it has in a config. CorpusError where it is not there."""
    if name.startswith(UPLOAD):
        return read_labelled(artifacts.load_upload(name).encode("utf-8"), "rows.jsonl")
    return load_labelled(name)


def split_of(config: ClassificationConfig, artifacts: ArtifactStore) -> Split:
    """What a run trains on, is chosen by and is judged on: the same texts as in its worker."""
    return split_labelled(
        read_labelled_set(config.data, artifacts),
        validation_fraction=config.validation_fraction,
        test_fraction=config.test_fraction,
        balance=config.balance,
        n_train=config.n_train,
        seed=config.seed,
    )


class ClassificationJob(Job):
    """A language model with a new head learns the labels of texts."""

    eval_columns = ("train_loss", "validation_loss", "train_accuracy", "validation_accuracy")

    def __init__(self, config: ClassificationConfig, artifacts: ArtifactStore) -> None:
        self.config = config
        self.artifacts = artifacts

    @staticmethod
    def config_from_dict(data: dict[str, Any]) -> ClassificationConfig:
        return ClassificationConfig.from_dict(data)

    @staticmethod
    def load(folder: str | Path) -> ClassifierCheckpoint:
        return load_classifier(folder)

    @property
    def tokenizer(self) -> Tokenizer:
        return self.base.tokenizer

    def prepare(self, say: Callable[[str], None], *, fresh: bool) -> list[dict[str, Any]]:
        config = self.config
        say("reading the labelled texts")
        split = split_of(config, self.artifacts)
        self.label_names = split.train.label_names
        say("loading the pretrained model")
        self.base = load_checkpoint(self.artifacts.kept_model(config.base))
        most = min(config.most_tokens, self.base.model.config.context_length)
        say("encoding the texts")
        self.train, self.validation = (
            EncodedTexts.of(part.texts, part.labels, self.tokenizer, most) for part in (split.train, split.validation)
        )
        if not fresh:
            return []
        model = self._fresh_model()
        counted = {
            "label_names": list(self.label_names),
            "counts": {
                name: [part.labels.count(label) for label in range(len(self.label_names))]
                for name, part in (("train", split.train), ("validation", split.validation), ("test", split.test))
            },
            "n_copies": len(split.copies),
            "n_unbalanced": split.n_unbalanced,
            "n_cut": sum(len(ids) == most for ids in self.train.ids),
            "n_parameters": model.n_parameters,
            "n_trainable": model.n_trainable,
        }
        return [{"kind": "labelled", "step": 0, **counted}]

    def _fresh_model(self) -> Classifier:
        config = self.config
        shape = ClassifierConfig(
            self.base.model.config,
            self.label_names,
            pooling=config.pooling,
            trainable=config.trainable,
            lora_rank=config.lora_rank,
            lora_alpha=config.lora_alpha,
        )
        return Classifier(shape, config.seed, body=self.base.model if config.start == "pretrained" else None)

    def trainer(self, restored: Restored[Any, Any] | None) -> ClassificationTrainer:
        model = self._fresh_model() if restored is None else restored.model
        trainer = ClassificationTrainer(model, self.train, self.validation, self.config.training)
        if restored is not None and restored.training_tensors is not None and restored.training_numbers is not None:
            trainer.load_state(restored.training_tensors, restored.training_numbers)
        return trainer
