"""Every page as a first visitor meets it: a cold deep link, wide and narrow, light and dark; what pages remember."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from pages.shared.sitemap import lessons

from .conftest import Server, new_page, open_cold, screenshot

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ADDRESSES = [lesson.url_path for lesson in lessons()]


@pytest.fixture(scope="module", params=["light", "dark"])
def wide_and_narrow(browser: Browser, request: pytest.FixtureRequest) -> Iterator[tuple[str, list[tuple[int, Page]]]]:
    """A wide and a narrow window of one colour scheme; every address opened in them begins a new session."""
    with new_page(browser, 1440, request.param) as wide, new_page(browser, 390, request.param) as narrow:
        yield request.param, [(1440, wide), (390, narrow)]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_opens_as_a_cold_deep_link_and_fits_its_width(shared_server: Server, wide_and_narrow, address: str):
    scheme, visitors = wide_and_narrow
    for width, page in visitors:
        open_cold(page, f"{shared_server.url}/{address}")
        if width == 1440:
            for lesson in lessons():
                expect(page.get_by_role("link", name=lesson.title, exact=True)).to_be_visible()
        beyond = page.evaluate(
            "() => [document.documentElement, document.querySelector('[data-testid=stMain]')]"
            ".map(each => each.scrollWidth - each.clientWidth)"
        )
        assert beyond == [0, 0], f"{address} scrolls sideways at {width} pixels: {beyond}"
        screenshot(page, f"page-{address}-{width}-{scheme}")


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


def test_an_unknown_run_in_the_address_is_explained(shared_server: Server, page: Page):
    for address in ("pretraining", "generation"):
        open_cold(page, f"{shared_server.url}/{address}?run=<img src=x onerror=alert(1)>")
        expect(page.get_by_text("The run in this address")).to_be_visible()
