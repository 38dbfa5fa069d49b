"""Pages for a French reader: every first part opens, and what is shown went through the catalogs."""

import pytest
from streamlit.testing.v1 import AppTest

from engine import language
from pages.shared import reader, sitemap

from .helpers import PAGES, words

SHORT = ("pipeline", "tokenization", "attention", "pretraining", "board")


@pytest.fixture
def french(monkeypatch):
    """A reader of French, whichever page is opened."""
    monkeypatch.setattr(language, "_readers_language", lambda: "fr")


@pytest.mark.parametrize(
    "lesson",
    [
        pytest.param(lesson, id=lesson.url_path, marks=() if lesson.url_path in SHORT else pytest.mark.soak)
        for lesson in sitemap.lessons()
    ],
)
def test_a_lesson_opens_in_french(lesson, french, trained_run):
    app = AppTest.from_file(str(PAGES / lesson.file), default_timeout=120)
    app.session_state["viewer:key"] = "a" * 32
    app.run()
    assert not app.exception and not app.error
    assert app.title[0].value in language._catalog("fr").values()
    assert "What you will learn" not in words(app) and "What to notice" not in words(app)


@pytest.mark.parametrize(("asked", "title"), [("fr", "Comment"), ("en", "How"), ("<script>", "How"), (None, "How")])
def test_the_address_chooses_a_language_where_it_names_one(asked, title, trained_run):
    app = AppTest.from_file(str(PAGES.parent / "app.py"), default_timeout=120)
    if asked is not None:
        app.query_params["lang"] = asked
    app.run()
    assert not app.exception and app.title[0].value.startswith(title)
    switch = next(each for each in app.button_group if each.key == reader._BOX)
    assert list(switch.options) == ["English", "Français"]
