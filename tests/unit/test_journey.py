"""A journey is the model's own arithmetic, reduced: the oracle is the model run without a trace, and closed forms."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from engine.errors import ConfigError
from engine.gpt import GPT, GPTConfig
from engine.inspection import attention_maps, logit_lens, residual_norms, trace_of
from engine.journey import draw_sorted, entropy_bits, follow_prompt, glance, words_of
from engine.tokenizer import BPETokenizer, ByteTokenizer, CharTokenizer, OfficialTokenizer, WordTokenizer

IDS = [3, 1, 4, 1, 5]


def small(positions: str, **changes) -> GPT:
    """A model large enough in its weights for attention not to be flat."""
    config = GPTConfig(
        vocab_size=23,
        context_length=8,
        n_layers=3,
        n_heads=2,
        d_model=12,
        positions=positions,
        embedding_std=1,
        **changes,
    )
    return GPT(config, seed=1)


@pytest.fixture(params=["learned", "rotary", "none"])
def model(request) -> GPT:
    return small(request.param)


def test_the_logits_are_those_of_the_model_without_a_trace(model):
    journey = follow_prompt(model, IDS)
    with torch.inference_mode():
        expected = model(torch.tensor([IDS]))[0, -1]
    np.testing.assert_allclose(journey.logits, expected, atol=1e-5)
    np.testing.assert_allclose(journey.probabilities, expected.double().softmax(-1), atol=1e-6)
    assert journey.probabilities.sum() == pytest.approx(1)


def test_the_stream_ends_where_the_head_reads_and_begins_with_the_embedding(model):
    journey = follow_prompt(model, IDS)
    with torch.inference_mode():
        read = model.head(model.norm(torch.from_numpy(journey.stream[-1])))
    np.testing.assert_allclose(journey.logits, read, atol=1e-5)
    table = model.token_embedding.weight.detach().numpy()
    np.testing.assert_array_equal(journey.token_vectors, table[IDS])
    start = table[IDS[-1]]
    if model.config.positions == "learned":
        np.testing.assert_array_equal(journey.position_vectors, model.position_embedding.weight.detach()[: len(IDS)])
        start = start + journey.position_vectors[-1]
    else:
        assert journey.position_vectors is None
    np.testing.assert_allclose(journey.stream[0], start, rtol=1e-5, atol=1e-5)


def test_attention_lens_and_lengths_are_the_last_tokens_of_the_inspection_tools(model):
    journey = follow_prompt(model, IDS)
    trace, _ = trace_of(model, IDS)
    np.testing.assert_array_equal(journey.attention, attention_maps(trace)[:, :, -1])
    np.testing.assert_allclose(journey.attention.sum(-1), 1, atol=1e-6)
    lens = logit_lens(model, trace)[:, -1]
    np.testing.assert_array_equal(journey.lens_ids, lens.argmax(-1))
    np.testing.assert_allclose(journey.lens_probabilities, lens.max(-1), atol=1e-6)
    np.testing.assert_allclose(journey.lengths, residual_norms(trace)[:, -1], rtol=1e-5)


def test_what_is_added_is_what_lies_between_two_states_of_the_stream(model):
    journey = follow_prompt(model, IDS)
    trace, _ = trace_of(model, IDS)
    before = trace.embedding[0, -1]
    for layer, (attention, mlp) in zip(trace.layers, journey.added, strict=True):
        middle, after = layer.residual_middle[0, -1], layer.residual[0, -1]
        assert attention == pytest.approx(float((middle - before).norm()), rel=1e-4)
        assert mlp == pytest.approx(float((after - middle).norm()), rel=1e-4)
        before = after


def test_logits_can_be_cut_to_the_tokens_that_have_a_text(model):
    journey = follow_prompt(model, IDS, n_vocab=9)
    assert journey.logits.shape == journey.probabilities.shape == (9,)
    assert journey.lens_ids.max() < 9
    np.testing.assert_array_equal(journey.logits, follow_prompt(model, IDS).logits[:9])


def test_a_journey_through_twelve_layers_of_twelve_heads_keeps_only_the_last_token():
    config = GPTConfig(vocab_size=60, context_length=32, n_layers=12, n_heads=12, d_model=24, activation="gelu_tanh")
    journey = follow_prompt(GPT(config), range(32))
    assert journey.attention.shape == (12, 12, 32)
    assert journey.stream.shape == (25, 24)
    assert journey.added.shape == (12, 2)


@pytest.mark.parametrize("ids", [[], list(range(9))])
def test_no_token_and_too_many_are_refused(model, ids):
    with pytest.raises(ConfigError):
        follow_prompt(model, ids)


def test_a_glance_keeps_the_answer_and_its_entropy(model):
    journey = follow_prompt(model, IDS)
    kept = glance(journey, 8, 2.5)
    assert (kept.step, kept.validation_loss, kept.first) == (8, 2.5, int(journey.logits.argmax()))
    p = kept.probabilities.astype(float)
    assert kept.entropy == pytest.approx(-(p * np.log2(p)).sum(), abs=1e-4)


@given(some.integers(1, 200))
def test_equal_tokens_have_the_entropy_of_their_number_and_a_certain_one_none(n):
    assert entropy_bits(np.full(n, 1 / n)) == pytest.approx(np.log2(n), abs=1e-9)
    certain = np.zeros(n)
    certain[-1] = 1
    assert entropy_bits(certain) == 0


@given(some.lists(some.integers(0, 50), min_size=1, max_size=20).filter(any))
def test_a_token_is_drawn_by_as_many_throws_of_the_dice_as_it_is_probable(weights):
    total = sum(weights)
    # One throw in the middle of each of `total` equal stretches: exactly as many hits as the weight says.
    drawn = [draw_sorted(np.array(weights) / total, (throw + 0.5) / total) for throw in range(total)]
    assert np.bincount(drawn, minlength=len(weights)).tolist() == weights
    assert [weights[i] for i in drawn] == sorted((weights[i] for i in drawn), reverse=True)


TEXT = "The lion's cave,  am Fluß.\n\t☃🦁 42\u0301"
TOKENIZERS = [
    BPETokenizer.train("the lion is in the forest " * 9, 280),
    ByteTokenizer(),
    CharTokenizer.train("abc"),
    WordTokenizer.train("the lion"),
]


@pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=lambda each: each.kind)
@given(text=some.text(some.characters(exclude_categories=["Cs"]), max_size=40))
def test_words_joined_are_the_text(tokenizer, text):
    assert "".join(words_of(text, tokenizer)) == text
    assert "".join(words_of(TEXT, tokenizer)) == TEXT


def test_no_token_of_an_official_encoding_crosses_a_word():
    tokenizer = OfficialTokenizer("gpt2")
    words = words_of(TEXT, tokenizer)
    assert "".join(words) == TEXT
    assert [i for word in words for i in tokenizer.encode(word)] == tokenizer.encode(TEXT)
