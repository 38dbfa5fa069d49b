"""A link brings a page back as it was left, and a teacher's link holds it, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from engine.classroom.scenes import Scene, SceneStore

from .conftest import Server, new_page, open_cold, screenshot, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.soak]


def moved(page: Page, name: str, key: str, times: int) -> str:
    slider = page.get_by_role("slider", name=name)
    slider.focus()
    for _ in range(times):
        slider.press(key)
    wait_until_drawn(page)
    return slider.input_value()


def test_a_slider_a_prompt_and_a_checkpoint_come_back_for_another_visitor(
    shared_server: Server, page: Page, browser: Browser
):
    open_cold(page, f"{shared_server.url}/generation")
    temperature = moved(page, "Temperature", "ArrowLeft", 6)
    checkpoint = moved(page, "Checkpoint", "ArrowLeft", 2)
    prompt = page.get_by_label("Prompt", exact=True)
    prompt.fill("The dog runs <b>in</b>")
    prompt.press("Control+Enter")
    wait_until_drawn(page)
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Make the link").click()
    link = page.get_by_test_id("stPopoverBody").locator("code")
    expect(link).to_contain_text("scene=")
    scene = link.inner_text().rpartition("scene=")[2].strip()
    with new_page(browser, 1440, "light") as theirs:
        open_cold(theirs, f"{shared_server.url}/?lesson=generation&scene={scene}")
        expect(theirs.get_by_label("Prompt", exact=True)).to_have_value("The dog runs <b>in</b>")
        assert theirs.get_by_role("slider", name="Temperature").input_value() == temperature
        assert theirs.get_by_role("slider", name="Checkpoint").input_value() == checkpoint
        screenshot(theirs, "scene")


def test_what_a_teacher_locked_takes_no_key_and_comes_back_when_the_lock_is_broken_open(
    shared_server: Server, page: Page
):
    store = SceneStore(f"sqlite:///{shared_server.home / 'runs.sqlite'}")
    scene = store.save(Scene("generation", values={"temperature": 0.4}, lock="locked"), "t", by_teacher=True)
    open_cold(page, f"{shared_server.url}/?lesson=generation&scene={scene}")
    held = page.locator("[data-held=locked]")
    expect(held).to_have_count(1)
    assert held.evaluate("each => each.inert")
    page.evaluate("document.querySelectorAll('[data-held]').forEach((each) => each.replaceWith(...each.childNodes))")
    slider = page.get_by_role("slider", name="Temperature")
    slider.focus()
    slider.press("ArrowRight")
    page.get_by_text("Probability of the token").wait_for()
    wait_until_drawn(page)
    page.wait_for_function("document.querySelector('input[aria-label=Temperature]').value === '0.4'")
    page.get_by_role("link", name="Attention").click()
    expect(page.get_by_role("heading", name="Attention", level=1)).to_be_visible()
    expect(page.locator("[data-held]")).to_have_count(0)


def test_a_lock_holds_in_a_panel_that_is_drawn_alone(shared_server: Server, page: Page):
    store = SceneStore(f"sqlite:///{shared_server.home / 'runs.sqlite'}")
    learn = ("tokenization", 4)
    scene = store.save(Scene(learn[0], part=learn[1], values={"bpe-guess": True}, lock="locked"), "t", by_teacher=True)
    open_cold(page, f"{shared_server.url}/?lesson=tokenization&scene={scene}")
    toggle = page.get_by_role("switch", name="Guess the next merge")
    expect(toggle).to_be_checked()
    wait_until_drawn(page)
    turned = toggle.evaluate(
        """each => {
            let turned = null;
            each.addEventListener("change", () => (turned = each.checked));
            document.querySelectorAll("[data-held]").forEach((held) => (held.inert = false));
            each.click();  // before the lock is put back
            return turned;
        }"""
    )
    assert turned is False
    expect(toggle).to_be_checked()
