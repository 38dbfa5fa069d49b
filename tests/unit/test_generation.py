import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers.generation.logits_process import (
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from engine.errors import ConfigError
from engine.generation import (
    FILTERS,
    Reader,
    SamplingConfig,
    draw,
    generate,
    next_logits,
    next_token_distribution,
    uniform,
)
from engine.gpt import GPT, GPTConfig


class Bytes:
    """Ids are bytes."""

    n_vocab = 256

    def encode(self, text: str) -> list[int]:
        return list(text.encode())

    def token_bytes(self, id: int) -> bytes:
        return bytes([id])


@pytest.fixture(scope="module")
def model() -> GPT:
    return GPT(GPTConfig(256, context_length=32, n_layers=2, n_heads=2, d_model=32, embedding_std=0.3), seed=1)


def random_logits(seed: int, n: int = 60) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 3, n).astype(np.float32)


def transformers_distribution(logits: np.ndarray, sampling: SamplingConfig, previous: list[int]) -> np.ndarray:
    ids, scores = torch.tensor([previous]), torch.from_numpy(logits)[None].double()
    if sampling.repetition_penalty != 1:
        scores = RepetitionPenaltyLogitsProcessor(sampling.repetition_penalty)(ids, scores)
    scores = TemperatureLogitsWarper(sampling.temperature)(ids, scores)
    if sampling.top_k:
        scores = TopKLogitsWarper(sampling.top_k)(ids, scores)
    if sampling.top_p < 1:
        scores = TopPLogitsWarper(sampling.top_p)(ids, scores)
    if sampling.min_p:
        scores = MinPLogitsWarper(sampling.min_p)(ids, scores)
    return scores.softmax(-1)[0].numpy()


@given(
    seed=st.integers(0, 1000),
    temperature=st.floats(0.1, 3),
    top_k=st.integers(0, 80),
    top_p=st.floats(0.05, 1),
    min_p=st.sampled_from([0.0, 0.02, 0.3]),
    penalty=st.sampled_from([1.0, 1.3, 0.8]),
)
def test_filters_equal_those_of_transformers(seed, temperature, top_k, top_p, min_p, penalty):
    sampling = SamplingConfig(temperature, top_k, top_p, min_p, penalty)
    logits, previous = random_logits(seed), [3, 3, 17, 40]
    ours = next_token_distribution(logits, sampling, previous).final
    np.testing.assert_allclose(ours, transformers_distribution(logits, sampling, previous), atol=1e-9)


@given(seed=st.integers(0, 1000), top_k=st.integers(0, 99), top_p=st.floats(0.001, 1), min_p=st.floats(0, 1))
def test_something_always_survives_and_sums_to_one(seed, top_k, top_p, min_p):
    choice = next_token_distribution(random_logits(seed), SamplingConfig(1.0, top_k, top_p, min_p))
    assert choice.final.sum() == pytest.approx(1)
    assert choice.final.max() > 0
    np.testing.assert_array_equal(choice.final == 0, choice.cut_by > 0)


def test_each_cut_token_names_the_filter_that_cut_it():
    logits = np.log(np.array([0.4, 0.3, 0.15, 0.1, 0.05]))
    choice = next_token_distribution(logits, SamplingConfig(top_k=4, top_p=0.8, min_p=0.0))
    assert [FILTERS[i] for i in choice.cut_by] == ["", "", "", "top-p", "top-k"]
    choice = next_token_distribution(logits, SamplingConfig(min_p=0.5))
    assert [FILTERS[i] for i in choice.cut_by] == ["", "", "min-p", "min-p", "min-p"]


def test_top_k_above_the_vocabulary_is_no_filter():
    logits = random_logits(0)
    all_of_them = next_token_distribution(logits, SamplingConfig(top_k=10_000))
    np.testing.assert_allclose(all_of_them.final, all_of_them.base)


def test_temperature_zero_is_greedy():
    logits = random_logits(2)
    assert next_token_distribution(logits, SamplingConfig(temperature=0)).final.argmax() == logits.argmax()


def test_draws_follow_the_distribution():
    probabilities = np.array([0.5, 0.0, 0.3, 0.2])
    counts = np.bincount([draw(probabilities, 7, position) for position in range(20_000)], minlength=4) / 20_000
    np.testing.assert_allclose(counts, probabilities, atol=0.015)
    assert counts[1] == 0


