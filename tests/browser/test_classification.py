"""A classifier is trained through the real server, and a cell of its confusion matrix is opened."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, expect

from engine.runs.classifying import classification_config
from engine.runs.service import RunService
from engine.settings import Settings
from pages.shared.examples import ASSETS

from .conftest import Server, open_cold, screenshot, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_cell_of_the_matrix_opens_its_texts_by_click_and_by_key(shared_server: Server, page: Page):
    service = RunService(Settings.at(shared_server.home), start=False)
    letters = "abcdefghijklmnopqrst"
    rows = [
        {
            "text": f"{'win' if n % 3 else 'see'} {letters[n % 20]}{letters[n // 20]}",
            "label": "spam" if n % 3 else "ham",
        }
        for n in range(120)
    ]
    data = service.save_upload("\n".join(map(json.dumps, rows)))
    config = classification_config(
        service.keep_model(service.import_run(ASSETS / "example")),
        data=data,
        trainable="head",
        training={"steps": 20, "seconds": None, "evaluations": 2},
    )
    run_id = service.submit(config, "small")
    try:
        open_cold(page, f"{shared_server.url}/classification?part=Train+it&classifier={run_id}")
        expect(page.get_by_text("step 20 of 20")).to_be_visible(timeout=90_000)
        cell = page.get_by_role("button", name=re.compile(r"texts that are spam were called spam"))
        cell.click()
        expect(page.get_by_text(re.compile("texts that are “spam” and were rightly called “spam”"))).to_be_visible()
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("Enter")
        expect(page.get_by_text(re.compile("texts that are “spam” and were wrongly called “ham”"))).to_be_visible()
        wait_until_drawn(page)
        screenshot(page, "classification-small")
    finally:
        service.delete(run_id)
        service.close()
