"""Attribution against what can be known: a linear classifier, brute force, and the definition."""

import itertools

import numpy as np
import pytest
import torch

from engine.attribution import (
    fewest_words_to_flip,
    gradient_times_input,
    occlusion,
    probabilities,
    without,
    words_of,
)
from engine.classification import Classifier, ClassifierConfig
from engine.errors import ConfigError
from engine.gpt import GPTConfig
from engine.tokenizer import BPETokenizer, ByteTokenizer

BODY = GPTConfig(vocab_size=257, context_length=64, n_layers=1, n_heads=2, d_model=16, positions="rotary", bias=False)
TEXT = "Win a  prize\nnow, ça va?"


@pytest.fixture(scope="module")
def model() -> Classifier:
    return Classifier(ClassifierConfig(BODY, ("ham", "spam"), pooling="mean"), seed=3).eval()


def test_occlusion_is_the_fall_of_the_probability_without_the_word(model):
    found = occlusion(model, ByteTokenizer(), TEXT, 1)
    assert [word.text for word in found.words] == ["Win", "a", "prize", "now,", "ça", "va?"]
    for place, value in enumerate(found.values):
        left = " ".join(word.text for n, word in enumerate(found.words) if n != place)
        both = probabilities(model, ByteTokenizer(), [TEXT, left])[:, 1]
        assert value == pytest.approx(both[0] - both[1], abs=1e-6)
    assert found.probability == pytest.approx(probabilities(model, ByteTokenizer(), [TEXT])[0, 1])


def test_gradient_times_input_of_a_linear_model_is_each_words_share_of_the_score():
    linear = Classifier(ClassifierConfig(BODY, ("ham", "spam"), pooling="mean"), seed=3).eval()
    linear.body.blocks = torch.nn.ModuleList()
    linear.body.norm = torch.nn.Identity()
    tokenizer = ByteTokenizer()
    found = gradient_times_input(linear, tokenizer, TEXT, 0)
    ids = tokenizer.encode(TEXT)
    contributions = (linear.body.token_embedding.weight[ids] @ linear.classify.weight[0]).detach() / len(ids)
    ends = [len(tokenizer.decode(ids[: n + 1]).rstrip("�")) for n in range(len(ids))]
    for word, value in zip(found.words, found.values, strict=True):
        inside = [
            contributions[n].item()
            for n, end in enumerate(ends)
            if word.start < end <= word.end and (n == 0 or ends[n] > ends[n - 1])
        ]
        assert value == pytest.approx(sum(inside), abs=1e-5)


def test_gradient_times_input_is_the_slope_when_all_vectors_shrink(model):
    tokenizer = ByteTokenizer()
    ids = torch.tensor([tokenizer.encode("abcde")])
    found = gradient_times_input(model, tokenizer, "abcde", 1)
    epsilon, scores = 1e-3, []
    for factor in (1 - epsilon, 1 + epsilon):
        hook = model.body.token_embedding.register_forward_hook(lambda _m, _i, out, f=factor: out * f)
        scores.append(model(ids, torch.tensor([5]))[0, 1].item())
        hook.remove()
    assert found.values.sum() == pytest.approx((scores[1] - scores[0]) / (2 * epsilon), rel=0.02, abs=1e-4)
    assert not model.body.token_embedding._forward_hooks


def test_a_token_of_two_words_counts_for_the_one_that_holds_most_of_it(model):
    tokenizer = BPETokenizer.train("win a prize now win a prize " * 20, 280, pattern=r"(?s).+")
    body = GPTConfig(**{**BODY.to_dict(), "vocab_size": tokenizer.n_vocab})
    other = Classifier(ClassifierConfig(body, ("ham", "spam")), seed=1).eval()
    found = gradient_times_input(other, tokenizer, "win a prize now", 1)
    assert np.isfinite(found.values).all() and len(found.values) == 4


def test_words_in_the_middle_that_is_not_read_count_nothing(model):
    found = gradient_times_input(model, ByteTokenizer(), "abc defghi jk mnopq", 1, most=9)  # reads "abc" and " mnopq"
    assert found.values[1] == found.values[2] == 0 and (found.values[[0, 3]] != 0).all()


def counting(bad: set[str], needed: int):
    """A classifier of texts: class 1 as long as at least `needed` bad words are there, surer the more there are."""

    def classify(texts: list[str]) -> np.ndarray:
        counts = np.array([sum(word in bad for word in text.split()) for text in texts])
        p = 1 / (1 + np.exp(-2.0 * (counts - needed + 0.5)))
        return np.stack([1 - p, p], axis=1)

    return classify


@pytest.mark.parametrize("n_bad", [1, 2, 3])
def test_the_fewest_words_are_found_as_brute_force_finds_them(n_bad):
    text = "you can win cash or a prize if you call"
    bad = {"win", "cash", "prize"}
    classify = counting(bad, 4 - n_bad)  # n_bad of the three have to go
    flip = fewest_words_to_flip(classify, text)
    words = words_of(text)
    sizes = [
        size
        for size in range(1, 4)
        if any(
            classify([without(text, words, each)])[0].argmax() != 1
            for each in itertools.combinations(range(len(words)), size)
        )
    ]
    assert flip is not None and flip.shortest and len(flip.left_out) == min(sizes) == n_bad
    assert {words[place].text for place in flip.left_out} <= bad
    assert flip.text == without(text, words, flip.left_out) and flip.probability < 0.5


def test_a_long_text_is_flipped_word_by_word_and_some_texts_never():
    text = " ".join(f"w{n}" for n in range(120)) + " win cash prize gold"
    flip = fewest_words_to_flip(counting({"win", "cash", "prize", "gold"}, 1), text)
    assert flip is not None and flip.left_out == (120, 121, 122, 123) and not flip.shortest
    assert fewest_words_to_flip(counting({"win", "cash", "prize", "gold"}, 1), text, most_words=3) is None
    assert fewest_words_to_flip(counting({"win"}, 0), "win") is None


def test_what_cannot_be_attributed_is_explained(model):
    for text, message in (("", "no word"), (" \n", "no word"), ("a " * 201, "201 words")):
        with pytest.raises(ConfigError, match=message):
            occlusion(model, ByteTokenizer(), text, 1)
    with pytest.raises(ConfigError, match="label"):
        gradient_times_input(model, ByteTokenizer(), TEXT, 2)
