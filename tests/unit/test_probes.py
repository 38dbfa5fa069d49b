"""Probes: items that are what they say, and a choice that is the sum of the model's own log-probabilities."""

from collections import Counter

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats

from engine.checkpoint import Checkpoint
from engine.corpus import load_corpus
from engine.errors import ConfigError
from engine.gpt import GPT, GPTConfig
from engine.probes import (
    ABILITIES,
    Item,
    ProbeResult,
    difference,
    ending_log_probabilities,
    few_shot,
    make_items,
    probe,
    prompt_room,
    result_of,
    score_unread,
    unread_items,
)
from engine.tokenizer import ByteTokenizer

NAMES = [ability.name for ability in ABILITIES]


def small(context_length: int = 64) -> GPT:
    config = GPTConfig(vocab_size=257, context_length=context_length, n_layers=1, n_heads=2, d_model=16)
    return GPT(config, seed=2).eval()


@pytest.mark.parametrize("ability", ABILITIES, ids=NAMES)
def test_items_have_one_right_ending_among_different_ones(ability):
    items = make_items(ability.name, 120)
    assert len({item.solved for item in items}) > 100
    for item in items:
        assert len(set(item.endings)) == len(item.endings) == round(1 / ability.chance)
        assert all(ending.startswith(" ") for ending in item.endings) and not item.prompt.endswith(" ")
    places = Counter(item.right for item in items)
    assert max(places.values()) < 1.6 * ability.chance * 120  # the right one stands anywhere
    assert items == make_items(ability.name, 120) and items != make_items(ability.name, 120, seed=1)


@pytest.mark.parametrize("ability", NAMES)
def test_what_was_read_in_pretraining_is_left_out(ability):
    items = make_items(ability, 12)
    text = "\n\n".join(item.solved for item in items[::2])
    asked = make_items(ability, 12, seen=("nothing of it", text))
    assert asked[:6] == items[1::2] and len(asked) == 12


def test_no_item_stands_in_the_written_corpora_once_these_are_named():
    texts = [load_corpus(name) for name in ("stories", "phrasebook")]
    for name in NAMES:
        assert not any(item.solved in text for item in make_items(name, 60, seen=texts) for text in texts)


@pytest.mark.parametrize("ability", NAMES)
def test_fewer_items_are_the_first_of_more(ability):
    assert make_items(ability, 7) == make_items(ability, 15)[:7]


def test_the_log_probability_of_an_ending_is_the_sum_over_its_tokens():
    model, tokenizer = small(), ByteTokenizer()
    item = Item("The lion is", (" here", " in the forest", " é"), 0)
    found = ending_log_probabilities(model, tokenizer, item)
    before = tokenizer.encode(item.prompt)
    for ending, total in zip(item.endings, found, strict=True):
        ids = [*before, *tokenizer.encode(ending)]
        with torch.no_grad():
            log_p = F.log_softmax(model(torch.tensor([ids]))[0], -1)
        expected = sum(log_p[n - 1, ids[n]].item() for n in range(len(before), len(ids)))
        assert total == pytest.approx(expected, abs=1e-4)


def test_a_long_prompt_loses_its_beginning():
    model, tokenizer = small(16), ByteTokenizer()
    long = Item("x" * 50 + "abcdefghijkl", (" one", " two"), 0)
    short = Item("abcdefghijkl", (" one", " two"), 0)
    room = 17 - 4
    np.testing.assert_allclose(
        ending_log_probabilities(model, tokenizer, long),
        ending_log_probabilities(model, tokenizer, Item("x" + short.prompt[-room + 1 :], short.endings, 0)),
        atol=1e-6,
    )
    assert np.isfinite(ending_log_probabilities(model, tokenizer, Item("", (" a", " b"), 0))).all()


def test_a_model_that_knows_nothing_is_near_chance_and_one_that_knows_is_right():
    items = make_items("acceptability", 60)
    done = []
    result = probe(small(128), ByteTokenizer(), items, progress=done.append)
    assert result.low <= result.accuracy <= result.high and result.n == 60 and done[-1] == 1
    assert result.n_right == sum(a == b.right for a, b in zip(result.chosen, items, strict=True))

    class Knowing(torch.nn.Module):
        """Finds every token of the right ending certain, whatever was read."""

        def forward(self, hidden):
            logits = torch.zeros(*hidden.shape[:2], 257)
            logits[..., ord("a")] = 9.0
            return logits

    knowing = small()
    knowing.head = Knowing()
    answers = [Item("?", (" b", " a"), 1), Item("?", (" a", " c"), 0)]
    assert probe(knowing, ByteTokenizer(), answers).n_right == 2


