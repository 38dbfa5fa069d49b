"""Runs as files: a zip of a model, a CSV of a record, a folder that holds a whole finished run."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import tempfile
import uuid
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from engine.checkpoint import Restored, save_checkpoint
from engine.errors import RunError
from engine.runs import states
from engine.runs.artifacts import ArtifactStore
from engine.runs.jobs import Job, config_from_dict, job_of
from engine.runs.records import RecordedEvent, StoredCheckpoint
from engine.runs.store import RunStore
from engine.settings import Settings

FORMAT = 1

_SUMMARY = (
    "label",
    "step",
    "total_steps",
    "seconds_per_step",
    "seconds",
    "train_loss",
    "validation_loss",
    "created_at",
    "started_at",
    "finished_at",
)
_STEP_COLUMNS = ("loss", "learning_rate", "gradient_norm", "tokens_per_second")


def archive(checkpoint: Restored[Any, Any]) -> bytes:
    """A zip of what the run's job reads back: model, config, tokenizer and manifest."""
    buffer = io.BytesIO()
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "model"
        save_checkpoint(folder, checkpoint.model, checkpoint.tokenizer, extra=checkpoint.extra)
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped:
            for path in sorted(folder.iterdir()):
                zipped.write(path, path.name)
    return buffer.getvalue()


def record_csv(recorded: Iterable[RecordedEvent], eval_columns: tuple[str, ...]) -> str:
    """One line a step, with the evaluation (its `eval_columns`) after it; losses in nats per token, times in seconds.

    The sources of a mixture have columns of their own, such as "validation_loss:stories".
    """
    lines: dict[int, dict[str, Any]] = {}
    of_sources: dict[str, None] = {}
    for event in recorded:
        line = lines.setdefault(event.step, {"step": event.step})
        columns = _STEP_COLUMNS if event.kind == "step" else eval_columns
        line.update({name: event.payload.get(name) for name in ("tokens", "seconds", *columns)})
        for source in event.payload.get("sources", ()):
            measured = {f"{unit}:{source['name']}": source[unit] for unit in ("validation_loss", "bits_per_byte")}
            line.update(measured)
            of_sources.update(dict.fromkeys(measured))
    buffer = io.StringIO()
    names = ["step", "tokens", "seconds", *_STEP_COLUMNS, *eval_columns, *of_sources]
    writer = csv.DictWriter(buffer, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines[step] for step in sorted(lines))
    return buffer.getvalue()


def export_run(
    store: RunStore,
    artifacts: ArtifactStore,
    run_id: str,
    folder: Path,
    *,
    half: bool = False,
    most: int | None = None,
) -> None:
    """Writes run.json, events.jsonl and checkpoints/<step>/ (models only) into a new folder.

    `half` stores weights as float16; `most` limits the checkpoints: the first stays, and the last ones.
    """
    record = store.get(run_id)
    if record.state != states.FINISHED:
        raise RunError(f"run {run_id} is {record.state}: only a finished run can be written out.")
    if folder.exists() and any(folder.iterdir()):
        raise RunError(f"{folder} is not empty: name a new folder.")
    folder.mkdir(parents=True, exist_ok=True)
    described = []
    stored = store.checkpoints(run_id)
    for checkpoint in _spread([c for c in stored if c.kept or c is stored[-1]], most):
        name = f"checkpoints/{checkpoint.step:08d}"
        source = artifacts.get_folder(checkpoint.folder)
        if half:
            loaded = job_of(record.config_dict).load(source)
            save_checkpoint(folder / name, loaded.model, loaded.tokenizer, extra=loaded.extra, dtype=torch.float16)
        else:
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("training.*"))
        described.append({"folder": name, **_described(checkpoint)})
    with (folder / "events.jsonl").open("w", encoding="utf-8", newline="\n") as file:
        for event in store.events(run_id):
            line = {"at": event.at, **event.payload}
            file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
    header = {
        "format": FORMAT,
        "config": record.config_dict,
        "summary": {name: getattr(record, name) for name in _SUMMARY},
        "checkpoints": described,
    }
    (folder / "run.json").write_text(json.dumps(header, indent=1, ensure_ascii=False), "utf-8")


def _spread(checkpoints: list[StoredCheckpoint], most: int | None) -> list[StoredCheckpoint]:
    """At most so many of them: the first, and the last ones, between which most is learned."""
    if most is None or len(checkpoints) <= most:
        return checkpoints
    return checkpoints[-1:] if most < 2 else [checkpoints[0], *checkpoints[len(checkpoints) - most + 1 :]]


def _described(checkpoint: StoredCheckpoint) -> dict[str, Any]:
    return {
        "step": checkpoint.step,
        "seconds": checkpoint.seconds,
        "validation_loss": checkpoint.validation_loss,
    }


def import_run(store: RunStore, artifacts: ArtifactStore, folder: Path) -> str:
    """Reads such a folder into store and artifacts; every model is verified first. Returns the run's id."""
    try:
        header = json.loads((folder / "run.json").read_text("utf-8"))
        if header.get("format") != FORMAT:
            raise RunError(f"{folder} holds a run of format {header.get('format')!r}; this version reads {FORMAT}.")
        config, job = config_from_dict(header["config"]), job_of(header["config"])
        if store.find(config.run_id) is not None:
            return config.run_id
        summary = {name: header["summary"][name] for name in _SUMMARY}
        with (folder / "events.jsonl").open(encoding="utf-8", newline="\n") as lines:
            recorded = [_event_row(json.loads(line)) for line in lines]
        kept = [_copied(artifacts, config.run_id, folder, entry, job) for entry in header["checkpoints"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{folder} is no run that can be read ({type(error).__name__}: {error}).") from error
    try:
        store.insert_finished(config.run_id, config.to_dict(), summary, recorded, kept)
    except RunError:  # another process has read it in meanwhile
        for checkpoint in kept:
            artifacts.delete(checkpoint.folder)
        store.get(config.run_id)
    return config.run_id


def _event_row(line: dict[str, Any]) -> dict[str, Any]:
    at = line.pop("at")
    return {"at": at, "kind": line["kind"], "step": line["step"], "payload": line}


def _copied(
    artifacts: ArtifactStore, run_id: str, folder: Path, entry: dict[str, Any], job: type[Job]
) -> StoredCheckpoint:
    source = folder / entry["folder"]
    if not source.resolve().is_relative_to(folder.resolve()):
        raise RunError(f"{entry['folder']!r} lies outside the run's folder.")
    job.load(source)
    name = f"runs/{run_id}/{entry['step']:08d}-imported-{uuid.uuid4().hex[:8]}"
    with artifacts.staging() as path:
        shutil.copytree(source, path)
        artifacts.put_folder(path, name)
    return StoredCheckpoint(entry["step"], entry["seconds"], entry["validation_loss"], name, kept=True, resumable=False)


def child_environment(settings: Settings, project: Path) -> dict[str, str]:
    """The environment of a server process: these settings, and the same engine as this one."""
    paths = [str(project), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, **settings.as_environment(), "PYTHONPATH": os.pathsep.join(paths)}
