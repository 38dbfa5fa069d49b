"""What only a browser can show of attention maps: a canvas read by pointer and keys, and a head chosen in the grid."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from .conftest import Server, open_cold, screenshot, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.soak
def test_a_row_is_read_and_locked_by_pointer_or_keys_and_a_small_map_opens_its_head(shared_server: Server, page: Page):
    open_cold(page, f"{shared_server.url}/attention")
    board = page.get_by_role("application", name=re.compile("Arrow keys read the weights"))
    box = board.bounding_box()
    assert box
    board.hover(position={"x": 2, "y": box["height"] - 2})  # the last row, the first column
    expect(page.locator(".readout")).to_have_text(re.compile(r"^\d+ “.+” → 0 “.+”: [01]\.\d{3}$"))
    board.hover(position={"x": box["width"] - 2, "y": 2})
    expect(page.locator(".readout")).to_have_text(re.compile("masked, it comes later$"))
    board.click(position={"x": 2, "y": box["height"] - 2})
    locked = page.locator(".largest")
    expect(locked).to_contain_text("Locked:")
    weights = [float(text) for text in locked.locator(".number").all_inner_texts()]
    assert weights == sorted(weights, reverse=True) and 0.3 < sum(weights) <= 1.01
    board.focus()
    for key in ("Home", "PageUp", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(locked).to_contain_text("Locked: 2 ")
    wait_until_drawn(page)
    screenshot(page, "attention-locked")
    page.get_by_role("radio", name="All heads").click()
    tile = page.get_by_role("button", name=re.compile("Layer 2, head 3"))
    tile.click()
    wait_until_drawn(page)
    page.get_by_role("radio", name="One head").click()
    expect(page.get_by_role("radio", name="3", exact=True)).to_be_checked()
    expect(board).to_be_visible()
