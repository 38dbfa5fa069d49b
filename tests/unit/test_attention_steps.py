"""The arithmetic of attention against NumPy, torch and closed forms."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.attention_steps import (
    attention_ahead,
    drop_weights,
    known_triples,
    loss_by_position,
    softmax_row,
    sum_of_products,
    with_changes,
)
from engine.errors import ConfigError
from engine.gpt import GPT, GPTConfig
from engine.inspection import attention_maps, attention_stages, trace_of

IDS = [3, 1, 4, 1, 5, 9, 2, 6]


def small(**changes) -> GPT:
    shape = {"vocab_size": 11, "context_length": 8, "n_layers": 2, "n_heads": 2, "d_model": 16, "embedding_std": 1.0}
    return GPT(GPTConfig(**{**shape, **changes}), seed=1)


@given(arrays(np.float64, 9, elements=st.floats(-1e3, 1e3)), arrays(np.float64, 9, elements=st.floats(-1e3, 1e3)))
def test_the_terms_of_a_dot_product_add_up_to_it(a, b):
    terms = sum_of_products(a, b)
    assert terms.total == pytest.approx(float(a @ b), abs=1e-6)
    np.testing.assert_allclose(np.diff(terms.running), terms.products[1:], atol=1e-6)


@given(arrays(np.float64, st.integers(1, 12), elements=st.floats(-80, 80)), st.integers(0, 11))
def test_a_row_by_hand_is_torchs_softmax(row, n_masked):
    row[max(1, len(row) - n_masked) :] = -np.inf
    steps = softmax_row(row)
    np.testing.assert_allclose(steps.weights, torch.tensor(row).softmax(0).numpy(), atol=1e-12)
    assert steps.weights.sum() == pytest.approx(1)
    assert (steps.weights[np.isneginf(row)] == 0).all()


@pytest.mark.parametrize("positions", ["learned", "rotary"])
@pytest.mark.parametrize("causal", [True, False])
def test_every_cell_of_the_stages_is_what_the_hand_computes(positions, causal):
    trace, _ = trace_of(small(positions=positions, causal=causal), IDS)
    stages = attention_stages(trace, 1, 1, causal=causal)
    for row in range(len(IDS)):
        softmax = softmax_row(stages.masked[row])
        np.testing.assert_allclose(softmax.weights, stages.weights[row], atol=1e-6)
        for column in range(len(IDS)):
            score = sum_of_products(stages.q[row], stages.k[column]).total
            assert score == pytest.approx(float(stages.scores[row, column]), abs=1e-5)
            assert score / 8**0.5 == pytest.approx(float(stages.scaled[row, column]), abs=1e-5)
        for dimension in range(8):
            terms = sum_of_products(stages.weights[row], stages.v[:, dimension])
            assert terms.total == pytest.approx(float(stages.output[row, dimension]), abs=1e-5)


def test_a_changed_query_moves_its_own_row_and_no_other():
    trace, _ = trace_of(small(), IDS)
    before = attention_stages(trace, 0, 1)
    after = attention_stages(trace, 0, 1, q=with_changes(before.q, {(4, 2): 7.5}))
    others = np.arange(len(IDS)) != 4
    for name in ("scores", "scaled", "masked", "weights", "output"):
        old, new = getattr(before, name), getattr(after, name)
        np.testing.assert_array_equal(old[others], new[others])
        assert (old[4, :5] != new[4, :5]).all()
    moved = (7.5 - before.q[4, 2]) * before.k[:, 2]
    np.testing.assert_allclose(after.scores[4] - before.scores[4], moved, atol=1e-5)
    assert before.q[4, 2] != 7.5


@pytest.mark.parametrize("change", [{(8, 0): 1.0}, {(0, 8): 1.0}, {(-1, 0): 1.0}, {(0, 0): float("nan")}])
def test_a_change_outside_the_queries_or_of_no_number_is_refused(change):
    with pytest.raises(ConfigError):
        with_changes(np.zeros((8, 8)), change)


def test_dropout_keeps_what_torchs_keeps_on_average_and_scales_by_the_same_number():
    weights = np.full((300, 300), 0.25, dtype=np.float32)
    for rate in (0.0, 0.1, 0.5, 0.9):
        dropped = drop_weights(weights, rate, seed=3)
        theirs = torch.nn.functional.dropout(torch.tensor(weights), rate)
        n = weights.size
        tolerance = 5 * (rate * (1 - rate) / n) ** 0.5  # five standard deviations of a share of n coins
        assert dropped.kept.mean() == pytest.approx(1 - rate, abs=tolerance + 1e-12)
        assert dropped.kept.mean() == pytest.approx(float((theirs > 0).float().mean()), abs=2 * tolerance + 1e-12)
        np.testing.assert_allclose(np.unique(dropped.weights), np.unique(theirs.numpy()), rtol=1e-6)
        assert dropped.weights.mean() == pytest.approx(0.25, abs=0.25 * tolerance / (1 - rate) + 1e-6)


def test_dropout_repeats_with_its_seed_and_not_with_another():
    weights = np.full((8, 8), 0.125)
    again = [drop_weights(weights, 0.5, seed).weights for seed in (1, 1, 2)]
    np.testing.assert_array_equal(again[0], again[1])
    assert (again[0] != again[2]).any()
    np.testing.assert_array_equal(drop_weights(weights, 0.0, 1).weights, weights)


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_a_rate_that_is_no_share_is_refused(rate):
    with pytest.raises(ConfigError, match="dropout rate"):
        drop_weights(np.ones((2, 2)), rate, 0)


def test_rows_that_cannot_be_computed_are_refused():
    for row in ([], [-np.inf, -np.inf], [np.nan, 0.0], [[0.0]], [np.inf]):
        with pytest.raises(ConfigError, match="softmax"):
            softmax_row(np.array(row, dtype=float))
    with pytest.raises(ConfigError, match="one length"):
        sum_of_products(np.zeros(2), np.zeros(3))


def test_only_a_model_without_a_mask_looks_ahead():
    for causal in (True, False):
        maps = attention_maps(trace_of(small(causal=causal), IDS)[0])
        later, following = attention_ahead(maps)
        expected = np.mean([maps[..., t, t + 1 :].sum(-1) for t in range(len(IDS) - 1)], axis=0)
        np.testing.assert_allclose(later, expected, atol=1e-6)
        assert ((later > 0) == (not causal)).all() and (following <= later).all()
    one = attention_maps(trace_of(small(), IDS[:1])[0])
    assert attention_ahead(one)[0].tolist() == [[0, 0], [0, 0]]


def test_the_mean_over_positions_is_the_loss():
    model = small(dropout=0.5)
    model.train()
    inputs, targets = torch.randint(0, 11, (5, 8)), torch.randint(0, 11, (5, 8))
    by_position = loss_by_position(model, inputs, targets)
    assert model.training and by_position.shape == (8,)
    model.eval()
    assert by_position.mean() == pytest.approx(float(model.loss(inputs, targets).detach()), abs=1e-5)
    for t in range(8):
        with torch.no_grad():
            alone = torch.nn.functional.cross_entropy(model(inputs)[:, t], targets[:, t])
        assert by_position[t] == pytest.approx(float(alone), abs=1e-5)
    with pytest.raises(ConfigError, match="not empty"):
        loss_by_position(model, inputs[:0], targets[:0])


def test_three_words_count_as_known_where_they_stand_as_words():
    read = "The lion is in\nthe forest. The fox is in the sea."
    assert known_triples("lion is in the forest.", read) == 1
    assert known_triples("lion is in the lion", read) == 2 / 3  # "in the lion" is nowhere
    assert known_triples("ion is in", read) == 0
    assert known_triples("lion is", read) == 0
