"""Positions, against the formulas of the papers and against the model itself."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine import positions
from engine.errors import ConfigError
from engine.gpt import GPT, GPTConfig, Trace

RNG = np.random.default_rng(1)
QUERY, KEY = RNG.normal(size=(2, 16))


def test_sinusoidal_vectors_follow_the_formula_of_the_paper():
    table = positions.sinusoidal(50, 12)
    for position in (0, 1, 17, 49):
        for i in range(6):
            angle = position / 10_000 ** (2 * i / 12)
            assert table[position, 2 * i] == pytest.approx(math.sin(angle), abs=1e-12)
            assert table[position, 2 * i + 1] == pytest.approx(math.cos(angle), abs=1e-12)


def test_dot_products_of_sinusoidal_vectors_depend_on_the_distance_alone():
    table = positions.sinusoidal(80, 32)
    products = positions.dot_products(table)
    for m in range(80):
        for n in range(m + 1):
            assert products[m, n] == pytest.approx(products[m - n, 0], abs=1e-9)
    np.testing.assert_allclose(products[:, 0], positions.product_by_distance(32, np.arange(80)), atol=1e-9)
    np.testing.assert_allclose(np.diag(products), 16)


def test_untrained_positions_repeat_for_a_seed_and_have_the_spread_of_a_new_gpt():
    table = positions.untrained(512, 64, seed=3)
    np.testing.assert_array_equal(table, positions.untrained(512, 64, seed=3))
    assert table.std() == pytest.approx(0.02, rel=0.05)


@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 500))
def test_a_rotary_product_stays_the_same_when_both_positions_move(m, n, shift):
    here = positions.rotary_product(QUERY, KEY, m, n)
    assert positions.rotary_product(QUERY, KEY, m + shift, n + shift) == pytest.approx(here, abs=2e-3)
    (closed,) = positions.rotary_products_by_distance(QUERY, KEY, np.array([m - n]))
    assert closed == pytest.approx(here, abs=2e-3)


def test_a_turn_keeps_the_length_and_position_0_turns_nothing():
    np.testing.assert_allclose(positions.turned(QUERY, 0), QUERY, atol=1e-6)
    assert np.linalg.norm(positions.turned(QUERY, 33)) == pytest.approx(np.linalg.norm(QUERY), rel=1e-5)


def test_a_pair_turns_by_its_own_frequency():
    vector = np.zeros(8)
    vector[1] = 1  # the first number of pair 1; its second is number 5
    turned = positions.turned(vector, 3)
    angle = 3 * positions.pair_frequencies(8)[1]
    assert turned[1] == pytest.approx(math.cos(angle), abs=1e-6)
    assert turned[5] == pytest.approx(math.sin(angle), abs=1e-6)


def test_the_query_and_key_are_those_the_model_itself_computes():
    model = GPT(GPTConfig(30, 16, 2, 2, 16, positions="rotary"), seed=2)
    ids, trace = [7, 3, 9, 9, 4, 21], Trace()
    with torch.no_grad():
        model(torch.tensor([ids]), trace=trace)
    for head in range(2):
        for m, n in ((5, 0), (4, 3), (2, 2)):
            pair = positions.first_layer_query_key(model, ids[m], ids[n], head)
            inside = float(trace.layers[0].q[0, head, m] @ trace.layers[0].k[0, head, n])
            assert positions.rotary_product(pair.query, pair.key, m, n) == pytest.approx(inside, abs=1e-5)


def test_what_cannot_be_is_refused_with_a_sentence():
    with pytest.raises(ConfigError, match="must be even"):
        positions.sinusoidal(4, 7)
    with pytest.raises(ConfigError, match="n_positions"):
        positions.sinusoidal(0, 8)
    with pytest.raises(ConfigError, match="position"):
        positions.turned(QUERY, -1)
    model = GPT(GPTConfig(30, 16, 1, 2, 16, positions="rotary"))
    with pytest.raises(ConfigError, match="head"):
        positions.first_layer_query_key(model, 1, 2, 2)
    with pytest.raises(ConfigError, match="key_id"):
        positions.first_layer_query_key(model, 1, 30, 0)
    with pytest.raises(ConfigError, match="learned"):
        positions.first_layer_query_key(GPT(GPTConfig(30, 16, 1, 2, 16)), 1, 2, 0)
