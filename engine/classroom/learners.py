"""Who learns here, where they are, and what they have done.

A learner is a random key in a browser; only a hash of it is stored, and a name if one is given. Nothing else is known.
"""

from __future__ import annotations

import csv
import hashlib
import io
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from engine.classroom.tables import learners, progress
from engine.errors import StoreUnavailable
from engine.runs.tables import open_engines, put
from engine.spreadsheets import FORMULA_STARTS, harmless_cell

MAX_NAME = 40
MAX_ITEM = 64
TEACHER_SECONDS = 12 * 3600.0
_KEY_BYTES = 16


@dataclass(frozen=True)
class Learner:
    """A learner as the store knows them; times in seconds since 1970."""

    learner: str
    name: str
    created_at: float
    seen_at: float
    lesson: str = ""
    part: str = ""
    teacher_until: float = 0.0

    @property
    def shown(self) -> str:
        """The name, or where none was given a neutral one that stays the same."""
        return self.name or f"Learner {self.learner[:4]}"


@dataclass(frozen=True)
class Mark:
    """Something a learner has done in a lesson: which item, with what result, and when."""

    learner: str
    lesson: str
    item: str
    value: Any
    at: float


def new_key() -> str:
    """A random key of 128 bits for a browser to keep."""
    return secrets.token_hex(_KEY_BYTES)


def is_key(text: object) -> bool:
    """Whether this is a key such as `new_key` makes; what a browser sends may be anything."""
    return isinstance(text, str) and len(text) == 2 * _KEY_BYTES and all(c in "0123456789abcdef" for c in text)


def learner_of(key: str) -> str:
    """The learner's id, 16 hex digits, from which the key cannot be found."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def clean_name(name: str) -> str:
    """A name that can be stored and shown in one line, at most 40 characters. It cannot begin like a formula: a table
    on the class board can be saved as CSV by the browser alone, past `harmless_cell`.

    >>> clean_name("  Ada\\n Lovelace "), clean_name("=1+1")
    ('Ada Lovelace', '1+1')
    """
    text = name.encode("utf-8", "replace").decode("utf-8")
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line.lstrip(" ".join(FORMULA_STARTS))[:MAX_NAME]


class LearnerStore:
    """Learners and their progress; safe to use from many threads and processes at once."""

    def __init__(self, url: str) -> None:
        self.writing, self.reading = open_engines(url)

    def close(self) -> None:
        """Gives the connections back."""
        self.writing.dispose()

    # --- learners ------------------------------------------------------------------------------------------

    def seen(self, learner: str, lesson: str = "", part: str = "") -> bool:
        """Notes where a learner is now; the first time makes them known. False if the store cannot be written now."""
        try:
            with self.writing.begin() as connection:
                self._update(connection, learner, seen_at=time.time(), lesson=lesson[:64], part=part[:200])
        except (StoreUnavailable, SQLAlchemyError):  # a lesson goes on where the board cannot be told
            return False
        return True

    def rename(self, learner: str, name: str) -> None:
        """Gives a learner the name that the class board shows; an empty one takes it back."""
        with self.writing.begin() as connection:
            self._update(connection, learner, name=clean_name(name))

    def get(self, learner: str) -> Learner | None:
        """What is known of a learner; None if they were never here."""
        with self.reading.connect() as connection:
            row = connection.execute(select(learners).where(learners.c.learner == learner)).one_or_none()
        return None if row is None else Learner(**row._mapping)

    def all(self) -> list[Learner]:
        """Every learner, who was here last first."""
        with self.reading.connect() as connection:
            return [
                Learner(**row._mapping)
                for row in connection.execute(select(learners).order_by(learners.c.seen_at.desc()))
            ]

    def make_teacher(self, learner: str, *, on: bool = True) -> None:
        """Lets a learner teach for twelve hours, or no longer."""
        with self.writing.begin() as connection:
            self._update(connection, learner, teacher_until=time.time() + TEACHER_SECONDS if on else 0.0)

    def is_teacher(self, learner: str) -> bool:
        """Whether the learner may teach now."""
        found = self.get(learner)
        return found is not None and time.time() < found.teacher_until <= time.time() + TEACHER_SECONDS

    def forget(self, learner: str) -> None:
        """Removes all that is known of a learner."""
        with self.writing.begin() as connection:
            connection.execute(delete(progress).where(progress.c.learner == learner))
            connection.execute(delete(learners).where(learners.c.learner == learner))

    def _update(self, connection: Connection, learner: str, **values: Any) -> None:
        now = time.time()
        fresh = {"learner": learner, "name": "", "created_at": now, "seen_at": now, "lesson": "", "part": ""}
        row = {**fresh, "teacher_until": 0.0, **values}
        connection.execute(put(connection, learners, row, values))

    # --- progress ------------------------------------------------------------------------------------------

    def mark(self, learner: str, lesson: str, item: str, value: Any = True) -> None:
        """Notes a result (anything that JSON holds) for an item of a lesson; a later one takes its place."""
        result = {"value": value, "at": time.time()}
        row = {"learner": learner, "lesson": lesson, "item": item[:MAX_ITEM], **result}
        with self.writing.begin() as connection:
            connection.execute(put(connection, progress, row, result))

    def unmark(self, learner: str, lesson: str, items: Iterable[str]) -> None:
        """Takes results back."""
        where = (progress.c.learner == learner, progress.c.lesson == lesson, progress.c.item.in_(list(items)))
        with self.writing.begin() as connection:
            connection.execute(delete(progress).where(*where))

    def marks(self, learner: str | None = None) -> list[Mark]:
        """The results of one learner, or of all, the oldest first."""
        query = select(progress).order_by(progress.c.at)
        if learner is not None:
            query = query.where(progress.c.learner == learner)
        with self.reading.connect() as connection:
            return [Mark(**row._mapping) for row in connection.execute(query)]

    def csv(self) -> str:
        """All results as CSV for a spreadsheet: learner, name, lesson, item, result, time (UTC).

        Names of columns, lessons and items are the same in every language, so that tables can be put together.
        """
        names = {each.learner: each.name for each in self.all()}
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["learner", "name", "lesson", "item", "result", "time"])
        for mark in self.marks():
            time_of = datetime.fromtimestamp(mark.at, UTC).isoformat(timespec="seconds")
            row = [mark.learner, names.get(mark.learner, ""), mark.lesson, mark.item, mark.value, time_of]
            writer.writerow([harmless_cell(each) for each in row])
        return out.getvalue()
