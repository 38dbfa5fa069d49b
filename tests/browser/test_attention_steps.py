"""What only a browser can show of a head computed by hand and of its maps over training."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import Server, open_cold, screenshot, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_cell_is_chosen_by_pointer_or_keys_and_a_changed_query_moves_its_row(shared_server: Server, page: Page):
    open_cold(page, f"{shared_server.url}/attention?part=Step+by+step")
    cell = page.get_by_role("button", name="query “␣in” (3), key “␣lion” (1):")
    cell.click()
    expect(page.get_by_text("Query “␣in” (3), key “␣lion” (1)", exact=True)).to_be_visible()
    cell.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Query “␣the” (4), key “␣lion” (1)", exact=True)).to_be_visible()
    wait_until_drawn(page)
    page.get_by_role("slider", name="q[4, 0]").press("End")
    expect(page.get_by_text("rows are the same to the bit")).to_be_visible()
    before, after = (page.get_by_role("button", name=f"row {name}, key “␣lion” (1):") for name in ("before", "after"))
    assert before.get_attribute("aria-label") != after.get_attribute("aria-label", timeout=5_000)
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("button", name="query “␣in” (3), key “␣the” (4): −∞, masked")).to_be_visible()
    screenshot(page, "attention-steps")


@pytest.mark.soak
def test_a_small_map_moves_the_checkpoint(shared_server: Server, page: Page):
    open_cold(page, f"{shared_server.url}/attention?part=Watch+it+form")
    small = page.get_by_role("button", name="step 0")
    small.click()
    expect(small).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("slider", name="Checkpoint")).to_have_attribute("aria-valuetext", "step 0 · loss 8.32")
    small.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_text("at step 128:").first).to_be_visible()
