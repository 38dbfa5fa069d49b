"""Instruction fine-tuning as a job: a pretrained model learns to answer.

The airline's preset takes under two minutes on one core; it says at least nine of ten fares right that are asked for
in words it was not trained on.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.checkpoint import Checkpoint, Restored, load_checkpoint, read_checkpoint
from engine.checks import require_choice, require_flag, require_number, require_whole
from engine.errors import ConfigError
from engine.instruction_sets import INSTRUCTION_SETS, InstructionSet, load_instructions, own_instructions
from engine.instructions import Template, read_examples
from engine.language import N_, _
from engine.runs.artifacts import KEPT_MODEL, UPLOAD, ArtifactStore
from engine.runs.config import MAX_SEED, MAX_TOKENS_PER_STEP
from engine.runs.jobs import Job, JobSettings
from engine.tokenizer import Tokenizer, load_tokenizer
from engine.training import TrainingConfig
from engine.tuning import (
    TUNABLE,
    EncodedQuestions,
    InstructionTrainer,
    Tunable,
    build_tuned,
    choose_tunable,
    n_trainable,
    tunable,
)

JOB = "instructions"
SHORT = Template("Question: {instruction}\nAnswer:", "Question: {instruction}\nText: {input}\nAnswer:")
"""The presets' template: short, since a small vocabulary makes many tokens of few words."""
MAX_TEMPLATE = 500
_HASHED = re.compile(r"[a-z]+:[0-9a-f]{64}")

DEFAULT_PRESET = "full"
_LONG_SETS = ("headlines",)
"""Sets of long texts: a step takes fewer of them, and they are measured less often, so that enough steps fit."""


@dataclass(frozen=True)
class Preset:
    """A named way to train: what learns, the seconds of training, and how often it is measured meanwhile."""

    title: str
    tunable: Tunable
    seconds: float
    learning_rate: float
    matrix_learning_rate: float
    optimizer: str


PRESETS: dict[str, Preset] = {
    "full": Preset(N_("All weights"), "all", 95, 5e-3, 0.02, "muon"),
    "lora": Preset("LoRA", "lora", 95, 8e-3, 0.0, "adamw"),
    "last block": Preset(N_("Last block"), "last block", 95, 5e-3, 0.02, "muon"),
}


@dataclass(frozen=True)
class InstructionConfig(JobSettings):
    """Everything that decides what an instruction run computes.

    data: the name of an instruction set, or "upload:<sha256>" of examples as JSON. base: "model:<sha256>", a model that
    the service keeps. template: the two forms of `engine.instructions.Template`. n_train: how many questions are
    trained on, None for all. measured: how many held-out ones are answered at each evaluation. Raises ConfigError with
    the setting at fault.
    """

    job = JOB

    data: str
    base: str
    training: TrainingConfig
    template: tuple[str, str] = (SHORT.without_input, SHORT.with_input)
    mask_prompt: bool = True
    tunable: Tunable = "all"
    lora_rank: int = 16
    lora_alpha: float = 32.0
    n_train: int | None = None
    measured: int = 40
    most_tokens: int = 255
    seed: int = 0

    def __post_init__(self) -> None:
        self._check_training()
        uploaded = isinstance(self.data, str) and self.data.startswith(UPLOAD) and _HASHED.fullmatch(self.data)
        if not uploaded and self.data not in INSTRUCTION_SETS:
            raise ConfigError(
                _(
                    "data ({data!r}) must be {join} or {upload}<sha256>.",
                    data=self.data,
                    join=", ".join(INSTRUCTION_SETS),
                    upload=UPLOAD,
                )
            )
        if not (isinstance(self.base, str) and self.base.startswith(KEPT_MODEL) and _HASHED.fullmatch(self.base)):
            raise ConfigError(
                _(
                    "base ({base!r}) must be {kept_model}<sha256>, a model that the service keeps.",
                    base=self.base,
                    kept_model=KEPT_MODEL,
                )
            )
        if len(self.template) != 2 or not all(isinstance(text, str) for text in self.template):
            raise ConfigError(_("template must be two texts: without and with an input."))
        object.__setattr__(self, "template", tuple(self.template))
        if max(map(len, self.template)) > MAX_TEMPLATE:
            raise ConfigError(_("a template may have at most {max_template} characters.", max_template=MAX_TEMPLATE))
        self.as_template()
        require_flag("mask_prompt", self.mask_prompt)
        require_choice("tunable", self.tunable, TUNABLE)
        require_whole("lora_rank", self.lora_rank, 1, 256)
        require_number("lora_alpha", self.lora_alpha, 0, 1024, above=True)
        if self.n_train is not None:
            require_whole("n_train", self.n_train, 1)
        require_whole("measured", self.measured, 1, 500)
        require_whole("most_tokens", self.most_tokens, 8, 1024)
        require_whole("seed", self.seed, 0, MAX_SEED)
        if self.training.batch_size * self.most_tokens > MAX_TOKENS_PER_STEP:
            raise ConfigError(
                _(
                    "batch_size times most_tokens must be at most {max_tokens_per_step:,}: lower one of them.",
                    max_tokens_per_step=MAX_TOKENS_PER_STEP,
                )
            )

    def as_template(self) -> Template:
        """The template; ConfigError where it cannot work."""
        return Template(*self.template)


