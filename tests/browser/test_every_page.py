"""Every page as a first visitor meets it, wide and light, then narrow and dark; under `make soak` every part of it.

Each is looked at for its width, by axe (Deque's rule engine for WCAG, shipped inside axe-playwright-python, so nothing
is fetched), and kept as a screenshot. A lesson's own tests need not do this again.
"""

from __future__ import annotations

import json
import os
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from pages.shared.sitemap import Lesson, lessons

from .accessibility import lasting_violations
from .conftest import Server, new_page, open_cold, parts_of, screenshot, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WINDOWS: list[tuple[int, Literal["light", "dark"]]] = [(1440, "light"), (390, "dark")]
FITS = (
    "() => [document.documentElement, document.querySelector('[data-testid=stMain]')]"
    ".every(each => each.scrollWidth === each.clientWidth)"
)

EVERY_PART = os.environ.get("EVERY_PART") == "1"
"""Whether all parts of a lesson are walked through, not its first alone, and kept in their whole length."""

OPEN_ALL = """code => document.querySelectorAll('details:not([open]) > summary').forEach(
  each => (code || !each.innerText.includes('Show the code')) && each.click())"""
"""Opens whatever is folded; the code, which is long and looks alike everywhere, only where it is asked for."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.url_path)
def test_a_lesson_opens_fits_its_width_and_satisfies_axe(shared_server: Server, page: Page, lesson: Lesson):
    found: dict[str, list[str]] = {}
    open_cold(page, f"{shared_server.url}/{lesson.address}")
    expect(page.get_by_role("dialog")).to_have_count(0)
    for other in lessons():
        expect(page.get_by_role("link", name=other.title, exact=True)).to_be_visible()
    parts = parts_of(page) or [""]
    for place, part in enumerate(parts if EVERY_PART else parts[:1]):
        if part:
            page.get_by_role("radio", name=part, exact=True).click()
            expect(page.get_by_role("radio", name=part, exact=True)).to_be_checked()
            wait_until_drawn(page)
            expect(page.get_by_text("What to notice").first).to_be_visible()
        page.evaluate(OPEN_ALL, place == 0)
        for width, scheme in WINDOWS:
            page.set_viewport_size({"width": width, "height": 1000})
            page.emulate_media(color_scheme=scheme)
            page.wait_for_function(FITS)  # a table may need a moment to find its width
            screenshot(page, f"{lesson.url_path}-{place}-{width}-{scheme}", full=EVERY_PART)
            # Of what another width and theme change, axe knows the contrast only, and the theme is the lesson's.
            if problems := lasting_violations(page, ["color-contrast"] if width == 390 else ()):
                found[f"{part}, {scheme}"] = problems
        page.set_viewport_size({"width": 1440, "height": 1000})
        page.emulate_media(color_scheme="light")
    assert not found, json.dumps(found, indent=1)


def test_a_narrow_dark_window_opens_a_deep_link_cold(shared_server: Server, browser: Browser):
    with new_page(browser, 390, "dark") as page:
        open_cold(page, f"{shared_server.url}/attention?part=Step+by+step")
        expect(page.get_by_role("radio", name="Step by step", exact=True)).to_be_checked()
        expect(page.get_by_text("What to notice").first).to_be_visible()
        page.wait_for_function(FITS)
        assert lasting_violations(page) == []
