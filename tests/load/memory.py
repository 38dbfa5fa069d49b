"""Scenario "memory": what a session costs in the UI process, once its caches are full."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from .figures import Record
from .learner import Learner
from .server import Server

_REST_SECONDS = 3.0


async def run(server: Server, *, n_sessions: int) -> dict[str, Any]:
    """Growth of the process's own memory (USS) for each idle session on one page, and for each that saw all lessons."""
    record = Record()
    load = os.getloadavg()[0]
    first = Learner(server.url, 0, record, think=0.0)
    await first.arrive()
    lessons = [lesson for lesson in first.session.pages if lesson != "board"]
    await _walk(first, lessons)
    start = await _own_memory(server)
    idle = [Learner(server.url, 1 + n, record, think=0.0) for n in range(n_sessions)]
    for learner in idle:
        await learner.arrive()
        await learner.open("attention")
    idle_end = await _own_memory(server)
    walkers = [Learner(server.url, 1 + n_sessions + n, record, think=0.0) for n in range(max(1, n_sessions // 3))]
    for walker in walkers:
        await walker.arrive()
        await _walk(walker, lessons)
    end = await _own_memory(server)
    for learner in (first, *idle, *walkers):
        await learner.session.close()
    return {
        "scenario": "memory",
        "idle_sessions": len(idle),
        "MiB_per_idle_session": round((idle_end - start) / len(idle), 2),
        "walking_sessions": len(walkers),
        "MiB_per_session_after_all_lessons": round((end - idle_end) / len(walkers), 2),
        "uss_start_MiB": start,
        "uss_end_MiB": end,
        "errors": record.errors,
        "unanswered": record.unanswered,
        "exceptions": record.exceptions,
        "load_average": load,
    }


async def _walk(learner: Learner, lessons: list[str]) -> None:
    for lesson in lessons:
        await learner.open(lesson)


async def _own_memory(server: Server) -> float:
    await asyncio.sleep(_REST_SECONDS)
    return server.memory()[1]
