"""A race is started, watched and told through the real server."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from engine.runs.races import RACES, race_configs
from engine.runs.service import RunService
from engine.settings import Settings

from .conftest import Server, open_cold, screenshot, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.soak
def test_a_race_of_recorded_runs_is_told_in_a_sentence(shared_server: Server, page: Page):
    service = RunService(Settings.at(shared_server.home), start=False)
    run_ids = []
    for lane, (name, runs) in enumerate(race_configs(RACES["tying"].entries, "stories", 200).items()):
        run_id = service.submit(runs[0], f"Race: {name}")
        run_ids.append(run_id)
        claim = service.store.claim(run_id, "test")  # before the server looks into its queue
        assert claim is not None
        common = [{"step": s, "tokens": 1024 * s, "seconds": s / 10} for s in range(0, 201, 20)]
        measured = {"train_loss": 3.0, "perplexity": 9.0, "bits_per_byte": 1.0, "sources": []}
        events = [
            {"kind": "eval", **at, **measured, "validation_loss": 6 - (at["step"] / 60) * (1 + lane)} for at in common
        ]
        service.store.append(claim, events, total_steps=200)
        service.store.settle(claim, "finished")
    try:
        open_cold(page, f"{shared_server.url}/pretraining?part=Race")
        page.get_by_role("combobox", name=re.compile("What differs")).click()
        page.get_by_role("option", name="Weight tying").click()
        sentence = re.compile(r"One table reached \d\.\d\d nats per token in 50 % fewer steps than Two tables")
        expect(page.get_by_text(sentence)).to_be_visible()
        wait_until_drawn(page)
        screenshot(page, "race-told")
    finally:
        for run_id in run_ids:
            service.delete(run_id)  # other tests expect the example to be the newest run
        service.close()
