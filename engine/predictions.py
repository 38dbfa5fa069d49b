"""Guesses of a learner, scored: how near, how sure, and whether the sureness was earned.

A guess without a confidence cannot be scored well: who says "80 %" should be right in four of five cases. Proper
scores are best for whoever says what they believe: the Brier score (Brier 1950) and the logarithm (Good 1952) for a
yes or no, the interval score (Gneiting and Raftery 2007, equation 43) for a range. Calibration lays stated confidence
beside the share that came true, with Wilson's interval (1927), for a few guesses prove little.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.answers import wilson_interval
from engine.checks import require_number
from engine.classification_metrics import calibration
from engine.errors import ConfigError
from engine.language import _
from engine.spreadsheets import harmless_cell

INTERVAL = 0.8
"""The confidence of the range that is asked for."""
MOST_SURE = 0.99
"""Nobody is surer: a wrong 100 % would cost infinitely many bits."""
EDGES = (0.0, 0.3, 0.5, 0.7, 0.9, 1.0)
"""The classes of stated confidence."""


@dataclass(frozen=True)
class LossGuess:
    """A loss guessed before it was shown, in nats per token: a value, and a range that should hold it in 4 of 5 cases.

    `known` is the step up to which the curve was seen, `step` the one asked about, `extrapolated` what a straight line
    through the seen part (in logarithms) gives there. Raises ConfigError for a range that does not hold the guess.
    """

    run: str
    known: int
    step: int
    guess: float
    low: float
    high: float
    truth: float
    extrapolated: float

    def __post_init__(self) -> None:
        for name in ("guess", "low", "high", "truth", "extrapolated"):
            require_number(name, getattr(self, name), -1e6, 1e6)
        if not self.low <= self.guess <= self.high:
            raise ConfigError(
                _(
                    "your guess {guess:.2f} lies outside your own range {low:.2f} to {high:.2f}: move one.",
                    guess=self.guess,
                    low=self.low,
                    high=self.high,
                )
            )

    @property
    def error(self) -> float:
        """How far off the guess was, without sign."""
        return abs(self.guess - self.truth)

    @property
    def inside(self) -> bool:
        """Whether the range holds the truth."""
        return self.low <= self.truth <= self.high

    @property
    def score(self) -> float:
        """Interval score: the width, and 2 / (1 − 0.8) = 10 times what the truth lies outside. Lower is better."""
        outside = max(self.low - self.truth, 0.0) + max(self.truth - self.high, 0.0)
        return self.high - self.low + 2 / (1 - INTERVAL) * outside


@dataclass(frozen=True)
class Bet:
    """One writer's choice of the next token and how sure it was, 0 to 1."""

    right: bool
    confidence: float

    def __post_init__(self) -> None:
        require_number("confidence", self.confidence, 0, 1)

    @property
    def brier(self) -> float:
        """The squared distance of the confidence from what came true, 0 (best) to 1."""
        return (self.confidence - self.right) ** 2

    @property
    def bits(self) -> float:
        """−log₂ of the confidence given to what came true. Who says 50 % always pays 1 bit."""
        sure = min(max(self.confidence, 1 - MOST_SURE), MOST_SURE)
        return -math.log2(sure if self.right else 1 - sure)


@dataclass(frozen=True)
class TokenGuess:
    """A next token guessed among `n_candidates`, by the learner, the GPT and an n-gram model.

    `context` ends before it; `chosen` and `truth` are tokens as text.
    """

    context: str
    chosen: str
    truth: str
    n_candidates: int
    learner: Bet
    gpt: Bet
    ngram: Bet


@dataclass(frozen=True)
class Class:
    """Guesses of like confidence: the mean that was stated, the share that was right, and its 95 % Wilson interval."""

    stated: float
    share: float
    low: float
    high: float
    n: int


