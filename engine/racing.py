"""Runs against each other: which got how far, and what it took the others to come there.

Two curves are compared at a loss that both reached, for a lower curve says little by itself: how many steps, tokens and
seconds earlier is what a better recipe saves. One run of each kind is one throw of the dice; with several seeds the
saving has an interval. Seeds are pairs (the same seed draws the same batches), so it is Student's t interval of the
mean logarithm of the ratio within a pair.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from engine.errors import ConfigError
from engine.language import N_, _

Axis = Literal["steps", "tokens", "seconds"]
AXES: tuple[Axis, ...] = ("steps", "tokens", "seconds")
CONFIDENCE = 0.95
_LIKE = 0.005
"""A saving below half a per cent is none."""


@dataclass(frozen=True)
class Course:
    """One run as it was measured: at each evaluation the steps, tokens and seconds spent, and the validation loss."""

    seed: int
    steps: tuple[float, ...]
    tokens: tuple[float, ...]
    seconds: tuple[float, ...]
    losses: tuple[float, ...]

    def __post_init__(self) -> None:
        if len({len(self.steps), len(self.tokens), len(self.seconds), len(self.losses)}) > 1:
            raise ConfigError(_("steps, tokens, seconds and losses of a course must be equally many."))

    @property
    def lowest(self) -> float:
        """The lowest loss that was measured; infinite before the first measurement."""
        return min((loss for loss in self.losses if math.isfinite(loss)), default=math.inf)

    def reached(self, level: float, axis: Axis = "steps") -> float | None:
        """How many steps, tokens or seconds until the loss was first at `level` or below; None where it never was.

        Between two evaluations the loss is taken as a straight line.

        >>> Course(0, (0, 10, 20), (0, 1, 2), (0, 1, 2), (6.0, 4.0, 3.0)).reached(3.5)
        15.0
        """
        places: tuple[float, ...] = getattr(self, axis)
        for n, loss in enumerate(self.losses):
            if loss <= level:
                before = self.losses[n - 1] if n else loss
                if n == 0 or not math.isfinite(before):
                    return float(places[n])
                share = (before - level) / (before - loss)
                return float(places[n - 1] + share * (places[n] - places[n - 1]))
        return None


@dataclass(frozen=True)
class Lane:
    """One contestant: a name and a course for each of its seeds."""

    name: str
    courses: tuple[Course, ...]

    @property
    def lowest(self) -> float:
        """The mean over seeds of the lowest loss; infinite while one of them has none."""
        return float(np.mean([course.lowest for course in self.courses])) if self.courses else math.inf

    @property
    def worst(self) -> float:
        """The highest of its seeds' lowest losses: what all of them reached."""
        return max((course.lowest for course in self.courses), default=math.inf)

    def reached(self, level: float, axis: Axis = "steps") -> float | None:
        """The mean over seeds of where they reached `level`; None where one of them never did."""
        places = [course.reached(level, axis) for course in self.courses]
        known = [place for place in places if place is not None]
        return float(np.mean(known)) if known and len(known) == len(places) else None


@dataclass(frozen=True)
class Estimate:
    """A mean over n seeds with its interval; low and high are None for a single seed."""

    mean: float
    low: float | None
    high: float | None
    n: int


def t_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Estimate:
    """Mean and Student's t interval of independent values (Student 1908); no interval for a single one.

    >>> t_interval([1.0, 2.0, 3.0]).mean
    2.0

    Raises ConfigError for no value.
    """
    n = len(values)
    if not n:
        raise ConfigError(_("there is no value to take a mean of."))
    mean = float(np.mean(values))
    if n == 1:
        return Estimate(mean, None, None, 1)
    half = float(special.stdtrit(n - 1, (1 + confidence) / 2)) * float(np.std(values, ddof=1)) / math.sqrt(n)
    return Estimate(mean, mean - half, mean + half, n)


def common_level(lanes: Sequence[Lane]) -> float | None:
    """The lowest loss that every run reached; None while one has not been measured."""
    level = max((lane.worst for lane in lanes), default=math.inf)
    return level if math.isfinite(level) else None


def saving(base: Lane, other: Lane, level: float, axis: Axis = "steps") -> Estimate | None:
    """The share by which `other` needed less than `base` to reach `level`: 0.41 is 41 % fewer, −0.5 half as much again.

    Seeds are compared in pairs; the mean and the interval are of log(other / base), told as 1 − ratio. None where one
    of a pair never reached the level, was there from the start, or no seed is in both.
    """
    theirs = {course.seed: course.reached(level, axis) for course in base.courses}
    logs = []
    for course in other.courses:
        if course.seed not in theirs:
            continue
        mine, basis = course.reached(level, axis), theirs[course.seed]
        if mine is None or basis is None or mine <= 0 or basis <= 0:
            return None
        logs.append(math.log(mine / basis))
    if not logs:
        return None
    found = t_interval(logs)
    low, high = (None if each is None else -math.expm1(each) for each in (found.high, found.low))
    return Estimate(-math.expm1(found.mean), low, high, found.n)


