"""The n-gram baselines: true distributions, the loss they claim, and the order they must have on real text."""

from __future__ import annotations

import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pydoc_data.topics import topics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.generation import SamplingConfig, draw, next_token_distribution
from engine.ngram import BASELINES, NGram, baselines
from engine.ngram_writer import write
from engine.tokenizer import BPETokenizer

REFERENCE = "\n".join(topics.values())
ORDERS = range(6)
id_lists = st.lists(st.integers(0, 4), min_size=5, max_size=40)


@pytest.fixture(scope="module")
def ids() -> np.ndarray:
    return BPETokenizer.train(REFERENCE, 1000).encode_array(REFERENCE)


@pytest.mark.parametrize("order", ORDERS)
@given(ids=id_lists, context=st.lists(st.integers(0, 4), max_size=6))
@settings(deadline=None)
def test_next_probabilities_are_positive_and_sum_to_one(order: int, ids: list[int], context: list[int]) -> None:
    probabilities = NGram.fit(ids, 5, order).next_probabilities(context)
    assert probabilities.shape == (5,) and probabilities.dtype == np.float64
    assert (probabilities > 0).all()
    assert probabilities.sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("order", ORDERS)
@given(ids=id_lists, validation=id_lists)
@settings(deadline=None)
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


@pytest.mark.parametrize("order", [3, 4, 5])
def test_the_largest_ids_of_the_largest_vocabulary_do_not_overflow(order: int) -> None:
    top = 2**21 - 1
    model = NGram.fit([top] * (order + 2) + [0] + [top] * order, 2**21, order)
    assert model.next_probabilities([top] * 4)[top] > 0.3


def by_dictionaries(ids: list[int], vocab_size: int, order: int, context: tuple[int, ...], word: int) -> float:
    """Interpolated Kneser-Ney as its formula reads, with dictionaries of tuples (Chen and Goodman, 1999)."""
    counts = Counter(tuple(ids[i : i + order]) for i in range(len(ids) - order + 1))
    levels = [counts]
    while len(next(iter(levels[0]))) > 1:
        levels.insert(0, Counter(gram[1:] for gram in levels[0]))
    probability = 1 / vocab_size
    for n, level in enumerate(levels, start=1):
        if n - 1 > len(context):
            break
        history = context[len(context) - (n - 1) :]
        following = {gram[-1]: count for gram, count in level.items() if gram[:-1] == history}
        if not following:
            break
        once, twice = (sum(count == times for count in level.values()) for times in (1, 2))
        discount = once / (once + 2 * twice) if once and twice else 0.5
        total = sum(following.values())
        own = max(following.get(word, 0) - discount, 0) if word in following else 0
        probability = own / total + discount * len(following) / total * probability
    return probability


@pytest.mark.parametrize("order", range(1, 6))
@given(ids=id_lists, context=st.lists(st.integers(0, 4), max_size=6), word=st.integers(0, 4))
@settings(max_examples=60, deadline=None)
def test_every_order_is_what_dictionaries_of_tuples_count(
    order: int, ids: list[int], context: list[int], word: int
) -> None:
    expected = by_dictionaries(ids, 5, order, tuple(context), word)
    assert NGram.fit(ids, 5, order).next_probabilities(context)[word] == pytest.approx(expected, rel=1e-12)


def test_on_real_text_with_the_vocabulary_of_gpt2_five_tokens_are_what_dictionaries_count(ids: np.ndarray) -> None:
    spread = (ids[:3000].astype(np.int64) * 50) % 50_257
    model, row = NGram.fit(spread, 50_257, 5), spread[1000:1012].tolist()
    for place in range(4, len(row)):
        expected = by_dictionaries(spread.tolist(), 50_257, 5, tuple(row[:place]), row[place])
        assert model.probabilities(row)[place] == pytest.approx(expected, rel=1e-12)


def test_models_counted_together_are_those_counted_one_by_one(ids: np.ndarray) -> None:
    text, other = ids[:20_000], ids[20_000:21_000]
    for order, model in enumerate(NGram.fit_all(text, 1000, 5)):
        alone = NGram.fit(text, 1000, order)
        assert model.order == order and model.n_grams == alone.n_grams
        np.testing.assert_array_equal(model.probabilities(other), alone.probabilities(other))


def test_back_off_is_how_far_the_model_looks_back() -> None:
    model = NGram.fit([0, 1, 2, 3, 0, 1, 2, 4], 6, 5)
    assert model.back_off([0, 1, 2]) == 3
    assert model.back_off([5, 1, 2]) == 2
    assert model.back_off([5]) == 0
    assert model.back_off([]) == 0
    assert model.back_off([3, 0, 1, 2]) == 4
    row = [3, 0, 1, 2, 4, 5, 1]
    assert model.looks_back(row).tolist() == [model.back_off(row[:t]) for t in range(len(row))]


def test_a_longer_context_helps_most_on_the_text_it_was_counted_in(ids: np.ndarray) -> None:
    split = len(ids) * 9 // 10
    models = NGram.fit_all(ids[:split], 1000, 5)
    own = [model.loss(ids[:5000], skip=4) for model in models]
    held = [model.loss(ids[split:], skip=4) for model in models]
    assert own == sorted(own, reverse=True) and own[5] < 0.6
    assert held[3] - held[5] < 0.5 < own[3] - own[5]


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
        ([1, 2], 5, 6, "order is 6"),
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
    longer = NGram.fit(ids, 7, 5)
    for skip in (2, 4):
        assert longer.loss(rows, skip=skip) == pytest.approx(np.mean([longer.loss(row, skip=skip) for row in rows]))


def test_an_ngram_writes_with_the_filters_and_the_dice_of_generation(ids: np.ndarray) -> None:
    model, prompt = NGram.fit(ids, 1000, 3), ids[:2].tolist()
    sampling = SamplingConfig(temperature=0.7, top_k=5, seed=3)
    row = list(prompt)
    for token in write(model, prompt, 20, sampling):
        probabilities = model.next_probabilities(row)
        final = next_token_distribution(np.log(probabilities), sampling, row).final
        assert token.id == draw(final, 3, len(row)) and token.probability == probabilities[token.id]
        assert token.looked_back == model.back_off(row)
        row.append(token.id)
    first = write(model, prompt, 5, SamplingConfig(temperature=0))[0]
    assert first.id == model.next_probabilities(prompt).argmax()
    assert len(write(model, prompt, 5, sampling, stop_ids=range(1000))) == 1
