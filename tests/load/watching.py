"""Scenario "watch": sessions that look at one live run."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from engine.classroom.learners import new_key

from .class_of_thirty import Use
from .figures import Record, percentile, spread
from .learner import Learner
from .server import Server
from .session import NoAnswer, Session

_TRAINER_SECONDS = 600
_AT_ONCE = 8


async def run(server: Server, *, n_watchers: list[int], seconds: float) -> list[dict[str, Any]]:
    """One row for each number of watchers, in rising order; the sessions of a row stay for the next."""
    record = Record()
    trainer = Learner(server.url, 0, record, think=0.0)
    await trainer.arrive()
    query = await trainer.train(7, seconds=_TRAINER_SECONDS)
    await _until_training(trainer)
    watchers: list[_Watcher] = []
    rows = []
    for n in sorted(n_watchers):
        gate = asyncio.Semaphore(_AT_ONCE)
        fresh = [_Watcher(server.url, query) for _ in range(n - len(watchers))]
        watchers += fresh
        await asyncio.gather(*(watcher.arrive(gate) for watcher in fresh))
        await asyncio.sleep(5.0)
        rows.append(await _measure(server, watchers, seconds))
        print(rows[-1], flush=True)
    for watcher in watchers:
        await watcher.session.close()
    await trainer.session.close()
    return rows


async def _until_training(trainer: Learner, seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if any("Training" in element.progress.text for element in trainer.session.screen.elements("progress")):
            return
        await asyncio.sleep(0.5)
    raise RuntimeError("the run did not begin to train")


class _Watcher:
    def __init__(self, url: str, query: str) -> None:
        self.session = Session(url, new_key(), updated=self._updated)
        self.query = query
        self.arrival = self.problem = None
        self.updates: list[tuple[float, float]] = []

    def _updated(self, seconds: float) -> None:
        self.updates.append((time.monotonic(), seconds))

    async def arrive(self, gate: asyncio.Semaphore) -> None:
        async with gate:
            try:
                self.arrival = (await self.session.open("pretraining", self.query)).seconds
            except (NoAnswer, OSError, TimeoutError) as problem:
                self.problem = str(problem)


async def _measure(server: Server, watchers: list[_Watcher], seconds: float) -> dict[str, Any]:
    before, start = Use.of(server), time.monotonic()
    load = os.getloadavg()[0]
    await asyncio.sleep(seconds)
    after, passed = Use.of(server), time.monotonic() - start
    updates = [took for watcher in watchers for at, took in watcher.updates if at >= start]
    intervals = [each for watcher in watchers for each in watcher.session.refresh_seconds]
    return {
        "watchers": len(watchers),
        **spread(updates),
        "updates_per_second_each": round(len(updates) / passed / len(watchers), 2),
        "asked_interval_s": round(percentile(intervals, 0.5), 2),
        "cpu_share": round((after.cpu - before.cpu) / passed, 2),
        "threads": server.n_threads(),
        "rss_MiB": round(after.rss),
        "lost": sum(watcher.session.lost or watcher.problem is not None for watcher in watchers),
        "exceptions": sum(bool(watcher.session.screen.exceptions()) for watcher in watchers),
        "arrival_p95_ms": round(1000 * percentile([w.arrival for w in watchers if w.arrival is not None], 0.95)),
        "load_average": round(load, 2),
    }
