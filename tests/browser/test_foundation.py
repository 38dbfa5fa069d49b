"""What only a browser can show of the lesson on the foundation model: a press on a token, and one that stops."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from .conftest import Server, open_cold, screenshot, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.soak
def test_a_token_shows_what_it_was_drawn_from_and_a_measuring_can_be_stopped(shared_server: Server, page: Page):
    open_cold(page, f"{shared_server.url}/foundation")
    tokens = page.get_by_role("group", name="The text").get_by_role("button")
    expect(tokens.nth(1)).to_be_visible()
    tokens.last.click()
    expect(page.get_by_text("In the text stands")).to_be_visible()
    wait_until_drawn(page)
    screenshot(page, "foundation-token")
    page.get_by_role("radio", name="When do they appear?", exact=True).click()
    begin = re.compile("Measure all checkpoints|Go on measuring")  # another test may have begun on this server
    page.get_by_role("button", name=begin).click()
    page.get_by_test_id("stMain").get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Go on", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name=begin)).to_have_count(0)  # one button that goes on, and it does
    page.get_by_role("button", name="Go on", exact=True).click()
    expect(page.get_by_test_id("stProgress")).to_be_visible()
    page.get_by_test_id("stMain").get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Go on", exact=True)).to_be_visible()
    expect(page.get_by_text("What to notice")).to_be_visible()
