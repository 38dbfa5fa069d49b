"""Tokens per word and per character of named texts, against counting by hand."""

import math

import pytest

from engine.corpus import load_corpus
from engine.runs.named_texts import TextOf, TokenizerOf
from engine.runs.tokens_per_word import texts_cut, tokens_per_char, typed_cut
from engine.settings import Settings
from engine.text_statistics import tokens_per_word


@pytest.fixture
def settings(data_home) -> Settings:
    return Settings.from_environment()


def test_tokens_per_word_are_those_of_each_text(settings):
    gpt2 = TokenizerOf(settings, "gpt2")
    names = ("stories", "python-reference")
    cuts = texts_cut(gpt2, tuple(TextOf(settings, name, 5_000) for name in names))
    expected = [tokens_per_word(load_corpus(name)[:5_000], gpt2.load()) for name in names]
    assert [cut.per_word for cut in cuts] == expected
    assert tokens_per_char(TokenizerOf(settings, "byte"), (TextOf(settings, "stories", 5_000),)) == (1.0,)


def test_what_is_typed_is_cut_by_all_that_can_be_used(settings):
    nowhere = TokenizerOf(settings, "bpe", "upload:" + "0" * 64, 300)
    cut, missing = typed_cut((TokenizerOf(settings, "byte"), nowhere), "low tide")
    assert cut is not None and cut.per_word == 4 and missing is None
    (marks, _missing) = typed_cut((TokenizerOf(settings, "byte"), nowhere), "...")
    assert marks is not None and math.isnan(marks.per_word)
