"""What only a browser can show of the whole way: choices inside the figure and a training followed in place."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from engine.runs.recipes import recipe_config
from engine.runs.service import RunService
from engine.settings import Settings

from .conftest import Server, open_cold, screenshot, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TITLES = ["Bytes", "Merges", "Ids", "Vectors", "One head", "Residual stream", "Logits", "The next token"]


def open_journey(page: Page, server: Server, query: str = "") -> None:
    open_cold(page, f"{server.url}/journey{query}")
    expect(page.locator("section.station")).to_have_count(8, timeout=30_000)


@pytest.mark.soak
def test_a_press_inside_the_figure_chooses_a_word_a_head_and_the_next_token(shared_server: Server, page: Page):
    open_journey(page, shared_server, "?prompt=The+lion+sees+the")
    assert page.locator("h2.station-title > span:last-child").all_inner_texts() == TITLES
    page.get_by_role("button", name="␣sees", exact=True).click()
    expect(page.locator("section.merges .sentence")).to_contain_text("“␣sees” begins as 5 bytes", timeout=20_000)
    page.get_by_role("button", name="Layer 1, head 2:").click()
    expect(page.locator("section.head .sentence")).to_contain_text("In layer 1, head 2", timeout=20_000)
    box = page.get_by_role("textbox", name="Pinned prompt")
    first = page.locator("section.next button.row").first
    token = first.locator("bdi").inner_text().replace("␣", " ")
    n_tokens = page.locator(".prompt-tokens bdi").count()
    first.click()
    expect(box).to_have_value(f"The lion sees the{token}", timeout=20_000)
    expect(page.locator(".prompt-tokens bdi")).to_have_count(n_tokens + 1, timeout=20_000)
    page.get_by_role("link", name="Generation", exact=True).click()
    expect(page.get_by_role("button", name="Write on")).to_be_visible(timeout=20_000)
    page.get_by_role("link", name="One prompt, whole way").click()
    expect(page.get_by_role("textbox", name="Pinned prompt")).to_have_value(f"The lion sees the{token}", timeout=20_000)
    expect(page.locator("section.head .sentence")).to_contain_text("In layer 1, head 2", timeout=20_000)
    page.get_by_role("button", name="Undo").click()
    expect(box).to_have_value("The lion sees the", timeout=20_000)
    wait_until_drawn(page)
    screenshot(page, "journey")
    page.locator("section.head button.lesson").click()
    expect(page).to_have_url(re.compile("/attention"))


def test_a_training_is_followed_to_its_end_in_place(shared_server: Server, page: Page):
    open_journey(page, shared_server)
    page.evaluate("() => { window.chart = document.querySelector('.stVegaLiteChart canvas, .stVegaLiteChart svg'); }")
    station = page.locator("section.station").first.element_handle()
    service = RunService(Settings.at(shared_server.home), start=False)
    config = recipe_config(
        "30s",
        "stories",
        n_chars=40_000,
        vocab_size=300,
        model={"n_layers": 1, "n_heads": 2, "d_model": 32, "context_length": 16},
        training={"steps": None, "seconds": 4.0, "evaluations": 3, "batch_size": 4},
    )
    run_id = service.submit(config, "followed")
    try:
        expect(page.get_by_text(re.compile("Training · followed"))).to_be_visible(timeout=60_000)
        step = page.locator(".fact dd").first
        expect(page.get_by_text(re.compile("Finished · followed"))).to_be_visible(timeout=60_000)
        expect(step).to_have_text(f"{service.run(run_id).step:,}")
        expect(page.get_by_role("button", name="Train one now, 1 minute")).to_be_visible()
        assert station.evaluate("each => each.isConnected"), "the stations were built anew"
        assert page.evaluate("() => window.chart.isConnected"), "the chart was built anew"
    finally:
        service.delete(run_id)  # other tests expect the example to be the newest model
        service.close()
