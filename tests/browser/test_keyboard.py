"""Every lesson by keys alone: everything that can be used is reached with Tab, is seen to be, and lets go again."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from pages.shared.sitemap import Lesson, lessons

from .conftest import Server, open_cold, parts_of, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# What a mouse could use: visible, enabled, not inside something closed. Of a group of radios the browser gives Tab one.
USABLE = """() => {
  const found = [];
  const look = root => {
    for (const each of root.querySelectorAll('*')) {
      if (each.shadowRoot) look(each.shadowRoot);
      if (!each.matches('a[href],button,input,select,textarea,summary,[tabindex],[role=slider]')) continue;
      const box = each.getBoundingClientRect();
      const hidden = box.width < 2 || box.height < 2 || !each.checkVisibility({ visibilityProperty: true });
      if (hidden || each.disabled || each.getAttribute('aria-disabled') === 'true') continue;
      if (each.tabIndex < 0 || each.closest('[inert],[aria-hidden=true]')) continue;
      found.push(each);
    }
  };
  look(document);
  window.__usable = found;
  window.__reached = new Set();
  return found.length;
}"""
ARRIVED = """() => {
  let now = document.activeElement;
  while (now?.shadowRoot?.activeElement) now = now.shadowRoot.activeElement;
  if (!now || now === document.body) return { name: 'the end', end: true, seen: true };
  const again = window.__reached.has(now);
  window.__reached.add(now);
  return { name: now.outerHTML.slice(0, 160), end: false, again, seen: now.matches(':focus-visible') };
}"""
MISSED = """() => window.__usable.filter(each => each.isConnected && !window.__reached.has(each)
    && each.type !== 'radio' && each.tagName !== 'IFRAME'
    && !each.closest('[role=radiogroup],[role=toolbar],[role=group],[role=grid]'))
  .map(each => each.outerHTML.slice(0, 200))"""
TO_THE_TOP = """() => {
  document.body.tabIndex = -1;
  document.body.focus();
  document.body.removeAttribute('tabindex');
}"""
STILL = "() => document.getAnimations().every(each => each.playState !== 'running')"


def walk(page: Page) -> tuple[list[dict[str, Any]], list[str]]:
    """Every stop of Tab from the top of the page to its end, and what it never stopped at."""
    n_usable = page.evaluate(USABLE)
    page.evaluate(TO_THE_TOP)
    stops: list[dict[str, Any]] = []
    for _unused in range(2 * n_usable + 20):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(ARRIVED))
        in_table = "grid-canvas" in stops[-1]["name"]  # Tab goes through its columns
        around = stops[-1].get("again") and not in_table
        if stops[-1]["end"] or (around and len(stops) > n_usable // 2):
            break
    return stops, page.evaluate(MISSED)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.url_path)
def test_everything_of_a_lesson_is_reached_by_tab_and_parts_change_by_arrows(
    shared_server: Server, page: Page, lesson: Lesson
):
    page.emulate_media(reduced_motion="reduce")
    open_cold(page, f"{shared_server.url}/{lesson.address}")
    expect(page.locator("[class*=st-key-aside-stop-]")).to_have_count(
        0, timeout=60_000
    )  # what is computed aside is there
    stops, missed = walk(page)
    if missed:  # a panel that drew itself anew took the focus along
        wait_until_drawn(page)
        stops, missed = walk(page)
    assert stops[-1]["end"] or stops[-1].get("again"), f"Tab does not come to an end: {stops[-3:]}"
    assert not missed, (missed, [stop["name"][:80] for stop in stops[-8:]])
    assert [stop["name"] for stop in stops if not stop["seen"]] == []

    parts = parts_of(page)
    if len(parts) > 1:
        page.get_by_role("radio", name=parts[0], exact=True).focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Space")
        expect(page.get_by_role("radio", name=parts[1], exact=True)).to_be_checked()
        wait_until_drawn(page)
        expect(page.get_by_text("What to notice").first).to_be_visible()
    page.wait_for_function(STILL)
