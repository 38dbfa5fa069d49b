"""How good answers are: exact match, ROUGE-L, and whether a difference between two models is more than luck.

ROUGE-L (Lin 2004) is the F1 of the longest common subsequence of words: in order, gaps allowed. Words are runs of Latin
letters and digits without case, as in Google's `rouge-score`, against which this is tested.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from engine.checks import require_number
from engine.errors import ConfigError
from engine.language import _

_WORD = re.compile(r"[a-z0-9]+")
_FACT = re.compile(r"\d+(?::\d+)?|[A-Z]{2} ?\d{3}")  # a number, a time, a flight
_SPACES = re.compile(r"\s+")


def exact_match(answer: str, reference: str) -> bool:
    """Whether both are the same text but for case, white space and a full stop at the end.

    >>> exact_match(" 240 euros.", "240  Euros")
    True
    """
    return _plain(answer) == _plain(reference)


def _plain(text: str) -> str:
    return _SPACES.sub(" ", text).strip().removesuffix(".").rstrip().casefold()


def says_fact(answer: str, fact: str) -> bool:
    """Whether an answer says this fact and no other number, time or flight beside it.

    >>> says_fact("It costs 240 euros.", "240"), says_fact("It costs 1240 or 240 euros.", "240")
    (True, False)
    """
    said = {found.group().replace(" ", "") for found in _FACT.finditer(answer)}
    return said == {fact.replace(" ", "")}


def rouge_l(answer: str, reference: str) -> float:
    """F1 of the longest common subsequence of words, 0 to 1.

    >>> round(rouge_l("the cat sat", "the cat sat down"), 3)
    0.857
    """
    one, other = (_WORD.findall(text.lower()) for text in (answer, reference))
    if not one or not other:
        return 0.0
    common = _longest_common_subsequence(one, other)
    precision, recall = common / len(one), common / len(other)
    return 2 * precision * recall / (precision + recall) if common else 0.0


def _longest_common_subsequence(one: Sequence[str], other: Sequence[str]) -> int:
    above = [0] * (len(other) + 1)
    for word in one:
        row = [0]
        for place, each in enumerate(other, start=1):
            row.append(above[place - 1] + 1 if word == each else max(above[place], row[-1]))
        above = row
    return above[-1]


@dataclass(frozen=True)
class Improvement:
    """Mean scores of two models on the same items, and the relative improvement of the second with its interval.

    `relative`, `low` and `high` are shares (0.35 is 35 %); None where the first model's mean is 0.
    """

    before: float
    after: float
    relative: float | None
    low: float | None
    high: float | None
    n: int


def relative_improvement(
    before: Sequence[float], after: Sequence[float], *, confidence: float = 0.95, draws: int = 10_000, seed: int = 0
) -> Improvement:
    """How much better the second model scores: mean(after) / mean(before) − 1, with a paired bootstrap interval.

    Items are drawn with replacement, both scores of an item together (Efron and Tibshirani 1993, chapter 13). Raises
    ConfigError for no item or lists of different length.
    """
    if not len(before) or len(before) != len(after):
        raise ConfigError(
            _(
                "{n_before} scores cannot be compared with {n_after}: give both for the same items.",
                n_before=len(before),
                n_after=len(after),
            )
        )
    require_number("confidence", confidence, 0, 1, above=True, below=True)
    first, second = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    means = float(first.mean()), float(second.mean())
    if means[0] <= 0:
        return Improvement(*means, None, None, None, len(first))
    rows = np.random.default_rng(seed).integers(0, len(first), (draws, len(first)))
    drawn = first[rows].mean(1)
    ratios = np.divide(second[rows].mean(1), drawn, out=np.full(draws, np.inf), where=drawn > 0) - 1
    low, high = np.quantile(ratios, [(1 - confidence) / 2, (1 + confidence) / 2], method="inverted_cdf")
    return Improvement(*means, means[1] / means[0] - 1, float(low), float(high), len(first))


def wilson_interval(n_right: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """An interval for a share, good for few items and shares near 0 or 1 (Wilson 1927). (0, 1) for no item.

    >>> [round(end, 3) for end in wilson_interval(9, 10)]
    [0.596, 0.982]
    """
    if not 0 <= n_right <= n:
        raise ConfigError(_("{n_right} right of {n} cannot be.", n_right=n_right, n=n))
    require_number("confidence", confidence, 0, 1, above=True, below=True)
    if not n:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    wrong = n - n_right
    centre, width = n_right + z * z / 2, z * math.sqrt(n_right * wrong / n + z * z / 4)
    low, high = (centre - width) / (n + z * z), (centre + width) / (n + z * z)
    return low if n_right else 0.0, high if wrong else 1.0
