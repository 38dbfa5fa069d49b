"""Runs that are broken on purpose, one fault at a time, to learn what each looks like from outside.

A fault is a pure change of a run's settings. It acts on the *laboratory run*: a small model on the stories with a fixed
number of steps, so that every machine computes the same curve. Some faults show only in a deeper or faster run; such a
fault first names the sound run that it is to be compared with.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import ConfigError
from engine.language import N_, _
from engine.runs.config import RunConfig
from engine.runs.recipes import recipe_config

SOUND = "sound"
"""What the answer to a mystery without a fault is called."""

LABORATORY_STEPS = 300


def laboratory_config(seed: int = 0, **training: Any) -> RunConfig:
    """The sound run that faults are put into: 2 layers of width 64 on half a million characters of stories."""
    return recipe_config(
        "30s",
        "stories",
        n_chars=500_000,
        vocab_size=1000,
        model={"n_layers": 2, "n_heads": 4, "d_model": 64},
        training={"steps": LABORATORY_STEPS, "seconds": None, "seed": seed, **training},
        seed=seed,
    )


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong. `does`: what it changes; `look_for`: where it shows, with what was measured here.

    `expected`: the kind of finding that `engine.diagnosis.diagnose` names first. `alternatives`: names of what it may
    be taken for. `hunted`: whether it shows clearly enough in a curve and samples alone to be a mystery.
    """

    name: str
    title: str
    does: str
    look_for: str
    expected: str
    alternatives: tuple[str, ...]
    change: Callable[[RunConfig], RunConfig]
    setting: Callable[[RunConfig], RunConfig] = lambda config: config
    hunted: bool = True

    def sound(self, config: RunConfig) -> RunConfig:
        """The run without the fault: the config itself, or a deeper or faster one in which the fault shows."""
        return self.setting(config)

    def broken(self, config: RunConfig) -> RunConfig:
        """The same run with the fault."""
        return self.change(self.setting(config))


def changed(
    config: RunConfig,
    *,
    model: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    **settings: Any,
) -> RunConfig:
    """The config with some settings of the model, of the training or of the run itself replaced."""
    return dataclasses.replace(
        config,
        model=dataclasses.replace(config.model, **(model or {})),
        training=dataclasses.replace(config.training, **(training or {})),
        **settings,
    )


def scaled_rates(config: RunConfig, factor: float) -> RunConfig:
    """Both learning rates (AdamW's and Muon's) times `factor`."""
    training = config.training
    return changed(
        config,
        training={
            "learning_rate": training.learning_rate * factor,
            "matrix_learning_rate": training.matrix_learning_rate * factor,
        },
    )


def _adamw(config: RunConfig) -> RunConfig:
    """AdamW alone, at a rate that it bears only when it comes to it slowly."""
    return changed(config, training={"optimizer": "adamw", "learning_rate": 0.01})


def _deep(config: RunConfig) -> RunConfig:
    return changed(config, model={"n_layers": 4})


def _deep_adamw(config: RunConfig) -> RunConfig:
    return changed(_deep(config), training={"optimizer": "adamw", "learning_rate": 0.004})


FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault(
            "rate-high",
            N_("Learning rate × 100"),
            N_("Every update goes a hundred times as far as it should."),
            N_(
                "The loss climbs above where it began and comes down only when the rate decays, to no better than "
                "knowing how frequent tokens are. The gradient norm is large and restless."
            ),
            N_("rate too high"),
            ("no-residual", "no-warmup", "rate-low"),
            lambda config: scaled_rates(config, 100),
        ),
        Fault(
            "rate-low",
            N_("Learning rate ÷ 100"),
            N_("Every update goes a hundredth of the way."),
            N_(
                "A smooth, calm curve that hardly falls: 300 steps reach about 6.3, which is still more than the "
                "unigram baseline. Samples stay random."
            ),
            N_("rate too low"),
            ("short", "no-residual", "rate-high"),
            lambda config: scaled_rates(config, 0.01),
        ),
        Fault(
            "no-warmup",
            N_("No warmup"),
            N_("AdamW takes its full learning rate from the first step, when it knows nothing of the gradient yet."),
            N_(
                "Look at the first ten steps: the loss rises before it falls and the gradient is many times its later "
                "length. The damage stays until the end of the run."
            ),
            N_("no warmup"),
            ("rate-high", "short", "rate-low"),
            lambda config: changed(config, training={"warmup": 0.0}),
            _adamw,
        ),
        Fault(
            "unshifted",
            N_("Labels not shifted"),
            N_("Every position is asked for the token that it reads, not for the one after it."),
            N_("The loss falls to 0 within a hundred steps, and the samples repeat one token for ever."),
            "unshifted",
            ("mask-off", "tiny-text", SOUND),
            lambda config: changed(config, training={"target_shift": 0}),
        ),
        Fault(
            "mask-off",
            N_("Causal mask off"),
            N_("Every position sees the whole window, the token it has to predict included."),
            N_(
                "The loss falls far below what any model of text can reach, yet the samples are poor: when it writes, "
                "nobody shows it the future."
            ),
            N_("mask off"),
            ("unshifted", "tiny-text", SOUND),
            lambda config: changed(config, model={"causal": False}),
        ),
        Fault(
            "tiny-text",
            N_("Tiny corpus"),
            N_("It reads 30,000 characters again and again: about 8,000 tokens for 160,000 numbers."),
            N_(
                "The training loss goes on towards 0, while the validation loss turns and climbs. Samples look good: "
                "they are quotations."
            ),
            N_("data too small"),
            ("mask-off", "rate-high", SOUND),
            lambda config: changed(config, n_chars=30_000),
        ),
        Fault(
            "no-positions",
            N_("No position information"),
            N_("Nothing tells the model where in the window a token stands."),
            N_(
                "The curve alone looks healthy. Only beside the sound run it shows: after 300 steps 2.08 instead of "
                "1.82 nats per token. The mask still tells the first token from the others, which saves much of it."
            ),
            "healthy",
            (SOUND, "one-head", "short"),
            lambda config: changed(config, model={"positions": "none"}),
            hunted=False,
        ),
        Fault(
            "no-residual",
            N_("No residual stream"),
            N_("In a model of 4 layers the output of each layer replaces what came in, instead of being added to it."),
            N_(
                "After the first fall nothing more: a long plateau at the unigram baseline, because the way from the "
                "context to the output is cut into pieces."
            ),
            "stalled",
            ("rate-low", "rate-high", "short"),
            lambda config: changed(config, model={"residual": False}),
            _deep,
        ),
        Fault(
            "one-head",
            N_("One head"),
            N_("One head of width 64 instead of four of width 16."),
            N_(
                "Nothing, at this size: the sound run ends at 1.82 nats per token, this one at 1.79 (one seed each). "
                "Several heads pay in larger models, whose layers have more than one thing to look for."
            ),
            "healthy",
            (SOUND, "no-positions", "short"),
            lambda config: changed(config, model={"n_heads": 1}),
            hunted=False,
        ),
        Fault(
            "no-norm",
            N_("No normalisation"),
            N_("In a model of 4 layers no layer normalises what it reads."),
            N_(
                "It starts late and learns slowly: 3.96 nats per token after 300 steps, and still falling, so that the "
                "rules take it for a run stopped too soon. Only beside the sound run it shows."
            ),
            "under-trained",
            ("short", "rate-low", "no-residual"),
            lambda config: changed(config, model={"norm": "none"}),
            _deep_adamw,
            hunted=False,
        ),
        Fault(
            "short",
            N_("Stopped too soon"),
            N_("It trains for 40 steps instead of 300."),
            N_("The loss is still falling steeply where the curve ends, above the bigram baseline."),
            "under-trained",
            ("rate-low", "no-residual", SOUND),
            lambda config: changed(config, training={"steps": 40}),
        ),
    )
}


@dataclass(frozen=True)
class Mystery:
    """A run whose fault is to be found. `fault`: its name, or `SOUND`; `choices`: names to choose from, in order."""

    number: int
    fault: str
    choices: tuple[str, ...]
    config: RunConfig

    @property
    def label(self) -> str:
        """What the run is called, which tells nothing."""
        return f"Mystery {self.number}"  # in English: pages tell runs by it


def mystery(number: int) -> Mystery:
    """The mystery of this number, 0 to 9999: the same for everybody. One in six or so has no fault.

    Raises ConfigError for another number.
    """
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= 9999:
        raise ConfigError(_("there is no mystery {number!r}; choose a whole number from 0 to 9,999.", number=number))
    dice = random.Random(f"mystery {number}")
    hunted = [name for name, fault in FAULTS.items() if fault.hunted]
    chosen = dice.choice([*hunted, SOUND, SOUND])
    sound = laboratory_config(seed=1000 + number)
    if chosen == SOUND:
        config, wrong = sound, tuple(dice.sample(hunted, 3))
    else:
        config, wrong = FAULTS[chosen].broken(sound), FAULTS[chosen].alternatives
        if SOUND not in wrong:
            wrong = (*wrong[:2], SOUND)
    choices = [chosen, *wrong]
    dice.shuffle(choices)
    return Mystery(number, chosen, tuple(choices), config)


def title_of(name: str) -> str:
    """What a fault, or its absence, is called."""
    return _("Nothing: a sound run") if name == SOUND else FAULTS[name].title
