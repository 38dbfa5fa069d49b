"""Scenario "memory": what a session costs in the UI process, once its caches are full."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from .figures import Record
from .learner import Learner
from .server import Server

_FIRST = 4
_REST_SECONDS = 3.0


async def run(server: Server, *, n_sessions: int) -> dict[str, Any]:
    """Growth of the process's own memory (USS) for each session that saw all lessons, and each idle one on one page.

    On a server of its own: after a class the process has freed memory that new sessions would take without a trace.
    The first sessions, which fill its caches, stay and are not counted.
    """
    record = Record()
    load = os.getloadavg()[0]
    learners: list[Learner] = []

    async def come(n: int, *, walk: bool) -> float:
        for _unused in range(n):
            learners.append(learner := Learner(server.url, len(learners), record, think=0.0))
            await learner.arrive()
            for lesson in [each for each in learner.session.pages if each != "board"] if walk else ["attention"]:
                await learner.open(lesson)
        await asyncio.sleep(_REST_SECONDS)
        return server.memory()[1]

    start = await come(_FIRST, walk=True)
    walked = await come(n_sessions, walk=True)
    end = await come(n_sessions, walk=False)
    for learner in learners:
        await learner.session.close()
    return {
        "scenario": "memory",
        "sessions_of_each_kind": n_sessions,
        "MiB_per_session_after_all_lessons": round((walked - start) / n_sessions, 2),
        "MiB_per_idle_session": round((end - walked) / n_sessions, 2),
        "uss_start_MiB": start,
        "uss_end_MiB": end,
        "errors": record.errors,
        "unanswered": record.unanswered,
        "exceptions": record.exceptions,
        "load_average": load,
    }
