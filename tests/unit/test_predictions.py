"""Scores of guesses: proper, as their papers define them, and honest about few guesses."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss

from engine.errors import ConfigError
from engine.predictions import (
    Bet,
    LossGuess,
    TokenGuess,
    as_csv,
    best_of,
    coverage,
    extrapolate,
    reliability,
    verdict,
)

bets = st.lists(st.builds(Bet, st.booleans(), st.floats(0.05, 0.95)), min_size=2, max_size=30)


def loss_guess(truth: float, low: float = 2.0, high: float = 3.0) -> LossGuess:
    return LossGuess("run", 10, 100, 2.5, low, high, truth, 2.4)


def token_guess(context: str, chosen: str, right: bool = True) -> TokenGuess:
    return TokenGuess(context, chosen, " cat", 6, Bet(right, 0.7), Bet(True, 0.9), Bet(False, 0.4))


@settings(deadline=None)
@given(bets)
def test_brier_and_log_scores_are_scikit_learns(made: list[Bet]) -> None:
    right, stated = [bet.right for bet in made], [bet.confidence for bet in made]
    assert np.mean([bet.brier for bet in made]) == pytest.approx(brier_score_loss(right, stated))
    nats = log_loss(right, stated, labels=[False, True])
    assert np.mean([bet.bits for bet in made]) == pytest.approx(nats / math.log(2))


def test_the_expected_scores_are_best_for_whoever_says_what_they_believe() -> None:
    for belief in (0.2, 0.5, 0.8):

        def expected(stated: float, score: str, belief: float = belief) -> float:
            return belief * getattr(Bet(True, stated), score) + (1 - belief) * getattr(Bet(False, stated), score)

        for score in ("brier", "bits"):
            assert min((expected(s / 100, score), s / 100) for s in range(1, 100))[1] == pytest.approx(belief)


def test_the_interval_score_is_best_for_the_quantiles_that_it_asks_for() -> None:
    truths = np.random.default_rng(0).normal(2.5, 0.2, 4000)

    def mean(half: float) -> float:
        return float(np.mean([loss_guess(t, 2.5 - half, 2.5 + half).score for t in truths[:1500]]))

    halves = np.arange(0.1, 0.5, 0.02)
    best = halves[np.argmin([mean(half) for half in halves])]
    assert best == pytest.approx(1.2816 * 0.2, abs=0.04)  # the 10th and 90th percentile of the normal


def test_a_truth_outside_costs_ten_times_its_distance() -> None:
    assert loss_guess(2.7).score == pytest.approx(1.0) and loss_guess(2.7).inside
    assert loss_guess(3.1).score == pytest.approx(2.0) and not loss_guess(3.1).inside
    assert loss_guess(1.9).score == pytest.approx(2.0)
    assert loss_guess(2.7).error == pytest.approx(0.2)
    with pytest.raises(ConfigError, match="outside your own range"):
        loss_guess(2.7, low=2.6)


@settings(deadline=None)
@given(bets)
def test_every_bet_is_in_one_class_and_wilsons_interval_holds_its_share(made: list[Bet]) -> None:
    classes = reliability(made)
    assert sum(each.n for each in classes) == len(made)
    for each in classes:
        assert each.low <= each.share + 1e-12 and each.share <= each.high + 1e-12
        z, n, p = 1.959964, each.n, each.share
        middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        assert each.low == pytest.approx((middle - half) / (1 + z * z / n), abs=1e-6)
        assert each.high == pytest.approx((middle + half) / (1 + z * z / n), abs=1e-6)


def test_the_surest_class_holds_certainty() -> None:
    assert reliability([Bet(True, 1.0)])[0].stated == 1
    assert math.isfinite(Bet(False, 1.0).bits) and Bet(False, 1.0).bits > 6


def test_ranges_are_counted_beside_the_80_per_cent() -> None:
    found = coverage([loss_guess(2.5)] * 3 + [loss_guess(9.0)])
    assert found is not None and (found.stated, found.share, found.n) == (0.8, 0.75, 4)
    assert coverage([]) is None


def test_a_power_law_is_continued_exactly_and_a_point_alone_is_refused() -> None:
    steps = [0, 1, 2, 4, 8, 16, 32]
    losses = [9.0] + [5 * s**-0.3 for s in steps[1:]]
    assert extrapolate(steps, losses, 1000) == pytest.approx(5 * 1000**-0.3)
    with pytest.raises(ConfigError, match="two measured points"):
        extrapolate([0, 1], [9, 8], 10)


def test_a_model_bets_on_its_likeliest_candidate() -> None:
    assert best_of([0.1, 0.2, 0.1], truth=1) == Bet(True, 0.5)
    assert not best_of([0.1, 0.2, 0.1], truth=0).right


def test_confidence_is_judged_from_ten_guesses_on() -> None:
    assert verdict([]) == "No token has been guessed yet."
    assert "too few" in verdict([Bet(True, 0.9)] * 9)
    assert "surer than you may be" in verdict([Bet(False, 0.9)] * 10)
    assert "dare" in verdict([Bet(True, 0.3)] * 10)
    assert "fits" in verdict([Bet(True, 0.8)] * 8 + [Bet(False, 0.8)] * 2)


def test_the_table_can_be_read_back_and_holds_no_formula() -> None:
    text = as_csv([loss_guess(2.7)], [token_guess('=HYPERLINK("x")', "+1", right=False)])
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["kind"] for row in rows] == ["loss", "token"]
    assert float(rows[0]["error"]) == pytest.approx(0.2) and rows[0]["right"] == "True"
    assert rows[1]["about"].startswith("'=") and rows[1]["guess"] == "'+1" and float(rows[1]["brier"]) == 0.7**2
