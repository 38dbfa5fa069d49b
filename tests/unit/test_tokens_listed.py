"""Every token of a tokenizer in a table, against the tokenizer itself, and its files against those made here."""

import pickle
from collections import Counter

import pytest

from engine.readable import readable
from engine.runs.named_texts import TextOf, TokenizerOf
from engine.runs.tokens_listed import huggingface_file, ranks_code, ranks_file, tokens_listed
from engine.settings import Settings
from engine.tokenizer_export import huggingface_json, tiktoken_code, tiktoken_ranks


@pytest.fixture
def text(data_home) -> TextOf:
    return TextOf(Settings.from_environment(), "phrasebook", 20_000)


@pytest.mark.parametrize("kind", ["bpe", "word", "byte"])
def test_every_token_has_its_row(text, kind):
    source, size = ("phrasebook", 300) if kind != "byte" else ("", 0)
    named = TokenizerOf(text.settings, kind, source, size)
    coder = named.load()
    table = tokens_listed(named, text, kind == "bpe")
    assert list(table["id"]) == list(range(coder.n_vocab))
    tokens = [coder.token_bytes(each) for each in table["id"]]
    assert list(table["bytes"]) == [len(each) for each in tokens]
    assert list(table["token"]) == [readable(each) for each in tokens]
    counts = Counter(coder.encode(text.read(), allowed_special="all"))
    assert dict(zip(table["id"], table["count"], strict=True)) == {each: counts[each] for each in range(coder.n_vocab)}
    assert set(table["id"][table["special"]]) == set(coder.special_tokens.values())
    merges = table["merge"].dropna()
    assert list(merges) == (list(range(1, len(merges) + 1)) if kind == "bpe" else [])
    assert list(table.sort_values("alphabet")["plain"]) == sorted(table["plain"])
    assert pickle.loads(pickle.dumps(table)).equals(table)


def test_the_files_are_those_of_the_tokenizer(text):
    named = TokenizerOf(text.settings, "bpe", "phrasebook", 300)
    assert ranks_file(named) == tiktoken_ranks(named.load())
    assert ranks_code(named, "mine") == tiktoken_code(named.load(), "mine")
    assert huggingface_file(named).decode() == huggingface_json(named.load())
