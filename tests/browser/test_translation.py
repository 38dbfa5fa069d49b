"""A translator is trained through the real server while its page is looked at."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from engine.runs.service import RunService
from engine.runs.translating import translation_config
from engine.settings import Settings

from .conftest import Server, open_cold, screenshot, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.soak
def test_a_translator_is_followed_to_its_end_and_looked_into(shared_server: Server, page: Page):
    service = RunService(Settings.at(shared_server.home), start=False)
    config = translation_config(
        training={"steps": 60, "seconds": None, "batch_size": 16, "evaluations": 4},
        n_phrases=3_000,
        evaluated=20,
        n_layers=1,
        n_heads=2,
        d_model=32,
    )
    run_id = service.submit(config, "small")
    try:
        open_cold(page, f"{shared_server.url}/translation?translation={run_id}")
        expect(page.get_by_text("step 60 of 60")).to_be_visible(timeout=90_000)
        expect(page.get_by_role("columnheader", name="German, by the phrasebook")).to_be_visible()
        page.get_by_role("radio", name="Translate", exact=True).click()
        board = page.get_by_role("application", name=re.compile("Cross-attention of layer 1"))
        expect(board).to_be_visible()
        board.focus()
        page.keyboard.press("ArrowDown")
        expect(page.locator(".readout")).to_have_text(re.compile(r"^\d+ “.+” → 0 “.+”: [01]\.\d{3}$"))
        wait_until_drawn(page)
        screenshot(page, "translation-small")
    finally:
        service.delete(run_id)  # other tests expect the example to be the newest translator
        service.close()
