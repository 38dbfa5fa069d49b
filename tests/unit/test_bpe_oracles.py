"""BPE against independent judges: a naive trainer that counts anew at each merge, tiktoken, and Hugging Face."""

from __future__ import annotations

from collections import Counter
from itertools import islice, pairwise
from pydoc_data.topics import topics

import pytest
import regex
import tiktoken
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import models, pre_tokenizers, trainers

from engine.bpe import count_pieces
from engine.tokenizer import END_OF_TEXT, GPT2_PATTERN, BPETokenizer, split_pieces, train_steps

REFERENCE = "\n".join(topics.values())
# The pattern of GPT-2's first release, of which ours claims to be a faster equivalent.
RELEASED_PATTERN = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""

texts = st.text()
repetitive_texts = st.text(alphabet="aab '\n\té1", max_size=60)
whitespace_texts = st.text(alphabet=" \n\t\r\x1c\x1f\x85\xa0\u2003a.1'", max_size=40)


def merge_naively(ids: list[int], pair: tuple[int, int], new_id: int) -> list[int]:
    merged: list[int] = []
    for token_id in ids:
        if merged and (merged[-1], token_id) == pair:
            merged[-1] = new_id
        else:
            merged.append(token_id)
    return merged


def train_naively(text: str, n_merges: int) -> list[tuple[tuple[int, int], int]]:
    """Counts every pair of every piece anew before each merge; the rule of ties is the documented one."""
    pieces = [
        list(piece.encode()) for part in text.split(END_OF_TEXT) for piece in regex.findall(RELEASED_PATTERN, part)
    ]
    history = []
    for new_id in range(256, 256 + n_merges):
        counts = Counter(pair for piece in pieces for pair in pairwise(piece))
        if not counts:
            break
        pair = min(counts, key=lambda candidate: (-counts[candidate], candidate))
        history.append((pair, counts[pair]))
        pieces = [merge_naively(piece, pair, new_id) for piece in pieces]
    return history


def gpt2_alphabet() -> list[str]:
    """GPT-2's printable stand-in for each byte, as Hugging Face writes tokens."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(byte) if byte in printable else chr(next(others)) for byte in range(256)]


ALPHABET = gpt2_alphabet()


def as_huggingface(token: bytes) -> str:
    return "".join(ALPHABET[byte] for byte in token)


@given(repetitive_texts)
def test_incremental_training_is_the_naive_one_on_any_small_text(text: str) -> None:
    ours = [(step.pair, step.count) for step in train_steps(text, 257 + 40)]
    assert ours == train_naively(text, 40)


def test_incremental_training_is_the_naive_one_on_real_text() -> None:
    text = REFERENCE[:30_000]
    assert [(step.pair, step.count) for step in train_steps(text, 257 + 150)] == train_naively(text, 150)


def test_special_tokens_in_the_training_text_split_it_and_are_never_learned() -> None:
    documents = [REFERENCE[start : start + 997] for start in range(0, 19_940, 997)]
    text = END_OF_TEXT.join(documents)
    assert [(step.pair, step.count) for step in train_steps(text, 257 + 100)] == train_naively(text, 100)


def test_runners_up_are_the_pairs_that_a_recount_ranks_next() -> None:
    text = REFERENCE[:20_000]
    steps = list(train_steps(text, 257 + 60))
    pieces = [list(piece.encode()) for piece in split_pieces(text)]
    for step in steps:
        counts = Counter(pair for piece in pieces for pair in pairwise(piece))
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        assert [(step.pair, step.count), *step.runners_up] == ranked[:11]
        pieces = [merge_naively(piece, step.pair, step.new_id) for piece in pieces]
        assert step.n_tokens == sum(map(len, pieces))


def test_listing_runners_up_does_not_change_what_is_learned() -> None:
    with_rivals = [step.pair for step in train_steps(REFERENCE, 1257)]
    assert with_rivals == BPETokenizer.train(REFERENCE, 1257).merges


@given(texts | whitespace_texts)
def test_pieces_are_those_of_the_released_gpt2_pattern(text: str) -> None:
    assert split_pieces(text) == regex.findall(RELEASED_PATTERN, text)


@given(st.lists(texts | whitespace_texts | repetitive_texts, max_size=5))
def test_counting_distinct_words_first_counts_the_same_pieces(parts: list[str]) -> None:
    assert count_pieces(parts) == Counter(piece for part in parts for piece in regex.findall(GPT2_PATTERN, part))


def test_counting_distinct_words_first_counts_the_same_pieces_of_real_text() -> None:
    assert count_pieces([REFERENCE]) == Counter(regex.findall(RELEASED_PATTERN, REFERENCE))


@pytest.fixture(scope="module")
def trained() -> BPETokenizer:
    return BPETokenizer.train(REFERENCE, 1257)


@pytest.fixture(scope="module")
def huggingface_model(trained: BPETokenizer) -> tokenizers.Tokenizer:
    """Hugging Face's BPE model made of our merges."""
    names = [as_huggingface(trained.token_bytes(token_id)) for token_id in range(256 + len(trained.merges))]
    tokenizer = tokenizers.Tokenizer(
        models.BPE(
            vocab={name: token_id for token_id, name in enumerate(names)},
            merges=[(names[left], names[right]) for left, right in trained.merges],
        )
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(tokenizers.Regex(RELEASED_PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return tokenizer


def test_tiktoken_given_our_ranks_gives_our_ids(trained: BPETokenizer) -> None:
    ranks = {trained.token_bytes(token_id): token_id for token_id in range(256 + len(trained.merges))}
    encoding = tiktoken.Encoding("ours", pat_str=RELEASED_PATTERN, mergeable_ranks=ranks, special_tokens={})
    assert trained.encode(REFERENCE) == encoding.encode_ordinary(REFERENCE)
    assert trained.to_tiktoken().encode_ordinary(REFERENCE) == encoding.encode_ordinary(REFERENCE)


def test_hugging_face_given_our_merges_gives_our_ids(
    trained: BPETokenizer, huggingface_model: tokenizers.Tokenizer
) -> None:
    assert trained.encode(REFERENCE) == huggingface_model.encode(REFERENCE).ids


@given(texts | repetitive_texts)
def test_the_merge_trace_ends_in_what_tiktoken_encodes(trained: BPETokenizer, text: str) -> None:
    states = trained.merge_trace(text)
    assert states[0] == list(text.encode())
    assert states[-1] == trained.encode(text)
    assert all(trained.decode(state) == text for state in states)
    assert all(len(after) < len(before) for before, after in pairwise(states))


@settings(max_examples=30)
@given(repetitive_texts)
def test_encoding_the_training_text_gives_the_segmentation_of_training(text: str) -> None:
    steps = list(train_steps(text, 257 + 30))
    tokenizer = BPETokenizer([step.pair for step in steps])
    if steps:
        assert len(tokenizer.encode(text, allowed_special="all")) == steps[-1].n_tokens


def test_hugging_face_trained_on_the_same_pieces_merges_the_same_pairs_up_to_ties() -> None:
    text = REFERENCE[:200_000]
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    trainer = trainers.BpeTrainer(
        vocab_size=256 + 400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(split_pieces(text), trainer)
    theirs = {name for name in tokenizer.get_vocab() if len(name) > 1}
    steps = list(islice(train_steps(text, 10_000, runners_up=0), 400))
    lowest = steps[-1].count
    certain = {as_huggingface(step.token) for step in steps if step.count > lowest}
    # Ties are broken differently, which may cascade; nearly all tokens that are clearly more frequent must agree.
    assert len(certain & theirs) >= 0.99 * len(certain)
