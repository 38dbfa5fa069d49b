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
from engine.language import N_, _
from engine.runs.artifacts import KEPT_MODEL, UPLOAD, ArtifactStore
from engine.runs.config import MAX_SEED, MAX_TOKENS_PER_STEP
from engine.runs.jobs import Job, JobSettings
from engine.tokenizer import Tokenizer, load_tokenizer
from engine.training import TrainingConfig
from engine.uploads import LabelledTexts, read_labelled

JOB = "classification"
DEFAULT_PRESET = "90s"
MOST_JUDGED = 2_000
"""So many test texts a finished run is measured on; of larger sets these are a random part."""
MOST_VALIDATED = 250
"""So many validation texts it is measured on while it learns, which takes from the time for learning."""
STUDY_SIZES = (10, 30, 100, 300, 1_000)
"""Numbers of labels whose use is compared, beside all of them."""
_HASHED = re.compile(r"[a-z]+:[0-9a-f]{64}")
_NAMED = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True)
class Preset:
    """A named length: training time in seconds (reading and saving come on top), and how often it is measured."""

    title: str
    seconds: float
    evaluations: int


PRESETS: dict[str, Preset] = {
    "90s": Preset(N_("1¼ minutes"), 70, evaluations=4),
    "30s": Preset(N_("half a minute"), 25, evaluations=5),
}


