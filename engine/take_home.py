"""A run to take home: a ticket that reopens it in the course, and a script and a notebook that train it again.

The ticket names everything that decides a run, with a checksum, and what was reached with which versions. Script and
notebook use the engine alone; what is said between their code is in the language of whoever saves them.
"""

from __future__ import annotations

import hashlib
import json
import platform
import pprint
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from engine.errors import ConfigError
from engine.language import _
from engine.runs.jobs import JobConfig, job_of
from engine.runs.records import PRETRAINING, RunRecord

KIND = "llm-lessons run ticket"
FORM = 1
MAX_BYTES = 1_000_000
_PACKAGES = ("llm-lessons", "torch", "tiktoken", "numpy", "safetensors")


@dataclass(frozen=True)
class Ticket:
    """What a ticket says: the config of the run, the name it had, what it reached, and the versions it was made by."""

    config: JobConfig
    label: str
    reached: dict[str, Any]
    versions: dict[str, str]

    @property
    def other_versions(self) -> dict[str, tuple[str, str]]:
        """Packages whose version is another one here: name → (on the ticket, here). Losses may then differ a little."""
        here = versions()
        return {
            name: (said, here.get(name, "none"))
            for name, said in self.versions.items()
            if here.get(name, "none") != said
        }


def versions() -> dict[str, str]:
    """The versions of what decides a run's numbers, as installed here."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found


def write_ticket(record: RunRecord) -> str:
    """The ticket of a run as JSON."""
    content = {
        "kind": KIND,
        "form": FORM,
        "run_id": record.run_id,
        "label": record.label,
        "config": record.config_dict,
        "reached": _reached(record),
        "versions": versions(),
    }
    return json.dumps({**content, "sha256": _checksum(content)}, indent=1)


def read_ticket(data: bytes) -> Ticket:
    """The inverse of `write_ticket`. ConfigError says what is wrong with something that is no valid ticket."""
    if len(data) > MAX_BYTES:
        raise ConfigError(
            _("this file is too large for a run ticket: choose the .json file that the run's page saved.")
        )
    try:
        content = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise ConfigError(_("this file is not JSON: choose the .json file that the run's page saved.")) from None
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise ConfigError(_("this file is no run ticket: choose the .json file that the run's page saved."))
    if content.get("form") != FORM:
        raise ConfigError(
            _("this ticket has the form {value!r}, which this version cannot read: update.", value=content.get("form"))
        )
    said = content.pop("sha256", None)
    if said != _checksum(content):
        raise ConfigError(_("this ticket was changed or damaged: its checksum does not fit. Save it again."))
    config_dict = content.get("config")
    if not isinstance(config_dict, dict):
        raise ConfigError(_("this ticket holds no config: save it again."))
    config = job_of(config_dict).config_from_dict(config_dict)
    label, reached, made_by = content.get("label"), content.get("reached"), content.get("versions")
    return Ticket(
        config,
        label if isinstance(label, str) else "",
        reached if isinstance(reached, dict) else {},
        {str(k): str(v) for k, v in made_by.items()} if isinstance(made_by, dict) else {},
    )


def _checksum(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _reached(record: RunRecord) -> dict[str, Any]:
    return {
        "step": record.step,
        "seconds": round(record.seconds, 3),
        "train_loss": record.train_loss,
        "validation_loss": record.validation_loss,
    }


# --- script and notebook ----------------------------------------------------------------------------------------


def write_script(record: RunRecord) -> str:
    """A Python script that trains the run again, step for step, and compares what it reaches."""
    return (
        "\n\n".join(["#!/usr/bin/env python3", f'"""{_title(record)}"""', *(code for _, code in _cells(record))]) + "\n"
    )


def write_notebook(record: RunRecord) -> str:
    """The same as a Jupyter notebook (nbformat 4.5)."""
    cells: list[dict[str, Any]] = [_text_cell(0, f"# {_plain(record.label) or record.run_id}\n\n{_title(record)}")]
    for text, code in _cells(record):
        cells.append(_text_cell(len(cells), text))
        cells.append(
            {
                "cell_type": "code",
                "id": f"cell-{len(cells)}",
                "metadata": {},
                "execution_count": None,
                "outputs": [],
                "source": code.splitlines(keepends=True),
            }
        )
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}, indent=1)


def _text_cell(number: int, text: str) -> dict[str, Any]:
    return {
        "cell_type": "markdown",
        "id": f"cell-{number}",
        "metadata": {},
        "source": text.splitlines(keepends=True),
    }


def _title(record: RunRecord) -> str:
    return _(
        "Trains again what the course trained as run {run_id}. It needs the package of the course "
        "(pip install -e . in its folder), writes into the folder taken-home, and can be ended and begun again.",
        run_id=record.run_id,
    )


def _plain(text: str) -> str:
    """A label without what would end a string or be read as Markdown."""
    return "".join(c for c in text if c.isalnum() or c in " .,:·-+%()/").strip()[:100]


def _cells(record: RunRecord) -> list[tuple[str, str]]:
    """(what it does, code) of each part."""
    config = _with_steps(record)
    cells = [
        (
            _(
                "Everything that decides the run. "
                "A run that was planned by time has the number of steps here that fitted."
            ),
            f"CONFIG = {pprint.pformat(config, width=100, sort_dicts=False)}\n"
            f"REACHED = {pprint.pformat(_reached(record), width=100, sort_dicts=False)}",
        ),
        (_("A place for the run, without a training service behind it."), _SERVICE),
        *([(_("The model to start from: the one that ships with the course."), _BASE)] if "base" in config else []),
        (_("The training itself, in this process."), _TRAINING),
        (_("What it reached, beside what was reached before."), _COMPARISON),
    ]
    if record.job == PRETRAINING and config.get("training", {}).get("objective", "next") == "next":
        cells.append((_("The model writes."), _WRITING))
    return cells


def _with_steps(record: RunRecord) -> dict[str, Any]:
    training = record.config_dict.get("training")
    if not isinstance(training, dict) or training.get("seconds") is None or record.total_steps is None:
        return record.config_dict
    return {**record.config_dict, "training": {**training, "steps": record.total_steps, "seconds": None}}


_SERVICE = """\
from pathlib import Path

from engine.runs.jobs import job_of
from engine.runs.service import RunService
from engine.settings import Settings

settings = Settings.at(Path("taken-home"), serve=False)
service = RunService(settings, start=False)
# A text of your own is named by its hash: put it there with service.save_upload(Path("text.txt").read_text())."""

_BASE = """\
from engine.settings import app_folder

foundation = service.import_run(app_folder() / "assets" / "foundation")
kept = {service.keep_model(foundation, checkpoint.step) for checkpoint in service.checkpoints(foundation)}
if CONFIG["base"] not in kept:
    raise SystemExit("This run started from a model of its own: train that one here first and keep it.")"""

_TRAINING = """\
from engine.runs.execution import execute

run_id = service.submit(job_of(CONFIG).config_from_dict(CONFIG))
if service.run(run_id).state != "finished":
    print(execute(run_id, settings.as_environment()))"""

_COMPARISON = """\
record = service.run(run_id)
for name, before in REACHED.items():
    print(f"{name}: {getattr(record, name)} now, {before} before")"""

_WRITING = """\
from engine.generation import SamplingConfig, generate

model = service.load_model(run_id)
writing = generate(model.model, model.tokenizer, "The lion is in the", 60, SamplingConfig(temperature=0.8, seed=3))
print("The lion is in the" + "".join(step.text for step in writing))"""
