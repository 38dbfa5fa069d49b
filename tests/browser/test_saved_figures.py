"""“Save” under the components' figures and under a chart in a panel that a clock draws: the files, opened and read.

All figures stand on one page of their own (figure_gallery.py), with hostile texts. Under EVERY_PART=1 all of them are
saved, else a few.
"""

from __future__ import annotations

import csv
import io
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from engine.figures import to_csv

from .accessibility import lasting_violations
from .conftest import Server, new_page, open_cold, running_server
from .figure_gallery import WORDS, chart_of_words, matrix
from .test_every_page import FITS

pytestmark = [pytest.mark.browser]

SVG = "{http://www.w3.org/2000/svg}"
N_FIGURES = 29
FEW = ("Heat grid", "Merge tree")


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("gallery"), Path(__file__).with_name("figure_gallery.py")) as server:
        yield server


@pytest.fixture(scope="module")
def figures(gallery: Server, browser: Browser) -> Iterator[Page]:
    """The gallery, with all its figures drawn, opened once for all tests."""
    with new_page(browser, 1440, "light") as page:
        open_cold(page, gallery.url)
        expect(page.get_by_role("button", name="Save: ")).to_have_count(N_FIGURES)
        yield page


def saved(page: Page, place: Locator, kind: str) -> bytes:
    with page.expect_download() as download:
        place.get_by_role("button", name=kind).click()
    name = download.value.suggested_filename
    assert re.fullmatch(r"[a-z0-9-]+\.(png|svg|html|csv)", name), name
    return Path(download.value.path()).read_bytes()


def opened(opener: Locator) -> Locator:
    """The line of buttons that “Save” opens."""
    if opener.get_attribute("aria-expanded") == "false":
        opener.click()
    expect(opener).to_have_attribute("aria-expanded", "true")
    return opener.locator("xpath=..")


def is_a_picture(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert (pixels[0, 0] == 255).all(), "it is not on white"
    assert 0.005 < (pixels < 200).any(axis=2).mean() < 0.9, "it is blank, or black"
    return pixels.shape[1], pixels.shape[0]


def is_a_drawing(data: bytes) -> ET.Element:
    root = ET.fromstring(data)
    assert root.tag == f"{SVG}svg" and root.findtext(f"{SVG}title")
    assert not {each.tag for each in root.iter()} & {f"{SVG}{name}" for name in ("script", "foreignObject", "style")}
    for each in root.iter():
        assert not any(name.startswith("on") for name in each.attrib), each.attrib
        assert each.get("href", "data:image/png").startswith("data:image/png")
    return root


def is_a_page(browser: Browser, data: bytes, folder: Path) -> None:
    file = folder / "figure.html"
    file.write_bytes(data)
    with new_page(browser, 1000, "light") as page:
        told: list[str] = []
        page.on("console", lambda message: told.append(message.text))
        page.on("request", lambda request: told.append(request.url) if request.url.startswith("http") else None)
        page.goto(file.as_uri())
        expect(page.locator("figure > svg")).to_be_visible()
        assert page.locator("script, img, iframe").count() == 0
        assert not told, told


def test_each_kind_of_file_of_each_figure_is_what_it_says(figures: Page, browser: Browser, tmp_path: Path):
    titles = []
    for opener in figures.get_by_role("button", name="Save: ").all():
        titles.append((opener.get_attribute("aria-label") or "").removeprefix("Save: "))
        if titles[-1] not in FEW and os.environ.get("EVERY_PART") != "1":
            continue
        menu = opened(opener)
        drawing = is_a_drawing(saved(figures, menu, "Drawing (SVG)"))
        assert drawing.findtext(f"{SVG}title") == titles[-1]
        wide, high = is_a_picture(saved(figures, menu, "Picture (PNG)"))
        assert (wide, high) == (2 * int(drawing.attrib["width"]), 2 * int(drawing.attrib["height"]))
        is_a_page(browser, saved(figures, menu, "Page (HTML)"), tmp_path)
        rows = list(csv.reader(io.StringIO(saved(figures, menu, "Data (CSV)").decode())))
        assert len(rows) > 1 and len({len(row) for row in rows[:1]}) == 1
        cells = [cell for row in rows for cell in row if not re.fullmatch(r"-?[\d.]+(e-?\d+)?|-inf", cell)]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]
        opener.click()
        expect(opener).to_have_attribute("aria-expanded", "false")
    assert len(titles) == N_FIGURES and set(FEW) <= set(titles)


