"""Tickets that reopen a run, and scripts and notebooks that train it again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import ConfigError
from engine.runs.service import RunService
from engine.settings import Settings
from engine.take_home import _checksum, read_ticket, versions, write_notebook, write_script, write_ticket
from tests.runs.helpers import Bench, tiny_config

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def record(bench: Bench, service: RunService):
    run_id = service.submit(tiny_config(bench.upload(), steps=12), "Mine: “a” \"\"\" <b>'''")
    bench.execute(run_id)
    return service.run(run_id)


def test_a_ticket_names_the_same_run_and_what_it_reached(record):
    ticket = read_ticket(write_ticket(record).encode())
    assert ticket.config.run_id == record.run_id and ticket.label == record.label
    assert ticket.reached["validation_loss"] == record.validation_loss and ticket.reached["step"] == 12
    assert ticket.versions == versions() and ticket.other_versions == {}


def test_a_ticket_of_other_versions_says_so(record):
    content = json.loads(write_ticket(record))
    content["versions"]["torch"] = "1.0"
    del content["sha256"]
    ticket = read_ticket(json.dumps({**content, "sha256": _checksum(content)}).encode())
    assert ticket.other_versions == {"torch": ("1.0", versions()["torch"])}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xff\x00", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[1]", "no run ticket"),
        (b'{"kind": "llm-lessons run ticket", "form": 9}', "form 9"),
        (b'{"kind": "llm-lessons run ticket", "form": 1, "config": {}, "sha256": "x"}', "changed or damaged"),
        (b" " * 1_000_001, "too large"),
    ],
)
def test_what_is_no_ticket_is_named(data, said):
    with pytest.raises(ConfigError, match=said):
        read_ticket(data)


def test_a_changed_ticket_is_refused(record):
    changed = write_ticket(record).replace('"steps": 12', '"steps": 13')
    with pytest.raises(ConfigError, match="changed or damaged"):
        read_ticket(changed.encode())


def test_the_script_trains_the_same_run_again_with_the_engine_alone(record, bench: Bench, tmp_path: Path):
    script = write_script(record)
    compile(script, "script.py", "exec")
    place = tmp_path / "taken"
    place.mkdir()
    (place / "run.py").write_text(script, "utf-8")
    # The run's own text is an upload: it is put where the script looks for it, as the script says.
    upload = next(name for name, _ in record.config_dict["corpora"])
    other = RunService(Settings.at(place / "taken-home", serve=False), start=False)
    assert other.save_upload(bench.artifacts.load_upload(upload)) == upload
    other.close()
    done = subprocess.run(
        [sys.executable, "run.py"],
        cwd=place,
        env={"PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"validation_loss: {record.validation_loss} now, {record.validation_loss} before" in done.stdout


def test_the_notebook_has_the_same_code_and_is_a_valid_one(record):
    notebook = json.loads(write_notebook(record))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(part in write_script(record) for part in code)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids) and all(set(cell) >= {"metadata", "source"} for cell in notebook["cells"])
    assert "<b>" not in "".join(notebook["cells"][0]["source"])
