"""Every tokenizer: lossless where it promises to be, strict where it must be, saved and loaded whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import TokenizerError
from engine.tokenizer import (
    END_OF_TEXT,
    UNKNOWN,
    BPETokenizer,
    ByteTokenizer,
    CharTokenizer,
    MergeTree,
    Tokenizer,
    WordTokenizer,
    load_tokenizer,
    split_pieces,
    train_steps,
    train_tokenizer,
)

REFERENCE = "\n".join(topics.values())
LEARNED_KINDS = ("bpe", "char", "byte", "word")
TOKENIZERS = {kind: train_tokenizer(kind, REFERENCE, 1000) for kind in LEARNED_KINDS}
AWKWARD_TEXT = "naïve café 👩‍👩‍👧\r\n\t  x\u2028y\x00\x1c \u00a0日本語 İ\n\n\n" + END_OF_TEXT + "\\n \"'"

every_kind = pytest.mark.parametrize("tokenizer", TOKENIZERS.values(), ids=LEARNED_KINDS)


@given(st.text())
def test_bpe_and_bytes_give_back_any_string(text: str) -> None:
    for kind in ("bpe", "byte"):
        tokenizer = TOKENIZERS[kind]
        assert tokenizer.decode(tokenizer.encode(text)) == text
        with_special = tokenizer.encode(text, allowed_special="all")
        assert tokenizer.decode(with_special) == text


@given(st.text())
def test_char_and_word_give_back_any_string_they_were_trained_on(text: str) -> None:
    for tokenizer in (CharTokenizer.train(text), WordTokenizer.train(text)):
        assert tokenizer.decode(tokenizer.encode(text)) == text
        assert UNKNOWN not in tokenizer.decode(tokenizer.encode(text)) or UNKNOWN in text


@every_kind
@given(text=st.text() | st.text(alphabet="a <|endoftext|>"))
def test_the_array_holds_the_same_ids_as_the_list(tokenizer: Tokenizer, text: str) -> None:
    for allowed in ((), "all", {END_OF_TEXT}):
        array = tokenizer.encode_array(text, allowed_special=allowed)
        assert array.dtype == np.int64
        assert array.tolist() == tokenizer.encode(text, allowed_special=allowed)


@every_kind
def test_real_text_comes_back_and_ids_stay_inside_the_vocabulary(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode_array(REFERENCE)
    assert ids.min() >= 0 and ids.max() < tokenizer.n_vocab
    if tokenizer.kind != "word":
        assert tokenizer.decode(ids) == REFERENCE


@every_kind
def test_a_lone_surrogate_is_refused_with_its_place(tokenizer: Tokenizer) -> None:
    for use in (tokenizer.encode, tokenizer.encode_array):
        with pytest.raises(TokenizerError, match=r"U\+D83D.*character 2"):
            use("ab\ud83d")


@pytest.mark.parametrize("kind", ["bpe", "char", "word"])
def test_a_lone_surrogate_in_the_training_text_is_refused(kind: str) -> None:
    with pytest.raises(TokenizerError, match="lone surrogate"):
        train_tokenizer(kind, "ab\udc00", 1000)


@every_kind
def test_special_tokens_are_plain_text_unless_allowed(tokenizer: Tokenizer) -> None:
    end = tokenizer.end_of_text_id
    assert end is not None and end == tokenizer.special_tokens[END_OF_TEXT]
    text = f"one{END_OF_TEXT}two"
    assert end not in tokenizer.encode(text)
    assert tokenizer.encode(text, allowed_special={END_OF_TEXT}).count(end) == 1
    assert tokenizer.encode(END_OF_TEXT, allowed_special="all") == [end]
    assert tokenizer.token_bytes(end) == END_OF_TEXT.encode()
    assert tokenizer.encode(text, allowed_special={"<|not-mine|>"}) == tokenizer.encode(text)


def test_a_single_text_as_allowed_special_is_refused_instead_of_taken_letter_by_letter() -> None:
    with pytest.raises(TokenizerError, match="collection of texts"):
        TOKENIZERS["bpe"].encode("x", allowed_special=END_OF_TEXT)  # type: ignore[arg-type]


@pytest.mark.parametrize("order", [("<|a|>", "<|a|><|b|>"), ("<|a|><|b|>", "<|a|>")])
def test_of_overlapping_special_tokens_the_longest_wins(order: tuple[str, str]) -> None:
    tokenizer = BPETokenizer.train("some text", 258, special_tokens=order)
    ids = tokenizer.encode("<|a|><|b|><|a|>", allowed_special="all")
    assert ids == [tokenizer.special_tokens["<|a|><|b|>"], tokenizer.special_tokens["<|a|>"]]


@every_kind
@pytest.mark.parametrize("bad", [-1, 10**9, 1.5, "x"])
def test_an_id_that_does_not_exist_is_named(tokenizer: Tokenizer, bad: object) -> None:
    for use in (lambda: tokenizer.decode([0, bad]), lambda: tokenizer.token_bytes(bad)):  # type: ignore[list-item, arg-type]
        with pytest.raises(TokenizerError, match=str(bad)):
            use()


def test_half_a_character_is_decoded_as_the_replacement_character() -> None:
    assert ByteTokenizer().decode("é".encode()[:1]) == "\ufffd"
    assert TOKENIZERS["bpe"].decode([0xF0, ord("a")]) == "\ufffda"


@every_kind
def test_saved_and_loaded_it_is_the_same(tokenizer: Tokenizer, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    for loaded in (load_tokenizer(path), type(tokenizer).load(str(path)), Tokenizer.from_dict(tokenizer.to_dict())):
        assert type(loaded) is type(tokenizer)
        assert loaded.to_dict() == tokenizer.to_dict()
        assert loaded.special_tokens == tokenizer.special_tokens
        assert loaded.encode(AWKWARD_TEXT, allowed_special="all") == tokenizer.encode(
            AWKWARD_TEXT, allowed_special="all"
        )
    assert [file.name for file in tmp_path.iterdir()] == ["tokenizer.json"]


@given(text=st.text(alphabet="\n\r\t \\\"'a\u2028é", min_size=1))
def test_tokens_with_newlines_and_quotes_survive_json(text: str) -> None:
    for tokenizer in (
        BPETokenizer.train(text, 300, special_tokens=("<|end\nof\ttext|>",), pattern=r"[\s\S]+"),
        CharTokenizer.train(text),
        WordTokenizer.train(text),
    ):
        loaded = Tokenizer.from_dict(json.loads(json.dumps(tokenizer.to_dict())))
        assert loaded.encode(text) == tokenizer.encode(text)
        assert loaded.special_tokens == tokenizer.special_tokens


def edited(**changes: object) -> Callable[[dict], object]:
    return lambda values: values | changes


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda values: [], "not a tokenizer saved"),
        (edited(format="other"), "not a tokenizer saved"),
        (edited(version=99), "version 99"),
        (edited(kind="magic"), "'magic'"),
        (edited(kind=["bpe"]), "kind"),
        (lambda values: {key: value for key, value in values.items() if key != "merges"}, "'merges' is missing"),
        (edited(merges=[[0, 999]]), "joins 0 and 999"),
        (edited(merges=[[97, 98], [97, 98]]), "same token"),
        (edited(merges=[[1, 2, 3]]), "damaged"),
        (edited(merges="ab"), "damaged"),
        (edited(special_tokens=[""]), "at least one character"),
        (edited(special_tokens="x"), "damaged"),
        (edited(pattern="("), "no regular expression"),
        (edited(pattern=None), "damaged"),
    ],
)
def test_a_damaged_file_says_what_is_wrong(damage: Callable[[dict], object], message: str, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(damage(TOKENIZERS["bpe"].to_dict())))
    with pytest.raises(TokenizerError, match=message) as caught:
        load_tokenizer(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_missing_cut_short_or_of_another_kind_says_so(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    with pytest.raises(TokenizerError, match="cannot be read"):
        load_tokenizer(path)
    TOKENIZERS["bpe"].save(path)
    with pytest.raises(TokenizerError, match="'bpe' tokenizer"):
        CharTokenizer.load(path)
    with pytest.raises(TokenizerError, match="not a CharTokenizer"):
        CharTokenizer.from_dict(TOKENIZERS["bpe"].to_dict())
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(TokenizerError, match="is damaged"):
        load_tokenizer(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TokenizerError, match="is damaged"):
        load_tokenizer(path)


@pytest.mark.parametrize("vocab_size", [-1, 0, 256, 0x110001])
def test_a_bpe_vocabulary_without_room_is_refused(vocab_size: int) -> None:
    with pytest.raises(TokenizerError, match=f"vocab_size is {vocab_size}, but must lie between 257"):
        BPETokenizer.train("text", vocab_size)


def test_vocab_size_counts_bytes_merges_and_special_tokens() -> None:
    tokenizer = BPETokenizer.train(REFERENCE, 600, special_tokens=("<|a|>", "<|b|>"))
    assert tokenizer.n_vocab == 600 == 256 + len(tokenizer.merges) + 2
    assert tokenizer.special_tokens == {"<|a|>": 598, "<|b|>": 599}
    assert tokenizer.end_of_text_id is None


@pytest.mark.parametrize(("text", "n_merges"), [("", 0), ("a", 0), ("a b", 1), ("abc abc", 3), ("aaaa", 2)])
def test_a_text_that_runs_out_of_pairs_gives_a_smaller_vocabulary(text: str, n_merges: int) -> None:
    assert BPETokenizer.train(text, 1000).n_vocab == 257 + n_merges


def test_steps_count_the_tokens_of_the_text_with_its_special_tokens() -> None:
    text = f"low lower{END_OF_TEXT}lowest aaaa{END_OF_TEXT}"
    tokenizer = BPETokenizer.train(text, 1000)
    *_, last = train_steps(text, 1000)
    assert last.n_tokens == len(tokenizer.encode(text, allowed_special="all"))


def test_a_merge_tree_spells_its_token() -> None:
    tokenizer = TOKENIZERS["bpe"]
    assert isinstance(tokenizer, BPETokenizer)

    def leaves(node: MergeTree) -> list[MergeTree]:
        return leaves(node.left) + leaves(node.right) if node.left and node.right else [node]

    for rank in (0, 1, 100, len(tokenizer.merges) - 1):
        tree = tokenizer.merge_tree(256 + rank)
        assert tree.rank == rank
        assert tree.left and tree.right
        assert (tree.left.token_id, tree.right.token_id) == tokenizer.merges[rank]
        assert b"".join(leaf.token for leaf in leaves(tree)) == tokenizer.token_bytes(256 + rank)
    assert tokenizer.merge_tree(97).rank is None
    assert tokenizer.end_of_text_id is not None
    assert tokenizer.merge_tree(tokenizer.end_of_text_id).left is None


@pytest.mark.parametrize("pattern", [r"\w+", r"(\w)(\w)?", r"[^\n]+"])
def test_a_pattern_that_leaves_gaps_loses_no_text(pattern: str) -> None:
    tokenizer = BPETokenizer.train(REFERENCE[:20_000], 400, pattern=pattern)
    assert "".join(split_pieces(AWKWARD_TEXT, pattern)) == AWKWARD_TEXT
    assert tokenizer.decode(tokenizer.encode(AWKWARD_TEXT)) == AWKWARD_TEXT
    assert tokenizer.merge_trace(AWKWARD_TEXT)[-1] == tokenizer.encode(AWKWARD_TEXT)


def test_a_pattern_that_matches_nothing_is_refused() -> None:
    with pytest.raises(TokenizerError, match="empty text"):
        BPETokenizer.train("text", 300, pattern=r"\w*")


@pytest.mark.parametrize(
    "text",
    [" " * 1_000_000, "a" * 1_000_000, "\n \t" * 300_000, "." * 1_000_000],
    ids=["spaces", "letters", "lines", "dots"],
)
def test_a_million_equal_characters_are_encoded(text: str) -> None:
    tokenizer = TOKENIZERS["bpe"]
    assert tokenizer.decode(tokenizer.encode_array(text)) == text


def test_words_keep_the_most_frequent_and_replace_the_rest() -> None:
    tokenizer = WordTokenizer.train("the lion and the lion and the cat", 5)
    assert tokenizer.n_vocab == 5
    assert tokenizer.decode(tokenizer.encode(" the lion sleeps")) == f" the lion{UNKNOWN}"
    assert tokenizer.encode(" unseen") == [tokenizer.unknown_id]


def test_characters_never_seen_become_the_unknown_token() -> None:
    tokenizer = CharTokenizer.train("abcabcab", 4)
    assert [tokenizer.token_bytes(token_id) for token_id in range(2)] == [b"a", b"b"]
    assert tokenizer.encode("abz") == [0, 1, tokenizer.unknown_id]
    with pytest.raises(TokenizerError, match="vocab_size is 2"):
        CharTokenizer.train("abc", 2)


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(TokenizerError, match=r"'wordpiece'.*bpe"):
        train_tokenizer("wordpiece", "text", 300)
