"""What a class board shows: who is where, how far, and the best loss of each within the same training time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.classroom.learners import Learner, Mark

PRESENT_SECONDS = 90.0
"""Who was seen within this time counts as present."""


@dataclass(frozen=True)
class Place:
    """A learner on the board. `n_steps`, `n_right` and `n_answered` count over all lessons; `ago`: seconds unseen."""

    learner: Learner
    ago: float
    n_steps: int
    n_answered: int
    n_right: int

    @property
    def present(self) -> bool:
        return self.ago < PRESENT_SECONDS


def places(learners: Iterable[Learner], marks: Iterable[Mark], now: float | None = None) -> list[Place]:
    """Everybody with what they have done, who is present first, then by name.

    A result with a "right" in it is an answer of a quiz, every other one a step that is done.
    """
    now = time.time() if now is None else now
    steps: dict[str, int] = {}
    answers: dict[str, list[bool]] = {}
    for mark in marks:
        if isinstance(mark.value, dict) and "right" in mark.value:
            answers.setdefault(mark.learner, []).append(bool(mark.value["right"]))
        else:
            steps[mark.learner] = steps.get(mark.learner, 0) + 1
    found = [
        Place(
            each,
            max(0.0, now - each.seen_at),
            steps.get(each.learner, 0),
            len(answers.get(each.learner, ())),
            sum(answers.get(each.learner, ())),
        )
        for each in learners
    ]
    return sorted(found, key=lambda place: (not place.present, place.learner.shown.lower(), place.learner.learner))


@dataclass(frozen=True)
class Best:
    """The lowest bits per byte on validation text that a run had reached within a training time."""

    run_id: str
    bits_per_byte: float
    seconds: float
    step: int


def best_within(evaluations: Mapping[str, Sequence[Mapping[str, Any]]], seconds: float) -> Best | None:
    """The best of some runs (run id → their evaluations) in `seconds` of training; None if none was measured by then.

    Bits per byte compare across tokenizers where losses do not; across texts nothing does.

    >>> best_within({"a": [{"step": 5, "seconds": 9.0, "bits_per_byte": 2.5}]}, 10.0).bits_per_byte
    2.5
    """
    reached = [
        Best(run_id, float(each["bits_per_byte"]), float(each["seconds"]), int(each["step"]))
        for run_id, measured in evaluations.items()
        for each in measured
        if each.get("bits_per_byte") is not None and each["seconds"] <= seconds
    ]
    return min(reached, key=lambda best: (best.bits_per_byte, best.seconds), default=None)
