"""How good are probabilities of classes? Precision and recall at a threshold, curves over all thresholds, calibration.

One class counts as positive, the others together as negative. Every number here is defined by counting, so a few lines
of NumPy say all of it; the tests compare them with scikit-learn's.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from engine.answers import wilson_interval
from engine.checks import require_number
from engine.classification import confusion_matrix
from engine.errors import ConfigError


@dataclass(frozen=True)
class Counts:
    """Texts called positive or negative, rightly or wrongly."""

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int

    @property
    def accuracy(self) -> float:
        """Share of all texts that were called rightly."""
        total = self.true_positives + self.false_positives + self.false_negatives + self.true_negatives
        return (self.true_positives + self.true_negatives) / max(1, total)

    @property
    def precision(self) -> float:
        """Of those called positive, how many are; 0 where none was called so."""
        return self.true_positives / max(1, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """Of those that are positive, how many were found."""
        return self.true_positives / max(1, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall.

        >>> round(Counts(8, 2, 8, 82).f1, 3)
        0.615
        """
        wrong = self.false_positives + self.false_negatives
        return 2 * self.true_positives / max(1, 2 * self.true_positives + wrong)

    @property
    def false_alarms(self) -> float:
        """Of those that are negative, how many were called positive."""
        return self.false_positives / max(1, self.false_positives + self.true_negatives)


def counts_at(positive: np.ndarray, probabilities: np.ndarray, threshold: float) -> Counts:
    """What comes out when a text is called positive from this probability on; arrays (N,) bool and float."""
    truth, scores = _checked(positive, probabilities)
    require_number("threshold", threshold, 0, 1)
    called = scores >= threshold
    return Counts(
        int((called & truth).sum()),
        int((called & ~truth).sum()),
        int((~called & truth).sum()),
        int((~called & ~truth).sum()),
    )


@dataclass(frozen=True)
class ThresholdCurve:
    """Every threshold at which something changes, falling, and what comes out there; the first calls none positive."""

    thresholds: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    false_alarms: np.ndarray

    @property
    def roc_area(self) -> float:
        """Area under recall over false alarms: how often a positive text is above a negative one (a tie: half)."""
        return float(np.trapezoid(self.recall, self.false_alarms))

    @property
    def average_precision(self) -> float:
        """Σ (recallₙ − recallₙ₋₁) · precisionₙ."""
        return float((np.diff(self.recall) * self.precision[1:]).sum())


def threshold_curve(positive: np.ndarray, probabilities: np.ndarray) -> ThresholdCurve:
    """The trade between finding and false alarms. ConfigError unless both kinds of text are there."""
    truth, scores = _checked(positive, probabilities)
    if truth.all() or not truth.any():
        raise ConfigError("a curve over thresholds needs texts of the class and texts of another one.")
    order = np.argsort(-scores, kind="stable")
    scores, truth = scores[order], truth[order]
    last = np.r_[np.flatnonzero(np.diff(scores)), len(scores) - 1]  # of texts with equal scores, all or none
    found, called = np.cumsum(truth)[last], last + 1
    return ThresholdCurve(
        np.r_[math.inf, scores[last]],
        np.r_[1.0, found / called],
        np.r_[0.0, found / truth.sum()],
        np.r_[0.0, (called - found) / (~truth).sum()],
    )


def class_f1(labels: Sequence[int], predicted: Sequence[int], n_classes: int) -> np.ndarray:
    """F1 of each class against the others, (K,); 0 for a class that neither occurs nor was called."""
    matrix = confusion_matrix(labels, predicted, n_classes)
    right, both = np.diag(matrix), matrix.sum(0) + matrix.sum(1)
    return np.divide(2 * right, both, out=np.zeros(n_classes), where=both > 0)


def reported_f1(labels: Sequence[int], predicted: Sequence[int], n_classes: int) -> float:
    """The F1 by which classifiers are compared: of two classes the rarer one's, of more the mean of all."""
    each = class_f1(labels, predicted, n_classes)
    return float(each[rarest_class(labels, n_classes)] if n_classes == 2 else each.mean())