def test_the_table_of_a_grid_is_its_numbers_and_its_texts_stay_text(figures: Page):
    menu = opened(figures.get_by_role("button", name="Save: Heat grid"))
    head, *rows = csv.reader(io.StringIO(saved(figures, menu, "Data (CSV)").decode()))
    assert head == ["row", "0", "1", "2", "3", "4"]
    assert [row[0] for row in rows] == [f"{place} {word}" for place, word in enumerate(WORDS)]
    assert (np.array([row[1:] for row in rows], dtype=np.float32) == matrix()).all()
    page = saved(figures, menu, "Page (HTML)").decode()
    assert "<script" not in page and "<img" not in page and "onerror=alert(1)&gt;" in page
    menu = opened(figures.get_by_role("button", name="Save: Tokens of the text"))
    head, *rows = csv.reader(io.StringIO(saved(figures, menu, "Data (CSV)").decode(), newline=""))
    assert [row[2] for row in rows] == [*WORDS[:2], "'=1+1", "'@cmd\t]]>", *WORDS[4:]]
    drawing = is_a_drawing(saved(figures, menu, "Drawing (SVG)"))
    assert WORDS[0] in "".join(drawing.itertext())


def test_the_keyboard_opens_and_closes_the_menu(figures: Page):
    opener = figures.get_by_role("button", name="Save: Marks")
    opener.focus()
    figures.keyboard.press("Enter")
    expect(opener).to_have_attribute("aria-expanded", "true")
    figures.keyboard.press("Tab")
    expect(opener.locator("xpath=..").get_by_role("button", name="Picture (PNG)")).to_be_focused()
    assert lasting_violations(figures) == []
    figures.keyboard.press("Escape")
    expect(opener).to_be_focused()
    expect(opener).to_have_attribute("aria-expanded", "false")


def test_a_chart_in_a_panel_with_a_clock_is_saved_and_its_menu_stays_open(figures: Page):
    figures.get_by_test_id("stPopover").get_by_role("button", name="Save").click()
    menu = figures.get_by_test_id("stPopoverBody")
    expect(menu).to_be_visible()
    is_a_picture(saved(figures, menu, "Picture (PNG)"))
    assert saved(figures, menu, "Data (CSV)") == to_csv(chart_of_words().data)
    expect(menu).to_be_visible()


def test_a_figure_is_saved_on_white_and_whole_from_a_dark_narrow_window(figures: Page):
    figures.keyboard.press("Escape")
    opener = figures.get_by_role("button", name="Save: Tokens of the text")
    menu = opened(opener)
    wide = is_a_drawing(saved(figures, menu, "Drawing (SVG)"))
    figures.set_viewport_size({"width": 390, "height": 1000})
    figures.emulate_media(color_scheme="dark")
    expect(figures.get_by_test_id("stApp")).to_have_css("background-color", "rgb(17, 22, 28)")
    figures.wait_for_function(FITS)
    is_a_picture(saved(figures, menu, "Picture (PNG)"))
    narrow = is_a_drawing(saved(figures, menu, "Drawing (SVG)"))
    assert int(narrow.attrib["width"]) < int(wide.attrib["width"])
    assert "".join(narrow.itertext()).split() == "".join(wide.itertext()).split()
    assert lasting_violations(figures) == []
    colour = "each => getComputedStyle(each).color"
    assert opener.evaluate(colour) == "rgb(233, 237, 241)"
