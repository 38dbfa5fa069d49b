"""Offsets of tokens against the text, tiktoken and tokenizers; chips against the bytes they stand for."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import TokenizerError
from engine.offsets import differing_boundaries, token_spans
from engine.parallel_sentences import REFERENCE, SENTENCES, language_costs
from engine.stories import stories
from engine.tokenizer import (
    OFFICIAL_ENCODINGS,
    BPETokenizer,
    Tokenizer,
    WordTokenizer,
    official_encoding,
    train_tokenizer,
)
from pages.shared.chips import chips_of, escaped

STORY = stories(60_000, 0)
MIXED = (
    "The lion isn't asleep 🦁, 狮子在做梦, الأسد ينام; e\u0301\u0302 \x00\u202e</textarea><|endoftext|> 12,345\r\n\t"
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.sampled_from(
    [MIXED, "", "<|endoftext|>" * 2]
)


NAMES = ("bpe", "byte", "char", "word", *OFFICIAL_ENCODINGS)


@cache
def of(name: str) -> Tokenizer:
    """A tokenizer of each kind; made inside a test, whose data folder is its own."""
    sizes = {"bpe": 600, "word": 500}
    return train_tokenizer(name, STORY, sizes.get(name, 100_000))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None)
@given(text=TEXTS)
def test_tokens_cover_the_text_without_a_gap_and_ids_are_those_of_encode(name, text):
    tokenizer = of(name)
    for allowed in ((), "all"):
        spans = token_spans(text, tokenizer, allowed_special=allowed)
        data = text.encode()
        assert spans.ids.tolist() == tokenizer.encode(text, allowed_special=allowed)
        assert spans.bounds[0] == 0 and spans.bounds[-1] == len(data)
        assert (np.diff(spans.bounds) > 0).all()
        for n, (start, end) in enumerate(zip(spans.starts, spans.ends, strict=True)):
            piece = data[spans.bounds[n] : spans.bounds[n + 1]]
            assert piece in text[start:end].encode()
            if spans.ids[n] != getattr(tokenizer, "unknown_id", -1):
                assert piece == tokenizer.token_bytes(int(spans.ids[n]))


@settings(max_examples=40, deadline=None)
@given(text=TEXTS)
def test_character_offsets_are_those_of_tiktoken(text):
    encoding = official_encoding("o200k_base")
    ids = encoding.encode_ordinary(text)
    spans = token_spans(text, of("o200k_base"))
    decoded, offsets = encoding.decode_with_offsets(ids)
    assert decoded == text
    # tiktoken gives a token that begins inside a character the offset of that character, as here.
    assert spans.starts.tolist() == offsets


def test_character_offsets_are_those_of_hugging_face_tokenizers():
    from tokenizers import Tokenizer as HuggingFace
    from tokenizers import decoders, models, pre_tokenizers
    from tokenizers.pre_tokenizers import ByteLevel

    letters = dict(zip(range(256), _byte_letters(), strict=True))
    bpe = of("bpe")
    assert isinstance(bpe, BPETokenizer)
    names = ["".join(letters[byte] for byte in bpe.token_bytes(i)) for i in range(bpe.n_vocab - 1)]
    merges = [(names[left], names[right]) for left, right in bpe.merges]
    other = HuggingFace(models.BPE(vocab={name: i for i, name in enumerate(names)}, merges=merges))
    other.pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=True)
    other.decoder = decoders.ByteLevel()
    assert isinstance(other.pre_tokenizer, pre_tokenizers.ByteLevel)
    for text in (STORY[:3000], MIXED, *SENTENCES.values()):
        ours, theirs = token_spans(text, bpe), other.encode(text)
        assert ours.ids.tolist() == theirs.ids
        assert list(zip(ours.starts.tolist(), ours.ends.tolist(), strict=True)) == theirs.offsets


def _byte_letters() -> list[str]:
    """GPT-2's letter for each byte: printable ones stand for themselves, the others are moved up from 256."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters, moved = [], 256
    for byte in range(256):
        letters.append(chr(byte if byte in printable else moved))
        moved += byte not in printable
    return letters


def test_an_unknown_word_covers_the_word_it_hides():
    word = of("word")
    assert isinstance(word, WordTokenizer)
    text = "The zzyzx lion <|unk|>"
    spans = token_spans(text, word)
    hidden = [text[s:e] for i, s, e in zip(spans.ids, spans.starts, spans.ends, strict=True) if i == word.unknown_id]
    assert " zzyzx" in hidden
    assert "".join(text[s:e] for s, e in zip(spans.starts, spans.ends, strict=True)) == text
    special = token_spans(text, word, allowed_special="all")
    assert (special.ids[-1], text[special.starts[-1] : special.ends[-1]]) == (word.unknown_id, "<|unk|>")


def test_a_lone_surrogate_is_refused_with_a_sentence():
    with pytest.raises(TokenizerError, match="lone surrogate"):
        token_spans("a\ud800", of("gpt2"))


def test_boundaries_that_differ_are_those_only_one_tokenizer_has():
    text = "12345 lions dream"
    left, right = token_spans(text, of("gpt2")), token_spans(text, of("byte"))
    only_left, only_right = differing_boundaries(left, right)
    assert only_left.tolist() == []  # every boundary is one between bytes
    assert len(only_right) == len(right) - len(left)
    assert all(len(each) == 0 for each in differing_boundaries(left, left))
    with pytest.raises(TokenizerError, match="different texts"):
        differing_boundaries(left, token_spans("other", of("gpt2")))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=30, deadline=None)
@given(text=TEXTS)
def test_chips_draw_every_character_once_and_name_the_bytes_of_characters_already_begun(name, text):
    chips = chips_of(text, of(name))
    drawn = []
    for chip in chips:
        n_head = next((n for n, byte in enumerate(chip.data) if byte & 0xC0 != 0x80), len(chip.data))
        assert chip.text.startswith(escaped(chip.data[:n_head]))
        drawn.append(chip.text[4 * n_head :])
    assert "".join(drawn) == text
    assert [chip.id for chip in chips] == of(name).encode(text)


def test_a_hundred_thousand_combining_marks_are_cut_without_trouble():
    text = "e" + "\u0301" * 100_000
    assert len(token_spans(text, of("o200k_base")).ids) > 1
    assert token_spans(text, of("word")).ends[-1] == len(text)


def test_the_sentence_is_there_in_many_languages_each_its_own():
    assert len(SENTENCES) >= 12 and REFERENCE in SENTENCES
    assert len(set(SENTENCES.values())) == len(SENTENCES)
    assert all(text == text.strip() and len(text) < 100 for text in SENTENCES.values())


def test_costs_are_counted_by_the_encodings_themselves():
    names = {"gpt2": of("gpt2"), "bytes": of("byte")}
    costs = language_costs(SENTENCES, names, reference=REFERENCE)
    assert len(costs) == 2 * len(SENTENCES)
    for cost in costs:
        text = SENTENCES[cost.language]
        expected = len(official_encoding("gpt2").encode(text)) if cost.encoding == "gpt2" else len(text.encode())
        assert (cost.n_tokens, cost.n_bytes, cost.n_characters) == (expected, len(text.encode()), len(text))
        english = next(each for each in costs if (each.language, each.encoding) == (REFERENCE, cost.encoding))
        assert cost.times_reference == pytest.approx(expected / english.n_tokens)
    assert language_costs({}, names) == []
    with pytest.raises(TokenizerError, match="no sentence in 'Latin'"):
        language_costs(SENTENCES, names, reference="Latin")
    with pytest.raises(TokenizerError, match="is empty"):
        language_costs({"a": ""}, names)
