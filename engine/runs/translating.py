"""Translation as a job: an encoder–decoder learns to translate the phrasebook's English into German or French.

Its config has settings of its own and the same `TrainingConfig` as every other run, so that length, optimizer and
schedule mean the same. With 165 s on one core the three-minute preset translates about 98 % of 1,000 held-out
sentences exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.checkpoint import Restored
from engine.checks import require_choice, require_whole
from engine.errors import ConfigError
from engine.language import N_, _
from engine.runs.artifacts import ArtifactStore
from engine.runs.config import MAX_PARAMETERS, MAX_SEED
from engine.runs.jobs import Job, JobSettings
from engine.seq2seq import Seq2Seq, Seq2SeqConfig
from engine.training import TrainingConfig
from engine.translation import (
    LANGUAGES,
    Encoded,
    TranslationCheckpoint,
    TranslationTrainer,
    Vocabulary,
    load_translation,
    make_pairs,
)

JOB = "translation"
MAX_LENGTH = 32
"""Tokens of the longest sentence the model has positions for; the phrasebook's longest has 20 with START or END."""
MAX_PHRASES = 200_000
_ABOUT_VOCAB_SIZE = 2_000  # of both languages together, for the limit on parameters

DEFAULT_PRESET = "3min"


@dataclass(frozen=True)
class Preset:
    """A named length: training time in seconds (writing the phrasebook and saving come on top), and how often and on
    how many held-out sentences it is measured meanwhile.
    """

    title: str
    seconds: float
    evaluations: int
    evaluated: int


PRESETS: dict[str, Preset] = {
    "3min": Preset(N_("3 minutes"), 165, evaluations=10, evaluated=200),
    "1min": Preset(N_("1 minute"), 55, evaluations=6, evaluated=100),
}


@dataclass(frozen=True)
class TranslationConfig(JobSettings):
    """Everything that decides what a translation run computes.

    n_phrases: how many phrases are made, of which one in twenty is held out. evaluated: how many held-out sentences
    are translated at each evaluation. Raises ConfigError with the setting at fault.
    """

    job = JOB

    training: TrainingConfig
    language: Literal["german", "french"] = "german"
    n_phrases: int = 60_000
    evaluated: int = 200
    n_layers: int = 2
    n_heads: int = 4
    d_model: int = 128
    dropout: float = 0.0
    norm: Literal["before", "after"] = "before"
    seed: int = 0

    def __post_init__(self) -> None:
        self._check_training()
        require_choice("language", self.language, LANGUAGES)
        require_whole("n_phrases", self.n_phrases, 200, MAX_PHRASES)
        require_whole("evaluated", self.evaluated, 1, min(1_000, self.n_phrases // 100))
        require_whole("seed", self.seed, 0, MAX_SEED)
        require_whole("n_layers", self.n_layers, 1, 8)
        shape = self.model(_ABOUT_VOCAB_SIZE)
        n_parameters = 28 * self.n_layers * self.d_model**2 + _ABOUT_VOCAB_SIZE * self.d_model
        if n_parameters > MAX_PARAMETERS or shape.d_model > 1024:
            raise ConfigError(
                _(
                    "the model would have about {n_parameters:,} parameters; runs here may have {max_parameters:,}. "
                    "Choose fewer layers or a smaller d_model.",
                    n_parameters=n_parameters,
                    max_parameters=MAX_PARAMETERS,
                )
            )

    def model(self, vocab_size: int) -> Seq2SeqConfig:
        """The shape of the model once the vocabulary is known."""
        return Seq2SeqConfig(
            vocab_size=vocab_size,
            max_length=MAX_LENGTH,
            n_layers=self.n_layers,
            n_heads=self.n_heads,
            d_model=self.d_model,
            dropout=self.dropout,
            norm=self.norm,
        )


def translation_config(
    preset: str = DEFAULT_PRESET, *, training: dict[str, Any] | None = None, **changes: Any
) -> TranslationConfig:
    """The run of a preset, with settings changed by name; ConfigError for an unknown preset or setting.

    >>> translation_config("1min", language="french").language
    'french'
    """
    if preset not in PRESETS:
        raise ConfigError(
            _("there is no preset called {preset!r}; choose one of {join}.", preset=preset, join=", ".join(PRESETS))
        )
    chosen = PRESETS[preset]
    settings: dict[str, Any] = {
        "seconds": chosen.seconds,
        "batch_size": 64,
        "optimizer": "muon",
        "learning_rate": 5e-3,
        "matrix_learning_rate": 0.02,
        "muon_steps": 3,
        "beta2": 0.98,
        "weight_decay": 0.0,
        "warmup": 0.05,
        "final_rate": 0.02,
        "evaluations": chosen.evaluations,
        "prompts": [],
        **(training or {}),
    }
    values = {"evaluated": chosen.evaluated, **changes}
    return TranslationConfig.from_dict({"training": TrainingConfig.from_dict(settings).to_dict(), **values})


class TranslationJob(Job):
    """An encoder–decoder learns to translate."""

    eval_columns = ("train_loss", "validation_loss", "exact_match", "bleu")

    def __init__(self, config: TranslationConfig, artifacts: ArtifactStore) -> None:
        self.config = config

    @staticmethod
    def config_from_dict(data: dict[str, Any]) -> TranslationConfig:
        return TranslationConfig.from_dict(data)

    @staticmethod
    def load(folder: str | Path) -> TranslationCheckpoint:
        return load_translation(folder)

    @property
    def tokenizer(self) -> Vocabulary:
        return self.vocabulary

    def prepare(self, say: Callable[[str], None], *, fresh: bool) -> list[dict[str, Any]]:
        config = self.config
        say(_("writing {n_phrases:,} phrases", n_phrases=config.n_phrases))
        self.pairs = make_pairs(config.language, config.n_phrases, config.seed)
        say(_("building the vocabulary"))
        every = (*self.pairs.train, *self.pairs.held_out)
        self.vocabulary = Vocabulary.of(every, config.language)
        self.encoded = Encoded.of(self.pairs.train, self.vocabulary)
        if not fresh:
            return []
        counted = {
            "n_train": len(self.pairs.train),
            "n_held_out": len(self.pairs.held_out),
            "overlap": self.pairs.overlap,
            "new_words": self.pairs.new_words,
            "n_vocab": self.vocabulary.n_vocab,
            "n_parameters": Seq2Seq(config.model(self.vocabulary.n_vocab)).n_parameters,
        }
        return [{"kind": "pairs", "step": 0, **counted}]

    def trainer(self, restored: Restored[Any, Any] | None) -> TranslationTrainer:
        config = self.config
        model = Seq2Seq(config.model(self.vocabulary.n_vocab), config.seed) if restored is None else restored.model
        evaluated = self.pairs.held_out[: config.evaluated]
        trainer = TranslationTrainer(model, self.vocabulary, self.encoded, evaluated, config.training, config.seed)
        if restored is not None and restored.training_tensors is not None and restored.training_numbers is not None:
            trainer.load_state(restored.training_tensors, restored.training_numbers)
        return trainer
