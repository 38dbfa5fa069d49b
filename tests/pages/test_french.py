"""Pages for a French reader: every part opens, and nothing that the course says itself is left in English."""

import dataclasses
import json

import pytest
from streamlit.testing.v1 import AppTest

from engine import language
from engine.instruction_files import as_json_lines
from engine.instructions import Example
from engine.runs.classifying import classification_config
from engine.runs.instructing import instruction_config
from engine.runs.service import lab
from engine.runs.translating import translation_config
from pages.shared import lesson as lesson_page
from pages.shared import reader, sitemap

from .conftest import finished, tiny_config
from .english_left import left_in_english
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
    assert not left_in_english(app)


def one_of_each() -> str:
    """Trains a run of every kind, of names and texts that are no English; returns the one of pretraining."""
    config = tiny_config(steps=20)
    run_id = finished(
        dataclasses.replace(config, model=dataclasses.replace(config.model, context_length=64)), "Stories · test"
    )
    base, short = lab().keep_model(run_id), {"steps": 6, "seconds": None, "batch_size": 4, "evaluations": 2}
    letters = ["".join("abcdefghij"[int(digit)] for digit in str(n)) for n in range(1000, 1150)]
    rows = [{"text": f"{each} {each[::-1]}", "label": ("ham", "spam")[n % 3 == 0]} for n, each in enumerate(letters)]
    labelled = lab().save_upload("\n".join(map(json.dumps, rows)))
    finished(classification_config(base, data=labelled, training=short, most_tokens=16), "test")
    pairs = lab().save_upload(as_json_lines([Example(f"{n}?", f"{n}.") for n in range(30)]))
    for preset in ("full", "lora"):
        finished(instruction_config(pairs, base, preset, training=short), "test")
    shape = {"n_layers": 2, "n_heads": 2, "d_model": 16}
    finished(translation_config(training=short, n_phrases=6000, evaluated=4, **shape), "test")
    return run_id


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("lesson", sitemap.lessons(), ids=lambda lesson: lesson.url_path)
def test_no_part_of_a_lesson_has_english_left(lesson, french, once, shipped, monkeypatch):
    once("one of each", one_of_each)
    parts = {"": None}
    choose = lesson_page.choose_part
    monkeypatch.setattr(
        lesson_page, "choose_part", lambda every, key="part": (parts.update(dict.fromkeys(every)), choose(every, key))
    )
    opened, left = [""], {}
    while opened:
        part = opened.pop()
        app = AppTest.from_file(str(PAGES / lesson.file), default_timeout=300)
        app.session_state["viewer:key"] = "a" * 32
        if part:
            app.query_params["part"] = part
        app.run()
        assert not app.exception, (part, app.exception)
        if not part:
            opened = [each[:] for each in list(parts)[2:]]  # the first is open already
        left |= {part: found} if (found := left_in_english(app)) else {}
    assert not left


@pytest.mark.parametrize(("asked", "title"), [("fr", "Comment"), ("en", "How"), ("<script>", "How"), (None, "How")])
def test_the_address_chooses_a_language_where_it_names_one(asked, title, trained_run):
    app = AppTest.from_file(str(PAGES.parent / "app.py"), default_timeout=120)
    if asked is not None:
        app.query_params["lang"] = asked
    app.run()
    assert not app.exception and app.title[0].value.startswith(title)
    switch = next(each for each in app.button_group if each.key == reader._BOX)
    assert list(switch.options) == ["English", "Français"]
    assert title == "How" or not left_in_english(app)


def test_what_is_left_in_english_is_found():
    def page():
        import streamlit as st

        st.caption("La perte est de 2,5 nats.")
        st.caption("The loss of this model is 2,5 nats.")
        st.caption("Une perte de 2.5 nats")
        st.button("Another way, so far")
        st.button("Train")

    found = [text for _why, _where, text in left_in_english(AppTest.from_function(page).run())]
    assert found == ["The loss of this model is 2,5 nats.", "Une perte de 2.5 nats", "Another way, so far", "Train"]
