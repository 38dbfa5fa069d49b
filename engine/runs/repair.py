"""A damaged record of runs, made anew: from the records that finished runs keep beside their models, and from whatever
of the old file can still be read.

Only for SQLite: a PostgreSQL server has its own means. Nothing else may use the store meanwhile. The damaged file is
kept under another name.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import Table, insert, make_url, select
from sqlalchemy.exc import SQLAlchemyError

import engine.classroom.tables as classroom
from engine.errors import EngineError, RunError, StoreUnavailable
from engine.runs import states, tables
from engine.runs.artifacts import MANIFEST, ArtifactStore
from engine.runs.records import StoredCheckpoint
from engine.runs.store import RunStore, opened
from engine.settings import Settings

RECORD = "record"
"""The folder beside a run's checkpoints that holds its record once it has finished."""

_RUN_COLUMNS = (
    "label",
    "note",
    "step",
    "total_steps",
    "seconds_per_step",
    "seconds",
    "train_loss",
    "validation_loss",
    "attempt",
    "created_at",
    "started_at",
    "finished_at",
)


@dataclass(frozen=True)
class Repaired:
    """How many runs came back whole from beside their models, and how many rows of other things from the old file."""

    damaged: Path | None
    n_runs: int
    n_rows: int


def keep_record(store: RunStore, artifacts: ArtifactStore, run_id: str) -> None:
    """Writes a run's record beside its models, as it is now: config, summary, events, and which models there are."""
    record = store.get(run_id)
    summary = {name: getattr(record, name) for name in _RUN_COLUMNS}
    summary["finished_at"] = summary["finished_at"] or time.time()
    header = {
        "run_id": run_id,
        "config": record.config_dict,
        "summary": summary,
        "asked": store.askers(run_id),
        "checkpoints": [vars(checkpoint) for checkpoint in store.checkpoints(run_id)],
    }
    with artifacts.staging() as folder:
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps(header), "utf-8")
        with gzip.open(folder / "events.jsonl.gz", "wt", encoding="utf-8", compresslevel=1) as lines:
            for event in store.events(run_id):
                lines.write(json.dumps({"at": event.at, **event.payload}) + "\n")
        (folder / MANIFEST).write_text('{"files": ["events.jsonl.gz", "run.json"]}', "utf-8")
        artifacts.put_folder(folder, f"runs/{run_id}/{RECORD}")


def is_damaged(settings: Settings) -> bool:
    """Whether the record of runs cannot be read as it should."""
    try:
        with opened(settings.store) as store:
            if store.reading.dialect.name != "sqlite":
                return False
            with store.reading.connect() as connection:
                return bool(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar() != "ok")
    except StoreUnavailable as problem:
        if problem.passing:
            raise
        return True


def repair(settings: Settings, say: Callable[[str], None] = lambda _: None) -> Repaired:
    """Puts the damaged file aside and makes the record anew; does nothing to one that is whole.

    RunError where the store is no SQLite file.
    """
    parsed = make_url(settings.store)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise RunError("only a record of runs in a SQLite file can be repaired here: restore the database's backup.")
    artifacts = ArtifactStore(settings.artifacts, settings.home / "scratch")
    if not is_damaged(settings):
        with opened(settings.store) as store:
            n_runs = read_kept(store, artifacts, say)
        say(f"The record of runs is whole; {n_runs} finished runs were missing in it and were read in again.")
        return Repaired(None, n_runs, 0)
    path = Path(parsed.database)
    aside = path.with_name(f"{path.stem}.damaged-{time.strftime('%Y%m%d-%H%M%S')}{path.suffix}")
    for ending in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + ending).rename(aside.with_name(aside.name + ending))
    say(f"The damaged file is kept as {aside}.")
    with opened(settings.store) as store:
        n_runs = read_kept(store, artifacts, say)
        n_rows = _read_old(store, aside, say)
    say(f"{n_runs} finished runs were read in again from beside their models, {n_rows:,} rows from the damaged file.")
    return Repaired(aside, n_runs, n_rows)


