"""How long a page takes to answer a slider: every part of the lessons up to the inside of a model.

`script` is the run of the page's script after a move (Streamlit's own test driver, after two warm runs); `browser` is
what a real Chromium on the same machine sees, from the message that a slider was moved to the last message of the
rerun, so it also holds the time in which the page draws. The peer is a page with nothing but a title and a slider:
what Streamlit itself needs. A table is printed; nothing is asserted.
"""

from __future__ import annotations

import gc
import statistics
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, WebSocket
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.testing.v1 import AppTest

from engine.hub import adopt
from engine.open_models import models_folder
from engine.settings import Settings
from pages.shared.examples import example_run, example_translator
from tests.browser.conftest import browser, new_page, open_cold, parts_of, running_server, wait_until_drawn  # noqa: F401

PROJECT = Path(__file__).resolve().parents[2]
PARTS = {
    "data": ("The text", "Zipf and Heaps", "Near-duplicates", "What GPT-3 read", "Tokens and words", "Mix your own"),
    "tokenization": (
        "Text to tokens",
        "Two side by side",
        "Language tax",
        "Special tokens",
        "Learn BPE",
        "Inside a token",
        "Vocabulary",
        "Vocabulary trade-off",
    ),
    "embeddings": ("Windows", "A batch", "Look-up", "Positions", "Embedding space"),
    "attention": ("Maps", "Step by step", "What is this head doing?", "Watch it form"),
    "transformer": ("Size", "Through the model", "LayerNorm", "Activations", "Residual stream", "Logit lens"),
    "journey": ("",),
    "translation": ("Train it", "Translate", "Teacher forcing", "Greedy and beam", "Three families"),
}
PAGES = tuple(PARTS)
MOVES = 11


EMPTY_PAGE = """
import streamlit as st

st.title("An empty page")
st.slider("A slider", 0, 100, 50)
"""


# 144 tiles stand on the page, and the script has come to rest.
PAINTED = (
    "() => document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"
    " && [...document.querySelectorAll('[data-testid=stBidiComponentIsolated]')]"
    ".some(each => each.shadowRoot && each.shadowRoot.querySelectorAll('button').length >= 144)"
)


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
    slider = page.get_by_test_id("stSlider").get_by_role("slider").last
    at_the_left = slider.evaluate("each => (each.value ?? each.ariaValueNow) === (each.min ?? each.ariaValueMin)")
    times: list[float] = []
    for move in range(MOVES + 2):
        watch.began, watch.took = 0.0, None
        slider.focus()
        slider.press("ArrowLeft" if (move + at_the_left) % 2 == 0 else "ArrowRight")
        for waited in range(200):
            page.wait_for_timeout(50)
            if watch.took is not None or (not watch.began and waited > 40):
                break
        if watch.took is not None:
            times.append(watch.took)
        wait_until_drawn(page)
    return times[2:]


def script_times(app: AppTest) -> list[float]:
    """Milliseconds of each run of the script after moving the page's last slider, there and back."""
    times = []
    for move in range(MOVES + 2):
        if not _move(app, move):
            return []
        began = time.perf_counter()
        try:
            app.run()
        except (KeyError, ValueError):  # the test driver cannot move a slider whose choices are formatted
            return []
        times.append(1000 * (time.perf_counter() - began))
        assert not app.exception
    return times[2:]


