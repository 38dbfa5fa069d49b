"""Races between recipes: runs that agree in seed, text and steps and differ in one thing.

A race is no record of its own: its lanes are ordinary runs, whose ids follow from their settings, so that two learners
who ask for the same race share it. Steps are fixed, not seconds: every machine then computes the same losses.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import ConfigError
from engine.language import N_, _
from engine.runs.config import RunConfig
from engine.runs.recipes import recipe_config

MAX_LANES = 4
MAX_SEEDS = 5
EVALUATIONS = 24
_RECIPE = "30s"
_ADAMW_RATE = 0.004
"""What the training form proposes for AdamW alone."""


@dataclass(frozen=True)
class Entry:
    """One lane: its name, and what it changes in the base recipe's model, training and run.

    `batch_factor` is by how much its batch is larger: it takes so many times fewer steps, to read the same tokens.
    """

    name: str
    model: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    run: Mapping[str, Any] = field(default_factory=dict)
    batch_factor: float = 1.0


@dataclass(frozen=True)
class Race:
    """What is compared. `in_bits`: by bits per byte, because the lanes' tokens are not the same.

    `two_tasks`: the lanes are asked for different things, so that a lower loss does not make a better model.
    """

    title: str
    question: str
    entries: tuple[Entry, ...]
    in_bits: bool = False
    two_tasks: bool = False


RACES: dict[str, Race] = {
    "positions": Race(
        N_("Position information"),
        N_("Attention sees a set of tokens, not a row. Does the model need to be told which comes where?"),
        (
            Entry(N_("No positions"), model={"positions": "none"}),
            Entry(N_("Learned"), model={"positions": "learned"}),
            Entry(N_("Rotary"), model={"positions": "rotary"}),
        ),
    ),
    "residual": Race(
        N_("Residual stream"),
        N_("Each of four layers adds to a stream. What if it replaces it instead?"),
        (
            Entry(N_("No residual"), model={"residual": False, "n_layers": 4}),
            Entry(N_("Residual"), model={"residual": True, "n_layers": 4}),
        ),
    ),
    "warmup": Race(
        N_("Warmup"),
        N_("The learning rate rises from 0 at the start. What is that good for, and how long should it last?"),
        tuple(
            Entry(
                name,
                training={"warmup": share, "optimizer": "adamw", "learning_rate": 2 * _ADAMW_RATE},
            )
            for name, share in ((N_("No warmup"), 0.0), (N_("10 % warmup"), 0.1), (N_("40 % warmup"), 0.4))
        ),
    ),
    "tying": Race(
        N_("Weight tying"),
        N_("One table to read tokens and to score them, or two?"),
        (
            Entry(N_("Two tables"), model={"tie_embeddings": False}),
            Entry(N_("One table"), model={"tie_embeddings": True}),
        ),
    ),
    "optimizer": Race(
        N_("AdamW or Muon"),
        N_("The usual optimizer against one that makes each matrix's update equally strong in all directions."),
        (
            Entry("AdamW", training={"optimizer": "adamw", "learning_rate": _ADAMW_RATE}),
            Entry("Muon", training={"optimizer": "muon"}),
        ),
    ),
    "batch": Race(
        N_("Batch size"),
        N_("The same tokens, in many small steps or in a few large ones."),
        tuple(
            Entry(name, training={"batch_size": size}, batch_factor=size / 32)
            for name, size in ((N_("Batch 8"), 8), (N_("Batch 32"), 32), (N_("Batch 128"), 128))
        ),
    ),
    "vocabulary": Race(
        N_("Vocabulary size"),
        N_("More tokens mean fewer of them per sentence, but each is harder to guess: bits per byte tell who gains."),
        tuple(
            Entry(name, run={"vocab_size": size}, model={"vocab_size": size})
            for name, size in (
                (N_("300 tokens"), 300),
                (N_("1,000 tokens"), 1000),
                (N_("2,000 tokens"), 2000),
                (N_("4,000 tokens"), 4000),
            )
        ),
        in_bits=True,
    ),
    "objective": Race(
        N_("Encoder or decoder"),
        N_(
            "A GPT guesses the next token from those before it. BERT guesses hidden tokens from both sides. Same text, "
            "same size, same steps."
        ),
        (
            Entry(N_("Decoder, next token")),
            Entry(N_("Encoder, masked token"), model={"causal": False}, training={"objective": "masked"}),
        ),
        two_tasks=True,
    ),
}


@dataclass(frozen=True)
class Setting:
    """A number or switch that a race of one's own can turn: where it lives, and the values offered."""

    title: str
    place: str
    name: str
    values: tuple[Any, ...]

    def entry(self, value: Any) -> Entry:
        """The lane of one value, named in the reader's language."""
        changes: dict[str, Any] = {self.place: {self.name: value}}
        if self.name == "vocab_size":
            changes["model"] = {"vocab_size": value}
        if self.name == "optimizer" and value == "adamw":
            changes["training"] = {"optimizer": value, "learning_rate": _ADAMW_RATE}
        factor = value / 32 if self.name == "batch_size" else 1.0
        return Entry(f"{self.title} {_(value)}", batch_factor=factor, **changes)


