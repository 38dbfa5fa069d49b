"""The parts on BPE in a browser: playing without blinking, trees by keyboard, files that other libraries load."""

import json
import re
from urllib.parse import quote

import pytest
import tiktoken
import tokenizers
from playwright.sync_api import Page, expect
from tiktoken.load import load_tiktoken_bpe

from engine.tokenizer import load_tokenizer
from engine.tokenizer_export import split_pattern

from .conftest import Server, open_cold, wait_until_drawn

pytestmark = pytest.mark.browser
PARTS = ("Learn BPE", "Inside a token", "Vocabulary", "Vocabulary trade-off")
HELD_TEXT = "The lion's café — 12,345 Löwen 🦁\n\n\tأسد <script> 狮子 e\u0301 <|endoftext|> end  "


def open_part(page: Page, server: Server, part: str) -> None:
    open_cold(page, f"{server.url}/tokenization?part={quote(part)}")


def merges_made(page: Page) -> int:
    value = page.locator("[data-testid=stMetric]").filter(has_text="Merges made").locator("[data-testid=stMetricValue]")
    return int(value.inner_text().replace(",", ""))


@pytest.mark.soak
def test_play_goes_on_without_a_new_chart_and_pause_stops_it(shared_server: Server, page: Page):
    open_part(page, shared_server, "Learn BPE")
    charts = page.locator("[data-testid=stVegaLiteChart]")
    expect(charts).to_have_count(2)
    charts.evaluate_all("charts => charts.forEach(each => { each.firstElementChild.marked = true; })")
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-testid=stMetric]')].some(each =>"
        " /Merges made/.test(each.innerText) && +each.querySelector('[data-testid=stMetricValue]').innerText > 7)"
    )
    kept = charts.evaluate_all("charts => charts.map(each => each.firstElementChild.marked === true)")
    assert kept == [True, True], "a chart was built anew while playing"
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_role("button", name="Step", exact=True)).to_be_enabled()
    wait_until_drawn(page)
    stopped = merges_made(page)
    page.wait_for_timeout(1500)
    assert merges_made(page) == stopped
    # The controls follow, and quick presses lose no step.
    expect(page.get_by_role("spinbutton", name="Jump to merge")).to_have_value(str(stopped))
    for _ in range(3):
        page.get_by_role("button", name="Step", exact=True).click()
    expect(page.get_by_role("spinbutton", name="Jump to merge")).to_have_value(str(stopped + 3))
    expect(page.get_by_role("slider", name=re.compile("Merges made"))).to_have_value(str(stopped + 3))


@pytest.mark.soak
def test_the_tree_is_walked_and_opened_by_keyboard(shared_server: Server, page: Page):
    open_part(page, shared_server, "Inside a token")
    root = page.get_by_role("button", name=re.compile("“␣unbelievable” · id 24479"))
    root.focus()
    page.keyboard.press("ArrowDown")
    half = page.locator("button.node:focus")
    expect(half).to_have_attribute("aria-label", re.compile("“␣unbeliev”.*merge 20,299.*made of “␣unbel” and “iev”"))
    page.keyboard.press("ArrowRight")
    expect(page.locator("button.node:focus")).to_have_attribute("aria-label", re.compile("“able” · id 540"))
    page.keyboard.press("ArrowUp")
    expect(root).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_text("“␣unbeliev” · id 20,554 · merge 20,299 joined “␣unbel” and “iev”")).to_be_visible()
    expect(page.get_by_role("spinbutton", name="… or its id")).to_have_value("20554")


@pytest.mark.soak
def test_markup_in_a_word_stays_text(shared_server: Server, page: Page):
    open_part(page, shared_server, "Inside a token")
    field = page.get_by_role("textbox", name="A word, or a few")
    field.fill("<img src=x onerror=alert(1)>\u202e")
    field.press("Enter")
    wait_until_drawn(page)
    expect(page.locator(".steps .step").first.locator(".token")).to_have_count(31)
    assert page.locator(".steps img").count() == 0


@pytest.mark.soak
def test_a_row_of_the_vocabulary_leads_inside_its_token(shared_server: Server, page: Page):
    open_part(page, shared_server, "Vocabulary")
    field = page.get_by_role("textbox", name="Search")
    field.fill("␣the")
    field.press("Enter")
    wait_until_drawn(page)
    page.locator("[data-testid=stDataFrame]").first.click(position={"x": 16, "y": 35 + 17})
    expect(page.get_by_text("“␣the” · id")).to_be_visible()
    page.get_by_role("button", name="Look inside").click()
    expect(page.get_by_role("heading", name="The tree of one token")).to_be_visible()
    expect(page.get_by_text(re.compile("“␣the” · id .* joined “␣t” and “he”"))).to_be_visible()


@pytest.mark.soak
def test_the_downloads_give_the_ids_of_the_explorer_in_all_three_libraries(shared_server: Server, page: Page, tmp_path):
    open_part(page, shared_server, "Vocabulary")

    def download(button: str):
        with page.expect_download() as waiting:
            page.get_by_role("button", name=button).click()
        path = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(path)
        return path

    ours = load_tokenizer(download("JSON of this program"))
    ranks = load_tiktoken_bpe(str(download("Ranks for tiktoken")))
    encoding = tiktoken.Encoding(
        "mine", pat_str=split_pattern(ours), mergeable_ranks=ranks, special_tokens=ours.special_tokens
    )
    theirs = tokenizers.Tokenizer.from_file(str(download("tokenizer.json for Hugging Face")))
    theirs.encode_special_tokens = True
    # The explorer cuts the same text with the same tokenizer: BPE 1,000 learned on the stories.
    page.get_by_text("Text to tokens", exact=True).click()
    expect(page.get_by_role("textbox", name="Text", exact=True)).to_be_visible()
    wait_until_drawn(page)
    page.get_by_role("combobox", name=re.compile("Tokenizer")).click()
    page.get_by_role("option", name=re.compile("BPE learned")).click()
    wait_until_drawn(page)
    field = page.get_by_role("textbox", name="Text", exact=True)
    field.fill(HELD_TEXT)
    field.press("Control+Enter")
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(f"{len(HELD_TEXT):,}")
    wait_until_drawn(page)
    ids = json.loads(download("Ids").read_text())["ids"]
    assert ids == ours.encode(HELD_TEXT) == encoding.encode_ordinary(HELD_TEXT) == theirs.encode(HELD_TEXT).ids