def reliability(bets: Sequence[Bet], edges: Sequence[float] = EDGES) -> list[Class]:
    """The bets in classes of confidence, those with any in them, from unsure to sure.

    >>> reliability([Bet(True, 0.8), Bet(False, 0.8)])[0].share
    0.5
    """
    if not bets:
        return []
    found = calibration(np.array([bet.right for bet in bets]), np.array([bet.confidence for bet in bets]), edges)
    return [_class(each.probability, round(each.share * each.n), each.n) for each in found.bins]


def coverage(guesses: Sequence[LossGuess]) -> Class | None:
    """How often the ranges held the truth, beside the 80 % that were asked for; None without a guess."""
    return _class(INTERVAL, sum(guess.inside for guess in guesses), len(guesses)) if guesses else None


def _class(stated: float, n_right: int, n: int) -> Class:
    return Class(stated, n_right / n, *wilson_interval(n_right, n), n)


def extrapolate(steps: Sequence[float], losses: Sequence[float], step: float) -> float:
    """The loss at a later step on a straight line through the last half of the points, in log loss over log step.

    Raises ConfigError for fewer than two points after step 0.

    >>> round(extrapolate([1, 2, 4, 8], [8.0, 4.0, 2.0, 1.0], 16), 6)
    0.5
    """
    points = [(s, loss) for s, loss in zip(steps, losses, strict=True) if s > 0 and loss > 0 and math.isfinite(loss)]
    points = points[-max(2, len(points) // 2) :]
    if len(points) < 2:
        raise ConfigError(_("two measured points after step 0 are needed to draw a line through."))
    x, y = np.log(np.array(points, dtype=np.float64)).T
    slope, height = np.polyfit(x, y, 1)
    return float(math.exp(height + slope * math.log(step)))


def best_of(probabilities: Sequence[float], truth: int) -> Bet:
    """The bet of a model that must choose among candidates: the likeliest, as sure as its share among them.

    >>> best_of([0.375, 0.125], truth=0)
    Bet(right=True, confidence=0.75)
    """
    values = np.asarray(probabilities, dtype=np.float64)
    shares = values / values.sum()
    best = int(shares.argmax())
    return Bet(best == truth, float(shares[best]))


def verdict(bets: Sequence[Bet]) -> str:
    """One sentence on the calibration of some bets."""
    if not bets:
        return _("No token has been guessed yet.")
    stated, right = float(np.mean([bet.confidence for bet in bets])), float(np.mean([bet.right for bet in bets]))
    whole = _class(stated, sum(bet.right for bet in bets), len(bets))
    guesses = _("{n_bets} guess", n_bets=len(bets)) if len(bets) == 1 else _("{n_bets} guesses", n_bets=len(bets))
    text = _(
        "You said {stated:.0%} on average and were right in {right:.0%} of {guesses}",
        stated=stated,
        right=right,
        guesses=guesses,
    ).replace("%", " %")
    if len(bets) < 10:
        return text + _(": too few to judge your confidence.")
    if stated > whole.high:
        return text + _(": you are surer than you may be.")
    if stated < whole.low:
        return text + _(": you know more than you dare to say.")
    return text + _(": your confidence fits what you know.")


def as_csv(losses: Sequence[LossGuess], tokens: Sequence[TokenGuess]) -> str:
    """All guesses as CSV, one line each; texts that a spreadsheet would take for a formula begin with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ["kind", "about", "guess", "confidence", "low", "high", "truth", "right", "error", "score", "brier", "bits"]
    )
    for loss in losses:
        about = _("{run}: step {step} from {known}", run=loss.run, step=loss.step, known=loss.known)
        row = [loss.guess, INTERVAL, loss.low, loss.high, loss.truth, loss.inside, loss.error, loss.score, "", ""]
        writer.writerow(["loss", harmless_cell(about), *row])
    for token in tokens:
        bet = token.learner
        texts = harmless_cell(token.context[-60:]), harmless_cell(token.chosen), harmless_cell(token.truth)
        row = [texts[1], bet.confidence, "", "", texts[2], bet.right, "", "", bet.brier, bet.bits]
        writer.writerow(["token", texts[0], *row])
    return out.getvalue()
