"""How long a page takes to answer a slider: every part of the lessons on text, tokens and vectors.

Measured in a real Chromium, from the message that a slider was moved to the last message of the rerun. The peer is a
page with nothing but a title and a slider: what Streamlit itself needs. A table is printed; nothing is asserted.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, WebSocket
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.browser.conftest import browser, new_page, open_cold, running_server, wait_until_drawn  # noqa: F401

PAGES = ("data", "tokenization", "embeddings")
MOVES = 15


EMPTY_PAGE = """
import streamlit as st

st.title("An empty page")
st.slider("A slider", 0, 100, 50)
"""


class Stopwatch:
    """Times reruns by the messages that pass between a page and the server."""

    def __init__(self, page: Page) -> None:
        self.began = 0.0
        self.took: float | None = None
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framesent", self._sent)
        socket.on("framereceived", self._received)

    def _sent(self, payload: bytes | str) -> None:
        if isinstance(payload, bytes) and BackMsg.FromString(payload).WhichOneof("type") == "rerun_script":
            self.began, self.took = time.perf_counter(), None

    def _received(self, payload: bytes | str) -> None:
        small = isinstance(payload, bytes) and len(payload) < 1000
        if small and ForwardMsg.FromString(payload).WhichOneof("type") == "script_finished":
            self.took = 1000 * (time.perf_counter() - self.began)


def browser_times(page: Page, watch: Stopwatch) -> list[float]:
    """Milliseconds of each rerun after moving the last slider by key, there and back."""
    slider = page.get_by_role("slider").last
    times = []
    for move in range(MOVES + 2):
        watch.began, watch.took = 0.0, None
        slider.focus()
        slider.press("ArrowRight" if move % 2 == 0 else "ArrowLeft")
        for _ in range(200):
            page.wait_for_timeout(50)
            if watch.began and watch.took is not None:
                times.append(watch.took)
                break
        wait_until_drawn(page)
    return times[2:]


def report(rows: list[tuple[str, str, list[float]]]) -> None:
    print(f"\n{'page':14} {'part':22} {'median ms':>10} {'worst ms':>9}")
    for name, part, times in rows:
        print(f"{name:14} {part:22} {statistics.median(times):10.0f} {max(times):9.0f}")


@pytest.mark.browser
def test_rerun_in_the_browser(benchmark, browser, tmp_path):  # noqa: F811
    rows = [("(peer)", "an empty page", peer_times(browser, tmp_path))]
    home = tmp_path / "home"
    home.mkdir()
    with running_server(home) as server, new_page(browser, 1440, "light") as page:
        watch = Stopwatch(page)
        for name in PAGES:
            open_cold(page, f"{server.url}/{name}")
            group = page.get_by_test_id("stButtonGroup").first
            for part in [each.inner_text() for each in group.get_by_role("radio").all()]:
                group.get_by_text(part, exact=True).click()
                page.wait_for_timeout(500)
                wait_until_drawn(page)
                if page.get_by_role("slider").count():
                    rows.append((name, part, browser_times(page, watch)))
    report(rows)
    benchmark.extra_info.update({f"{name} {part}": statistics.median(times) for name, part, times in rows})
    benchmark.pedantic(lambda: None, rounds=1)


def peer_times(browser: Browser, folder: Path) -> list[float]:  # noqa: F811
    script = folder / "empty.py"
    script.write_text(EMPTY_PAGE, "utf-8")
    with running_server(folder, script) as server, new_page(browser, 1440, "light") as page:
        watch = Stopwatch(page)
        open_cold(page, server.url)
        return browser_times(page, watch)