@dataclass(frozen=True)
class ClassificationConfig(JobSettings):
    """Everything that decides what a classification run computes.

    data: a labelled set's name, or "upload:<sha256>" of JSON lines with text and label. base: "model:<sha256>", a model
    that the service keeps; with `start` "random" only its shape and tokenizer are used. n_train: how many training
    texts are used, None for all. most_tokens: of longer texts the middle is left out. token_dropout: the share of
    tokens that is left out at random whenever a text is learned. split_seed decides which texts are kept for validation
    and test, seed which of the others are used and the new weights. Raises ConfigError with the setting at fault.
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
    most_tokens: int = 64
    token_dropout: float = 0.0
    split_seed: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        self._check_training()
        if not isinstance(self.data, str) or not (_NAMED.fullmatch(self.data) or self._hashed(self.data, UPLOAD)):
            raise ConfigError(
                _("data ({data!r}) must be a labelled set or {upload}<sha256>.", data=self.data, upload=UPLOAD)
            )
        if not self._hashed(self.base, KEPT_MODEL):
            raise ConfigError(
                _(
                    "base ({base!r}) must be {kept_model}<sha256>, a model that the service keeps.",
                    base=self.base,
                    kept_model=KEPT_MODEL,
                )
            )
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
        require_number("token_dropout", self.token_dropout, 0, 0.9)
        require_whole("split_seed", self.split_seed, 0, MAX_SEED)
        require_whole("seed", self.seed, 0, MAX_SEED)
        if self.training.batch_size * self.most_tokens > MAX_TOKENS_PER_STEP:
            raise ConfigError(
                _(
                    "batch_size times most_tokens must be at most {max_tokens_per_step:,}: lower one of them.",
                    max_tokens_per_step=MAX_TOKENS_PER_STEP,
                )
            )

    @staticmethod
    def _hashed(value: Any, prefix: str) -> bool:
        return isinstance(value, str) and value.startswith(prefix) and _HASHED.fullmatch(value) is not None


_RATES: dict[str, tuple[float, float]] = {
    "all": (4e-3, 1e-2),
    "last block": (2e-3, 1e-2),
    "lora": (5e-3, 1e-2),
    "head": (2e-2, 0.0),
}
_GENTLE = (2e-3, 5e-3)


def usual_rates(trainable: str, start: str = "pretrained", *, short: bool = False) -> tuple[float, float]:
    """For what learns: AdamW's rate for embeddings, norms and head, and Muon's for the matrices of the blocks.

    Of `short` texts so many steps fit into a minute that a pretrained body can be moved gently.
    """
    if trainable == "all" and start == "pretrained" and short:
        return _GENTLE
    return _RATES.get(trainable, _RATES["all"])  # an unknown one is named by the config itself


_TOKENS = {"sms-spam": 48}
_LONGER = 128
_STUDY_STEPS = {10: 20, 30: 30, 100: 40, 300: 60, 1_000: 100}
_STUDY_STEPS_OF_ALL = 150


def classification_config(
    base: str,
    preset: str = DEFAULT_PRESET,
    *,
    data: str = "sms-spam",
    training: dict[str, Any] | None = None,
    rate_factor: float = 1.0,
    **changes: Any,
) -> ClassificationConfig:
    """The run of a preset on the kept model `base`, with settings changed by name; ConfigError for what is unknown.

    `rate_factor` multiplies the usual learning rates.

    >>> classification_config("model:" + 64 * "0", trainable="head").training.learning_rate
    0.02
    """
    if preset not in PRESETS:
        raise ConfigError(
            _("there is no preset called {preset!r}; choose one of {join}.", preset=preset, join=", ".join(PRESETS))
        )
    chosen = PRESETS[preset]
    trainable = changes.get("trainable", "all")
    most_tokens = _TOKENS.get(data, _LONGER)
    short = most_tokens <= 64
    rate, matrix_rate = usual_rates(trainable, changes.get("start", "pretrained"), short=short)
    settings: dict[str, Any] = {
        "seconds": chosen.seconds,
        "batch_size": 24 if short else 12,
        "optimizer": "muon",
        "learning_rate": rate_factor * rate,
        "matrix_learning_rate": rate_factor * matrix_rate,
        "muon_steps": 3,
        "weight_decay": 0.1 if trainable == "all" and short else 0.01,
        "warmup": 0.1,
        "final_rate": 0.05,
        "evaluations": chosen.evaluations,
        "prompts": [],
        **(training or {}),
    }
    values = {
        "data": data,
        "base": base,
        "pooling": "mean",
        "most_tokens": most_tokens,
        "token_dropout": 0.3 if short else 0.0,
        **changes,
    }
    return ClassificationConfig.from_dict({"training": TrainingConfig.from_dict(settings).to_dict(), **values})


def study_config(base: str, n_train: int | None, seed: int, **changes: Any) -> ClassificationConfig:
    """One run of the comparison of numbers of labels: so many steps as the labels need, judged once at the end.

    >>> study_config("model:" + 64 * "0", 100, seed=1).n_train
    100
    """
    steps = _STUDY_STEPS_OF_ALL
    if n_train is not None:
        steps = next((steps for size, steps in _STUDY_STEPS.items() if n_train <= size), _STUDY_STEPS_OF_ALL)
    rate, matrix_rate = usual_rates("all")
    training = {
        "steps": steps,
        "seconds": None,
        "evaluations": 1,
        "seed": seed,
        "learning_rate": rate,
        "matrix_learning_rate": matrix_rate,
    }
    settings = {"token_dropout": 0.0, **changes}  # so few steps want no hindrance
    return classification_config(base, training=training, n_train=n_train, seed=seed, **settings)


def is_study(config: ClassificationConfig) -> bool:
    """Whether a run is one of the many of `study_config`, which are not meant to be looked into one by one."""
    return config.training.evaluations == 1


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
        seed=config.split_seed,
        draw_seed=config.seed,
        most_judged=MOST_JUDGED,
        most_validated=MOST_VALIDATED,
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
        say(_("reading the labelled texts"))
        split = split_of(config, self.artifacts)
        self.label_names = split.train.label_names
        say(_("loading the pretrained model"))
        self.base = load_checkpoint(self.artifacts.kept_model(config.base))
        most = min(config.most_tokens, self.base.model.config.context_length)
        say(_("encoding the texts"))
        self.train, self.validation = (
            EncodedTexts.of(part.texts, part.labels, self.tokenizer, most) for part in (split.train, split.validation)
        )
        self.test = EncodedTexts.of(split.test.texts, split.test.labels, self.tokenizer, most)
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
        trainer = ClassificationTrainer(
            model,
            self.train,
            self.validation,
            self.config.training,
            test=self.test,
            token_dropout=self.config.token_dropout,
        )
        if restored is not None and restored.training_tensors is not None and restored.training_numbers is not None:
            trainer.load_state(restored.training_tensors, restored.training_numbers)
        return trainer
