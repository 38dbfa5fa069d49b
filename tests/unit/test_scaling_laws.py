"""Fits against numpy's and scipy's own, known exponents, and the numbers of the papers."""

import numpy as np
import pytest

from engine.gpt import GPTConfig
from engine.power_law import fit_power_law
from engine.scaling import count_parameters, flops_per_token, training_flops
from engine.scaling_laws import (
    CHINCHILLA_REFITTED,
    CHINCHILLA_SURFACE,
    GPT3_COMPUTE,
    PUBLISHED_TRAININGS,
    CurvePoint,
    compute_frontier,
    fit_frontier,
    leave_one_out,
    optimal_split,
    optimal_tokens,
)


def test_at_every_amount_of_compute_the_frontier_is_the_best_run_there():
    a = [CurvePoint("a", c, 9 * c**-0.3) for c in np.geomspace(1e3, 1e6, 20)]
    b = [CurvePoint("b", c, 90 * c**-0.6) for c in np.geomspace(1e2, 1e5, 20)]  # crosses a where c^0.3 = 10
    frontier = compute_frontier([*a, *b], 12)
    assert all(1e3 - 1 <= point.flops <= 1e5 + 1 for point in frontier)  # where both passed
    for point in frontier:
        assert point.run == ("a" if point.flops < 10 ** (1 / 0.3) else "b")
        assert point.loss == pytest.approx(min(9 * point.flops**-0.3, 90 * point.flops**-0.6))


def test_the_exponent_of_compute_is_found_from_curves_that_touch_one_law():
    surface = CHINCHILLA_SURFACE
    points = [
        CurvePoint(f"{n:g}", 6 * n * d, surface.at(n, d) - surface.irreducible)
        for n in np.geomspace(1e5, 1e8, 13)
        for d in np.geomspace(1e5, 1e10, 60)
    ]
    inside = [point for point in points if 1e14 < point.flops < 1e17]  # where sizes on both sides were tried
    law, spread = fit_frontier(inside)
    expected = surface.alpha * surface.beta / (surface.alpha + surface.beta)
    assert law.exponent == pytest.approx(expected, rel=0.03)
    assert spread is not None and spread[0] <= law.exponent <= spread[1]


def test_leaving_out_says_nothing_where_nothing_is_left():
    assert leave_one_out(["a"], lambda names: fit_power_law([1.0] * len(names), [1.0] * len(names)).exponent) is None


def test_twenty_tokens_a_parameter_is_chinchilla():
    assert optimal_tokens(70e9) == pytest.approx(1.4e12)
    n, d = optimal_split(5.76e23)  # Gopher's compute; the paper: 67 billion parameters, 1.5 trillion tokens (table 3)
    assert (n, d) == pytest.approx((67e9, 1.5e12), rel=0.08)
    assert 6 * n * d == pytest.approx(5.76e23)


def test_the_best_split_of_a_surface_has_no_better_neighbour():
    for surface in (CHINCHILLA_SURFACE, CHINCHILLA_REFITTED):
        n, d = surface.best_split(1e21)
        assert 6 * n * d == pytest.approx(1e21)
        around = [surface.at(n * f, d / f) for f in (0.5, 0.9, 1.1, 2.0)]
        assert surface.at(n, d) < min(around)
    n, d = CHINCHILLA_REFITTED.best_split(5.76e23)
    assert 15 < d / n < 30
    n, d = CHINCHILLA_SURFACE.best_split(5.76e23)
    assert n == pytest.approx(40e9, rel=0.3)  # the paper's own third approach: 40 billion (table A3)


@pytest.mark.parametrize("row", GPT3_COMPUTE, ids=lambda row: row.preset)
def test_gpt3s_published_parameters_and_training_flops_are_met(row):
    config = GPTConfig.preset(row.preset)
    counted = count_parameters(config).total
    assert counted == pytest.approx(row.n_parameters, rel=0.01)
    assert training_flops(counted, row.n_tokens) == pytest.approx(row.flops, rel=0.05)
    exact = flops_per_token(config).training * row.n_tokens
    large = row.n_parameters > 6e9  # below, the scores of attention, which the paper leaves out, weigh more
    assert exact == pytest.approx(row.flops, rel=0.05 if large else 0.15)


def test_published_trainings_agree_with_their_papers_flops():
    flops = {each.name: each.flops for each in PUBLISHED_TRAININGS}
    assert flops["GPT-3 175B"] == pytest.approx(3.14e23, rel=0.01)
    assert flops["Chinchilla 70B"] == pytest.approx(5.76e23, rel=0.05)
    assert flops["Llama 3 405B"] == pytest.approx(3.8e25, rel=0.01)
