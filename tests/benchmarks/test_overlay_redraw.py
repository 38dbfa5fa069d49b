"""How long a browser takes from a click to the redrawn overlay of eight runs of 2,000 points each."""

from __future__ import annotations

import statistics
from pathlib import Path

from playwright.sync_api import sync_playwright

from engine.runs.service import RunService
from engine.settings import Settings
from tests.benchmarks.overlay_runs import record_runs
from tests.browser.conftest import FLAGS, running_server
from tests.browser.find_browser import find_browser

N_CLICKS = 12

# Milliseconds from a click until the chart's drawing (an SVG) has changed for the last time within a second and a half.
WATCH = """() => {
  window.redraws = [];
  let began = null, changed = null;
  const chart = document.querySelector("[data-testid=stVegaLiteChart]").parentElement;
  new MutationObserver(() => { changed = performance.now(); })
    .observe(chart, { subtree: true, childList: true, attributes: true, characterData: true });
  document.addEventListener("pointerdown", () => {
    began = performance.now();
    changed = null;
    setTimeout(() => window.redraws.push(changed === null ? null : changed - began), 1500);
  }, true);
}"""


def test_an_overlay_is_redrawn_in_the_browser(benchmark, tmp_path: Path) -> None:
    service = RunService(Settings.at(tmp_path), start=False)
    record_runs(service, 8, 2_000)
    service.close()
    script = Path(__file__).with_name("overlay_page.py")
    with running_server(tmp_path, script) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.goto(server.url)
        page.wait_for_selector("[data-testid=stVegaLiteChart] svg", timeout=60_000)
        page.wait_for_timeout(2_000)
        page.evaluate(WATCH)
        for n in range(N_CLICKS):
            page.get_by_text(("seconds", "step")[n % 2], exact=True).click()
            page.wait_for_timeout(2_000)
        found = page.evaluate("() => window.redraws")
        browser.close()
    measured = [each for each in found if each is not None]
    benchmark.extra_info["redraw_ms"] = measured
    benchmark.pedantic(lambda: None, rounds=1)
    print(f"\nredraw: median {statistics.median(measured):.0f} ms, largest {max(measured):.0f} ms of {len(measured)}")
