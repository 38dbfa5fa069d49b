"""The main story, played by a browser: train on Shakespeare, refresh in the middle, write with that very model."""

import re

import pytest
from playwright.sync_api import Page, expect

from .conftest import Server, screenshot

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]


def progress(page: Page) -> tuple[int, int]:
    """Step and total of the run panel."""
    text = page.get_by_text(re.compile(r"step [\d,]+ of [\d,]+")).first.inner_text()
    step, total = re.search(r"step ([\d,]+) of ([\d,]+)", text).groups()
    return int(step.replace(",", "")), int(total.replace(",", ""))


def wait_for_steps(page: Page, more_than: int) -> int:
    """Wait until the run that is training now has made more steps; the example on the page is finished."""
    for _ in range(600):
        if page.get_by_text(re.compile(r"Training · step [\d,]+ of")).count() and progress(page)[0] > more_than:
            return progress(page)[0]
        page.wait_for_timeout(100)
    raise AssertionError(f"no step after {more_than}")


def test_train_refresh_and_generate(server: Server, page: Page):
    # A deep link as the first request of a cold server must find the whole app around the page.
    page.goto(f"{server.url}/pretraining")
    expect(page.get_by_role("heading", name="Pretraining")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("link", name="Generation")).to_be_visible()

    page.get_by_text("All settings").click()
    page.get_by_role("tab", name="Training").click()
    seconds = page.get_by_label("Seconds", exact=True)
    seconds.fill("40")
    seconds.press("Enter")
    expect(page.get_by_text(re.compile(r"about 40 s on one core"))).to_be_visible()
    page.get_by_text("All settings").click()
    page.get_by_role("button", name="Train", exact=True).click()

    before = wait_for_steps(page, 3)
    run = re.search(r"run=([0-9a-f]{16})", page.url).group(1)
    screenshot(page, "story-1-training")

    page.reload()
    expect(page.get_by_role("button", name="Pause")).to_be_enabled(timeout=60_000)
    after = wait_for_steps(page, before)
    assert after > before
    assert f"run={run}" in page.url

    expect(page.get_by_text("Finished").first).to_be_visible(timeout=120_000)
    step, total = progress(page)
    assert step == total
    expect(page.get_by_text("What it writes")).to_be_visible()
    expect(page.get_by_text(f"After step {total:,}.")).to_be_visible()
    screenshot(page, "story-2-trained")
    expect(page.get_by_text(f"After step {total:,}.")).to_be_visible()

    with page.expect_download() as download:
        page.get_by_role("button", name="Record as CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert len([line for line in lines if line.strip()]) > total

    page.get_by_role("link", name="Generation").click()
    expect(page.get_by_role("textbox", name="Prompt")).to_have_value("The lion is in the")
    page.get_by_role("button", name="Write on").click()
    expect(page.get_by_text("Which token next?")).to_be_visible()
    expect(page.get_by_role("button", name="Back one")).to_be_enabled(timeout=60_000)
    screenshot(page, "story-3-generation")