def ranking(lanes: Sequence[Lane], level: float) -> list[Lane]:
    """The lanes by the steps they needed to `level`; those that never reached it last, by their lowest loss."""

    def place(lane: Lane) -> tuple[float, float]:
        steps = lane.reached(level)
        return (math.inf if steps is None else steps, lane.lowest)

    return sorted(lanes, key=place)


def verdict(lanes: Sequence[Lane], level: float | None = None, unit: str = N_("nats per token")) -> str:
    """One sentence on who reached a loss first and what that saved, against the first lane or, where that one leads,
    against the next; with several seeds the interval, and who never came there.

    `level` is the loss to compare at, None for the lowest that all reached. Losses are in `unit`.
    """
    if len(lanes) < 2:
        return _("One lane alone wins every race: choose at least two.")
    if any(not math.isfinite(lane.lowest) for lane in lanes):
        waiting = [lane.name for lane in lanes if not math.isfinite(lane.lowest)]
        return _("No loss of {listed} has been measured yet.", listed=_listed(waiting))
    goal = common_level(lanes) if level is None else level
    assert goal is not None
    never = [lane for lane in lanes if lane.reached(goal) is None]
    there = [lane for lane in ranking(lanes, goal) if lane not in never]
    short = "".join(
        _(" {name} never reached it: its lowest was {worst:.2f}.", name=lane.name, worst=lane.worst) for lane in never
    )
    if not there:
        return _("Nobody reached {goal:.2f} {unit}.{short}", goal=goal, unit=unit, short=short)
    first = there[0]
    if len(there) == 1:
        steps = first.reached(goal)
        return _(
            "Only {name} reached {goal:.2f} {unit}, after {steps:,.0f} steps.{short}",
            name=first.name,
            goal=goal,
            unit=unit,
            steps=steps,
            short=short,
        )
    against = lanes[0] if lanes[0] in there and lanes[0] is not first else there[1]
    return _(
        "{name} reached {goal:.2f} {unit} {saved}.{short}",
        name=first.name,
        goal=goal,
        unit=unit,
        saved=_saved(against, first, goal),
        short=short,
    )


def _saved(base: Lane, leader: Lane, level: float) -> str:
    """ "in 41 % fewer steps than A (180 against 305), with 20 % less training time, over 3 seeds …"."""
    saved = {axis: saving(base, leader, level, axis) for axis in AXES}
    steps = saved["steps"]
    if steps is None:
        return _("before {name}", name=base.name)
    needed = _("{reached:,.0f} against {reached_2:,.0f}", reached=leader.reached(level), reached_2=base.reached(level))
    if abs(steps.mean) < _LIKE:
        text = _("in as many steps as {name} ({needed})", name=base.name, needed=needed)
    else:
        text = _(
            "in {less} steps than {name} ({needed})",
            less=_less(steps.mean, "fewer", "more"),
            name=base.name,
            needed=needed,
        )
    tokens, seconds = saved["tokens"], saved["seconds"]
    if tokens is not None and abs(tokens.mean - steps.mean) >= _LIKE:
        text += _(", {less} tokens", less=_less(tokens.mean, "fewer", "more"))
    if seconds is not None:
        text += _(" and {less} training time", less=_less(seconds.mean, "less", "more"))
    if steps.low is not None and steps.high is not None:
        text += _(
            "; the {confidence:.0%} t interval of the steps saved over {n} seeds goes from {low:.0f} % to {high:.0f} %",
            confidence=CONFIDENCE,
            n=steps.n,
            low=100 * steps.low,
            high=100 * steps.high,
        ).replace("95%", "95 %")
        if steps.low <= 0 <= steps.high:
            text += _(", so chance may have decided")
    return text


def _less(share: float, fewer: str, more: str) -> str:
    return f"{100 * abs(share):.0f} % {fewer if share >= 0 else more}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else _("{join} and {names}", join=", ".join(names[:-1]), names=names[-1])


def mean_course(lane: Lane) -> Course | None:
    """The mean of a lane's courses at the evaluations that all of them have; None where they share none."""
    if not lane.courses:
        return None
    shared = set.intersection(*(set(course.steps) for course in lane.courses))
    if not shared:
        return None
    rows = []
    for course in lane.courses:
        keep = [step in shared for step in course.steps]
        columns = (course.steps, course.tokens, course.seconds, course.losses)
        rows.append([list(itertools.compress(column, keep)) for column in columns])
    steps, tokens, seconds, losses = (tuple(map(float, column)) for column in np.mean(rows, axis=0))
    return Course(-1, steps, tokens, seconds, losses)
