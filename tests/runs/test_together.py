"""Several processes train one run: the same losses as one process, one record, one set of models."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import engine
from engine.__main__ import main
from engine.command_line import here
from engine.runs.recipes import recipe_config
from engine.runs.service import RunService
from engine.settings import Settings
from tests.runs.helpers import Bench, losses

pytestmark = pytest.mark.xdist_group("processes")
PROJECT = Path(engine.__file__).parent.parent
STEPS = 5
PRETRAIN = ["-m", "engine", "pretrain", "--corpus", "stories", "--recipe", "30s", "--steps", str(STEPS)]


@pytest.fixture
def torchrun(tmp_path: Path) -> Iterator[tuple[Path, subprocess.CompletedProcess[str]]]:
    home = tmp_path / "together"
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *PRETRAIN],
        cwd=PROJECT,
        env={**os.environ, "LLM_LAB_HOME": str(home), "OMP_NUM_THREADS": "1", "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    yield home, done


def test_two_processes_measure_what_one_does_and_keep_one_record(
    torchrun: tuple[Path, subprocess.CompletedProcess[str]], bench: Bench
) -> None:
    home, done = torchrun
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("2 processes") == 1 and "validation loss" in done.stdout

    alone = bench.run(recipe_config("30s", "stories", training={"steps": STEPS, "seconds": None, "seed": 0}))
    service = RunService(Settings.at(home), start=False)
    (record,) = service.runs()
    assert (record.run_id, record.state, record.step) == (alone, "finished", STEPS)
    ours, theirs = service.events(alone), bench.store.events(alone)
    assert [event.kind for event in ours] == [event.kind for event in theirs]
    assert [step for step, _ in losses(ours)] == list(range(1, STEPS + 1))
    for shared, whole in zip(losses(ours), losses(theirs), strict=True):
        assert shared == pytest.approx(whole, rel=1e-5)
    tokens = [[event.payload["tokens"] for event in each if event.kind == "step"] for each in (ours, theirs)]
    assert tokens[0] == tokens[1]
    measured = [[event.payload["validation_loss"] for event in each if event.kind == "eval"] for each in (ours, theirs)]
    assert measured[0] == pytest.approx(measured[1], rel=1e-5)
    assert [each.step for each in service.checkpoints(alone)] == [each.step for each in bench.store.checkpoints(alone)]
    weights = [each.state_dict() for each in (service.load_model(alone).model, _model(bench, alone))]
    for name, tensor in weights[0].items():
        torch.testing.assert_close(tensor, weights[1][name], rtol=1e-3, atol=1e-4)
    service.close()


def _model(bench: Bench, run_id: str):
    with_door = RunService(bench.settings, start=False)
    try:
        return with_door.load_model(run_id).model
    finally:
        with_door.store.close()


def test_an_option_of_the_device_trains_in_this_process(
    data_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LLM_LAB_SERVE", "0")
    command = ["pretrain", "--corpus", "stories", "--recipe", "30s", "--steps", "2", "--device", "cpu"]
    assert main(command) == 0
    assert "cpu, float32, 1 process" in capsys.readouterr().out
    service = RunService(Settings.at(data_home), start=False)
    (record,) = service.runs()
    assert (record.state, record.step) == ("finished", 2)
    service.close()
    assert main(command) == 0  # it is there already


@pytest.mark.parametrize(
    ("environment", "asked", "expected"),
    [({}, {}, False), ({"TORCHELASTIC_RUN_ID": "x"}, {}, True), ({}, {"compiled": False}, True)],
)
def test_the_service_trains_unless_torchrun_or_an_option_says_otherwise(environment, asked, expected) -> None:
    options = {"device": None, "precision": None, "compiled": None, **asked}
    assert here.wanted(type("Options", (), options)(), environment) is expected
