"""A translator trained through the real server: its parts in both themes and widths, with nothing for axe to find."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Browser, expect

from engine.runs.service import RunService
from engine.runs.translating import translation_config
from engine.settings import Settings

from .accessibility import lasting_violations
from .conftest import Server, new_page, open_cold, parts_of, screenshot, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_translator_is_trained_on_the_server_and_every_part_shows_it(shared_server: Server, browser: Browser):
    service = RunService(Settings.at(shared_server.home), start=False)
    config = translation_config(
        training={"steps": 60, "seconds": None, "batch_size": 16, "evaluations": 4},
        n_phrases=3_000,
        evaluated=20,
        n_layers=1,
        n_heads=2,
        d_model=32,
    )
    found: dict[str, list[str]] = {}
    with new_page(browser, 1440, "light") as page:
        open_cold(page, f"{shared_server.url}/translation")
        run_id = service.submit(config, "small translator")
        try:
            page.reload()
            expect(page.get_by_text(re.compile("Finished · small translator"))).to_be_visible(timeout=90_000)
            expect(page.get_by_role("columnheader", name="German, by the phrasebook")).to_be_visible()
            assert service.run(run_id).evaluation["bleu"] >= 0
            for width, scheme in ((1440, "light"), (390, "dark")):
                page.set_viewport_size({"width": width, "height": 1000})
                page.emulate_media(color_scheme=scheme)
                for place, part in enumerate(parts_of(page)):
                    page.get_by_role("radio", name=part, exact=True).click()
                    expect(page.get_by_role("radio", name=part, exact=True)).to_be_checked()
                    wait_until_drawn(page)
                    expect(page.get_by_text("No translator yet")).to_have_count(0)
                    beyond = page.evaluate(
                        "() => { const main = document.querySelector('[data-testid=stMain]');"
                        " return main.scrollWidth - main.clientWidth; }"
                    )
                    assert beyond == 0, f"{part} scrolls sideways at {width} pixels: {beyond}"
                    if problems := lasting_violations(page):
                        found[f"{part}, {scheme}"] = problems
                    screenshot(page, f"translation-trained-{place}-{width}-{scheme}")
            page.get_by_role("radio", name="Translate", exact=True).click()
            expect(page.get_by_role("application", name=re.compile("Cross-attention"))).to_be_visible()
        finally:
            service.delete(run_id)  # other tests expect a server without translators
            service.close()
    assert not found, json.dumps(found, indent=1)
