"""Open weights from a hub on the loopback, from folders that transformers wrote, and back to transformers."""

from __future__ import annotations

import hashlib
import io
import json
import os
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

from engine import hub, open_models
from engine.checkpoint import Checkpoint, export_gpt2, load_gpt2
from engine.errors import CheckpointError
from engine.gpt import GPT, GPTConfig
from engine.hub import FetchProgress, adopt, fetch, folder_name
from engine.open_models import (
    FetchState,
    cancel_fetch,
    fetch_noted,
    fetch_state,
    list_open_models,
    load_open_model,
    models_folder,
    start_fetch,
)
from engine.settings import Settings
from engine.tokenizer import BPETokenizer

TEXT = "The lion is in the forest.\nThe bird sings in the tree. " * 40
REVISION = "a" * 40


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small GPT-2 with the official vocabulary, as transformers saves it."""
    folder = tmp_path_factory.mktemp("hub") / "tiny"
    torch.manual_seed(0)
    GPT2LMHeadModel(GPT2Config(n_layer=2, n_head=2, n_embd=32, n_positions=64)).save_pretrained(folder)
    return folder


class Hub:
    """A hub on the loopback that serves one model, "lessons/tiny", as the real one does: names, sizes and sums."""

    def __init__(self, folder: Path) -> None:
        self.files = {path.name: path.read_bytes() for path in folder.iterdir()}
        self.stated: dict[str, str] = {}
        self.fetched: list[str] = []
        self.requests = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None: ...

            def do_HEAD(self) -> None:
                self.answer(with_body=False)

            def do_GET(self) -> None:
                self.answer(with_body=True)

            def answer(self, *, with_body: bool) -> None:
                outer.requests += 1
                name = self.path.split("?")[0].rsplit("/", 1)[-1]
                if self.path.startswith("/api/models/lessons/tiny"):
                    self.reply(outer.listing(), with_body, {})
                elif "/lessons/tiny/resolve/" in self.path and name in outer.files:
                    headers = {"ETag": f'"{outer.sum(name)}"', "X-Repo-Commit": REVISION}
                    self.reply(outer.files[name], with_body, headers)
                else:
                    self.send_response(404)
                    self.send_header("X-Error-Code", "RepoNotFound")
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def reply(self, data: bytes, with_body: bool, headers: dict[str, str]) -> None:
                self.send_response(200)
                for key, value in {**headers, "Content-Length": str(len(data))}.items():
                    self.send_header(key, value)
                self.end_headers()
                if with_body:
                    outer.fetched += [name for name in outer.files if self.path.endswith(f"/{name}")]
                    self.wfile.write(data)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def sum(self, name: str) -> str:
        return self.stated.get(name) or hashlib.sha256(self.files[name]).hexdigest()

    def listing(self) -> bytes:
        siblings = [
            {
                "rfilename": name,
                "size": len(data),
                **(
                    {"lfs": {"sha256": self.sum(name), "size": len(data), "pointerSize": 1}} if len(data) > 9999 else {}
                ),
            }
            for name, data in self.files.items()
        ]
        return json.dumps({"id": "lessons/tiny", "sha": REVISION, "siblings": siblings}).encode()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def loopback(written: Path) -> Iterator[Hub]:
    opened = Hub(written)
    yield opened
    opened.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.at(tmp_path / "home")


def logits(model: torch.nn.Module, ids: list[int]) -> np.ndarray:
    with torch.inference_mode():
        out = model(torch.tensor([ids]))
    return (out if isinstance(out, torch.Tensor) else out.logits).numpy()


def test_a_model_from_the_hub_has_the_logits_that_transformers_computes(loopback, written, tmp_path):
    seen: list[FetchProgress] = []
    folder = fetch("lessons/tiny", tmp_path, progress=seen.append, endpoint=loopback.endpoint)
    theirs = GPT2LMHeadModel.from_pretrained(written)
    np.testing.assert_allclose(logits(load_gpt2(folder), [5, 9, 2]), logits(theirs, [5, 9, 2]), atol=1e-5)
    assert seen[-1].done == seen[-1].total == sum(len(loopback.files[n]) for n in ("config.json", "model.safetensors"))
    assert all(before.done <= after.done for before, after in pairwise(seen))


def test_what_was_fetched_needs_no_network_again(loopback, tmp_path):
    fetch("lessons/tiny", tmp_path, endpoint=loopback.endpoint)
    asked = loopback.requests
    assert fetch("lessons/tiny", tmp_path, endpoint=loopback.endpoint).name == "lessons--tiny"
    assert loopback.requests == asked
    assert load_gpt2("lessons/tiny", models=tmp_path).config.n_layers == 2


def test_a_file_that_is_not_what_the_hub_says_is_refused_and_can_be_fetched_again(loopback, tmp_path):
    loopback.stated["model.safetensors"] = "0" * 64
    with pytest.raises(CheckpointError, match="arrived damaged"):
        fetch("lessons/tiny", tmp_path, endpoint=loopback.endpoint)
    assert not (tmp_path / "lessons--tiny").exists()
    loopback.stated.clear()
    assert fetch("lessons/tiny", tmp_path, endpoint=loopback.endpoint).exists()


def test_after_an_interruption_only_what_was_not_whole_is_fetched_again(loopback, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1_000_000)

    def killed(progress: FetchProgress) -> None:
        if progress.done > 2_000_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch("lessons/tiny", tmp_path, progress=killed, endpoint=loopback.endpoint)
    loopback.fetched = []
    folder = fetch("lessons/tiny", tmp_path, endpoint=loopback.endpoint)
    assert loopback.fetched == ["model.safetensors"]
    assert (folder / "model.safetensors").read_bytes() == loopback.files["model.safetensors"]
    assert {path.name for path in folder.iterdir()} == {"config.json", "model.safetensors", "source.json"}


def test_without_a_network_the_message_says_what_else_can_be_done(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda *_, **__: (_ for _ in ()).throw(OSError("no route")))
    with pytest.raises(CheckpointError, match=r"offline.*copy the folder"):
        fetch("lessons/tiny", tmp_path)


def test_a_model_that_is_not_there_is_named(loopback, tmp_path):
    with pytest.raises(CheckpointError, match="no model lessons/other"):
        fetch("lessons/other", tmp_path, endpoint=loopback.endpoint)


@pytest.mark.parametrize("name", ["", "../../etc", "a/b/c", "a b", "-x", "a/..", "x" * 200])
def test_what_is_no_hub_id_is_refused(name, tmp_path):
    with pytest.raises(CheckpointError, match="no name of a model"):
        folder_name(name)


def test_pickles_are_refused_before_they_are_downloaded(loopback, tmp_path):
    loopback.files["pytorch_model.bin"] = loopback.files.pop("model.safetensors")
    with pytest.raises(CheckpointError, match="runs whatever program is hidden"):
        fetch("lessons/tiny", tmp_path, endpoint=loopback.endpoint)
    assert loopback.requests == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_a_pickle_is_refused(tmp_path, written):
    (tmp_path / "config.json").write_bytes((written / "config.json").read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04cposix\nsystem\n")
    for read in (load_gpt2, lambda folder: adopt(folder, tmp_path / "models")):
        with pytest.raises(CheckpointError, match="only safetensors"):
            read(tmp_path)


def test_a_model_is_too_large_when_twice_its_size_is_not_free(written, monkeypatch):
    class Memory:
        available = 1000

    monkeypatch.setattr("psutil.virtual_memory", Memory)
    with pytest.raises(CheckpointError, match="GB of memory"):
        load_gpt2(written)


def test_a_disk_that_is_too_small_is_said_before_anything_is_fetched(loopback, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(hub.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(CheckpointError, match="GB of disk"):
        fetch("lessons/tiny", tmp_path, endpoint=loopback.endpoint)


def test_a_folder_that_was_taken_over_is_listed_and_loads_with_gpt2s_own_tokenizer(written, settings):
    adopt(written, models_folder(settings))
    (model,) = list_open_models(models_folder(settings))
    assert (model.name, model.problem, model.hub_id) == ("tiny", "", None)
    checkpoint = load_open_model(models_folder(settings), "tiny")
    assert checkpoint.tokenizer.encode(" forest") == [8222]
    assert checkpoint.model.config.vocab_size == checkpoint.tokenizer.n_vocab == 50_257


def test_a_damaged_file_of_a_kept_model_is_found_when_it_is_loaded(written, settings):
    folder = adopt(written, models_folder(settings))
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-5] ^= 1
    (folder / "model.safetensors").write_bytes(data)
    with pytest.raises(CheckpointError, match=r"model.safetensors of tiny is damaged"):
        load_open_model(models_folder(settings), "tiny")


def test_folders_that_cannot_be_used_are_listed_with_the_reason(settings):
    models = models_folder(settings)
    for name, config in (("empty", None), ("broken", "{"), ("other", '{"vocab_size": 99}')):
        (models / name).mkdir(parents=True)
        if config is not None:
            (models / name / "config.json").write_text(config)
            (models / name / "model.safetensors").write_bytes(b"x")
    problems = {model.name: model.problem for model in list_open_models(models)}
    assert "cannot be read" in problems["empty"] and "cannot be read" in problems["broken"]
    assert "vocabulary of 99" in problems["other"]
    with pytest.raises(CheckpointError, match="cannot be used"):
        load_open_model(models, "other")
    with pytest.raises(CheckpointError, match="no open model"):
        load_open_model(models, "../home")


def test_an_exported_model_and_its_tokenizer_load_in_transformers_with_the_same_logits_and_come_back(tmp_path):
    tokenizer = BPETokenizer.train(TEXT, 300)
    ours = GPT(GPTConfig(tokenizer.n_vocab, 64, 2, 2, 32), seed=3).eval()
    export_gpt2(ours, tmp_path / "mine", tokenizer)
    ids = tokenizer.encode("The lion sings.")
    theirs = GPT2LMHeadModel.from_pretrained(tmp_path / "mine").eval()
    assert AutoTokenizer.from_pretrained(tmp_path / "mine")("The lion sings.")["input_ids"] == ids
    np.testing.assert_allclose(logits(theirs, ids), logits(ours, ids), atol=1e-5)
    adopt(tmp_path / "mine", tmp_path / "models")
    back = load_open_model(tmp_path / "models", "mine")
    assert back.tokenizer.encode("The lion sings.") == ids
    np.testing.assert_array_equal(logits(back.model, ids), logits(ours, ids))


def test_a_fetch_notes_how_it_stands_for_everybody(loopback, settings):
    assert fetch_state(settings) is None
    assert fetch_noted(settings, "lessons/tiny", endpoint=loopback.endpoint).state == "finished"
    state = fetch_state(settings)
    assert state is not None and state.state == "finished" and state.done == state.total > 0
    assert fetch_noted(settings, "lessons/other", endpoint=loopback.endpoint).state == "failed"
    assert "no model lessons/other" in fetch_state(settings).error


def test_a_download_whose_process_is_gone_counts_as_cut_off(settings):
    models_folder(settings).mkdir(parents=True)
    open_models._write(models_folder(settings), FetchState("a/b", "running", pid=2**22 + 1, began=1.0))
    assert "cut off" in fetch_state(settings).error


def test_a_download_runs_in_a_process_of_its_own_and_can_be_cancelled(loopback, settings, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", loopback.endpoint)
    start_fetch(settings, "lessons/tiny")
    with pytest.raises(CheckpointError, match="is being fetched"):
        start_fetch(settings, "lessons/other")
    state = fetch_state(settings)
    assert state is not None and state.pid != os.getpid()
    cancel_fetch(settings)
    assert fetch_state(settings).state == "cancelled"
    open_models.forget_fetch(settings)
    assert fetch_state(settings) is None


def test_the_archive_for_transformers_holds_a_folder_that_it_loads(tmp_path):
    tokenizer = BPETokenizer.train(TEXT, 300)
    ours = GPT(GPTConfig(tokenizer.n_vocab, 64, 1, 2, 32), seed=3).eval()
    with zipfile.ZipFile(io.BytesIO(open_models.gpt2_archive(Checkpoint(ours, tokenizer)))) as zipped:
        zipped.extractall(tmp_path)
    theirs = GPT2LMHeadModel.from_pretrained(tmp_path).eval()
    np.testing.assert_allclose(logits(theirs, [1, 2, 3]), logits(ours, [1, 2, 3]), atol=1e-5)
