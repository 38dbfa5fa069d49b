import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import log_loss
from transformers import GPT2Config, GPT2LMHeadModel

from engine.checkpoint import load_gpt2
from engine.errors import ConfigError
from engine.evaluation import compare_surprise, cross_entropy, surprise, token_probabilities
from engine.gpt import GPT, GPTConfig
from engine.offsets import token_spans
from engine.tokenizer import BPETokenizer, ByteTokenizer, CharTokenizer, WordTokenizer


@pytest.fixture(scope="module")
def model() -> GPT:
    return GPT(GPTConfig(50, context_length=16, n_layers=2, n_heads=2, d_model=32, embedding_std=0.3), seed=1).eval()


def ids(n: int) -> list[int]:
    return np.random.default_rng(n).integers(0, 50, n).tolist()


def test_probabilities_of_a_short_text_are_the_softmax_of_one_pass(model):
    row = ids(16)
    with torch.inference_mode():
        expected = F.softmax(model(torch.tensor([row]))[0].double(), -1).numpy()
    found = token_probabilities(model, row)
    assert math.isnan(found[0])
    np.testing.assert_allclose(found[1:], [expected[t, row[t + 1]] for t in range(15)], rtol=1e-6)


@pytest.mark.parametrize("n", [17, 24, 25, 60])
def test_every_token_of_a_long_text_is_predicted_once_from_at_least_half_a_context(model, n):
    row = ids(n)
    found = token_probabilities(model, row)
    assert not np.isnan(found[1:]).any()
    for t in range(17, n):
        offset = (t - 17) % 9  # a window of 16 predicts 9 new tokens; token t has 8 + offset tokens before it
        with torch.inference_mode():
            logits = model(torch.tensor([row[t - 8 - offset : t]]))[0, -1]
        assert found[t] == pytest.approx(float(F.softmax(logits.double(), -1)[row[t]]), rel=1e-4)


def test_the_loss_is_that_of_transformers(tmp_path):
    torch.manual_seed(0)
    theirs = GPT2LMHeadModel(GPT2Config(n_layer=2, n_head=2, n_embd=32, vocab_size=99, n_positions=32)).eval()
    theirs.save_pretrained(tmp_path)
    row = torch.arange(20)[None]
    with torch.inference_mode():
        expected = float(theirs(row, labels=row).loss)
    measured = surprise(token_probabilities(load_gpt2(tmp_path), row[0].tolist()).tolist(), [1] * 20)
    assert measured.loss == pytest.approx(expected, abs=1e-5)
    assert measured.perplexity == pytest.approx(math.exp(expected), rel=1e-5)
    assert measured.bits_per_byte == pytest.approx(expected / math.log(2), abs=1e-5)


def test_a_text_of_one_token_has_no_surprise_to_measure(model):
    assert np.isnan(token_probabilities(model, [3])).all()
    with pytest.raises(ConfigError, match="nothing was predicted"):
        surprise([math.nan], [1])


@pytest.mark.parametrize("bad", [[], [50], [-1]])
def test_what_the_model_cannot_read_is_refused(model, bad):
    with pytest.raises(ConfigError):
        token_probabilities(model, bad)


@pytest.mark.parametrize("scale", [0.1, 3.0, 100.0])
def test_the_cross_entropy_is_that_of_torch_and_scikit_learn(scale):
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(12, 7)) * scale
    targets = generator.integers(0, 7, 12)
    found = cross_entropy(logits, targets, [1] * 12)
    theirs = F.cross_entropy(torch.tensor(logits), torch.tensor(targets), reduction="none").numpy()
    np.testing.assert_allclose(found.nats, theirs, atol=1e-10)
    assert found.loss == pytest.approx(theirs.mean())
    assert found.perplexity == pytest.approx(math.exp(theirs.mean()), rel=1e-9)
    softmax = torch.tensor(logits).softmax(-1).numpy()
    np.testing.assert_allclose(found.probabilities, softmax[np.arange(12), targets], atol=1e-12)
    if scale < 50:  # scikit-learn cuts probabilities at its epsilon
        assert found.loss == pytest.approx(log_loss(targets, softmax, labels=range(7)), rel=1e-6)
    order = np.argsort(-logits, axis=1)
    assert found.ranks.tolist() == [list(row).index(t) for row, t in zip(order, targets, strict=True)]


