"""What to try when a run went wrong: advice in words, and the run's config with the least change that follows it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from engine.language import _
from engine.run_facts import MIN_STEPS, RunFacts

if TYPE_CHECKING:
    from engine.runs.config import RunConfig

USUAL_RATES = {"muon": (0.01, 0.02), "adamw": (0.004, 0.02)}
"""AdamW's and Muon's rate that worked for small models here, by optimizer."""

Remedy = Callable[[RunFacts], "tuple[str, RunConfig | None]"]
"""What to say, and the config to try; None where there is nothing to change."""


def gentler(facts: RunFacts) -> tuple[str, RunConfig | None]:
    """Shorter steps."""
    return _("Try the usual learning rate, or a quarter of this one."), _rates(
        facts, lambda rate, usual: usual if rate > 1.5 * usual else rate / 4
    )


def faster(facts: RunFacts) -> tuple[str, RunConfig | None]:
    """Longer steps."""
    return _("Try the usual learning rate."), _rates(facts, lambda rate, usual: max(usual, rate))


def _rates(facts: RunFacts, better: Callable[[float, float], float]) -> RunConfig:
    training = facts.config.training
    usual, usual_matrix = USUAL_RATES[training.optimizer]
    changes = {"learning_rate": better(training.learning_rate, usual)}
    if training.optimizer == "muon":
        changes["matrix_learning_rate"] = better(training.matrix_learning_rate, usual_matrix)
    return _changed(facts, training=changes)


def warmer(facts: RunFacts) -> tuple[str, RunConfig | None]:
    """A warmup."""
    return _("Let the rate rise over the first tenth of the steps."), _changed(facts, training={"warmup": 0.1})


def stop_at(step: int) -> Remedy:
    """An end where the validation loss turned."""

    def remedy(facts: RunFacts) -> tuple[str, RunConfig | None]:
        steps = max(step, MIN_STEPS)
        return (
            _("Stop where validation turned, after {steps:,} steps; or let it read more text.", steps=steps),
            _changed(facts, training={"steps": steps, "seconds": None}),
        )

    return remedy


def more_text(facts: RunFacts) -> tuple[str, RunConfig | None]:
    """A longer text, where there is more of it."""
    n_chars = facts.config.n_chars
    advice = _("Give it more text, or make the model smaller.")
    if n_chars is not None and n_chars < 1_000_000:
        return advice, _changed(facts, n_chars=1_000_000)
    return advice, None


def restored(facts: RunFacts) -> tuple[str, RunConfig | None]:
    """What lets context reach the output."""
    model = facts.config.model
    if model.whole:
        return _("Try a quarter of the learning rate."), _rates(facts, lambda rate, _unused: rate / 4)
    return (
        _("Let every layer add to the stream instead of replacing it, and normalise what it reads."),
        _changed(facts, model={"residual": True, "norm": "layer"}),
    )


def longer(facts: RunFacts) -> tuple[str, RunConfig | None]:
    """More steps."""
    training = facts.config.training
    if training.seconds is not None:
        longer = {"seconds": min(4 * training.seconds, 3600.0)}
    else:
        longer = {"steps": 4 * facts.last_step}
    return _("Train four times as long."), _changed(facts, training=longer)


def honest(facts: RunFacts) -> tuple[str, RunConfig | None]:
    """No look at the answer."""
    return (
        _("Mask the future, and ask each position for the token after it."),
        _changed(facts, model={"causal": True}, training={"target_shift": 1}),
    )


def _changed(
    facts: RunFacts,
    *,
    model: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    **settings: Any,
) -> RunConfig:
    config = facts.config
    return dataclasses.replace(
        config,
        model=dataclasses.replace(config.model, **(model or {})),
        training=dataclasses.replace(config.training, **(training or {})),
        **settings,
    )
