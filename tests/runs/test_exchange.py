"""Runs leave as files and come back: archives, tables, whole folders; and how long a run will take."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import torch

from engine.checkpoint import load_checkpoint
from engine.errors import CheckpointError, RunError
from engine.runs.service import RunService, lab
from tests.runs.helpers import Bench, open_bench, tiny_config


@pytest.fixture
def service(bench: Bench) -> Iterator[RunService]:
    """A service that starts no server."""
    opened = RunService(bench.settings, start=False)
    yield opened
    opened.close()


def test_an_archive_holds_a_model_that_loads_elsewhere(bench: Bench, service: RunService, tmp_path: Path) -> None:
    run_id = bench.run(tiny_config(bench.upload()))
    with zipfile.ZipFile(io.BytesIO(service.checkpoint_archive(run_id, 16))) as zipped:
        assert not [name for name in zipped.namelist() if name.startswith("training")]
        zipped.extractall(tmp_path / "elsewhere")
    loaded, own = load_checkpoint(tmp_path / "elsewhere"), service.load_model(run_id, 16)
    ids = torch.tensor([own.tokenizer.encode("The lion")])
    assert torch.equal(loaded.model(ids), own.model(ids))
    assert loaded.tokenizer.to_dict() == own.tokenizer.to_dict()


def test_the_csv_has_one_line_a_step_with_its_evaluation(bench: Bench, service: RunService) -> None:
    run_id = bench.run(tiny_config(bench.upload()))
    table = pd.read_csv(io.StringIO(service.record_csv(run_id)))
    assert table["step"].tolist() == list(range(61))
    assert list(zip(table["step"][1:], table["loss"][1:], strict=True)) == bench.losses(run_id)
    evaluated = {event.step: event.payload["validation_loss"] for event in service.events(run_id, kinds=["eval"])}
    assert table.set_index("step")["validation_loss"].dropna().to_dict() == evaluated


def test_the_csv_of_a_mixture_has_the_losses_of_its_sources(bench: Bench, service: RunService) -> None:
    config = dataclasses.replace(
        tiny_config(bench.upload()), corpora=(("stories", 1), ("phrasebook", 1)), n_chars=20_000
    )
    run_id = bench.run(config)
    last = pd.read_csv(io.StringIO(service.record_csv(run_id))).iloc[-1]
    parts = [last[f"validation_loss:{name}"] for name in ("stories", "phrasebook")]
    assert min(parts) < last["validation_loss"] < max(parts)
    assert last["bits_per_byte:stories"] > 0


def test_an_exported_run_is_the_same_run_in_another_lab(bench: Bench, service: RunService, tmp_path: Path) -> None:
    run_id = bench.run(tiny_config(bench.upload()))
    service.export_run(run_id, tmp_path / "files")
    other = open_bench(tmp_path / "other")
    second = RunService(other.settings, start=False)
    assert second.import_run(tmp_path / "files") == run_id
    assert second.import_run(tmp_path / "files") == run_id
    assert second.submit(tiny_config(bench.upload())) == run_id
    assert [record.run_id for record in second.runs()] == [run_id]
    assert second.run(run_id).state == "finished"
    assert second.curve(run_id) == service.curve(run_id)
    assert second.record_csv(run_id) == service.record_csv(run_id)
    assert [c.step for c in second.checkpoints(run_id)] == [0, 8, 16, 32, 60]
    assert second.load_model(run_id).extra == service.load_model(run_id).extra
    second.request(run_id, "delete")
    assert second.runs() == [] and other.artifacts.list(f"runs/{run_id}") == []
    second.close()
    other.store.close()


def test_a_sample_with_any_line_separator_comes_back(bench: Bench, service: RunService, tmp_path: Path) -> None:
    run_id = bench.run(tiny_config(bench.upload(), prompts=("a\u2028b\x85c",)))
    service.export_run(run_id, tmp_path / "files", most=2)
    other = open_bench(tmp_path / "other")
    second = RunService(other.settings, start=False)
    second.import_run(tmp_path / "files")
    assert {event.payload["prompt"] for event in second.events(run_id, kinds=["sample"])} == {"a\u2028b\x85c"}
    second.close()
    other.store.close()


def test_a_run_that_two_processes_read_in_at_once_is_there_once(
    bench: Bench, service: RunService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = bench.run(tiny_config(bench.upload()))
    service.export_run(run_id, tmp_path / "files", most=2)
    other = open_bench(tmp_path / "other")
    second = RunService(other.settings, start=False)
    second.import_run(tmp_path / "files")
    monkeypatch.setattr(second.store, "find", lambda _: None)  # the other one was not done when we looked
    assert second.import_run(tmp_path / "files") == run_id
    assert len(other.artifacts.list(f"runs/{run_id}")) == len(second.checkpoints(run_id)) == 2
    assert second.load_model(run_id).extra == service.load_model(run_id).extra
    second.close()
    other.store.close()


def test_files_that_are_no_run_are_refused_with_a_sentence(bench: Bench, service: RunService, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no run that can be read"):
        service.import_run(tmp_path)
    run_id = bench.run(tiny_config(bench.upload()))
    service.export_run(run_id, tmp_path / "files")
    with pytest.raises(RunError, match="not empty"):
        service.export_run(run_id, tmp_path / "files")
    service.request(run_id, "delete")
    header = json.loads((tmp_path / "files" / "run.json").read_text())
    header["checkpoints"][0]["folder"] = "../../outside"
    (tmp_path / "files" / "run.json").write_text(json.dumps(header))
    with pytest.raises(RunError, match="outside"):
        service.import_run(tmp_path / "files")
    header["checkpoints"][0]["folder"] = "checkpoints/00000000"
    (tmp_path / "files" / "run.json").write_text(json.dumps(header))
    (tmp_path / "files" / "checkpoints" / "00000000" / "config.json").write_text("{}")
    with pytest.raises(CheckpointError, match="damaged"):
        service.import_run(tmp_path / "files")
    assert service.runs() == []


def test_the_newest_model_that_can_be_read_is_loaded(bench: Bench, service: RunService) -> None:
    run_id = bench.queue(tiny_config(bench.upload()))
    with pytest.raises(CheckpointError, match="no model yet"):
        service.load_model(run_id)
    assert bench.execute(run_id) == "finished"
    newest = bench.artifacts.get_folder(bench.store.checkpoints(run_id)[-1].folder)
    (newest / "model.safetensors").write_bytes(b"damaged")
    assert service.load_model(run_id).extra["step"] == 32
    with pytest.raises(CheckpointError, match="damaged"):
        service.load_model(run_id, 60)
    with pytest.raises(RunError, match="no run"):
        service.load_model("gone")


def test_a_failed_or_paused_run_goes_on_when_it_is_asked_for_again(bench: Bench, service: RunService) -> None:
    config = tiny_config("upload:" + "0" * 64)
    run_id = service.submit(config, label="Mine")
    assert bench.execute(run_id) == "failed"
    assert service.submit(config) == run_id
    assert (service.run(run_id).state, service.run(run_id).label) == ("queued", "Mine")
    service.request(run_id, "pause")
    service.submit(config)
    assert service.run(run_id).state == "queued"


def test_a_waiting_run_is_told_the_time_of_those_before_it_and_its_own(bench: Bench, service: RunService) -> None:
    upload = bench.upload()
    timed = [service.submit(tiny_config(upload, seed=n, steps=None, seconds=30.0)) for n in range(3)]
    assert [service.eta_seconds(run_id) for run_id in timed] == [30.0, 60.0, 90.0]
    claim = bench.store.claim(timed[0], "elsewhere/1/0.00")
    assert claim is not None
    bench.store.append(claim, [{"kind": "plan", "step": 0, "total_steps": 100, "seconds_per_step": 0.2}])
    assert [service.eta_seconds(run_id) for run_id in timed] == [20.0, 50.0, 80.0]
    step = {"kind": "step", "step": 50, "loss": 1.0, "seconds": 20.0}
    bench.store.append(claim, [step])
    assert [service.eta_seconds(run_id) for run_id in timed] == [20.0, 50.0, 80.0]
    bench.store.request(timed[1], "pause")
    assert service.eta_seconds(timed[2]) == 50.0
    unknown = service.submit(tiny_config(upload, seed=9, steps=1000))
    assert service.eta_seconds(unknown) is None


def test_the_lab_is_one_for_each_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_LAB_SERVE", "0")
    monkeypatch.setenv("LLM_LAB_HOME", str(tmp_path / "one"))
    first = lab()
    assert lab() is first
    assert first.server_pid is None and "python -m engine serve" in first.server_problem()
    monkeypatch.setenv("LLM_LAB_HOME", str(tmp_path / "two"))
    second = lab()
    assert second is not first and second.settings.home == tmp_path / "two"
    for service in (first, second):
        service.close()
