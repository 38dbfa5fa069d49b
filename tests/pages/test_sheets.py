"""Lesson sheets: complete for every lesson, measured and not typed, and safe to open."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine import language
from engine.lesson_sheet import Asked, Sheet, to_html
from pages.guides import GUIDES
from pages.parts.sheets import sheet, words
from pages.shared import sitemap

LESSONS = [lesson for lesson in sitemap.lessons() if lesson.url_path in GUIDES]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.url_path)
def test_every_lesson_states_its_goal_its_minutes_and_what_to_notice(lesson):
    goal, minutes = words.goal_of(lesson)
    assert len(goal) > 40 and 0 < minutes <= 60
    assert words.notices_of(lesson) or lesson.url_path == "pipeline"


def test_the_page_offers_a_sheet_with_numbers_of_the_models_that_are_here(shipped):
    app = AppTest.from_file(str(Path(sitemap.PAGES_FOLDER) / "sheets.py"), default_timeout=120)
    app.session_state["sheets-lesson"] = "pretraining"
    app.run()
    assert not app.exception and not app.error
    page = app.get("bidi_component")[0].proto
    assert "trigram" in str(page)


def test_hostile_texts_stay_texts():
    evil = '<script>alert(1)</script><img src=x onerror="alert(1)">"\'&'
    asked = Asked(evil, (evil, evil), 1, (evil, evil))
    sheet = Sheet(
        evil, evil, 5, ((evil, evil, evil),), ((evil, evil),), ((evil, evil),), (asked,), "http://x/?a=<b>", evil
    )
    seen: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag, attrs):
            seen.append(tag)
            assert not any(name.startswith("on") for name, _ in attrs)

    Tags().feed(to_html([sheet, sheet]))
    assert not {"script", "img", "b", "iframe"} & set(seen)
    assert seen.count("article") == 4


def test_a_sheet_speaks_the_readers_language(monkeypatch):
    monkeypatch.setattr(language, "_readers_language", lambda: "fr")
    monkeypatch.setattr(sheet, "numbers_of", lambda _lesson: ())
    lesson = next(each for each in LESSONS if each.url_path == "data")
    french = sheet.sheet_of(lesson, "http://x/data")
    assert french.steps[0][0] == "Lire du texte brut"
    assert french.steps[0][2] == "Le texte"
    guide = GUIDES["data"]
    for asked, question in zip(french.questions, guide.questions, strict=True):
        assert asked.text != question.text
