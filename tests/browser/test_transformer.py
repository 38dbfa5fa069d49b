"""What only a browser can show of the anatomy: the drawing, the lens as a table of buttons."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from .conftest import Server, open_cold, screenshot, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# What stands on the page once a part has been drawn.
DRAWN = {
    "Size": "canvas, svg.marks",
    "Through the model": "svg.map .op",
    "LayerNorm": ".strip .cell",
    "Activations": "canvas, svg.marks",
    "Residual stream": "canvas, svg.marks",
    "Logit lens": "button.cell",
}


def open_part(page: Page, server: Server, part: str) -> None:
    open_cold(page, f"{server.url}/transformer?part={part.replace(' ', '+')}")
    expect(page.get_by_text("What to notice")).to_be_visible()
    expect(page.locator(DRAWN[part]).first).to_be_visible()


def test_the_drawing_leads_through_the_model_by_mouse_and_keyboard(shared_server: Server, page: Page):
    open_part(page, shared_server, "Through the model")
    page.get_by_role("button", name="Scores, ").first.click()
    expect(page.get_by_role("heading", name="Scores · Attention, layer 1")).to_be_visible()
    shape = re.compile(r"^Scores, (\d+) × (\d+) × \2, Attention$")  # heads × tokens × tokens
    expect(page.locator(".op[aria-current=true]")).to_have_attribute("aria-label", shape)
    page.locator(".op[aria-current=true]").press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Softmax · Attention, layer 1")).to_be_visible()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("heading", name="Weighted sum · Attention, layer 1")).to_be_visible()
    wait_until_drawn(page)
    screenshot(page, "anatomy-through")


@pytest.mark.soak
def test_a_column_of_the_lens_is_followed_and_a_size_outlives_another_page(shared_server: Server, page: Page):
    open_part(page, shared_server, "Logit lens")
    cell = page.locator("button.cell[data-row='2'][data-column='4']")
    cell.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="Follow the token")).to_have_value("4: “␣the”")
    expect(page.locator(".readout", has_text="layer 1, behind “␣the” at 4")).to_be_visible()
    page.get_by_role("radio", name="Size").click()
    page.get_by_role("slider", name="Layers").press("ArrowRight")
    expect(page.get_by_text("Changed from GPT-2 small: layers 12 → 13.")).to_be_visible()
    page.get_by_role("link", name="Generation").click()
    expect(page.get_by_role("textbox", name="Prompt")).to_be_visible(timeout=20_000)
    page.get_by_role("link", name="Anatomy").click()
    expect(page.get_by_text("Changed from GPT-2 small: layers 12 → 13.")).to_be_visible(timeout=20_000)
