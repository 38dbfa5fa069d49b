"""The files for tiktoken and Hugging Face, read by these libraries themselves: the same ids for every text."""

from __future__ import annotations

from pathlib import Path
from pydoc_data.topics import topics
from typing import NamedTuple

import pytest
import tiktoken
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tiktoken.load import load_tiktoken_bpe

from engine.corpus import load_corpus
from engine.errors import TokenizerError
from engine.tokenizer import (
    END_OF_TEXT,
    BPETokenizer,
    ByteTokenizer,
    CharTokenizer,
    OfficialTokenizer,
    Tokenizer,
    WordTokenizer,
)
from engine.tokenizer_export import (
    can_export,
    huggingface_code,
    huggingface_json,
    split_pattern,
    tiktoken_code,
    tiktoken_ranks,
)

STORIES = load_corpus("stories")[:60_000]
REFERENCE = "\n".join(topics.values())[:60_000]
HOSTILE = [
    "",
    "\x00\x00 \x01\x1c\x1d\x1e\x1f\x7f\x85\xa0",
    "line\r\n\r\n\n \n\t\tnext  \n",
    "trailing spaces   ",
    "   ",
    "naïve café e\u0301 🦁👩‍👩‍👧 日本語 한국어 العربية \u202egnp.exe\u202c",
    "123456789 1,234.5 ½ Ⅻ ٣",
    "it's WE'RE they'LL 'tis ’s",
    "<script>alert(1)</script></textarea>",
    f"one{END_OF_TEXT}two{END_OF_TEXT}{END_OF_TEXT} three <|endof text|>",
    "<|fim_prefix|>a<|endofprompt|>",
    "e" + "\u0301" * 500,
    "=" * 300 + " " * 300 + "\n" * 300,
]
# Letters that only the newest Unicode knows are split differently by libraries that know an older one.
assigned = st.characters(exclude_categories=["Cs", "Cn"])
texts = st.text(assigned) | st.text(alphabet=" \n\t\r\x0b\x0c\x1c\x1f\x85\xa0\u2003\u2028a.1'é", max_size=40)


class Three(NamedTuple):
    """The same tokenizer in the three libraries."""

    ours: Tokenizer
    tiktoken: tiktoken.Encoding
    huggingface: tokenizers.Tokenizer


TOKENIZERS = {
    "bpe": lambda: BPETokenizer.train(STORIES + REFERENCE, 2000),
    "own-pattern": lambda: BPETokenizer.train(STORIES, 600, pattern=r"\p{L}+|\p{N}{1,3}+|[ \t]+"),
    "two-specials": lambda: BPETokenizer.train(STORIES, 400, special_tokens=("<|a|>", END_OF_TEXT, "<|a|><|b|>")),
    "byte": ByteTokenizer,
    "gpt2": lambda: OfficialTokenizer("gpt2"),
    "cl100k_base": lambda: OfficialTokenizer("cl100k_base"),
    "o200k_base": lambda: OfficialTokenizer("o200k_base"),
}


@pytest.fixture(scope="module", params=TOKENIZERS)
def three(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Three:
    ours = TOKENIZERS[request.param]()
    path = tmp_path_factory.mktemp("ranks") / "mine.tiktoken"
    path.write_bytes(tiktoken_ranks(ours))
    encoding = tiktoken.Encoding(
        "mine",
        pat_str=split_pattern(ours),
        mergeable_ranks=load_tiktoken_bpe(str(path)),
        special_tokens=ours.special_tokens,
    )
    return Three(ours, encoding, tokenizers.Tokenizer.from_str(huggingface_json(ours)))


def assert_same_ids(three: Three, text: str) -> None:
    plain = three.ours.encode(text)
    assert three.tiktoken.encode_ordinary(text) == plain
    three.huggingface.encode_special_tokens = True
    assert three.huggingface.encode(text).ids == plain
    special = three.ours.encode(text, allowed_special="all")
    assert three.tiktoken.encode(text, allowed_special="all") == special
    three.huggingface.encode_special_tokens = False
    assert three.huggingface.encode(text).ids == special
    assert three.huggingface.decode(special, skip_special_tokens=False) == three.ours.decode(special)


def test_real_text_gives_the_same_ids_in_all_three_libraries(three: Three) -> None:
    for text in (STORIES, REFERENCE):
        assert_same_ids(three, text)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_gives_the_same_ids_in_all_three_libraries(three: Three, text: str) -> None:
    assert_same_ids(three, text)


@settings(max_examples=50, deadline=None)
@given(texts)
def test_any_text_gives_the_same_ids_in_all_three_libraries(three: Three, text: str) -> None:
    assert_same_ids(three, text)


def test_special_tokens_keep_their_ids(three: Three) -> None:
    for name, token_id in three.ours.special_tokens.items():
        assert three.huggingface.token_to_id(name) == token_id
        assert three.tiktoken.encode_single_token(name) == token_id
    assert three.huggingface.get_vocab_size() == len({*three.huggingface.get_vocab().values()})


def test_the_code_that_is_shown_works_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = BPETokenizer.train(STORIES, 500)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "cache"))
    Path("mine.tiktoken").write_bytes(tiktoken_ranks(BPETokenizer.train(STORIES, 400)))
    load_tiktoken_bpe("mine.tiktoken")  # tiktoken now remembers another file of this name
    Path("mine.tiktoken").write_bytes(tiktoken_ranks(ours))
    Path("tokenizer.json").write_text(huggingface_json(ours), "utf-8")
    exec(tiktoken_code(ours, "mine.tiktoken"), {})
    exec(huggingface_code("tokenizer.json"), {})
    first, second = capsys.readouterr().out.splitlines()
    assert first == second == str(ours.encode("The lion is in the forest."))


def test_a_tokenizer_of_characters_or_words_is_refused_with_the_reason() -> None:
    for ours in (CharTokenizer.train("abc"), WordTokenizer.train("a b c")):
        assert not can_export(ours)
        for export in (tiktoken_ranks, huggingface_json):
            with pytest.raises(TokenizerError, match="no bytes and no merges"):
                export(ours)


def test_a_special_token_that_reads_like_an_ordinary_one_is_refused() -> None:
    ours = BPETokenizer([(97, 98)], special_tokens=("ab",))
    with pytest.raises(TokenizerError, match="reads like the ordinary token 256"):
        huggingface_json(ours)
