"""The n-gram baselines: true distributions, the loss they claim, and the order they must have on real text."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from pydoc_data.topics import topics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.ngram import BASELINES, NGram, baselines
from engine.tokenizer import BPETokenizer

REFERENCE = "\n".join(topics.values())
ORDERS = range(4)
id_lists = st.lists(st.integers(0, 4), min_size=3, max_size=40)


@pytest.fixture(scope="module")
def ids() -> np.ndarray:
    return BPETokenizer.train(REFERENCE, 1000).encode_array(REFERENCE)


@pytest.mark.parametrize("order", ORDERS)
@given(ids=id_lists, context=st.lists(st.integers(0, 4), max_size=4))
def test_next_probabilities_are_positive_and_sum_to_one(order: int, ids: list[int], context: list[int]) -> None:
    probabilities = NGram.fit(ids, 5, order).next_probabilities(context)
    assert probabilities.shape == (5,) and probabilities.dtype == np.float64
    assert (probabilities > 0).all()
    assert probabilities.sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("order", ORDERS)
@given(ids=id_lists, validation=id_lists)
def test_the_loss_is_the_mean_of_minus_log_of_the_next_probabilities(
    order: int, ids: list[int], validation: list[int]
) -> None:
    model = NGram.fit(ids, 5, order)
    each = [-np.log(model.next_probabilities(validation[:t])[validation[t]]) for t in range(2, len(validation))]
    assert model.loss(validation) == pytest.approx(np.mean(each), rel=1e-12)


def test_the_bigram_is_the_documented_formula_worked_by_hand() -> None:
    # Bigrams of 0 1 0 1 0 2 0: 01 twice, 02 once, 10 twice, 20 once; two once and two twice, so D = 2 / (2 + 4).
    # Lower order: 0 follows two kinds of token, 1 and 2 one each; counts 2 1 1, so D = 2 / (2 + 2).
    model = NGram.fit([0, 1, 0, 1, 0, 2, 0], 4, 2)
    discount, lower_discount = 1 / 3, 1 / 2
    lower = (np.array([2, 1, 1, 0]) - lower_discount * np.array([1, 1, 1, 0])) / 4 + lower_discount * 3 / 4 / 4
    after_zero = (np.array([0, 2, 1, 0]) - discount * np.array([0, 1, 1, 0])) / 3 + discount * 2 / 3 * lower
    assert model.next_probabilities([0]) == pytest.approx(after_zero)
    assert model.next_probabilities([3]) == pytest.approx(lower)


def test_longer_contexts_predict_real_text_better(ids: np.ndarray) -> None:
    split = len(ids) * 9 // 10
    losses = baselines(ids[:split], ids[split:], 1000)
    assert tuple(losses) == BASELINES
    assert losses["uniform"] == pytest.approx(np.log(1000))
    assert losses["trigram"] < losses["bigram"] < losses["unigram"] < losses["uniform"]


def test_the_unigram_loss_is_near_the_entropy_of_its_own_text(ids: np.ndarray) -> None:
    shares = np.bincount(ids) / len(ids)
    entropy = -(shares[shares > 0] * np.log(shares[shares > 0])).sum()
    assert NGram.fit(ids, 1000, 1).loss(ids) == pytest.approx(entropy, abs=0.01)


def test_three_hundred_thousand_tokens_take_well_under_a_second() -> None:
    generator = np.random.default_rng(0)
    ids = np.minimum(generator.zipf(1.3, 330_000) - 1, 999)
    best = min(_seconds(lambda: baselines(ids[:300_000], ids[300_000:], 1000)) for _ in range(3))
    assert best < 1.0


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def test_the_vocabulary_of_gpt2_needs_no_square_table() -> None:
    ids = np.random.default_rng(0).integers(0, 50_257, 100_000)
    tracemalloc.start()
    try:
        losses = baselines(ids[:90_000], ids[90_000:], 50_257)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100e6  # a V × V table of one byte each would be 2.5 GB
    assert all(np.isfinite(loss) for loss in losses.values())


def test_the_largest_ids_of_the_largest_vocabulary_do_not_overflow() -> None:
    top = 2**21 - 1
    model = NGram.fit([top, top, top, 0, top, top], 2**21, 3)
    assert model.next_probabilities([top, top])[top] > 0.3


def test_samples_repeat_with_their_seed_and_follow_the_model(ids: np.ndarray) -> None:
    model = NGram.fit(ids, 1000, 3)
    drawn = model.sample(50, context=ids[:2], seed=1)
    assert drawn == model.sample(50, context=ids[:2], seed=1)
    assert drawn != model.sample(50, context=ids[:2], seed=2)
    assert len(drawn) == 50 and all(0 <= token < 1000 for token in drawn)
    counted = np.bincount(NGram.fit([0, 0, 0, 1] * 50, 2, 1).sample(4000, seed=0), minlength=2) / 4000
    assert counted == pytest.approx([0.75, 0.25], abs=0.03)


@pytest.mark.parametrize(
    ("ids", "vocab_size", "order", "message"),
    [
        ([1, 2], 5, 4, "order is 4"),
        ([1, 2], 5, -1, "order is -1"),
        ([1, 5], 5, 1, "ids lie between 1 and 5"),
        ([-1, 2], 5, 1, "ids lie between -1 and 2"),
        ([1], 5, 2, "1 tokens are too few"),
        ([0.5, 1.0], 5, 1, "whole numbers"),
        ([1, 2], 0, 1, "vocab_size is 0"),
    ],
)
def test_what_cannot_be_counted_is_refused(ids: list, vocab_size: int, order: int, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        NGram.fit(ids, vocab_size, order)


def test_a_validation_text_too_short_to_score_is_refused() -> None:
    with pytest.raises(ConfigError, match="2 validation tokens"):
        baselines([1, 2, 3, 4], [1, 2], 5)


def test_rows_are_scored_apart_from_each_other():
    ids = np.random.default_rng(0).integers(0, 7, 400)
    model = NGram.fit(ids, 7, 3)
    rows = ids[:60].reshape(4, 15)
    assert model.loss(rows) == pytest.approx(np.mean([model.loss(row) for row in rows]))
