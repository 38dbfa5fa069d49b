"""What a learner has done is kept by the browser's key: only a real browser has cookies."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from pages.shared.viewer import COOKIE

from .conftest import Server, open_cold, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_step_that_is_done_is_so_after_a_reload_and_a_broken_key_is_replaced(shared_server: Server, page: Page):
    page.context.add_cookies([{"name": COOKIE, "value": "not-a-key", "url": shared_server.url}])
    open_cold(page, f"{shared_server.url}/progress")
    page.wait_for_function("name => new RegExp(`${name}=[0-9a-f]{32}`).test(document.cookie)", arg=COOKIE)
    open_cold(page, f"{shared_server.url}/generation")
    page.get_by_text("Your way through the lesson").click()
    page.get_by_role("button", name="Done", exact=True).first.click()
    expect(page.get_by_text("1 of 5 steps done")).to_be_visible()
    open_cold(page, f"{shared_server.url}/generation")
    expect(page.get_by_text("1 of 5 steps done")).to_be_visible()
    wait_until_drawn(page)
