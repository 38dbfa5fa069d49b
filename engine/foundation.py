"""The foundation model that ships with the course: how it is pretrained, and where its files lie.

Its text is a mixture whose weights are not the sizes of its sources, as in table 2.2 of Brown et al. (2020): what is
worth more is read more often. All of it may be passed on, and so may the weights: Shakespeare's plays (public domain),
the Python reference (PSF licence) and two texts that this program writes. `python -m engine pretrain --recipe
foundation` repeats the training; it can be paused, killed and continued, and its seed is fixed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from engine.errors import ConfigError
from engine.gpt import GPTConfig
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
        raise ConfigError(f"the training config has unknown settings: {', '.join(unknown)}.")
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
