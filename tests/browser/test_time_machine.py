"""What only a browser can show of the time machine: the slider's keys, and the clocks of play and replay."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from .conftest import Server, open_cold, screenshot

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.soak
def test_the_arrow_keys_move_time_and_playing_stops_at_the_end(shared_server: Server, page: Page):
    open_cold(page, f"{shared_server.url}/pretraining?part=Time+machine")
    bar = page.locator(".st-key-time-bar")
    slider = page.get_by_role("slider", name="Checkpoint")
    expect(bar).to_contain_text("Step 8,000 of 8,000", timeout=40_000)
    sample = page.get_by_text("the same dice at every checkpoint")
    slider.press("ArrowLeft")
    expect(bar).to_contain_text("Step 4,096 of 8,000")
    expect(sample).to_contain_text("at step 4,096")
    expect(page.locator(".lens_table, .frame table").first).to_be_visible()
    bar.get_by_role("button", name="Play", exact=True).click()
    expect(bar).to_contain_text(re.compile("Step 8,000 of 8,000"))
    expect(bar.get_by_role("button", name="Play", exact=True)).to_be_visible()  # it has stopped by itself
    expect(slider).to_have_attribute("aria-valuetext", "step 8,000")
    screenshot(page, "pretraining-time-machine", full=False)
    page.get_by_role("radio", name="Replay").click()
    page.get_by_role("radio", name="×200").click()
    page.get_by_test_id("stMain").get_by_role("button", name="Play", exact=True).last.click()
    expect(page.get_by_test_id("stMetric").first).not_to_contain_text(re.compile(r"Step\s*0$"))
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_role("slider", name="Second of training")).to_be_visible()