def instruction_config(
    data: str, base: str, preset: str = DEFAULT_PRESET, *, training: dict[str, Any] | None = None, **changes: Any
) -> InstructionConfig:
    """The run of a preset, with settings changed by name; ConfigError for an unknown preset or setting."""
    if preset not in PRESETS:
        raise ConfigError(
            _("there is no preset called {preset!r}; choose one of {join}.", preset=preset, join=", ".join(PRESETS))
        )
    chosen = PRESETS[preset]
    long = data in _LONG_SETS
    settings: dict[str, Any] = {
        "seconds": chosen.seconds,
        "batch_size": 8 if long else 32,
        "optimizer": chosen.optimizer,
        "learning_rate": chosen.learning_rate,
        "matrix_learning_rate": chosen.matrix_learning_rate,
        "weight_decay": 0.0,
        "warmup": 0.05,
        "final_rate": 0.05,
        "evaluations": 2 if long else 6,
        "prompts": [],
        **(training or {}),
    }
    if settings.get("steps") is not None:
        settings["seconds"] = None
    values = {"tunable": chosen.tunable, **changes}
    return InstructionConfig.from_dict(
        {"data": data, "base": base, "training": TrainingConfig.from_dict(settings).to_dict(), **values}
    )


def read_set(name: str, seed: int, artifacts: ArtifactStore) -> InstructionSet:
    """A set by the name it has in a config. CorpusError where it is not there."""
    if name.startswith(UPLOAD):
        return own_instructions(read_examples(artifacts.load_upload(name)), seed)
    return load_instructions(name, seed)


def load_tuned(folder: str | Path) -> Checkpoint:
    """A fine-tuned model as `engine.checkpoint.save_checkpoint` wrote it; CheckpointError if it cannot be read."""
    read = read_checkpoint(folder, build_tuned, load_tokenizer)
    return Checkpoint(read.model, read.tokenizer, read.extra, read.training_tensors, read.training_numbers)


class InstructionJob(Job):
    """A language model learns to answer instructions."""

    eval_columns = ("train_loss", "validation_loss", "exact_match", "rouge_l")

    def __init__(self, config: InstructionConfig, artifacts: ArtifactStore) -> None:
        self.config = config
        self.artifacts = artifacts

    @staticmethod
    def config_from_dict(data: dict[str, Any]) -> InstructionConfig:
        return InstructionConfig.from_dict(data)

    @staticmethod
    def load(folder: str | Path) -> Checkpoint:
        return load_tuned(folder)

    @property
    def tokenizer(self) -> Tokenizer:
        return self.base.tokenizer

    def prepare(self, say: Callable[[str], None], *, fresh: bool) -> list[dict[str, Any]]:
        config = self.config
        say(_("reading the instructions"))
        questions = read_set(config.data, config.seed, self.artifacts)
        say(_("loading the pretrained model"))
        self.base = load_checkpoint(self.artifacts.kept_model(config.base))
        most = min(config.most_tokens, self.base.model.config.context_length - 1)
        template = config.as_template()
        say(_("encoding the instructions"))
        chosen = questions.train[: config.n_train]
        self.train = EncodedQuestions.of(chosen, template, self.tokenizer, most)
        self.measured = EncodedQuestions.of(questions.measured, template, self.tokenizer, most).spread(config.measured)
        if not len(self.train) or not len(self.measured):
            raise ConfigError(
                _(
                    "no example fits into {most} tokens: choose shorter texts, a shorter template or a model of longer "
                    "context.",
                    most=most,
                )
            )
        if not fresh:
            return []
        model = self._fresh_model()
        counted = {
            "n_train": len(self.train),
            "n_measured": len(self.measured),
            "n_held_out": {name: len(group) for name, group in questions.held_out.items()},
            "n_too_long": self.train.n_too_long,
            "n_parameters": model.n_parameters,
            "n_trainable": n_trainable(model),
        }
        return [{"kind": "instructions", "step": 0, **counted}]

    def _fresh_model(self) -> Any:
        config = self.config
        return tunable(
            self.base.model,
            config.tunable,
            lora_rank=config.lora_rank,
            lora_alpha=config.lora_alpha,
            seed=config.seed,
        )

    def trainer(self, restored: Restored[Any, Any] | None) -> InstructionTrainer:
        config = self.config
        model = self._fresh_model() if restored is None else restored.model
        choose_tunable(model, config.tunable)
        trainer = InstructionTrainer(
            model,
            self.train.encoded,
            self.measured,
            config.training,
            self.tokenizer,
            mask_prompt=config.mask_prompt,
        )
        if restored is not None and restored.training_tensors is not None and restored.training_numbers is not None:
            trainer.load_state(restored.training_tensors, restored.training_numbers)
        return trainer
