"""What is counted in a named text is what counting it by hand gives."""

import csv
from collections import Counter

import pytest

from engine.bpe import END_OF_TEXT
from engine.offsets import token_spans
from engine.runs.named_texts import TextOf, TokenizerOf
from engine.runs.words_counted import text_counted, text_splits, tokens_in, words_file, words_in
from engine.settings import Settings
from engine.text_statistics import count_text, find_words, split_text


@pytest.fixture
def text(data_home) -> TextOf:
    return TextOf(Settings.from_environment(), "stories", 30_000)


def test_words_come_with_their_frequencies_the_most_frequent_first(text):
    counted = Counter(find_words(text.read()))
    found = words_in(text)
    assert found.n == counted.total() and found.frequencies.tolist() == sorted(counted.values(), reverse=True)
    assert dict(zip(found.first, found.frequencies.tolist(), strict=False)).items() <= counted.items()
    shown = dict(zip(found.names, found.frequencies[found.ranks - 1].tolist(), strict=True))
    assert shown.items() <= counted.items()
    assert found.growth.distinct[-1] == len(counted)


def test_the_file_of_words_has_all_of_them(text):
    rows = list(csv.DictReader(words_file(text).decode().splitlines()))
    assert {row["word"]: int(row["frequency"]) for row in rows} == Counter(find_words(text.read()))


def test_tokens_and_the_split_are_those_of_training(text):
    named = TokenizerOf(text.settings, "bpe", "stories", 300)
    spans = token_spans(text.read(), named.load(), allowed_special=(END_OF_TEXT,))
    found, n_vocab = tokens_in(text, named)
    counted = Counter(spans.ids.tolist())
    assert (found.n, n_vocab) == (len(spans), 300)
    assert found.frequencies.tolist() == sorted(counted.values(), reverse=True)
    splits = text_splits(text, named, (10, 40))
    assert splits == {share: split_text(text.read(), spans.starts, share / 100) for share in (10, 40)}
    assert text_counted(text) == count_text(text.read())


def test_a_text_without_words_has_none(data_home):
    nothing = TextOf(Settings.from_environment(), "stories", 0)
    found = words_in(nothing)
    assert found.n == 0 and found.names == () == found.first
