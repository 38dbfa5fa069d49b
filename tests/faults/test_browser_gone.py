"""A browser that is gone for ten minutes and comes back: a laptop that slept, a network that went away.

Streamlit keeps the session of a browser that is gone for two minutes (`server.disconnectedSessionTTL`); who comes back
later gets a new one. Here two seconds stand for the two minutes, and eight for the ten.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, Page, expect

from engine.runs.service import RunService
from engine.settings import Settings
from tests.browser.conftest import Server, new_page, running_server, wait_until_drawn
from tests.runs.helpers import TEXT, losses, tiny_config, wait_for

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600), pytest.mark.xdist_group("processes")]

KEPT_SECONDS = 2


class Cable:
    """The network between browser and server, which can be pulled out."""

    def __init__(self, port: int) -> None:
        self.upstream = port
        self.sockets: list[socket.socket] = []
        self.listener: socket.socket | None = None
        self.port = 0
        self.plug_in()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def plug_in(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def pull_out(self) -> None:
        assert self.listener is not None
        for each in (self.listener, *self.sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self.sockets.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                here = listener.accept()[0]
                there = socket.create_connection(("127.0.0.1", self.upstream))
                self.sockets += [here, there]
                for pair in ((here, there), (there, here)):
                    threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    @staticmethod
    def _pass_on(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL", str(KEPT_SECONDS))
        patched.setenv("LLM_LAB_WORKERS", "1")
        with running_server(tmp_path_factory.mktemp("home")) as server:
            yield server


def shown_step(page: Page) -> int:
    found = re.search(r"Training · step ([\d,]+)", page.inner_text("body"))
    return int(found[1].replace(",", "")) if found else 0


@pytest.fixture
def service(server: Server) -> Iterator[RunService]:
    opened = RunService(Settings.at(server.home), start=False)
    yield opened
    for record in opened.runs():
        if record.live:
            opened.delete(record.run_id)  # the one worker is for the next test
    opened.close()


@pytest.mark.parametrize(("name", "seconds"), [("ten seconds", 0.5), ("ten minutes", 4 * KEPT_SECONDS)])
def test_a_browser_that_was_gone_finds_its_run_its_settings_and_itself(
    server: Server,
    service: RunService,
    browser: Browser,
    fault: Callable[..., dict[str, str]],
    name: str,
    seconds: float,
) -> None:
    case = fault(f"browser gone for {name}", "training")
    cable = Cable(int(server.url.rsplit(":", 1)[1]))
    with new_page(browser, 1440, "light") as page:
        page.goto(f"{cable.url}/pretraining")  # the app starts its training service for the first visitor
        page.wait_for_selector("h1", timeout=240_000)
        wait_until_drawn(page)
        run_id = service.submit(tiny_config(service.save_upload(TEXT), seed=int(seconds), steps=200_000))
        wait_for(lambda: service.run(run_id).step > 50, "training", 120)
        page.goto(f"{cable.url}/pretraining?run={run_id}")
        expect(page.get_by_text(re.compile("Training · step")).first).to_be_visible(timeout=60_000)
        page.get_by_text("3 min", exact=True).first.click()
        wait_until_drawn(page)
        who = page.context.cookies()
        cable.pull_out()
        began = service.run(run_id).step
        time.sleep(seconds)
        wait_for(lambda: service.run(run_id).step > began, "training goes on without a browser")
        reached = service.run(run_id).step
        cable.plug_in()
        back = time.monotonic()
        wait_for(lambda: shown_step(page) > reached, "a later step on the page")
        waited = time.monotonic() - back
        expect(page.get_by_role("radio", name="3 min")).to_be_checked()
        assert f"run={run_id}" in page.url

        def learner(cookies: list[dict[str, str]]) -> list[str]:
            return [cookie["value"] for cookie in cookies if cookie["name"] == "llm_lessons_learner"]

        assert learner(page.context.cookies()) == learner(who) != []
        page.get_by_role("button", name="Stop").first.click()
        wait_for(lambda: service.run(run_id).state == "finished", "the stop")
    steps = [step for step, _ in losses(service.events(run_id, kinds=["step"]))]
    assert steps == list(range(1, len(steps) + 1))
    cable.pull_out()
    case["outcome"] = (
        f"the same page after {waited:.1f} s, {reached - began:,} steps further, with its settings and learner"
    )
