"""Text to tokens in a real browser: hostile texts stay text, keys and pointer light equal tokens, nothing overflows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from engine.tokenizer import official_encoding

from .conftest import Server, open_cold, screenshot, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PARTS = ("Text to tokens", "Two side by side", "Language tax", "Special tokens")
HOSTILE = "</textarea><script>alert(1)</script><img src=x onerror=alert(2)> a\u202eb\x00 e" + "\u0301" * 500
# Run on a strip's frame: every chip with its text and where it stands.
CHIPS = """frame => [...frame.querySelectorAll('button.chip')].map(chip => {
    const box = chip.getBoundingClientRect();
    return {text: chip.textContent, left: box.left, right: box.right, top: box.top, height: box.height};
})"""


def open_part(page: Page, server: Server, part: str) -> None:
    open_cold(page, f"{server.url}/tokenization?part={part.replace(' ', '+')}")
    expect(page.get_by_role("radio", name=part)).to_be_checked()


def type_text(page: Page, text: str) -> None:
    field = page.get_by_role("textbox", name="Text", exact=True)
    field.fill(text)
    field.press("Control+Enter")
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(f"{len(text):,}")
    wait_until_drawn(page)
    expect(page.locator(".frame[aria-busy]")).to_have_count(0)


def beyond(page: Page) -> list[int]:
    """How far the page scrolls sideways."""
    return page.evaluate(
        "() => [document.documentElement, document.querySelector('[data-testid=stMain]')]"
        ".map(each => each.scrollWidth - each.clientWidth)"
    )


def test_hostile_text_is_shown_as_text_and_has_the_ids_of_tiktoken(shared_server: Server, page: Page, tmp_path: Path):
    open_part(page, shared_server, PARTS[0])
    type_text(page, HOSTILE)
    encoding = official_encoding("gpt2")
    expected = encoding.encode(HOSTILE, disallowed_special=())
    expect(page.locator("button.chip")).to_have_count(len(expected))
    assert page.locator(".frame script, .frame img, .frame textarea").count() == 0
    expect(page.locator("button.chip", has_text="script").first).to_be_visible()
    with page.expect_download() as download:
        page.locator(".st-key-tokens-download button").first.click()  # by role it is sought among all chips
    target = tmp_path / "ids.json"
    download.value.save_as(target)
    assert json.loads(target.read_text("utf-8"))["ids"] == expected
    heights = [chip["height"] for chip in page.locator(".frame").evaluate(CHIPS)]
    assert max(heights) < 100, "marks spill out of a chip"
    assert beyond(page) == [0, 0]
    screenshot(page, "tokens-hostile")


def test_keys_move_through_the_tokens_and_equal_ones_light_up(shared_server: Server, page: Page):
    open_part(page, shared_server, PARTS[0])
    type_text(page, "the lion and the lion and the sea")
    chips = page.locator("button.chip")
    chips.first.focus()
    expect(chips.first).to_have_attribute("aria-label", "Token 1: “the”, id 1169, bytes 74 68 65, characters 0 to 3")
    page.keyboard.press("ArrowRight")
    expect(chips.nth(1)).to_be_focused()
    expect(page.locator(".tip.shown")).to_contain_text("text[3:8]")
    expect(page.locator(".tip.shown")).to_contain_text("20 6c 69 6f 6e")
    expect(page.locator(".chip.equal")).to_have_text([" lion", " lion"])
    page.keyboard.press("Escape")
    expect(page.locator(".tip.shown")).to_have_count(0)
    page.keyboard.press("End")
    expect(chips.last).to_be_focused()
    page.keyboard.press("Home")
    expect(chips.first).to_be_focused()
    assert chips.evaluate_all("all => all.filter(each => each.tabIndex === 0).length") == 1
    chips.nth(2).hover()
    expect(page.locator(".chip.equal")).to_have_text([" and", " and"])
    tints = chips.evaluate_all("all => all.map(each => each.style.getPropertyValue('--hue'))")
    assert tints[1] == tints[4] != tints[2]


@pytest.mark.soak
def test_a_clicked_token_is_kept_and_opens_its_inside(shared_server: Server, page: Page):
    open_part(page, shared_server, PARTS[0])
    type_text(page, "dreaming antelopes")
    chip = page.locator("button.chip", has_text="opes")
    chip.click()
    expect(chip).to_have_attribute("aria-current", "true")
    expect(page.get_by_text("text[14:18]").first).to_be_visible()
    page.get_by_role("button", name="Look inside").click()
    expect(page.get_by_role("radio", name="Inside a token")).to_be_checked()


def test_right_to_left_text_reads_from_the_right_and_an_override_moves_nobody_else(shared_server: Server, page: Page):
    open_part(page, shared_server, PARTS[0])
    type_text(page, "הים והיער\nabc \u202edef ghi")
    rows: dict[int, list[dict]] = {}
    for chip in page.locator(".frame").evaluate(CHIPS):
        rows.setdefault(round(chip["top"]), []).append(chip)
    hebrew, latin = rows[min(rows)], rows[max(rows)]
    assert [each["left"] for each in hebrew] == sorted((each["left"] for each in hebrew), reverse=True)
    assert [each["left"] for each in latin] == sorted(each["left"] for each in latin)
    assert any("RLO" in each["text"] for each in latin)


@pytest.mark.soak
def test_twenty_thousand_characters_are_drawn_and_an_edit_redraws_little(shared_server: Server, page: Page):
    open_part(page, shared_server, PARTS[0])
    text = ("The lion sleeps in the forest and dreams of the sea.\n" * 400)[:20_000]
    type_text(page, text)
    n_tokens = len(official_encoding("gpt2").encode(text))
    expect(page.locator("button.chip")).to_have_count(n_tokens)
    page.locator(".frame").evaluate("frame => frame.querySelectorAll('button.chip').forEach(each => { each.old = 1; })")
    type_text(page, text.replace("lion", "bear", 1))
    expect(page.locator("button.chip", has_text="bear").first).to_be_visible()
    new = page.locator(".frame").evaluate(
        "frame => [...frame.querySelectorAll('button.chip')].filter(each => !each.old).map(each => each.textContent)"
    )
    assert new == [" bear"]