def test_few_shot_items_show_the_first_ones_solved():
    items = make_items("translation", 5)
    shown = few_shot(items, 2)
    assert len(shown) == 3
    assert shown[0].prompt == f"{items[0].solved}\n\n{items[1].solved}\n\n{items[2].prompt}"
    assert few_shot(items, 0) == items
    for wrong in (-1, 5):
        with pytest.raises(ConfigError):
            few_shot(items, wrong)
    with pytest.raises(ConfigError, match="ability"):
        make_items("flying", 3)
    with pytest.raises(ConfigError, match="no item"):
        probe(small(), ByteTokenizer(), [])


def test_unread_items_are_those_made_at_once_however_many_were_asked_for_before():
    corpora = ("stories", "phrasebook")
    seen = [load_corpus(name) for name in corpora]
    for n in (7, 30, 12):
        assert unread_items("summary", n, corpora) == make_items("summary", n, seen=seen)


def test_items_named_by_their_places_are_scored_as_if_they_were_given():
    checkpoint = Checkpoint(small(256), ByteTokenizer())
    items = unread_items("sentiment", 10, ("stories",))
    for start, n_shown, asked in ((2, 0, items[2:6]), (8, 2, few_shot([*items[:2], *items[8:]], 2))):
        found = score_unread(checkpoint, "sentiment", start, start + len(asked), ("stories",), n_shown)
        for scores, item in zip(found, asked, strict=True):
            expected = ending_log_probabilities(checkpoint.model, checkpoint.tokenizer, item)
            assert scores == pytest.approx(expected, abs=1e-12)


def test_a_model_without_a_causal_mask_is_refused():
    config = GPTConfig(vocab_size=257, context_length=64, n_layers=1, n_heads=2, d_model=16, causal=False)
    with pytest.raises(ConfigError, match="causal"):
        probe(GPT(config), ByteTokenizer(), make_items("completion", 1))


def test_the_prompt_and_an_ending_fill_the_context_and_no_more():
    config = small(16).config
    assert prompt_room(config, 10) == 7  # what the last token predicts is not read
    assert prompt_room(config, 16) == prompt_room(config, 40) == 1


def test_each_token_of_an_ending_longer_than_the_context_is_read_after_what_fits():
    model, tokenizer = small(16), ByteTokenizer()
    ending = " in the deep forest, said the lion"
    found = ending_log_probabilities(model, tokenizer, Item("The lion is", (ending, " no"), 0))
    ids = [ord("s"), *tokenizer.encode(ending)]
    with torch.no_grad():
        expected = sum(
            F.log_softmax(model(torch.tensor([ids[max(0, n - 16) : n]]))[0, -1], -1)[ids[n]].item()
            for n in range(1, len(ids))
        )
    assert found[0] == pytest.approx(expected, abs=1e-4) and found[1] > found[0]


def result(n_right: int, n: int, right: int = 0) -> ProbeResult:
    items = [Item("?", (" a", " b"), right)] * n
    scores = [np.array([0.0, -1.0]) if number < n_right else np.array([-1.0, 0.0]) for number in range(n)]
    return result_of(items, scores)


def test_only_an_interval_that_leaves_chance_out_says_more_than_chance():
    assert result(75, 100).verdict(0.5) == "above chance"
    assert result(56, 100).verdict(0.5) == "no better than chance"
    assert result(25, 100).verdict(0.5) == "below chance"
    with pytest.raises(ConfigError, match="at least one"):
        result_of([], [])


def test_a_difference_is_judged_by_the_items_on_which_two_models_differ():
    items = [Item("?", (" a", " b"), 0)] * 40
    found = difference(items, result(30, 40), result(20, 40))
    assert (found.only_first, found.only_second, found.change) == (10, 0, -0.25)
    assert found.p == pytest.approx(2 * 0.5**10)  # all ten fall to one side, two-sided
    assert found.verdict() == "lost" and found.verdict(0.001) == "no difference"
    assert difference(items, result(20, 40), result(30, 40)).verdict() == "gained"
    assert found.p == pytest.approx(stats.binomtest(found.only_first, found.only_first + found.only_second).pvalue)
    same = difference(items, result(20, 40), result(20, 40))
    assert same.p == 1 and same.verdict() == "no difference"
    with pytest.raises(ConfigError, match="compared"):
        difference(items, result(3, 4), result(20, 40))