@dataclass(frozen=True)
class Quality:
    """What a classifier reaches on a set of texts: accuracy and its 95 % interval, and F1 as in `reported_f1`."""

    n: int
    n_right: int
    accuracy: float
    interval: tuple[float, float]
    f1: float


def quality(labels: Sequence[int], probabilities: np.ndarray) -> Quality:
    """The quality of probabilities (N, K): each text is called by its most probable class."""
    said, truth = np.asarray(probabilities), np.asarray(labels, dtype=np.int64)
    if said.ndim != 2 or len(said) != len(truth) or not len(truth):
        raise ConfigError(f"{len(truth)} labels do not fit probabilities of the shape {said.shape}.")
    predicted = said.argmax(1)
    n_right = int((predicted == truth).sum())
    f1 = reported_f1(truth.tolist(), predicted.tolist(), said.shape[1])
    return Quality(len(truth), n_right, n_right / len(truth), wilson_interval(n_right, len(truth)), f1)


def rarest_class(labels: Sequence[int], n_classes: int) -> int:
    """The class with the fewest texts; the last of those with equally few."""
    counts = np.bincount(np.asarray(labels, dtype=np.int64), minlength=n_classes)
    return int(n_classes - 1 - counts[::-1].argmin())


@dataclass(frozen=True)
class Bin:
    """Texts whose probabilities lie from `low` to `high`: how many, their mean probability, and how many are so."""

    low: float
    high: float
    n: int
    probability: float
    share: float


@dataclass(frozen=True)
class Calibration:
    """Bins from 0 to 1 (those without texts left out) and the expected calibration error (Guo et al. 2017)."""

    bins: tuple[Bin, ...]
    error: float


TENTHS = tuple(k / 10 for k in range(11))


def calibration(positive: np.ndarray, probabilities: np.ndarray, edges: Sequence[float] = TENTHS) -> Calibration:
    """Of the texts given 70 %, are 70 % positive? The error is Σ (n / N) · |share − mean probability| over the bins.

    A bin holds its lower edge, and the last one 1 as well. Raises ConfigError for edges that do not rise from 0 to 1.
    """
    truth, scores = _checked(positive, probabilities)
    ends = np.asarray(edges, dtype=np.float64)
    if len(ends) < 2 or ends[0] != 0 or ends[-1] != 1 or not (np.diff(ends) > 0).all():
        raise ConfigError(f"the edges of the bins must rise from 0 to 1, not {tuple(edges)}.")
    place = np.searchsorted(ends[1:-1], scores, side="right")
    bins = tuple(
        Bin(low, high, int(inside.sum()), float(scores[inside].mean()), float(truth[inside].mean()))
        for k, (low, high) in enumerate(itertools.pairwise(ends.tolist()))
        if (inside := place == k).any()
    )
    error = sum(each.n * abs(each.share - each.probability) for each in bins) / len(scores)
    return Calibration(bins, error)


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float, float]:
    """Mean of repeated measurements and where the true mean lies, by Student's t; one value is its own interval."""
    if not len(values):
        raise ConfigError("there is no measurement to take the mean of.")
    mean = float(np.mean(values))
    if len(values) == 1:
        return mean, mean, mean
    reach = float(special.stdtrit(len(values) - 1, 0.5 + confidence / 2)) * float(np.std(values, ddof=1))
    reach /= math.sqrt(len(values))
    return mean, mean - reach, mean + reach


def _checked(positive: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    truth, scores = np.asarray(positive, dtype=bool), np.asarray(probabilities, dtype=np.float64)
    if truth.ndim != 1 or truth.shape != scores.shape or not len(truth):
        raise ConfigError(f"{truth.shape} truths do not fit {scores.shape} probabilities; both must be (N,), N > 0.")
    if not ((scores >= -1e-6) & (scores <= 1 + 1e-6)).all():
        raise ConfigError("a probability must lie from 0 to 1.")
    return truth, np.clip(scores, 0, 1)
