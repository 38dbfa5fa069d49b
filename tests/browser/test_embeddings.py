"""What only a browser can show of windows, batches and the map of tokens."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import Server, open_cold, screenshot, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# What stands on the page once the component of a part has been drawn.
DRAWN = {
    "Windows": ".pairs > .chip",
    "A batch": ".passage .here",
    "Look-up": ".strip .cell",
    "Positions": ".board canvas",
    "Embedding space": "button.row",
}


def open_part(page: Page, server: Server, part: str) -> None:
    open_cold(page, f"{server.url}/embeddings?part={part.replace(' ', '+')}")
    expect(page.get_by_text("What to notice")).to_be_visible()
    expect(page.locator(DRAWN[part]).first).to_be_visible()


def pairs(page: Page) -> tuple[list[str], list[str]]:
    """Texts of the input row and of the target row."""
    cells = page.locator(".pairs > .chip").all_inner_texts()
    return cells[0::2], cells[1::2]


def test_choosing_windows_shows_targets_shifted_by_one(shared_server: Server, page: Page):
    open_part(page, shared_server, "Windows")
    inputs, targets = pairs(page)
    assert targets[:-1] == inputs[1:]
    slider = page.get_by_role("slider", name="Window", exact=True)
    slider.press("ArrowRight")
    expect(page.get_by_text("Window 2 of 18, from token 5")).to_be_visible()
    later, _ = pairs(page)
    assert later[:4] == inputs[4:]  # context 8, stride 4: half of the window is seen again
    page.get_by_role("button", name="Window 3: tokens 9 to 16").click()
    expect(page.get_by_text("Window 3 of 18, from token 9")).to_be_visible()
    assert page.locator(".task").count() == 8
    page.get_by_role("group", name="How often each token is an input").press("End")
    expect(page.get_by_text("Token 80,")).to_be_visible()
    screenshot(page, "embeddings-windows")


@pytest.mark.soak
def test_settings_outlive_a_look_at_another_page(shared_server: Server, page: Page):
    open_part(page, shared_server, "Windows")
    stride = page.get_by_role("slider", name="Stride (tokens)")
    stride.press("ArrowRight")
    expect(page.get_by_text("15 windows in 80 tokens")).to_be_visible(timeout=20_000)
    page.get_by_role("link", name="Generation").click()
    expect(page.get_by_role("textbox", name="Prompt")).to_be_visible(timeout=20_000)
    page.get_by_role("link", name="Windows and embeddings").click()
    expect(page.get_by_text("15 windows in 80 tokens")).to_be_visible(timeout=20_000)


@pytest.mark.soak
def test_a_cell_of_a_batch_leads_back_to_its_passage(shared_server: Server, page: Page):
    open_part(page, shared_server, "A batch")
    cell = page.get_by_role("button", name="Row 1, position 2:")
    cell.click()
    chosen = cell.inner_text()
    expect(page.locator(".passage .here")).to_have_text(chosen.replace("␣", " ").replace("↵", "\n"))
    assert page.locator(".passage .inside").count() == 8
    cell.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Row 2, position 2:").first).to_be_visible()


@pytest.mark.soak
def test_a_neighbour_and_a_point_of_the_map_can_be_chosen(shared_server: Server, page: Page):
    open_part(page, shared_server, "Embedding space")
    token = page.get_by_role("combobox", name="Token")
    expect(token).to_have_value("“␣lion”")
    first = page.locator("button.row").first
    name = first.locator(".text").inner_text()
    first.press("Enter")
    expect(token).to_have_value(f"“{name}”")
    wait_until_drawn(page)
    assert page.locator(".point").count() == 600
    before = token.input_value()
    page.locator(".point.near path").first.click(force=True)  # whichever point lies on top there
    expect(token).not_to_have_value(before)
    wait_until_drawn(page)
    page.get_by_role("button", name="Zoom in").click()
    expect(page.locator("svg.zoomed")).to_be_visible()
    screenshot(page, "embeddings-space")
