"""Scenario "first": one visitor opens every part of every lesson twice: what the first visit to a server costs."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Sequence
from typing import Any

from .figures import Record
from .learner import Learner
from .server import Server


async def run(server: Server, times: Sequence[str] = ("first", "second")) -> list[dict[str, Any]]:
    """One row a part, slowest first: seconds of the answer and of the server's processor, first and second time."""
    record = Record()
    visitor = Learner(server.url, 0, record, think=0.0)
    rows: dict[tuple[str, str], dict[str, Any]] = {}

    async def timed(asked: Awaitable[None], time: str) -> None:
        before, load = server.cpu_seconds(), os.getloadavg()[0]
        await asked
        row = rows.setdefault((visitor.lesson, visitor.part), {"lesson": visitor.lesson, "part": visitor.part})
        row[f"{time}_ms"] = round(1000 * record.reruns[-1].seconds)
        row[f"{time}_cpu_ms"] = round(1000 * (server.cpu_seconds() - before))
        row["load"] = round(load, 1)

    await timed(visitor.arrive(), "first")
    for time in times:
        for lesson in [lesson for lesson in visitor.session.pages if lesson and lesson != "board"]:
            await timed(visitor.open(lesson), time)
            for part in visitor.parts():
                await timed(visitor.choose_part(part), time)
    await visitor.session.close()

    columns = ("lesson", "part", "first_ms", "first_cpu_ms", "second_ms", "second_cpu_ms", "load")
    complete = [{column: row.get(column, "") for column in columns} for row in rows.values()]
    return sorted(complete, key=lambda row: -int(row["first_cpu_ms"] or 0))
