"""What tokenizers learned from a named text, against learning it here."""

from collections import Counter

import pytest

from engine.bpe import train_steps
from engine.bpe_replay import record_training
from engine.corpus import END_OF_TEXT
from engine.runs.named_texts import TextOf, TokenizerOf
from engine.runs.tokenizers_learned import encoded, learned, merges_recorded, pairs_counted, tokens_counted
from engine.settings import Settings


@pytest.fixture
def text(data_home) -> TextOf:
    return TextOf(Settings.from_environment(), "phrasebook", 20_000)


def test_a_text_is_encoded_with_its_ends_of_documents(text):
    named = TokenizerOf(text.settings, "byte")
    assert encoded(named, text).tolist() == named.load().encode(text.read(), allowed_special=(END_OF_TEXT,))
    assert named.load().end_of_text_id in encoded(named, TextOf(text.settings, "stories", 20_000))


def test_a_training_is_recorded_as_it_is_here(text):
    assert merges_recorded(text, 20).n_merges == record_training(text.read(), 20).n_merges == 20


def test_counts_are_those_of_the_training_and_of_the_text(text):
    named = TokenizerOf(text.settings, "bpe", "phrasebook", 300)
    ids = learned(named).encode(text.read(), allowed_special="all")
    counts = tokens_counted(named, text)
    assert len(counts) == learned(named).n_vocab
    assert {i: int(n) for i, n in enumerate(counts) if n} == Counter(ids)
    whole = TextOf(text.settings, "phrasebook", 1_000_000).read()
    assert pairs_counted(named) == {step.new_id: step.count for step in train_steps(whole, 300, runners_up=0)}
