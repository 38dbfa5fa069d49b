"""What only a browser can show of the lesson on scaling: a prediction revealed, and a price that is changed."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import Server, open_cold, screenshot

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_prediction_is_revealed_and_a_bill_follows_its_controls(shared_server: Server, page: Page):
    open_cold(page, f"{shared_server.url}/scaling")
    expect(page.get_by_text("Check the prediction")).to_be_visible()
    expect(page.get_by_test_id("stVegaLiteChart").locator("canvas, svg").first).to_be_visible()
    expect(page.get_by_text("Measured loss", exact=True)).to_have_count(0)
    page.get_by_text("Show what was measured", exact=True).click()
    expect(page.get_by_text("Measured loss", exact=True)).to_be_visible()
    expect(page.get_by_text("The prediction held")).to_be_visible()
    screenshot(page, "scaling")
    page.get_by_role("radio", name="What does it cost?").click()
    expect(page.get_by_text("$4.68 million", exact=True).first).to_be_visible()
    n_devices = page.get_by_role("spinbutton", name="How many of them")
    n_devices.fill("355")
    n_devices.press("Enter")
    expect(page.get_by_text("355 of them", exact=True)).to_be_visible()
