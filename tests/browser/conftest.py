"""A real server and a real browser. Screenshots are kept in artifacts/screenshots."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

expect.set_options(timeout=15_000)  # five seconds are short on a busy machine
PROJECT = Path(__file__).resolve().parents[2]
SCREENSHOTS = PROJECT / "artifacts" / "screenshots"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The walk over all pages, which takes longest, begins first; the lessons' own tests come last, file by file, so
    that no worker is left alone with them.
    """
    browser = [item for item in items if item.get_closest_marker("browser")]
    walked, played = [], []
    for item in browser:
        (walked if "test_every_page" in item.nodeid else played).append(item)
    for item in played:
        item.add_marker(pytest.mark.xdist_group(item.path.stem))
    items[:] = [*walked, *(item for item in items if item not in browser), *played]


@dataclass
class Server:
    """The running app: where it listens, where it keeps its data, what it logs."""

    url: str
    home: Path
    log: Path
    process: subprocess.Popen[bytes]


@pytest.fixture
def server(data_home: Path) -> Iterator[Server]:
    """A fresh server with a data folder of its own."""
    with running_server(data_home) as server:
        yield server


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all checks that do not disturb each other."""
    with running_server(tmp_path_factory.mktemp("shared-home")) as server:
        yield server


@contextmanager
def running_server(home: Path, script: Path | str = "app.py") -> Iterator[Server]:
    """The app (or another script) on a free port; a traceback in its log fails the test."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = home / "server.log"
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless", "true"]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env={**os.environ, "LLM_LAB_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_healthy(url, process, log)
        yield Server(url, home, log, process)
    finally:
        process.terminate()
        process.wait(30)
    text = log.read_text("utf-8", "replace")
    assert "Traceback" not in text, text


def wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text("utf-8", "replace")
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    pytest.fail(f"the server at {url} did not answer: {log.read_text('utf-8', 'replace')}")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page 1440 pixels wide; any uncaught error in it fails the test."""
    with new_page(browser, 1440, "light") as page:
        yield page


@contextmanager
def new_page(browser: Browser, width: int, scheme: Literal["light", "dark"]) -> Iterator[Page]:
    """A new visitor; any uncaught error in the page and any dialog fails the test."""
    context = browser.new_context(viewport={"width": width, "height": 1000}, color_scheme=scheme, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(30_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: (errors.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    yield page
    context.close()
    assert not errors, errors


def open_cold(page: Page, url: str) -> None:
    """Go to an address and wait until its script has run and everything is drawn."""
    page.goto(url)
    page.wait_for_selector("h1", timeout=60_000)
    wait_until_drawn(page)


def wait_until_drawn(page: Page) -> None:
    """Wait until the script rests and nothing on the page is left from before."""
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
        " && !document.querySelector('[data-testid=stSkeleton], [data-stale=true]')",
        timeout=60_000,
    )


def parts_of(page: Page) -> list[str]:
    """The titles by which the parts of the open lesson are chosen; none of a lesson in one piece."""
    group = page.get_by_role("radiogroup", name="Part of the lesson")
    return [radio.inner_text().strip() for radio in group.get_by_role("radio").all()] if group.count() else []


def screenshot(page: Page, name: str, *, full: bool = True) -> None:
    """Keep what the page looks like now: all of it (which takes a second or two), or what fits the window."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    size = page.viewport_size
    if full and size:  # Streamlit scrolls inside the window: make the window as tall as what it shows
        height = page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollHeight")
        page.set_viewport_size({"width": size["width"], "height": max(size["height"], min(height, 6000))})
    page.screenshot(path=SCREENSHOTS / f"{name}.png")
    if full and size:
        page.set_viewport_size(size)
