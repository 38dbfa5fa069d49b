"""The lesson on data in a browser: the text view, what survives a look elsewhere, and where a mixture goes."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import Server, open_cold, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PARTS = ("The text", "Zipf and Heaps", "Near-duplicates", "What GPT-3 read", "Tokens and words", "Mix your own")


INSIDE_ITS_BOX = """hit => {
  const [box, place] = [hit.closest('.box'), hit].map(each => each.getBoundingClientRect());
  return place.top >= box.top && place.bottom <= box.bottom;
}"""


def open_part(page: Page, part: str) -> None:
    page.get_by_role("radio", name=part, exact=True).click()
    wait_until_drawn(page)


def reading_place(page: Page):
    return page.get_by_role("slider", name="Where in the text you are reading")


@pytest.mark.soak
def test_a_hit_is_marked_and_the_strip_moves_through_the_text(shared_server: Server, page: Page):
    open_cold(page, f"{shared_server.url}/data?data-corpus=Stories")
    page.get_by_role("textbox", name="Search the text").fill("LION")
    current = page.locator("mark.current")
    expect(current).to_have_text("lion")
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.get_by_text("Hit 2 of")).to_be_visible()
    wait_until_drawn(page)
    expect(current).to_be_visible()
    assert current.evaluate(INSIDE_ITS_BOX)
    page.get_by_role("button", name="To validation").click()
    expect(reading_place(page)).to_have_attribute("aria-valuetext", "page 181 of 200")
    expect(page.get_by_text("Validation begins here")).to_be_visible()
    reading_place(page).press("ArrowRight")
    expect(reading_place(page)).to_have_attribute("aria-valuetext", "page 182 of 200")
    expect(page.get_by_role("spinbutton", name="Page of 200")).to_have_value("182")


def test_text_is_shown_as_text_in_its_own_direction(shared_server: Server, page: Page):
    open_cold(page, f"{shared_server.url}/data?data-corpus=My own text …")
    text = "<script>alert(1)</script></textarea> \u202e\nשלום עולם\n" + "a" + "\u0301" * 2_000
    page.get_by_role("textbox", name="… or paste a text").fill(text)
    page.get_by_role("textbox", name="… or paste a text").press("Control+Enter")
    expect(page.get_by_text("Read here: all of")).to_be_visible(timeout=20_000)
    wait_until_drawn(page)
    view = page.get_by_role("region", name="The text, page 1 of 1")
    expect(view).to_contain_text("<script>alert(1)</script></textarea>")
    expect(view.get_by_title("U+202E RIGHT-TO-LEFT OVERRIDE")).to_have_text("RLO")
    expect(view.get_by_title("1,992 more combining marks")).to_be_visible()


@pytest.mark.soak
def test_the_choice_of_text_outlives_a_part_and_a_page_without_it(shared_server: Server, page: Page):
    open_cold(page, f"{shared_server.url}/data?data-corpus=Phrasebook")
    open_part(page, "What GPT-3 read")
    page.get_by_role("link", name="Generation").click()
    expect(page.get_by_role("textbox", name="Prompt")).to_be_visible()
    page.get_by_role("link", name="Data", exact=True).click()
    open_part(page, "The text")
    expect(page.get_by_role("combobox", name="Text")).to_have_value("Phrasebook")


@pytest.mark.soak
def test_train_on_this_mix_opens_pretraining_with_its_weights(shared_server: Server, page: Page):
    open_cold(page, f"{shared_server.url}/data?part=Mix your own")
    page.get_by_role("button", name="Like GPT-3").click()
    expect(page.get_by_role("slider", name="BBC News")).to_have_attribute("aria-valuetext", "60")
    wait_until_drawn(page)
    page.get_by_role("button", name="Train on this mix").click()
    expect(page.get_by_role("heading", name="Pretraining")).to_be_visible()
    expect(page.get_by_text("59 % BBC News + 22 % Stories").first).to_be_visible()