def read_kept(store: RunStore, artifacts: ArtifactStore, say: Callable[[str], None] = lambda _: None) -> int:
    """Reads in the finished runs that the store does not know and whose record lies beside their models; how many."""
    known = {record.run_id for record in store.all()}
    folders = [folder for folder in artifacts.list("runs") if PurePosixPath(folder).name not in known]
    return sum(_read_record(store, artifacts, folder, say) for folder in folders)


def _read_record(store: RunStore, artifacts: ArtifactStore, folder: str, say: Callable[[str], None]) -> bool:
    name = f"{folder}/{RECORD}"
    if not artifacts.exists(name):
        return False
    try:
        place = artifacts.get_folder(name)
        header = json.loads((place / "run.json").read_text("utf-8"))
        with gzip.open(place / "events.jsonl.gz", "rt", encoding="utf-8") as lines:
            recorded = [_event(json.loads(line)) for line in lines]
        found = [StoredCheckpoint(**checkpoint) for checkpoint in header["checkpoints"]]
        kept = [checkpoint for checkpoint in found if artifacts.exists(checkpoint.folder)]
        if not kept:
            return False  # it was started over since: its models are gone
        store.insert_finished(header["run_id"], header["config"], header["summary"], recorded, kept)
        for learner in header["asked"]:
            store.create(header["run_id"], header["config"], learner=learner)
    except (OSError, EOFError, ValueError, KeyError, TypeError, EngineError) as problem:
        say(f"The record in {name} cannot be read ({problem}).")
        return False
    return True


def _event(line: dict[str, Any]) -> dict[str, Any]:
    at = line.pop("at")
    return {"at": at, "kind": line["kind"], "step": line["step"], "payload": line}


def _read_old(store: RunStore, path: Path, say: Callable[[str], None]) -> int:
    """Copies what is not there yet: learners and their progress, and runs that had not finished, which then go on."""
    with store.reading.connect() as connection:
        there = set(connection.execute(select(tables.runs.c.run_id)).scalars())
    rows = 0
    for table in (classroom.learners, classroom.progress, tables.asked, tables.shared):
        rows += _copy(store, table, _rows(path, table, say))
    rescued = [row for row in _rows(path, tables.runs, say) if row["run_id"] not in there]
    for row in rescued:
        if row["state"] in states.AT_WORK:
            row.update(state=states.INTERRUPTED, token="", worker="")
    rows += _copy(store, tables.runs, iter(rescued))
    names = {row["run_id"] for row in rescued}
    for table in (tables.checkpoints, tables.requests, tables.events):
        rows += _copy(store, table, (row for row in _rows(path, table, say) if row["run_id"] in names))
    return rows


def _rows(path: Path, table: Table, say: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """The rows of a table as far as they can be read, without the running numbers."""
    columns = {column.name: column for column in table.columns}
    try:
        with closing(sqlite3.connect(path)) as connection:
            connection.row_factory = sqlite3.Row
            for row in connection.execute(f"SELECT * FROM {table.name}"):
                values = {name: row[name] for name in row.keys() if name in columns}  # noqa: SIM118
                for name in ("config", "payload", "value"):
                    if name in values and table.name in ("runs", "events", "progress"):
                        values[name] = json.loads(values[name])
                values.pop("seq", None)
                values.pop("id", None)
                yield values
    except (sqlite3.Error, ValueError, UnicodeDecodeError) as problem:
        say(f"Of the table {table.name} not everything could be read ({problem}).")


def _copy(store: RunStore, table: Table, rows: Iterator[dict[str, Any]]) -> int:
    copied = 0
    for row in rows:
        with suppress(SQLAlchemyError), store.writing.begin() as connection:
            if table.name in ("checkpoints", "requests", "events"):
                connection.execute(insert(table).values(**row))
                copied += 1
            else:
                kept = {"preserve_rowcount": True}
                copied += connection.execute(tables.put(connection, table, row, {}), execution_options=kept).rowcount
    return copied
