"""The store's tables and its connection: SQLite in WAL mode by default, PostgreSQL by URL, the same code for both.

SQLite transactions that write begin with BEGIN IMMEDIATE, so that two processes queue up for the lock instead of
failing when a read turns into a write.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Engine,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, ExceptionContext
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from engine.errors import RunError, StoreUnavailable
from engine.language import N_

metadata = MetaData()

# SQLite counts up by itself only in a column that is exactly INTEGER.
_Counter = BigInteger().with_variant(Integer, "sqlite")

runs = Table(
    "runs",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("config", JSON, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("label", Text, nullable=False, default=""),
    Column("note", Text, nullable=False, default=""),
    Column("error", Text, nullable=False, default=""),
    Column("step", Integer, nullable=False, default=0),
    Column("total_steps", Integer),
    Column("seconds_per_step", Float),
    Column("seconds", Float, nullable=False, default=0.0),
    Column("train_loss", Float),
    Column("validation_loss", Float),
    Column("token", String(32), nullable=False, default=""),
    Column("attempt", Integer, nullable=False, default=0),
    Column("losses", Integer, nullable=False, default=0),
    Column("worker", Text, nullable=False, default=""),
    Column("created_at", Float, nullable=False),
    Column("queued_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
    Column("heartbeat_at", Float),
)

events = Table(
    "events",
    metadata,
    Column("seq", _Counter, primary_key=True, autoincrement=True),
    Column("run_id", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("step", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("payload", JSON, nullable=False),
    Index("events_in_order", "run_id", "seq"),
    Index("events_by_kind", "run_id", "kind", "step"),
    sqlite_autoincrement=True,  # a number is never given twice, even after a rewind
)

requests = Table(
    "requests",
    metadata,
    Column("id", _Counter, primary_key=True, autoincrement=True),
    Column("run_id", String(64), nullable=False, index=True),
    Column("kind", String(32), nullable=False),
    Column("value", Float),
    Column("created_at", Float, nullable=False),
    Column("handled_at", Float),
    Column("step", Integer),
    sqlite_autoincrement=True,
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("id", _Counter, primary_key=True, autoincrement=True),
    Column("run_id", String(64), nullable=False),
    Column("step", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("validation_loss", Float),
    Column("folder", Text, nullable=False),
    Column("kept", Boolean, nullable=False),
    Column("resumable", Boolean, nullable=False),
    Index("checkpoints_of_run", "run_id", "step"),
    sqlite_autoincrement=True,
)

asked = Table(
    "asked",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("learner", String(32), primary_key=True, index=True),
    Column("at", Float, nullable=False),
)
"""Who asked for a run. Of a run that nobody here asked for (it was read in, or comes from the command line) no row."""

shared = Table(
    "shared",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("learner", String(32), nullable=False),
    Column("at", Float, nullable=False),
)
"""Runs that everybody may see, and who showed them."""

services = Table(
    "services",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", Text, nullable=False),
    Column("heartbeat_at", Float, nullable=False),
    Column("slots", Integer, nullable=False, default=0),
)

BUSY_SECONDS = 10.0
"""How long a transaction waits for others before it is said that the store is held."""
_READ_ONLY = "read_only"

DAMAGED = N_(
    "The record of runs is damaged, so it cannot be read. Models that are finished are not lost: stop the course and "
    "run `python -m engine repair`, which reads them in again."
)
FULL = N_(
    "The disk is full, so nothing can be recorded. What is saved already is safe: free some space, then try again."
)
LOCKED = N_("Another program holds the record of runs for longer than usual. Nothing is lost: try again in a moment.")
OUT_OF_REACH = N_(
    "The record of runs cannot be reached now. Nothing that is saved is lost: try again in a moment; if it stays so, "
    "the database of LLM_LAB_STORE has to be looked after."
)


def open_engines(url: str) -> tuple[Engine, Engine]:
    """Two engines on one pool, for writing and for reading; makes folder and tables. RunError if that fails."""
    try:
        parsed = make_url(url)
        sqlite = parsed.get_backend_name() == "sqlite"
        if sqlite and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        writing = create_engine(url, json_serializer=_compact_json, pool_pre_ping=not sqlite)
        event.listen(writing, "handle_error", _say_in_words)
        if sqlite:
            event.listen(writing, "connect", _prepare_sqlite)
            event.listen(writing, "begin", _begin_sqlite)
        _create_tables(writing)
    except (SQLAlchemyError, OSError, ImportError) as error:
        shown = url.split("://", 1)[0]
        raise RunError(
            f"the store of runs ({shown}) cannot be opened: {error}. Check LLM_LAB_STORE and LLM_LAB_HOME, and that "
            "the folder can be written to."
        ) from error
    return writing, writing.execution_options(**{_READ_ONLY: True})


def _say_in_words(context: ExceptionContext) -> None:
    """Raises what a learner can read in place of what the database says when it cannot be used at all."""
    error = context.original_exception
    name, text = type(error).__name__, str(error).lower()
    if "malformed" in text or "not a database" in text or "disk image" in text:
        raise StoreUnavailable(DAMAGED, passing=False)
    if "disk is full" in text or "no space left" in text:
        raise StoreUnavailable(FULL)
    if "locked" in text or "lock timeout" in text:
        raise StoreUnavailable(LOCKED)
    if context.is_disconnect or name in ("OperationalError", "InterfaceError"):
        raise StoreUnavailable(OUT_OF_REACH)


def put(connection: Connection, table: Table, row: dict[str, Any], changes: dict[str, Any]) -> Any:
    """The statement that inserts a row, or makes `changes` to the one of the same key (none: leaves it), also when two
    do so at the same moment.
    """
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).values(**row)
    if not changes:
        return statement.on_conflict_do_nothing()
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=changes)


def _create_tables(engine: Engine) -> None:
    try:
        with engine.begin() as connection:
            metadata.create_all(connection)
    except DBAPIError:  # on PostgreSQL another process may have made them at the same moment
        with engine.begin() as connection:
            metadata.create_all(connection)


def _compact_json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))  # ASCII: even a lone surrogate in a prompt can be stored


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where we say so, not where the driver guesses
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {round(BUSY_SECONDS * 1000)}")
    cursor.execute("PRAGMA synchronous = NORMAL")
    _switch_to_wal(cursor)
    cursor.close()


def _switch_to_wal(cursor: Any, patience: float = 10.0) -> None:
    """The switch, needed once in a file's life, does not wait for other connections by itself."""
    deadline = time.monotonic() + patience
    while cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except Exception as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            break  # a file system without shared memory keeps its old mode: slower, still right


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get(_READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
