import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bpe import END_OF_TEXT
from engine.corpus import load_corpus
from engine.offsets import token_spans
from engine.text_statistics import (
    count_text,
    find_text,
    find_words,
    log_spaced,
    number_words,
    rank_frequency,
    split_text,
    tokens_per_word,
    vocabulary_growth,
)
from engine.tokenizer import ByteTokenizer, train_tokenizer
from engine.windows import split_ids


@pytest.fixture(scope="module")
def stories() -> str:
    return load_corpus("stories")[:60_000]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't panic: 42 cafés!", ["don't", "panic", "42", "cafés"]),
        ("l’été, rock 'n' roll", ["l’été", "rock", "n", "roll"]),
        ("东京 ひと カタカナ", ["东", "京", "ひ", "と", "カタカナ"]),
        ("हिन्दी e\u0301te\u0301", ["हिन्दी", "e\u0301te\u0301"]),
        ("snake_case x.y", ["snake", "case", "x", "y"]),
        (f"end{END_OF_TEXT}start", ["end", "start"]),
        ("  \n\t --- \x00 ", []),
        ("", []),
    ],
)
def test_words_are_runs_of_letters_accents_and_digits(text: str, words: list[str]) -> None:
    assert find_words(text) == words


def test_ascii_words_are_those_of_a_plain_pattern(stories: str) -> None:
    assert stories.isascii()
    plain = re.findall(r"[a-z0-9]+(?:'[a-z0-9]+)*", stories.replace(END_OF_TEXT, " ").lower())
    assert find_words(stories) == plain


def test_case_is_folded_unless_told_otherwise() -> None:
    assert find_words("The THE the") == ["the"] * 3
    assert find_words("The THE the", fold_case=False) == ["The", "THE", "the"]


def test_counts_are_those_of_python(stories: str) -> None:
    counts = count_text(stories)
    assert counts.n_chars == counts.n_bytes == len(stories)
    assert counts.n_words == len(find_words(stories))
    assert counts.n_distinct_words == len(Counter(find_words(stories)))
    assert counts.n_lines == len(stories.splitlines())
    assert counts.n_documents == stories.count(END_OF_TEXT) + 1


def test_an_empty_text_has_none_of_anything() -> None:
    assert set(vars(count_text("")).values()) == {0}


def test_bytes_are_counted_in_utf8_even_of_half_a_character() -> None:
    assert count_text("é🙂").n_bytes == 6
    assert count_text("\ud800").n_bytes == 3


@given(st.text(max_size=200))
def test_numbered_words_read_back_as_the_words(text: str) -> None:
    ids, words = number_words(text)
    assert [words[each] for each in ids] == find_words(text)
    assert list(dict.fromkeys(ids.tolist())) == list(range(len(words)))


@given(st.lists(st.integers(0, 20), min_size=1, max_size=200))
def test_ranks_agree_with_a_counter(values: list[int]) -> None:
    ranked = rank_frequency(np.array(values))
    counted = Counter(values)
    assert dict(zip(ranked.ids.tolist(), ranked.frequencies.tolist(), strict=True)) == counted
    assert ranked.frequencies.tolist() == sorted(counted.values(), reverse=True)
    assert ranked.ranks.tolist() == list(range(1, len(counted) + 1))


@given(st.lists(st.integers(0, 30), max_size=300), st.integers(2, 50))
def test_vocabulary_growth_is_what_counting_from_the_start_gives(values: list[int], n_points: int) -> None:
    growth = vocabulary_growth(np.array(values, dtype=np.int64), n_points)
    assert growth.distinct.tolist() == [len(set(values[:n])) for n in growth.seen]
    if values:
        assert growth.seen[0] == 1 and growth.seen[-1] == len(values)


@given(st.integers(1, 10_000), st.integers(2, 100))
def test_log_spaced_numbers_are_distinct_and_reach_from_one_to_the_last(last: int, n_points: int) -> None:
    numbers = log_spaced(last, n_points)
    assert numbers[0] == 1 and numbers[-1] == last and len(numbers) <= max(n_points, 1)
    assert (np.diff(numbers) > 0).all()


@given(st.text(alphabet="abAB .*é", max_size=80), st.text(alphabet="abAB.*é", min_size=1, max_size=3))
def test_a_search_finds_plain_text_whatever_its_case(text: str, query: str) -> None:
    found = find_text(text, query)
    assert all(text[start:end].lower() == query.lower() for start, end in found)
    assert len(found) == text.lower().count(query.lower())


def test_an_empty_query_finds_nothing() -> None:
    assert find_text("text", "").shape == (0, 2)


@pytest.mark.parametrize("kind", ["bpe", "char", "word", "byte", "gpt2"])
@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
def test_the_split_lies_where_training_cuts_the_tokens(stories: str, kind: str, share: float) -> None:
    text = stories[:20_000] + "é東京🙂" * 50
    tokenizer = train_tokenizer(kind, text[:10_000], 400)
    spans = token_spans(text, tokenizer, allowed_special=(END_OF_TEXT,))
    split = split_text(text, spans.starts, share)
    training, validation = split_ids(spans.ids, share)
    assert (split.token, split.n_validation) == (len(training), len(validation))
    if kind in ("gpt2", "bpe"):  # those that lose nothing and rarely cut a character
        assert tokenizer.decode(training).rstrip("\ufffd") == text[: split.char]


def test_tokens_per_word_are_bytes_per_word_for_the_byte_tokenizer() -> None:
    assert tokens_per_word("low tide", ByteTokenizer()) == 4
    assert np.isnan(tokens_per_word("...", ByteTokenizer()))


def test_german_needs_more_of_gpt2s_tokens_per_word_than_english() -> None:
    from engine.phrasebook import phrase_pairs

    phrases, tokenizer = phrase_pairs(200, seed=0), train_tokenizer("gpt2", "", 0)
    english = tokens_per_word("\n".join(each.english for each in phrases), tokenizer)
    german = tokens_per_word("\n".join(each.german for each in phrases), tokenizer)
    assert 1 < english < 1.5 < german
