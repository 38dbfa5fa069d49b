"""The command line as a learner uses it: train in a real process, read the files, let the model write."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import engine
from engine.__main__ import main
from engine.runs.service import RunService
from engine.settings import Settings

pytestmark = pytest.mark.xdist_group("processes")
PROJECT = Path(engine.__file__).parent.parent


def test_a_translation_of_the_command_line_is_trained_and_measured(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "engine", "translate", "--language", "french", "--steps", "2"],
        cwd=PROJECT,
        env={**os.environ, "LLM_LAB_HOME": str(tmp_path / "home"), "LLM_LAB_WORKERS": "1", "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "exact match" in done.stdout and "BLEU" in done.stdout and " → " in done.stdout


def test_a_classifier_of_the_command_line_is_trained_and_judged(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    lines = [f"{'spam' if n % 3 == 0 else 'ham'},message {n % 3} of letters {chr(97 + n % 26)}{n}" for n in range(90)]
    rows.write_text("label,text\n" + "\n".join(lines).translate(str.maketrans("0123456789", "klmnopqrst")), "utf-8")
    service = RunService(Settings.at(tmp_path / "home"), start=False)
    base = service.import_run(PROJECT / "assets" / "example")
    service.close()
    done = subprocess.run(
        [sys.executable, "-m", "engine", "classify", "--data", str(rows), "--base", base[:6], "--steps", "4"],
        cwd=PROJECT,
        env={**os.environ, "LLM_LAB_HOME": str(tmp_path / "home"), "LLM_LAB_WORKERS": "1", "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert "accuracy" in said and "test: " in said and "of 18 right" in said and "F1 of 'spam'" in said


def test_a_run_of_the_command_line_is_trained_written_out_and_writes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    pretrain = ["pretrain", "--corpus", "stories", "--recipe", "30s", "--steps", "4", "--out", str(out), "--half"]
    done = subprocess.run(
        [sys.executable, "-m", "engine", *pretrain],
        cwd=PROJECT,
        env={**os.environ, "LLM_LAB_HOME": str(home), "LLM_LAB_WORKERS": "1", "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "validation loss" in done.stdout
    assert [path.name for path in sorted((out / "checkpoints").iterdir())] == ["00000000", "00000004"]

    service = RunService(Settings.at(home), start=False)
    (record,) = service.runs()
    assert [event.step for event in service.events(record.run_id, kinds=("step",))] == [1, 2, 3, 4]
    service.close()

    monkeypatch.setenv("LLM_LAB_HOME", str(home))
    assert main(["generate", "The lion is in the", "--tokens", "5", "--run", record.run_id[:6]]) == 0
    written = capsys.readouterr().out
    assert written.startswith("The lion is in the")
    assert len(written) > len("The lion is in the\n")