def _move(app: AppTest, move: int) -> bool:
    for slider in [each for each in app.slider if not each.disabled][-1:]:
        step = slider.step or 1
        up = move % 2 == 0 and slider.value + step <= slider.max
        slider.set_value(slider.value + step if up else max(slider.value - step, slider.min))
        return True
    single = [each for each in app.select_slider if not each.disabled and not isinstance(each.value, (list, tuple))]
    for chosen in single[-1:]:
        chosen.set_value(chosen.options[len(chosen.options) // 2 + move % 2])
    return bool(single)


def report(rows: list[tuple[str, str, list[float]]]) -> None:
    print(f"\n{'page':14} {'part':22} {'median ms':>10} {'worst ms':>9}")
    for name, part, times in rows:
        print(f"{name:14} {part:22} {statistics.median(times):10.0f} {max(times):9.0f}", flush=True)


@pytest.mark.timeout(900)
def test_script_of_a_rerun(benchmark, tmp_path, monkeypatch):
    monkeypatch.setenv("LLM_LAB_HOME", str(tmp_path))
    monkeypatch.setenv("LLM_LAB_SERVE", "0")
    assert example_run() and example_translator()  # models for the parts that look into one
    empty = AppTest.from_string(EMPTY_PAGE).run()
    rows = [("(peer)", "an empty page", script_times(empty))]
    for name in PAGES:
        for part in PARTS[name]:
            app = AppTest.from_file(str(PROJECT / "pages" / f"{name}.py"), default_timeout=120)
            app.session_state["part"] = part
            app.run()
            gc.collect()
            gc.freeze()  # as app.py does, and as Streamlit's setting in config.toml does for a server
            if times := script_times(app):
                rows.append((name, part, times))
    report(rows)
    benchmark.extra_info.update({f"{name} {part}": statistics.median(times) for name, part, times in rows})
    benchmark.pedantic(empty.run, rounds=5)


@pytest.mark.browser
@pytest.mark.timeout(900)
def test_rerun_in_the_browser(benchmark, browser, tmp_path):  # noqa: F811
    rows = [("(peer)", "an empty page", peer_times(browser, tmp_path))]
    home = tmp_path / "home"
    home.mkdir()
    with running_server(home) as server, new_page(browser, 1440, "light") as page:
        watch = Stopwatch(page)
        for name in PAGES:
            open_cold(page, f"{server.url}/{name}")
            for part in parts_of(page) or [""]:
                if part:
                    page.get_by_role("radio", name=part, exact=True).click()
                page.wait_for_timeout(500)
                wait_until_drawn(page)
                if page.get_by_test_id("stSlider").count():
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


@pytest.mark.browser
@pytest.mark.timeout(900)
def test_all_heads_of_a_model_of_gpt2_size(benchmark, browser, tmp_path):  # noqa: F811
    """12 × 12 heads on 128 tokens: choosing the view until all small maps are painted, and every rerun thereafter."""
    from transformers import GPT2Config, GPT2LMHeadModel

    folder, home = tmp_path / "gpt2-random", tmp_path / "home"
    GPT2LMHeadModel(GPT2Config()).save_pretrained(folder)  # its size; the weights are random, the arithmetic the same
    home.mkdir()
    adopt(folder, models_folder(Settings.at(home)))
    text = " the lion sees the forest" * 26  # 5 tokens each
    rows = []
    with running_server(home) as server, new_page(browser, 1440, "light") as page:
        watch = Stopwatch(page)
        open_cold(page, f"{server.url}/attention?run=open:gpt2-random")
        field = page.get_by_role("textbox", name="Your sentence")
        field.fill(text)
        field.press("Control+Enter")
        wait_until_drawn(page)
        slider = page.get_by_role("slider", name="Tokens", exact=False).first
        slider.focus()
        for _ in range(64):
            slider.press("ArrowRight")
        wait_until_drawn(page)
        page.wait_for_timeout(3000)
        began = time.perf_counter()
        page.get_by_role("radio", name="All heads").click()
        page.wait_for_function(PAINTED, timeout=60_000)
        rows.append(("12 × 12 × 128²", "first showing", [1000 * (time.perf_counter() - began)]))
        wait_until_drawn(page)
        for view in ("One head", "All heads"):
            times = []
            for move in range(6):
                watch.began, watch.took = 0.0, None
                name = view if move % 2 else "Arcs"
                began = time.perf_counter()
                page.get_by_role("radio", name=name, exact=True).click()
                if name == "All heads":
                    page.wait_for_function(PAINTED)
                else:
                    page.wait_for_timeout(20)
                    wait_until_drawn(page)
                if name == view:
                    times.append(1000 * (time.perf_counter() - began))
                page.wait_for_timeout(500)
            rows.append(("12 × 12 × 128²", view, times))
    report(rows)
    benchmark.pedantic(lambda: None, rounds=1)
