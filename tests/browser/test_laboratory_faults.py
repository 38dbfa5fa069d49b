"""A run is diagnosed and mended in the browser, and the mended one grows beside it."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from playwright.sync_api import Page, expect

from engine.errors import RunError
from engine.runs.recipes import recipe_config
from engine.runs.service import RunService
from engine.settings import Settings

from .conftest import Server, open_cold, screenshot, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.soak
def test_a_run_that_ended_too_soon_is_named_and_mended_by_a_press(shared_server: Server, page: Page):
    service = RunService(Settings.at(shared_server.home), start=False)
    config = recipe_config(
        "30s",
        "stories",
        n_chars=40_000,
        vocab_size=300,
        model={"n_layers": 1, "n_heads": 2, "d_model": 32, "context_length": 16},
        training={"steps": 30, "seconds": None, "evaluations": 6, "sample_tokens": 4, "batch_size": 4},
    )
    before = {record.run_id for record in service.runs()}
    run_id = service.submit(config, "Stopped early")
    try:
        open_cold(page, f"{shared_server.url}/pretraining?part=Is+it+normal%3F&run={run_id}")
        expect(page.get_by_role("heading", name="It was stopped too soon")).to_be_visible(timeout=60_000)
        expect(page.get_by_text(re.compile("Shaded: steps 15 to 30"))).to_be_visible()
        wait_until_drawn(page)
        page.get_by_role("button", name=re.compile("^Try this")).click()
        beside = re.compile("^Beside it: |Waiting for a free core|Training · step|Finished · step")
        expect(page.get_by_text(beside).first).to_be_visible(timeout=30_000)
        wait_until_drawn(page)
        screenshot(page, "pretraining-mended")
    finally:
        page.goto("about:blank")
        for record in service.runs():  # other tests expect the examples only
            if record.run_id not in before:
                with suppress(RunError):
                    service.delete(record.run_id)
        service.close()
