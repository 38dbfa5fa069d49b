"""The command line as a learner uses it: train in a real process, read the files, let the model write."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import engine
from engine.runs.service import RunService
from engine.settings import Settings

PROJECT = Path(engine.__file__).parent.parent

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")


def start(home: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "engine", *arguments],
        cwd=PROJECT,
        env={**os.environ, "LLM_LAB_HOME": str(home), "LLM_LAB_WORKERS": "1", "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_run_is_interrupted_by_ctrl_c_finished_by_the_same_command_and_writes(tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    pretrain = ["pretrain", "--corpus", "stories", "--recipe", "30s", "--steps", "25", "--out", str(out)]
    with start(home, *pretrain, "--half", "--most", "2") as first:
        assert first.stdout is not None
        assert any("validation loss" in line for line in first.stdout)
        first.send_signal(signal.SIGINT)
        said = first.stdout.read()
    assert first.returncode == 130
    assert "The run is saved" in said
    assert not out.exists()

    second = start(home, *pretrain, "--half", "--most", "2")
    said, _ = second.communicate(timeout=120)
    assert second.returncode == 0, said
    assert f"written to {out}" in said
    assert sorted(path.name for path in (out / "checkpoints").iterdir()) == ["00000000", "00000025"]

    service = RunService(Settings.at(home), start=False)
    (record,) = service.runs()
    assert [event.step for event in service.events(record.run_id, kinds=("step",))] == list(range(1, 26))
    service.close()

    third = start(home, "generate", "The lion is in the", "--tokens", "5", "--run", record.run_id[:6])
    said, _ = third.communicate(timeout=60)
    assert third.returncode == 0
    assert said.startswith("The lion is in the")
    assert len(said) > len("The lion is in the\n")
