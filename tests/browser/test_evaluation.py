"""What a press does on the page of evaluation."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from .conftest import Server, open_cold, screenshot, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_token_is_pressed_and_walked_through_and_the_card_opens_sealed_off(shared_server: Server, page: Page):
    open_cold(page, f"{shared_server.url}/evaluation")
    tokens = page.get_by_role("group", name=re.compile("Your sentence; press a token")).get_by_role("button")
    tokens.nth(2).click()
    expect(tokens.nth(2)).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("combobox", name=re.compile("The token that is predicted"))).to_have_value(
        re.compile("^2: ")
    )
    tokens.nth(2).focus()
    page.keyboard.press("ArrowRight")
    expect(tokens.nth(3)).to_be_focused()
    expect(page.locator(".tip.shown")).to_have_text(re.compile(r"^“.+” · surprise \d+\.\d bits$"))
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("sum to 100 %")).to_be_visible()
    page.get_by_role("radio", name="Report card", exact=True).click()
    paper = page.frame_locator("iframe[title='The report card of the run']")
    expect(paper.get_by_role("heading", name="All settings")).to_be_attached()
    assert page.locator("iframe[title='The report card of the run']").get_attribute("sandbox") == ""
    wait_until_drawn(page)
    screenshot(page, "evaluation-card")
