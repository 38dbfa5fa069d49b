"""The command line in this process: what it prints, what it refuses and how it ends."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tiktoken

import engine
from engine.__main__ import main
from engine.corpus import list_corpora, load_corpus

PROJECT = Path(engine.__file__).parent.parent


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of its own, and nobody who would train."""
    monkeypatch.setenv("LLM_LAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LLM_LAB_SERVE", "0")
    monkeypatch.setenv("COLUMNS", "160")
    return tmp_path / "home"


def test_every_corpus_is_listed_by_the_name_one_types(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["corpora"]) == 0
    listed = capsys.readouterr().out
    assert all(f" {corpus.name} " in listed for corpus in list_corpora())


def test_a_corpus_is_printed_from_its_beginning(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["corpora", "stories", "--chars", "300"]) == 0
    assert capsys.readouterr().out == load_corpus("stories")[:300] + "\n"


def test_the_tokens_of_a_text_are_those_of_gpt2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tokenize", "The lion is in the forest."]) == 0
    shown = capsys.readouterr()
    ids = [int(line.split()[0]) for line in shown.out.splitlines()]
    assert ids == tiktoken.get_encoding("gpt2").encode("The lion is in the forest.")
    assert shown.err == "7 tokens, 26 bytes, 1.17 tokens per word\n"


def test_a_text_can_come_from_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("né"))
    assert main(["tokenize", "-", "--tokenizer", "byte"]) == 0
    assert capsys.readouterr().out.split() == ["110", "'n'", "195", r"b'\xc3'", "169", r"b'\xa9'"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["corpora", "nonsense"], "no corpus 'nonsense'"),
        (["tokenize", "x", "--tokenizer", "foo"], "no tokenizer of kind 'foo'"),
        (["tokenize", "x", "--tokenizer", "bpe", "--vocab-size", "9"], "vocab_size is 9"),
        (["pretrain", "--recipe", "never"], "no recipe called 'never'"),
        (["pretrain", "--steps", "0"], "steps (0)"),
        (["pretrain", "--seconds", "nan"], "seconds (nan)"),
        (["pretrain", "--corpus", "../x"], "no name of a corpus"),
        (["pretrain", "--corpus", "stories=-1"], "weight of stories"),
        (["pretrain", "--out", "."], "not empty"),
        (["generate", "x"], "with a model; train one"),
        (["generate", "x", "--run", "abc"], "no run 'abc'"),
        (["serve", "--workers", "0"], "workers (0)"),
    ],
)
def test_what_cannot_work_is_one_sentence_and_status_1(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert told.count("\n") == 1
    assert said in told


def test_a_weight_that_is_no_number_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pretrain", "--corpus", "stories=much"]) == 2
    assert "stories=0.5" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["dance"], ["pretrain", "--steps", "5", "--seconds", "5"]])
def test_wrong_usage_is_explained_with_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "usage: python -m engine" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.run(
        [sys.executable, "-m", "engine", "tokenize", "hello", "--tokenizer", "byte"],
        cwd=PROJECT,
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert process.returncode == 0
    assert b"Error" not in process.stderr
