"""A small load, so that the load test itself goes on working: see README.md for the large one."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
from streamlit.proto.Alert_pb2 import Alert

from pages.shared.door import RETRY_SECONDS

from . import widgets
from .figures import Record, by_lesson, percentile
from .learner import Learner
from .server import Server, running_server

_T = TypeVar("_T")
LESSONS = ("tokenization", "scaling", "pretraining")


def _run(played: Coroutine[Any, Any, _T]) -> _T:
    """In a thread of its own: Playwright leaves a running event loop behind in the thread of browser tests."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, played).result()


async def _visit(learner: Learner) -> None:
    await learner.arrive()
    for lesson in LESSONS:
        await learner.open(lesson)
        await learner.choose_part(learner.parts()[0])
        await learner.move_something()
    await learner.session.close()


async def _class(server: Server, n: int) -> Record:
    record = Record()
    await asyncio.gather(*(_visit(Learner(server.url, number, record, think=0.0)) for number in range(n)))
    return record


@pytest.mark.soak
@pytest.mark.xdist_group("load")
def test_three_learners_click_through_three_lessons_without_an_error(data_home: Path) -> None:
    with running_server(data_home, LLM_LAB_SERVE="0") as server:
        record = _run(_class(server, 3))
        assert server.tracebacks() == 0
    assert not record.exceptions and not record.unanswered and not record.disconnections
    assert len(record.reruns) == 3 * (1 + 3 * len(LESSONS))
    assert {row["lesson"] for row in by_lesson(record.reruns)} == {"", *LESSONS}
    assert all(rerun.seconds > 0 and rerun.n_bytes > 0 for rerun in record.reruns)


def test_percentiles_are_those_of_the_nearest_rank() -> None:
    values = [float(n) for n in range(1, 101)]
    assert percentile(values, 0.95) == 95.0 and percentile(values, 0.5) == 50.0 and percentile([2.0], 0.95) == 2.0
    assert math.isnan(percentile([], 0.5))


def test_only_valued_widgets_are_sent() -> None:
    assert "button" not in widgets.VALUED and set(widgets.MOVABLE) < set(widgets.VALUED)


@pytest.mark.soak
@pytest.mark.xdist_group("load")
def test_a_visitor_of_a_full_course_is_told_so_and_let_in_when_a_place_is_free(data_home: Path) -> None:
    async def visit(server: Server) -> None:
        record = Record()
        first, late = (Learner(server.url, number, record, think=0.0) for number in range(2))
        await first.arrive()
        await late.arrive()
        assert any("All 1 places on this server are taken" in text for text in late.session.screen.alerts(Alert.INFO))
        assert late.session.refresh_seconds == [RETRY_SECONDS]
        await first.session.close()
        button = late.session.screen.find("button", "Try again")
        assert button is not None
        await late.session.press(button)
        assert late.session.screen.find("button", "Try again") is None and not late.session.screen.exceptions()
        assert "Two stages turn raw text" in late.session.screen.text()
        await late.session.close()

    with running_server(data_home, LLM_LAB_SERVE="0", LLM_LAB_MAX_SESSIONS="1") as server:
        _run(visit(server))
        assert server.tracebacks() == 0
