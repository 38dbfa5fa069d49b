"""The foundation model that ships with the course: how it is pretrained, and where its files lie.

Its text is a mixture whose weights are not the sizes of its sources, as in table 2.2 of Brown et al. (2020): what is
worth more is read more often. All of it may be passed on, and so may the weights: Shakespeare's plays (public domain),
the Python reference (PSF licence) and two texts that this program writes. `python -m engine pretrain --recipe
foundation` repeats the training; it can be paused, killed and continued, and its seed is fixed.

An ablation trains it again without one of its sources. At full size that takes hours, so `ablation_pair` has the
same recipe small, with and without: what the second cannot do, it would have learned from the source that it lacks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.checks import require_choice
from engine.errors import ConfigError
from engine.gpt import GPTConfig
from engine.language import N_, _
from engine.runs.config import RunConfig
from engine.training import TrainingConfig

RECIPE = "foundation"
WEIGHTS: dict[str, float] = {"stories": 0.4, "phrasebook": 0.25, "shakespeare": 0.25, "python-reference": 0.1}
N_CHARS = 20_000_000
VOCAB_SIZE = 4096
STEPS = 8_000
PROMPTS = (
    "The lion is in the",
    "Once upon a time",
    "ROMEO:\n",
    "English: The lion sleeps.\nFrench:",
    "import ",
)


def foundation_config(
    corpora: Mapping[str, float] | None = None, *, training: Mapping[str, Any] | None = None, seed: int = 0
) -> RunConfig:
    """The run that made the foundation model; with other `corpora` (name → weight) or settings, an ablation of it.

    >>> foundation_config().model.context_length
    256

    Raises ConfigError for settings that cannot work.
    """
    changed = dict(training or {})
    unknown = sorted(set(changed) - {field.name for field in dataclasses.fields(TrainingConfig)})
    if unknown:
        raise ConfigError(_("the training config has unknown settings: {names}.", names=", ".join(unknown)))
    settings: dict[str, Any] = {
        "steps": STEPS,
        "batch_size": 8,
        "warmup": 0.03,
        "final_rate": 0.02,
        "evaluations": 60,
        "validation_tokens": 16_384,
        "sample_tokens": 60,
        "prompts": PROMPTS,
        "seed": seed,
        **changed,
    }
    return RunConfig(
        corpora=tuple((corpora or WEIGHTS).items()),
        vocab_size=VOCAB_SIZE,
        n_chars=N_CHARS,
        validation_fraction=0.02,
        seed=seed,
        model=GPTConfig(
            vocab_size=VOCAB_SIZE,
            context_length=256,
            n_layers=5,
            n_heads=6,
            d_model=192,
            positions="rotary",
            bias=False,
        ),
        training=TrainingConfig(**settings),
    )


@dataclass(frozen=True)
class AblationSize:
    """How long the small form of the recipe is trained; `title` says how long that takes on one core that is free."""

    title: str
    steps: int


ABLATION_SIZES: dict[str, AblationSize] = {
    "small": AblationSize(N_("about 2 min each"), 600),
    "medium": AblationSize(N_("about 4 min each"), 1200),
    "large": AblationSize(N_("about 10 min each"), 3000),
}
ABLATION_WEIGHTS: dict[str, float] = {
    "stories": 0.4,
    "phrasebook": 0.4,
    "shakespeare": 0.15,
    "python-reference": 0.05,
}
"""In a short run the two texts that are written for a purpose get more room, so that their abilities appear."""


def ablation_pair(
    size: str = "medium",
    *,
    without: str = "phrasebook",
    weights: Mapping[str, float] | None = None,
    seed: int = 0,
) -> tuple[RunConfig, RunConfig]:
    """The small recipe with all its sources, and the same without one: same model, steps, length of text and seed.

    What the source leaves free goes to the others in proportion, and each run learns its own tokenizer. Raises
    ConfigError for an unknown size, and for a source that is not in the mixture or is all of it.

    >>> [len(config.corpora) for config in ablation_pair("small")]
    [4, 3]
    """
    require_choice("size", size, tuple(ABLATION_SIZES))
    mixture = dict(weights or ABLATION_WEIGHTS)
    if without not in mixture or len(mixture) < 2:
        raise ConfigError(
            _("{without!r} cannot be left out of a mixture of {names}.", without=without, names=", ".join(mixture))
        )
    return (
        _small(ABLATION_SIZES[size], mixture, seed),
        _small(ABLATION_SIZES[size], {name: share for name, share in mixture.items() if name != without}, seed),
    )


def _small(size: AblationSize, weights: Mapping[str, float], seed: int) -> RunConfig:
    return RunConfig(
        corpora=tuple(weights.items()),
        vocab_size=2000,
        n_chars=4_000_000,
        validation_fraction=0.02,
        seed=seed,
        model=GPTConfig(
            vocab_size=2000,
            context_length=192,
            n_layers=3,
            n_heads=4,
            d_model=128,
            positions="rotary",
            bias=False,
        ),
        training=TrainingConfig(
            steps=size.steps,
            batch_size=8,
            warmup=0.03,
            final_rate=0.02,
            evaluations=16,
            validation_tokens=4096,
            sample_tokens=30,
            prompts=PROMPTS[:4],
            seed=seed,
        ),
    )
