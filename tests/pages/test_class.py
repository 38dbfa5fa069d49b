"""The class board, the teacher's key, and a learner's own progress."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import insert
from streamlit.testing.v1 import AppTest

from engine.classroom.learners import LearnerStore, learner_of
from engine.command_line.classroom import kept_key
from engine.runs.store import RunStore
from engine.runs.tables import asked
from engine.settings import Settings
from pages.shared import network
from tests.pages.helpers import words

KEY = "a-key-for-the-tests"
ROOT = Path(__file__).resolve().parents[2]
BROWSER = "0123456789abcdef" * 2


@pytest.fixture
def in_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_LAB_TEACHER_KEY", KEY)


def opened(page: str, browser: str = BROWSER, run: str = "") -> AppTest:
    app = AppTest.from_file(str(ROOT / "pages" / f"{page}.py"), default_timeout=60)
    app.session_state["viewer:key"] = browser
    if run:
        app.query_params["run"] = run
    app.run()
    assert not app.exception
    return app


def learners() -> LearnerStore:
    return LearnerStore(Settings.from_environment().store)


def test_alone_the_board_tells_how_a_class_is_opened(no_service):
    app = opened("board")
    assert "make class" in app.code[0].value and not app.text_input


def test_the_board_opens_with_the_key_only(no_service, in_class):
    app = opened("board")
    assert not app.dataframe
    app.text_input[0].set_value("a-wrong-key-altogether")
    app.button[0].click().run()
    assert app.error[0].value == "This is not the key." and not app.dataframe
    app.text_input[0].set_value(KEY)
    app.button[0].click().run()
    assert not app.exception and "Join" in words(app)
    assert learners().is_teacher(learner_of(BROWSER))
    assert not opened("board", "f" * 32).dataframe  # another browser has not given it


def test_the_board_shows_who_is_where_and_what_was_reached(no_service, in_class, trained_run):
    store = learners()
    store.make_teacher(learner_of(BROWSER))
    store.seen(learner_of(BROWSER), "board", "")
    store.seen("ada", "attention", "Maps")
    store.rename("ada", "Ada <script>")
    store.mark("ada", "attention", "row")
    store.mark("ada", "attention", "sum", {"choice": 0, "right": True})
    app = opened("board")
    table = app.dataframe[0].value.set_index("Learner")
    assert table.loc["Ada <script>", "Lesson"] == "Attention" and table.loc["Ada <script>", "Part"] == "Maps"
    assert len(table) == 1, "the teacher is not one of the learners"
    assert table.loc["Ada <script>", "Answers right"] == "1 of 1"
    assert table.loc["Ada <script>", "Steps done"].startswith("1 of ")
    assert "Nothing trains and nothing waits." in words(app)


def test_a_learner_gives_a_name_sees_progress_and_takes_it_all_back(no_service):
    app = opened("progress")
    assert "Nothing is ticked off yet" in app.info[0].value
    app.text_input(key="own-name").set_value(" Ada ").run()
    store = learners()
    me = learner_of(BROWSER)
    assert store.get(me).name == "Ada"
    store.mark(me, "attention", "row")
    app.run()
    assert not app.info
    app.button(key="forget-me").click().run()
    assert not app.exception and store.get(me) is None and store.marks(me) == []


def test_the_key_of_a_class_is_made_once_and_kept_to_oneself(tmp_path):
    key = kept_key(tmp_path / "home")
    assert kept_key(tmp_path / "home") == key and len(key) == 23
    assert (tmp_path / "home" / "teacher.key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("here", "expected"),
    [
        ("http://192.168.1.5:8501/board", "http://192.168.1.5:8501/"),
        ("https://course.example.org/x/y", "https://course.example.org/"),
        ("http://[2001:db8::1]:80/", "http://[2001:db8::1]:80/"),
    ],
)
def test_learners_join_at_the_address_of_the_page(here, expected):
    assert network.join_address(here) == expected


def test_a_loopback_address_is_replaced_by_that_of_the_network(monkeypatch):
    monkeypatch.setattr(network, "network_address", lambda: "10.0.0.7")
    assert network.join_address("http://localhost:8501/board") == "http://10.0.0.7:8501/"
    assert network.join_address("http://[::1]:8501/") == "http://10.0.0.7:8501/"
    monkeypatch.setattr(network, "network_address", lambda: None)
    assert network.join_address("http://127.0.0.1:9/") == "http://127.0.0.1:9/"


def test_a_browser_keeps_its_key_and_what_is_no_key_is_not_taken(no_service):
    def script() -> None:
        import streamlit as st

        from pages.shared import viewer

        st.text(viewer.learner())

    first = AppTest.from_function(script).run()
    again = AppTest.from_function(script).run()
    assert first.text[0].value != again.text[0].value  # two visitors
    first.run()
    kept = AppTest.from_function(script)
    kept.session_state["viewer:key"] = first.session_state["viewer:key"]
    assert kept.run().text[0].value == first.text[0].value


def test_who_watches_the_run_of_another_finds_no_buttons_and_its_owner_can_show_it(no_service, in_class, trained_run):
    store = RunStore(Settings.from_environment().store)
    with store.writing.begin() as connection:
        connection.execute(insert(asked).values(run_id=trained_run, learner=learner_of(BROWSER), at=1.0))
    theirs = opened("pretraining", "f" * 32, run=trained_run)
    assert "Another learner trains this" in words(theirs)
    own = opened("pretraining", run=trained_run)
    assert "Another learner trains this" not in words(own)
    own.toggle(key=f"share:{trained_run}").set_value(True).run()
    assert store.shared_runs() == {trained_run: learner_of(BROWSER)}
    store.close()