def test_the_dice_are_uniform_and_differ_by_seed_and_position():
    numbers = np.array([uniform(seed, position) for seed in range(40) for position in range(250)])
    assert len(np.unique(numbers)) == len(numbers)
    np.testing.assert_allclose(np.histogram(numbers, 10, (0, 1))[0] / len(numbers), 0.1, atol=0.015)


def test_greedy_tokens_equal_repeated_full_reading(model):
    ids = list(b"the lion")
    steps = list(generate(model, Bytes(), "the lion", 20, SamplingConfig(temperature=0)))
    for step in steps:
        with torch.inference_mode():
            assert step.id == int(model(torch.tensor([ids]))[0, -1].argmax())
        ids.append(step.id)


def test_writing_on_past_the_context_reads_the_last_window_again(model):
    reader = Reader(model, list(range(30)))
    for n in range(30):
        reader.read([n])
        start = len(reader.ids) - reader._cache.length
        with torch.inference_mode():
            expected = model(torch.tensor([reader.ids[start:]]))[0, -1].numpy()
        assert 24 <= reader._cache.length <= 32
        np.testing.assert_allclose(reader.logits, expected, atol=1e-4)


def test_a_prompt_longer_than_the_context_is_read_by_its_end(model):
    ids = list(range(100))
    np.testing.assert_allclose(next_logits(model, ids), next_logits(model, ids[-32:]), atol=1e-5)


def test_the_same_seed_writes_the_same_text_and_another_seed_another(model):
    texts = [[s.id for s in generate(model, Bytes(), "a", 30, SamplingConfig(seed=n))] for n in (5, 5, 6)]
    assert texts[0] == texts[1] != texts[2]


def test_forcing_a_token_leaves_the_dice_of_later_positions_alone(model):
    ids = list(b"a lion ")
    whole = [s.id for s in generate(model, Bytes(), ids, 12, SamplingConfig(seed=3))]
    rest = [s.id for s in generate(model, Bytes(), ids + whole[:5], 7, SamplingConfig(seed=3))]
    assert rest == whole[5:]


def test_a_stop_token_is_the_last_one(model):
    first = next(generate(model, Bytes(), "x", 1, SamplingConfig(temperature=0)))
    steps = list(generate(model, Bytes(), "x", 9, SamplingConfig(temperature=0), stop_ids={first.id}))
    assert [s.id for s in steps] == [first.id]


def test_characters_of_several_tokens_appear_when_they_are_whole(model):
    class OneByteATime(Bytes):
        def __init__(self) -> None:
            self.pieces = itertools.cycle("🦁".encode())

        def token_bytes(self, id: int) -> bytes:
            return bytes([next(self.pieces)])

    assert [s.text for s in generate(model, OneByteATime(), [1], 9)] == ["", "", "", "🦁"] * 2 + ["\ufffd"]


def test_ids_that_the_model_does_not_know_are_refused(model):
    for ids in ([-1], [1, model.config.vocab_size]):
        with pytest.raises(ConfigError, match="between 0 and"):
            Reader(model, ids)


def test_a_temperature_next_to_zero_is_greedy():
    logits = np.array([1.0, 3.0, -2.0])
    assert next_token_distribution(logits, SamplingConfig(temperature=1e-308)).final.tolist() == [0.0, 1.0, 0.0]


def test_an_empty_prompt_is_refused_with_advice(model):
    with pytest.raises(ConfigError, match="empty"):
        next(generate(model, Bytes(), "", 5))


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": -1},
        {"top_k": -1},
        {"top_p": 0},
        {"top_p": 1.1},
        {"min_p": 2},
        {"repetition_penalty": 0},
        {"seed": -1},
        {"temperature": "1"},
        {"top_k": 2.5},
        {"min_p": float("nan")},
        {"repetition_penalty": float("inf")},
    ],
)
def test_absurd_sampling_settings_are_refused(settings):
    with pytest.raises(ConfigError, match=next(iter(settings))):
        SamplingConfig(**settings)


def test_a_model_without_a_causal_mask_reads_all_of_its_window_again_at_every_token():
    shape = GPTConfig(256, context_length=8, n_layers=2, n_heads=2, d_model=32, embedding_std=0.3, causal=False)
    model = GPT(shape, seed=1)
    reader, ids = Reader(model, [1, 2, 3]), [1, 2, 3]
    for id in range(4, 14):
        ids.append(id)
        reader.read([id])
        with torch.inference_mode():
            expected = model(torch.tensor([ids[-8:]]))[0, -1].numpy()
        np.testing.assert_allclose(reader.logits, expected, rtol=1e-5, atol=1e-5)
