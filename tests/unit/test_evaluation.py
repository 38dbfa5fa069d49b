import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from transformers import GPT2Config, GPT2LMHeadModel

from engine.checkpoint import load_gpt2
from engine.errors import ConfigError
from engine.evaluation import surprise, token_probabilities
from engine.gpt import GPT, GPTConfig


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
