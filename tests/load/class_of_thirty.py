"""Scenario "class": learners click through all lessons while their runs wait and train."""

from __future__ import annotations

import asyncio
import os
import random
import time
from dataclasses import dataclass
from typing import Any

import psutil

from engine.runs.store import RunStore, opened
from engine.settings import Settings

from .figures import Record, by_lesson, slowest, spread
from .learner import Learner
from .server import Server

GREEDY_RUNS = 24  # a learner may have 12 that wait or train; some finish meanwhile
_TOGETHER_SECONDS = 10.0  # within which the class arrives
_START_SLACK = 2.0  # between the store's clock readings of asking and starting


@dataclass(frozen=True)
class Use:
    """What the UI process used, MiB and seconds of processor time; and seconds of all cores, `stolen`: those that a
    virtual machine wanted and other machines got.
    """

    rss: float
    uss: float
    cpu: float
    at: float
    stolen: float

    @classmethod
    def of(cls, server: Server) -> Use:
        rss, uss = server.memory()
        stolen = float(getattr(psutil.cpu_times(), "steal", 0.0))
        return cls(rss, uss, server.cpu_seconds(), time.monotonic(), stolen)


async def run(server: Server, *, n_learners: int, minutes: float, think: float, seed: int = 0) -> dict[str, Any]:
    """The whole scenario; the figures and checks of it."""
    record = Record()
    load_before, before = os.getloadavg()[0], Use.of(server)
    peak = _Peak(server)
    watching = asyncio.create_task(peak.watch())
    learners = [Learner(server.url, n, record, think=think, seed=seed) for n in range(n_learners)]
    until = time.monotonic() + 60 * minutes
    greedy = Learner(server.url, n_learners, record, think=think / 4, seed=seed)
    outcomes: dict[int, list[str]] = {}
    refused: list[str] = []
    await asyncio.gather(
        *(_attend(learner, until, outcomes, n_learners) for learner in learners), _be_greedy(greedy, refused)
    )
    after = Use.of(server)
    watching.cancel()
    checks = check_queue(server, learners, refused)
    for learner in [*learners, greedy]:
        await learner.session.close()
    passed = after.at - before.at
    seconds = [rerun.seconds for rerun in record.reruns if rerun.kind != "arrive"]
    return {
        "scenario": "class",
        "learners": n_learners + 1,
        "minutes": minutes,
        "think_seconds": think,
        "reruns": spread(seconds),
        "first_drawn": spread([rerun.first_seconds for rerun in record.reruns if rerun.kind != "arrive"]),
        "arrivals": spread([rerun.seconds for rerun in record.reruns if rerun.kind == "arrive"]),
        "live_updates": spread(record.live),
        "reruns_per_second": round(len(seconds) / passed, 2),
        "errors": record.errors,
        "exceptions": record.exceptions,
        "unanswered": record.unanswered,
        "computing_a_minute": record.computing,
        "disconnections": record.disconnections,
        "tracebacks_in_log": server.tracebacks(),
        "last_words": server.last_words(),
        "red_alerts": record.alerts,
        "lessons": by_lesson([rerun for rerun in record.reruns if rerun.kind != "arrive"]),
        "slowest": slowest(record.reruns),
        "rss_before_MiB": before.rss,
        "rss_after_MiB": after.rss,
        "rss_peak_MiB": peak.rss,
        "uss_before_MiB": before.uss,
        "uss_after_MiB": after.uss,
        "cpu_share": round((after.cpu - before.cpu) / passed, 2),
        "stolen_share": round((after.stolen - before.stolen) / passed / (os.cpu_count() or 1), 3),
        "load_average_before": load_before,
        "load_average_after": os.getloadavg()[0],
        **checks,
        "raw": [vars(rerun) for rerun in record.reruns],
    }


class _Peak:
    """The largest resident size seen, looked at twice a second."""

    def __init__(self, server: Server) -> None:
        self.server, self.rss = server, 0.0

    async def watch(self) -> None:
        while True:
            self.rss = max(self.rss, self.server.process.memory_info().rss / 1024**2)
            await asyncio.sleep(0.5)


async def _attend(learner: Learner, until: float, outcomes: dict[int, list[str]], n_learners: int) -> None:
    """Arrives, asks for runs (two learners for the same one, every fifth for three at once), studies."""
    await asyncio.sleep(random.Random(learner.number).uniform(0, _TOGETHER_SECONDS))
    await learner.arrive()
    await learner.pause()
    asked = outcomes.setdefault(learner.number, [])
    twin = learner.number in (1, 2)
    eager = learner.number % 5 == 0
    first = 1 if twin else 100 + learner.number
    if learner.number < max(3, n_learners // 2):  # half of the class trains at once, the others when they come there
        for number in range(3 if eager else 1):
            asked.append(await learner.train(first + 1000 * number))
            await learner.pause()
        await learner.study(until)
    else:
        await learner.study(time.monotonic() + (until - time.monotonic()) / 3)
        asked.append(await learner.train(first))
        await learner.study(until)


async def _be_greedy(learner: Learner, refused: list[str]) -> None:
    """Asks for more runs than one learner may have."""
    await learner.arrive()
    for number in range(GREEDY_RUNS):
        refused[:] = [await learner.train(5000 + number)]
        if "the most for one learner" in refused[0]:
            return
        await learner.pause()


def check_queue(server: Server, learners: list[Learner], refused: list[str]) -> dict[str, Any]:
    """Identical runs were computed once, nobody got a second run before others' first, the budget was kept."""
    with opened(Settings.at(server.home).store) as store:
        askers = store.all_askers()
        records = {record.run_id: record for record in store.all()}
        twins = [run_id for run_id, who in askers.items() if {learners[1].learner, learners[2].learner} <= set(who)]
        started = sum(record.started_at is not None for record in records.values() if record.run_id in askers)
        return {
            "runs_asked": len(askers),
            "runs_started": started,
            "runs_finished": sum(records[run_id].state == "finished" for run_id in askers),
            "runs_failed": sum(records[run_id].state == "failed" for run_id in askers),
            "identical_computed_once": len(twins) == 1 and records[twins[0]].attempt <= 1,
            "unfair_starts": unfair_starts(store),
            "refusal": refused[0] if refused else "",
            "budget_refused": bool(refused) and "the most for one learner" in refused[0],
        }


def unfair_starts(store: RunStore) -> list[str]:
    """Starts of a learner's second run while another learner waited for their first."""
    asked_at: dict[str, dict[str, float]] = {}
    for record in store.all():
        for learner in store.askers(record.run_id):
            asked_at.setdefault(learner, {})[record.run_id] = store.asked_by(learner)[record.run_id]
    started = {record.run_id: record.started_at for record in store.all() if record.started_at is not None}
    first = {
        learner: min((started[run] for run in asked if run in started), default=float("inf"))
        for learner, asked in asked_at.items()
    }
    unfair = []
    for learner, asked in asked_at.items():
        for run_id in asked:
            at = started.get(run_id)
            if at is None or at <= first[learner] or len(store.askers(run_id)) > 1:
                continue
            for other, theirs in asked_at.items():
                if other != learner and first[other] > at and min(theirs.values()) < at - _START_SLACK:
                    unfair.append(f"{learner} began {run_id[:6]} while {other} waited for a first run")
    return unfair
