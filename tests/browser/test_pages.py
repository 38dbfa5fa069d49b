"""What pages remember, and what they say of an address that leads nowhere."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import Server, open_cold

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_settings_outlive_a_look_at_another_page(shared_server: Server, page: Page):
    open_cold(page, f"{shared_server.url}/pretraining")
    page.get_by_text("3 min", exact=True).click()
    expect(page.get_by_text("180 s").or_(page.get_by_text("3 min", exact=False)).first).to_be_visible()
    page.get_by_role("link", name="Generation").click()
    prompt = page.get_by_role("textbox", name="Prompt")
    prompt.fill("Once upon a time")
    prompt.press("Control+Enter")
    page.get_by_role("link", name="Pretraining").click()
    expect(page.get_by_role("radio", name="3 min")).to_be_checked()
    page.get_by_role("link", name="Generation").click()
    expect(page.get_by_role("textbox", name="Prompt")).to_have_value("Once upon a time")


@pytest.mark.soak
def test_an_unknown_run_in_the_address_is_explained(shared_server: Server, page: Page):
    for address in ("pretraining", "generation"):
        open_cold(page, f"{shared_server.url}/{address}?run=<img src=x onerror=alert(1)>")
        expect(page.get_by_text("The run in this address")).to_be_visible()
