"""Every page and every part of it as a first visitor meets it: a cold deep link, wide and light or narrow and dark.

Each is looked at for its width, by axe (Deque's rule engine for WCAG, shipped inside axe-playwright-python, so nothing
is fetched), and kept as a screenshot. A lesson's own tests need not do this again.
"""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Browser, expect

from pages.shared.sitemap import Lesson, lessons

from .accessibility import lasting_violations
from .conftest import Server, new_page, open_cold, parts_of, screenshot, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FITS = (
    "() => [document.documentElement, document.querySelector('[data-testid=stMain]')]"
    ".every(each => each.scrollWidth === each.clientWidth)"
)
WINDOWS = [(1440, "light"), (390, "dark")]


@pytest.mark.parametrize(("width", "scheme"), WINDOWS)
@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.url_path)
def test_every_part_opens_fits_its_width_and_satisfies_axe(
    shared_server: Server, browser: Browser, lesson: Lesson, width: int, scheme: str
):
    found: dict[str, list[str]] = {}
    with new_page(browser, width, scheme) as page:
        open_cold(page, f"{shared_server.url}/{lesson.address}")
        expect(page.get_by_role("dialog")).to_have_count(0)
        if width == 1440:
            for other in lessons():
                expect(page.get_by_role("link", name=other.title, exact=True)).to_be_visible()
        for place, part in enumerate(parts_of(page) or [""]):
            if part:
                page.get_by_role("radio", name=part, exact=True).click()
                expect(page.get_by_role("radio", name=part, exact=True)).to_be_checked()
                wait_until_drawn(page)
                expect(page.get_by_text("What to notice").first).to_be_visible()
            if width == 1440:
                page.evaluate(
                    "() => document.querySelectorAll('details:not([open]) > summary').forEach(e => e.click())"
                )
            page.wait_for_function(FITS)  # nothing scrolls sideways; a table may need a moment to find its width
            if problems := lasting_violations(page):
                found[part] = problems
            screenshot(page, f"{lesson.url_path}-{place}-{width}-{scheme}")
    assert not found, json.dumps(found, indent=1)
