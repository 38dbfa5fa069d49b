"""Answer metrics against rouge-score, statsmodels-free closed forms, and luck."""

import itertools

import numpy as np
import pytest
from rouge_score.rouge_scorer import RougeScorer
from scipy import stats

from engine.answers import exact_match, relative_improvement, rouge_l, wilson_interval
from engine.errors import ConfigError


def test_rouge_l_is_that_of_rouge_score_on_random_words():
    rng = np.random.default_rng(0)
    words = np.array(["the", "a", "Lion", "is", "in", "forest", "42", "œuf", "don't", "!", "—"])
    scorer = RougeScorer(["rougeL"])
    for _ in range(400):
        one, other = (" ".join(rng.choice(words, rng.integers(0, 12))) for _ in range(2))
        assert rouge_l(one, other) == pytest.approx(scorer.score(other, one)["rougeL"].fmeasure, abs=1e-12)


@pytest.mark.parametrize(
    ("answer", "reference", "same"),
    [
        ("240 euros", "240 Euros.", True),
        (" 240\n euros . ", "240 euros", True),
        ("240 euros", "24 euros", False),
        ("", ".", True),
        ("240 euros..", "240 euros", False),
    ],
)
def test_an_exact_match_overlooks_case_white_space_and_the_full_stop(answer, reference, same):
    assert exact_match(answer, reference) is same


def test_the_interval_of_a_share_is_wilsons_formula():
    for right, n in ((0, 10), (9, 10), (37, 100)):
        share, z = right / n, 1.959963984540054
        middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
        expected = (max(0, middle - half), min(1, middle + half))
        assert wilson_interval(right, n) == pytest.approx(expected, abs=1e-9)
    assert wilson_interval(0, 0) == (0.0, 1.0)
    for right, confidence in itertools.product(range(41), (0.5, 0.95, 0.999)):
        expected = stats.binomtest(right, 40).proportion_ci(confidence, method="wilson")
        assert wilson_interval(right, 40, confidence) == pytest.approx((expected.low, expected.high), abs=1e-12)
    with pytest.raises(ConfigError):
        wilson_interval(3, 2)


def test_an_improvement_that_is_there_is_found_and_luck_is_not():
    rng = np.random.default_rng(1)
    before = rng.uniform(0.2, 0.6, 300)
    found = relative_improvement(before, 1.35 * before)
    assert found.relative == pytest.approx(0.35) and found.low == pytest.approx(0.35) == found.high
    noisy = relative_improvement(before, 1.35 * rng.permutation(before))
    assert noisy.low < 0.35 < noisy.high and noisy.low > 0.2
    nothing = relative_improvement(before, rng.permutation(before))
    assert nothing.low < 0 < nothing.high
    covered = 0
    for seed in range(60):
        drawn = np.random.default_rng(seed)
        one = drawn.binomial(1, 0.5, 200)
        other = drawn.binomial(1, 0.6, 200)
        interval = relative_improvement(one, other, draws=500, seed=seed)
        covered += interval.low <= 0.2 <= interval.high
    assert covered >= 52  # of 60, where 57 are expected


def test_what_cannot_be_compared_is_explained():
    assert relative_improvement([0, 0], [1, 1]).relative is None
    for before, after in (([], []), ([1], [1, 2])):
        with pytest.raises(ConfigError, match="same items"):
            relative_improvement(before, after)
