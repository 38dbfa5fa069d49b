"""The five steps of a head, and what the figures of one of them are drawn from."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from engine.attention_steps import Dropped
from engine.gpt import GPTConfig
from engine.inspection import AttentionStages
from engine.language import N_
from engine.language import number as written_number
from pages.shared.charts import visible_token
from pages.shared.sentence import Sentence


@dataclass(frozen=True)
class Stage:
    """One step of the computation: its short name, what it does, and the shapes it does it to."""

    name: str
    title: str
    words: str
    shapes: str


STAGES = (
    Stage(
        "q · kᵀ",
        N_("Scores: every query with every key"),
        N_(
            "Each token asks with its **query** q, and each token answers with its **key** k. How well they match is "
            "one number, their dot product: row *i*, column *j* is q of token *i* · k of token *j*."
        ),
        "(T, D) · (D, T) → (T, T)",
    ),
    Stage(
        "÷ √D",
        N_("Scaled scores"),
        N_(
            "A sum of D products spreads about √D times as wide as one of them. Dividing by √D keeps the scores in a "
            "range where softmax still answers to small changes."
        ),
        "(T, T) → (T, T)",
    ),
    Stage(
        N_("mask"),
        N_("Masked scores"),
        N_(
            "What comes after a token is not known when it is read. Its scores are replaced by −∞, which softmax turns "
            "into a weight of exactly 0."
        ),
        "(T, T) → (T, T)",
    ),
    Stage(
        "softmax",
        N_("Attention weights"),
        N_(
            "e to each score, divided by the sum of its row: positive weights that sum to 1. This is the attention of "
            "the head: how much of each token's value is taken."
        ),
        "(T, T) → (T, T)",
    ),
    Stage(
        N_("weights · v"),
        N_("Output: weighted sums of the values"),
        N_(
            "Each token offers a **value** v. What the head writes at a token is the sum of all values, each times its "
            "weight."
        ),
        "(T, T) · (T, D) → (T, D)",
    ),
)


@dataclass
class Changes:
    """Numbers of the queries that the learner replaced: (token, dimension) → value, and what was there before."""

    context: tuple[object, ...]
    now: dict[tuple[int, int], float] = field(default_factory=dict)
    past: list[dict[tuple[int, int], float]] = field(default_factory=list)

    def put(self, place: tuple[int, int], value: float) -> None:
        """Replace a number."""
        if self.now.get(place) != value:
            self.past = [*self.past, dict(self.now)][-50:]
            self.now[place] = value

    def undo(self) -> None:
        """Take the last change back."""
        if self.past:
            self.now = self.past.pop()

    def reset(self) -> None:
        """The model's own queries again; can itself be undone."""
        if self.now:
            self.past = [*self.past, dict(self.now)][-50:]
            self.now = {}


@dataclass(frozen=True)
class View:
    """Everything that the figures of one run of the page are drawn from."""

    sentence: Sentence
    config: GPTConfig
    own: AttentionStages
    stages: AttentionStages
    dropped: Dropped | None
    changes: Changes

    @property
    def n_tokens(self) -> int:
        """T."""
        return len(self.sentence.ids)

    @property
    def changed_rows(self) -> list[int]:
        """Tokens whose query is not the model's own."""
        return sorted({token for token, _unused in self.changes.now})

    def matrix(self, stage: int, stages: AttentionStages | None = None) -> np.ndarray:
        """The result of a stage, with dropout where it is on."""
        found = stages or self.stages
        if stage >= 3 and self.dropped is not None:
            weights = found.weights * self.dropped.kept * np.float32(self.dropped.scale)
            return weights if stage == 3 else weights @ found.v
        return (found.scores, found.scaled, found.masked, found.weights, found.output)[stage]

    def token(self, index: int) -> str:
        """A token in quotes, for places that show text as it is."""
        return visible_token(self.sentence.tokens[index])

    @property
    def hidden(self) -> np.ndarray:
        """(T, T) bool: what the mask hides."""
        return np.isneginf(self.stages.masked)


def number(value: float) -> str:
    """Three to four digits with a proper minus; −∞ as such."""
    if value == -math.inf:
        return "−∞"
    size = abs(float(value))
    text = written_number(size, ".0f" if size >= 1000 else ".4g" if size >= 0.001 or size == 0 else ".1e")
    return ("−" if value < 0 else "") + text
