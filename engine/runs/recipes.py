"""Ready-made runs: what a learner gets by pressing Train.

The numbers follow from measurements that tests/benchmarks/README.md holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import ConfigError
from engine.gpt import GPTConfig
from engine.language import N_, _
from engine.runs.config import RunConfig
from engine.training import TrainingConfig


@dataclass(frozen=True)
class Recipe:
    """A named size: shape, vocabulary, text and training time in seconds on one core."""

    name: str
    title: str
    seconds: float
    n_chars: int
    vocab_size: int
    n_layers: int
    n_heads: int
    d_model: int
    context_length: int
    batch_size: int


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("30s", "30 s", 30, 1_000_000, 2000, 2, 4, 128, 32, 32),
        Recipe("60s", N_("1 min"), 60, 2_000_000, 4000, 2, 4, 128, 64, 16),
        Recipe("3min", N_("3 min"), 180, 4_000_000, 4000, 3, 6, 192, 64, 16),
    )
}

DEFAULT_RECIPE = "60s"


def recipe_config(
    name: str,
    corpora: str | Mapping[str, float],
    *,
    model: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    **changes: Any,
) -> RunConfig:
    """The run of a recipe on a corpus (or a mixture: name → weight), with settings changed by name.

    >>> recipe_config("30s", "shakespeare", training={"steps": 100, "seconds": None}).training.steps
    100

    Raises ConfigError for an unknown recipe or settings that cannot work.
    """
    if name not in RECIPES:
        raise ConfigError(
            _("there is no recipe called {name!r}; choose one of {join}.", name=name, join=", ".join(RECIPES))
        )
    recipe = RECIPES[name]
    weights = {corpora: 1.0} if isinstance(corpora, str) else corpora
    vocab_size = changes.pop("vocab_size", recipe.vocab_size)
    shape: dict[str, Any] = {
        "vocab_size": vocab_size,
        "context_length": recipe.context_length,
        "n_layers": recipe.n_layers,
        "n_heads": recipe.n_heads,
        "d_model": recipe.d_model,
        "positions": "rotary",
        "bias": False,
    }
    budget: dict[str, Any] = {"seconds": recipe.seconds, "batch_size": recipe.batch_size}
    settings: dict[str, Any] = {"n_chars": recipe.n_chars, **changes}
    return RunConfig(
        corpora=tuple(weights.items()),
        vocab_size=vocab_size,
        model=GPTConfig(**{**shape, **(model or {})}),
        training=TrainingConfig(**{**budget, **(training or {})}),
        **settings,
    )