SETTINGS: dict[str, Setting] = {
    each.name: each
    for each in (
        Setting(N_("Learning rate"), "training", "learning_rate", (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)),
        Setting(N_("Muon's rate"), "training", "matrix_learning_rate", (0.002, 0.005, 0.01, 0.02, 0.05, 0.1)),
        Setting(N_("Optimizer"), "training", "optimizer", ("adamw", "muon")),
        Setting(N_("Batch"), "training", "batch_size", (4, 8, 16, 32, 64, 128)),
        Setting(N_("Warmup"), "training", "warmup", (0.0, 0.05, 0.1, 0.2, 0.4)),
        Setting(N_("Decay"), "training", "decay", ("linear", "cosine", "constant")),
        Setting(N_("Weight decay"), "training", "weight_decay", (0.0, 0.03, 0.1, 0.3)),
        Setting(N_("Clipping at"), "training", "clip_norm", (0.1, 0.3, 1.0, 5.0)),
        Setting(N_("Layers"), "model", "n_layers", (1, 2, 3, 4)),
        Setting(N_("Width"), "model", "d_model", (32, 64, 128, 192)),
        Setting(N_("Heads"), "model", "n_heads", (1, 2, 4, 8)),
        Setting(N_("Context"), "model", "context_length", (8, 16, 32, 64)),
        Setting(N_("Positions"), "model", "positions", ("none", "learned", "rotary")),
        Setting(N_("Nonlinearity"), "model", "activation", ("gelu", "relu2")),
        Setting(N_("Dropout"), "model", "dropout", (0.0, 0.1, 0.3)),
        Setting(N_("Vocabulary"), "run", "vocab_size", (300, 1000, 2000, 4000)),
    )
}


def race_configs(
    entries: tuple[Entry, ...], corpus: str, steps: int, seeds: tuple[int, ...] = (0,)
) -> dict[str, tuple[RunConfig, ...]]:
    """The runs of each lane by its name, one for each seed. The seed decides weights, batches and dropout.

    Raises ConfigError for no lane, more than four, two of one name, no seed or settings that cannot work.
    """
    names = [entry.name for entry in entries]
    if not 1 <= len(entries) <= MAX_LANES or len(set(names)) < len(names):
        raise ConfigError(
            _(
                "a race has one to {max_lanes} lanes of different names, not {value}.",
                max_lanes=MAX_LANES,
                value=", ".join(names) or "none",
            )
        )
    if not 1 <= len(seeds) <= MAX_SEEDS:
        raise ConfigError(
            _("{n_seeds} seeds are asked for; choose 1 to {max_seeds}.", n_seeds=len(seeds), max_seeds=MAX_SEEDS)
        )
    return {entry.name: tuple(_config(entry, corpus, steps, seed) for seed in seeds) for entry in entries}


def _config(entry: Entry, corpus: str, steps: int, seed: int) -> RunConfig:
    training: dict[str, Any] = {
        "seconds": None,
        "steps": max(1, round(steps / entry.batch_factor)),
        "evaluations": EVALUATIONS,
        "sample_tokens": 16,
        "seed": seed,
    }
    return recipe_config(
        _RECIPE, corpus, model=dict(entry.model), training={**training, **entry.training}, seed=seed, **entry.run
    )


def differing(configs: Mapping[str, tuple[RunConfig, ...]]) -> dict[str, tuple[Any, ...]]:
    """The settings in which the lanes differ, seeds aside: "model.positions" → each lane's value.

    >>> list(differing(race_configs(RACES["residual"].entries, "stories", 10)))
    ['model.residual']
    """
    flat = [_flat(dataclasses.asdict(runs[0])) for runs in configs.values()]
    return {
        name: tuple(each[name] for each in flat) for name in flat[0] if len({repr(each[name]) for each in flat}) > 1
    }


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat.update({f"{name}.{inner}": item for inner, item in value.items()})
        else:
            flat[name] = value
    return flat