def test_the_steps_end_at_the_numbers_of_the_whole_text(model):
    row = ids(16)
    n_bytes = [1 + i % 3 for i in row]
    with torch.inference_mode():
        logits = model(torch.tensor([row]))[0].numpy()
    steps = cross_entropy(logits[:-1], row[1:], n_bytes[1:])
    whole = surprise(token_probabilities(model, row).tolist(), n_bytes)
    assert steps.loss == pytest.approx(whole.loss, rel=1e-5)
    assert steps.perplexity == pytest.approx(whole.perplexity, rel=1e-5)
    assert steps.bits_per_byte == pytest.approx(whole.bits_per_byte, rel=1e-5)


@pytest.mark.parametrize(("rows", "targets"), [(0, []), (2, [1])])
def test_a_loss_needs_one_row_of_logits_for_each_target(rows, targets):
    with pytest.raises(ConfigError):
        cross_entropy(np.zeros((rows, 4)), targets, [1] * len(targets))


TEXT = "The café is closed. 🦁 The lion is in the forest, and the lion is not there."


@pytest.mark.parametrize("kind", ["bpe", "char", "word", "byte"])
def test_two_tokenizers_are_compared_on_stretches_that_end_in_both(kind):
    made = {"bpe": BPETokenizer, "char": CharTokenizer, "word": WordTokenizer}
    other = made[kind].train(TEXT * 3, 300) if kind in made else ByteTokenizer()
    one = token_spans(TEXT, BPETokenizer.train(TEXT * 3, 270))
    two = token_spans(TEXT, other)
    generator = np.random.default_rng(1)
    p, q = (np.concatenate([[np.nan], generator.uniform(0.01, 1, len(spans) - 1)]) for spans in (one, two))
    found = compare_surprise(one, p, two, q)
    assert found.n_bytes.sum() == len(TEXT.encode())
    assert found.starts.tolist() == [0, *found.ends[:-1].tolist()] and found.ends[-1] == len(TEXT)
    assert np.isnan(found.bits[:, 0]).all()  # both began inside the first stretch
    for spans, each, bits in ((one, p, found.bits[0]), (two, q, found.bits[1])):
        edges = np.concatenate([[0], np.cumsum(found.n_bytes)])
        for start, end, total in list(zip(edges[:-1], edges[1:], bits, strict=True))[1:]:
            inside = (spans.bounds[:-1] >= start) & (spans.bounds[1:] <= end)
            assert total == pytest.approx(-np.log2(each[inside]).sum())
    both = ~np.isnan(found.difference)
    assert found.bits_per_byte[0] == pytest.approx(found.bits[0][both].sum() / found.n_bytes[both].sum())


def test_with_one_tokenizer_every_token_is_a_stretch_of_its_own():
    text = TEXT.encode("ascii", "ignore").decode()  # a token of half a character would be joined to its other half
    spans = token_spans(text, BPETokenizer.train(TEXT * 3, 290))
    p = np.full(len(spans), 0.5)
    found = compare_surprise(spans, p, spans, p / 4)
    assert len(found.starts) == len(spans)
    np.testing.assert_allclose(found.difference, 2)


def test_two_models_of_bytes_are_compared_on_whole_characters():
    spans = token_spans("né🦁", ByteTokenizer())
    found = compare_surprise(spans, np.full(7, 0.5), spans, np.full(7, 0.25))
    assert (found.starts.tolist(), found.n_bytes.tolist()) == ([0, 1, 2], [1, 2, 4])
    assert found.bits.tolist() == [[1, 2, 4], [2, 4, 8]]


def test_two_texts_cannot_be_compared():
    tokenizer = ByteTokenizer()
    with pytest.raises(ConfigError, match="same text"):
        compare_surprise(token_spans("ab", tokenizer), np.ones(2), token_spans("abc", tokenizer), np.ones(3))
    empty = token_spans("", tokenizer)
    with pytest.raises(ConfigError):
        compare_surprise(empty, np.ones(0), empty, np.ones(0))
