"""Fits against numpy's and scipy's own, known exponents, and what a text's words are."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from engine.corpus import load_corpus
from engine.power_law import FitError, fit_power_law
from engine.text_statistics import number_words, rank_frequency, vocabulary_growth

SIZES = np.array([6e3, 14e3, 25e3, 56e3, 98e3, 221e3])


@pytest.mark.parametrize(("coefficient", "exponent"), [(5.0, 0.076), (9.0, 0.3), (2.0, 0.05)])
def test_a_power_law_without_noise_is_found_again(coefficient, exponent):
    law = fit_power_law(SIZES, coefficient * SIZES**-exponent)
    assert (law.coefficient, law.exponent, law.floor) == pytest.approx((coefficient, exponent, 0.0))
    assert law.exponent_interval == pytest.approx((exponent, exponent), abs=1e-6)


@pytest.mark.parametrize(("coefficient", "exponent", "floor"), [(30.0, 0.3, 1.7), (400.0, 0.5, 2.4), (6.0, 0.2, 0.5)])
def test_a_floor_is_found_again(coefficient, exponent, floor):
    law = fit_power_law(SIZES, coefficient * SIZES**-exponent + floor, floor=True)
    assert (law.coefficient, law.exponent, law.floor) == pytest.approx((coefficient, exponent, floor), rel=1e-3)
    assert law.at(1e7) == pytest.approx(coefficient * 1e7**-exponent + floor, rel=1e-4)


def test_line_and_interval_are_those_of_numpy_and_scipy():
    rng = np.random.default_rng(3)
    loss = 6 * SIZES**-0.08 * np.exp(rng.normal(0, 0.02, len(SIZES)))
    law = fit_power_law(SIZES, loss)
    slope, intercept = np.polyfit(np.log(SIZES), np.log(loss), 1)
    assert (law.exponent, math.log(law.coefficient)) == pytest.approx((-slope, intercept))
    line = stats.linregress(np.log(SIZES), np.log(loss))
    half = stats.t.ppf(0.975, len(SIZES) - 2) * line.stderr
    assert law.exponent_interval == pytest.approx((law.exponent - half, law.exponent + half))


def test_a_prediction_interval_is_the_textbooks():
    rng = np.random.default_rng(5)
    loss = 6 * SIZES**-0.08 * np.exp(rng.normal(0, 0.02, len(SIZES)))
    law = fit_power_law(SIZES, loss)
    log_x, n = np.log(SIZES), len(SIZES)
    there = math.log(2e6)
    around = 1 + 1 / n + (there - log_x.mean()) ** 2 / ((log_x - log_x.mean()) ** 2).sum()
    half = stats.t.ppf(0.975, n - 2) * law.spread * math.sqrt(around)
    assert np.log(law.interval_at(2e6)) == pytest.approx(np.log(law.at(2e6)) + np.array([-half, half]))


@pytest.mark.parametrize("floor", [False, True])
def test_about_nineteen_of_twenty_intervals_hold_the_new_measurement(floor):
    rng = np.random.default_rng(11)
    sizes = np.repeat(SIZES, 2)
    truth = lambda x: 30 * x**-0.3 + (1.7 if floor else 0.0)  # noqa: E731
    held = 0
    for _ in range(50):
        law = fit_power_law(sizes, truth(sizes) * np.exp(rng.normal(0, 0.01, len(sizes))), floor=floor)
        low, high = law.interval_at(9e5)
        held += low <= truth(9e5) * math.exp(rng.normal(0, 0.01)) <= high
    assert 44 <= held <= 50


@pytest.mark.parametrize(
    ("sizes", "losses", "floor", "said"),
    [
        ([1, 2], [2, 1], False, "too few"),
        ([1, 2, 3, 4], [4, 3, 2, 1], True, "too few for a floor"),
        ([5, 5, 5], [3, 3, 3], False, "different sizes"),
        ([1, 2, 3], [3, math.nan, 1], False, "above 0"),
        ([0, 2, 3], [3, 2, 1], False, "above 0"),
        ([1, 2, 3], [3, 2], False, "as many"),
    ],
)
def test_points_that_fix_no_law_are_refused(sizes, losses, floor, said):
    with pytest.raises(FitError, match=said):
        fit_power_law(sizes, losses, floor=floor)


@settings(max_examples=30)
@given(st.floats(-2, 2), st.floats(0.1, 1000))
def test_a_fit_finds_the_exponent_and_factor_of_an_exact_power_law(exponent: float, factor: float) -> None:
    x = np.arange(1, 200)
    law = fit_power_law(x, factor * x**exponent, first=5, last=150)
    assert law.exponent == pytest.approx(-exponent, abs=1e-9)
    assert law.coefficient == pytest.approx(factor)
    assert (law.first, law.last, law.n_points) == (5, 150, 146)
    assert law.at(np.array([1.0])) == pytest.approx(factor)


def test_a_fit_is_numpys_least_squares_of_the_logarithms() -> None:
    ranked = rank_frequency(number_words(load_corpus("stories")[:60_000])[0])
    law = fit_power_law(ranked.ranks, ranked.frequencies, first=5, last=200)
    slope, height = np.polyfit(np.log(ranked.ranks[4:200]), np.log(ranked.frequencies[4:200]), 1)
    assert law.exponent == pytest.approx(-slope)
    assert law.coefficient == pytest.approx(np.exp(height))


def test_zipf_and_heaps_are_found_in_words_drawn_by_zipfs_law() -> None:
    n = 30_000
    ranks = np.arange(1, n + 1)
    chances = 1 / ranks**1.2
    drawn = np.random.default_rng(0).choice(n, 200_000, p=chances / chances.sum())
    ranked = rank_frequency(drawn)
    assert fit_power_law(ranked.ranks, ranked.frequencies, first=5, last=300).exponent == pytest.approx(1.2, abs=0.05)
    growth = vocabulary_growth(drawn)
    assert -0.95 < fit_power_law(growth.seen, growth.distinct, first=1_000).exponent < -0.6


def test_too_narrow_a_range_is_refused_with_what_to_do() -> None:
    with pytest.raises(FitError, match="at least 3 points, and 0 lie between 10 and 20"):
        fit_power_law([1, 2, 3], [3, 2, 1], first=10, last=20)
    with pytest.raises(FitError, match="too few"):
        fit_power_law([], [])
