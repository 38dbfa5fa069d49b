"""One server dispatches, others stand by: a lease in the store, renewed every second.

A leader whose heartbeat does not change any more has gone; on the same machine its process id tells so at once.
"""

from __future__ import annotations

import os
import socket
import time

import psutil  # type: ignore[import-untyped]
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from engine.runs.records import Leader
from engine.runs.store import RunStore
from engine.runs.tables import services

NAME = "dispatcher"
LEASE_SECONDS = 6.0


def holder_name() -> str:
    """Who this process is: machine, process id and the time it began, so that a reused id is told apart."""
    return f"{socket.gethostname()}/{os.getpid()}/{psutil.Process().create_time():.2f}"


def is_gone(holder: str) -> bool:
    """Whether a holder is known to have ended. Only its own machine can tell; elsewhere the answer is no."""
    host, pid, began = holder.rsplit("/", 2)
    if host != socket.gethostname():
        return False
    try:
        process = psutil.Process(int(pid))
        return process.status() == psutil.STATUS_ZOMBIE or abs(process.create_time() - float(began)) > 1
    except psutil.NoSuchProcess:
        return True


class Lease:
    """The right of one holder to dispatch the runs of a store."""

    def __init__(self, store: RunStore, holder: str) -> None:
        self.store = store
        self.holder = holder

    def take_or_renew(self, slots: int) -> bool:
        """True if the lease is now held (again) by this holder; `slots` says how many runs it can train at once."""
        now = time.time()
        current = leader(self.store)
        free = current is None or current.holder == self.holder or not _lives(self.store, current)
        if not free:
            return False
        values = {"holder": self.holder, "heartbeat_at": now, "slots": slots}
        try:
            with self.store.writing.begin() as connection:
                if current is None:
                    connection.execute(insert(services).values(name=NAME, **values))
                    return True
                changed = connection.execute(
                    update(services)
                    .where(services.c.name == NAME, services.c.holder == current.holder)
                    .where(services.c.heartbeat_at == current.heartbeat_at)
                    .values(**values)
                )
                return changed.rowcount == 1
        except IntegrityError:  # another server was a moment faster
            return False

    def release(self) -> None:
        """Gives the lease back, so that another server need not wait."""
        with self.store.writing.begin() as connection:
            connection.execute(delete(services).where(services.c.name == NAME, services.c.holder == self.holder))


def leader(store: RunStore) -> Leader | None:
    """Who holds the lease by the record, alive or not."""
    with store.reading.connect() as connection:
        row = connection.execute(select(services).where(services.c.name == NAME)).one_or_none()
    return None if row is None else Leader(row.holder, row.heartbeat_at, row.slots)


def live_leader(store: RunStore) -> Leader | None:
    """Who dispatches now; None when nobody does."""
    current = leader(store)
    return current if current is not None and _lives(store, current) else None


def _lives(store: RunStore, found: Leader) -> bool:
    still = store.watch.unchanged_for(NAME, (found.holder, found.heartbeat_at))
    return still <= LEASE_SECONDS and not is_gone(found.holder)
