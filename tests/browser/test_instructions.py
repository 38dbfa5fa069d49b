"""A model is taught to answer through the real server, asked beside the one it was, and its update looked at."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from engine.instruction_files import as_json_lines
from engine.instructions import Example
from engine.runs.instructing import instruction_config
from engine.runs.service import RunService
from engine.settings import Settings
from pages.shared.examples import ASSETS

from .conftest import Server, open_cold, screenshot, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.soak
def test_a_model_is_taught_asked_and_its_update_looked_at(shared_server: Server, page: Page):
    service = RunService(Settings.at(shared_server.home), start=False)
    pairs = [Example(f"Where is animal {n}?", "The lion is in the forest.") for n in range(40)]
    config = instruction_config(
        service.save_upload(as_json_lines(pairs)),
        service.keep_model(service.import_run(ASSETS / "example")),
        "lora",
        training={"steps": 24, "batch_size": 8, "evaluations": 3},
        lora_rank=4,
    )
    run_id = service.submit(config, "where is it")
    try:
        open_cold(page, f"{shared_server.url}/instructions?part=Train+it&tuned={run_id}")
        expect(page.get_by_text("step 24 of 24")).to_be_visible(timeout=90_000)
        expect(page.get_by_role("columnheader", name="The model's answer")).to_be_visible()
        page.get_by_role("radio", name="Ask it", exact=True).click()
        expect(page.get_by_text("The lion is in the forest.").first).to_be_visible()
        expect(page.get_by_text(re.compile(r"ROUGE-L [01]\.\d\d")).nth(1)).to_be_visible()
        wait_until_drawn(page)
        screenshot(page, "instructions-asked")
        page.get_by_role("radio", name="LoRA", exact=True).click()
        expect(page.get_by_text("rounding, and nothing else")).to_be_visible()
        with page.expect_download() as download:
            page.get_by_role("button", name=re.compile("The update alone")).click()
        assert download.value.suggested_filename == f"lora-{run_id}.zip"
        wait_until_drawn(page)
        screenshot(page, "instructions-lora")
    finally:
        service.delete(run_id)
        service.close()
