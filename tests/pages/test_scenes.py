"""Links that bring a page back: what is kept comes back, and what is not sound does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from engine.classroom.scenes import Scene, SceneStore
from engine.classroom.tables import scenes as table
from engine.settings import Settings
from pages.guides import GUIDES
from tests.pages.helpers import words

ROOT = Path(__file__).resolve().parents[2]


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, text in query.items():
        app.query_params[name] = text
    app.run()
    assert not app.exception
    return app


def store() -> SceneStore:
    return SceneStore(Settings.from_environment().store)


def test_an_address_opens_a_lesson_at_the_part_of_a_step_and_marks_it(trained_run):
    app = opened(lesson="attention", step="2")
    assert app.title[0].value == "Attention"
    assert app.session_state["part"] == GUIDES["attention"].steps[1].part
    assert "this step" in words(app)


def moved(app: AppTest) -> dict[str, object]:
    """Every slider, text and toggle of the page set to something else than it is; what they are then."""
    for slider in app.slider[:4]:
        if slider.key and not isinstance(slider.value, (list, tuple)):
            slider.set_value(slider.max if slider.value != slider.max else slider.min)
    for box in [*app.text_area[:2]]:
        if box.key:
            box.set_value("The lion sees the dog. The dog")
    for toggle in app.toggle[:3]:
        if toggle.key and toggle.key != "projector":
            toggle.set_value(not toggle.value)
    app.run()
    assert not app.exception
    return of_controls(app)


def of_controls(app: AppTest) -> dict[str, object]:
    kinds = (app.slider, app.text_area, app.text_input, app.toggle, app.selectbox, app.number_input, app.multiselect)
    kinds = (*kinds, app.select_slider, app.checkbox, app.radio, app.segmented_control)
    return {
        each.key: each.value
        for kind in kinds
        for each in kind
        if each.key and not each.key.startswith(("guide", "scene", "projector", "reader"))
    }


@pytest.mark.parametrize("lesson", list(GUIDES))
def test_what_a_lesson_is_set_to_comes_back_for_another_visitor(lesson, trained_run):
    mine = opened(lesson=lesson)
    before = moved(mine)
    mine.session_state["scene-menu"] = True
    mine.run()
    mine.button(key="scene-make").click().run()
    assert not mine.exception and not mine.error
    address = next(each.value for each in mine.code if "scene=" in each.value)
    scene = address.rpartition("scene=")[2]
    theirs = opened(lesson=lesson, scene=scene)
    assert of_controls(theirs) == before
    kept = store().get(scene)
    assert kept is not None and kept.lesson == lesson
    left = {name for name, value in before.items() if name not in kept.values and value is not None} - {"part"}
    assert not left, f"not kept: {left}"


@pytest.mark.parametrize(
    "scene", ["", "x", "../../etc", "aaaaaaaaaa", "<script>alert(1)</script>", "é" * 10, "0" * 5000]
)
def test_an_address_with_no_scene_opens_the_lesson_as_it_begins(scene, no_service):
    app = opened(lesson="generation", scene=scene)
    assert app.title[0].value == "Generation"
    assert ("not kept here" in words(app)) == bool(scene)


def test_what_the_store_holds_is_checked_before_it_becomes_a_setting(trained_run):
    kept = store()
    scene = kept.save(Scene("generation", values={"temperature": 0.5}), "ada")
    hostile = {
        "values": {
            "temperature": "hot",
            "top_k": {"tuple": [1, {"tuple": [{"tuple": [{"tuple": [{"tuple": [1]}]}]}]}]},
            "n_tokens": 10**400,
            "prompt": ["list without a tag"],
            "viewer:key": "f" * 32,
            "viewer:teacher": {"tuple": [1e300, True]},
            "guard:opened_through_app": False,
            "ticket": None,
            "seed": 7,
        },
        "state": {"run_id": "../../etc/passwd", "viewer:linked": {"set": ["a"]}},
        "query": {"run": ["x"], "corpus": "<script>", "lesson": "board"},
        "step": "2",
        "lock": "hidden",
    }
    with kept.writing.begin() as connection:
        connection.execute(update(table).where(table.c.scene == scene).values(content=hostile))
    app = opened(lesson="generation", scene=scene)
    assert app.title[0].value == "Generation" and app.session_state["viewer:key"] != "f" * 32
    assert not any("Set by the teacher" in text for text in words(app).splitlines())
    for content in ([], None, "x", {"values": [], "state": 3, "query": None, "step": -5, "lock": {}}):
        with kept.writing.begin() as connection:
            connection.execute(update(table).where(table.c.scene == scene).values(content=content))
        assert opened(lesson="generation", scene=scene).title[0].value == "Generation"


@pytest.fixture
def in_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_LAB_TEACHER_KEY", "a-key-for-the-tests")


def lesson_alone() -> None:
    import streamlit as st

    from pages.shared import scenes, sitemap
    from pages.shared.lesson import objective
    from pages.shared.models import choose_model

    st.session_state[sitemap.LESSON] = "generation"
    scenes.arrive("generation")
    objective("", 1)
    choose_model()
    st.slider("Temperature", 0.0, 2.0, 1.0, key="temperature", persist_state="session")
    st.text_area("Prompt", "The lion", key="prompt")


@pytest.mark.parametrize("lock", ["locked", "hidden"])
def test_what_a_teacher_locks_is_set_back_whatever_a_browser_sends(lock, trained_run, in_class):
    # Not app.py: after a change of page the test driver runs the page's file alone, without the app around it.
    kept = Scene(
        "generation", values={"temperature": 0.5, "prompt": "The dog"}, lock=lock, state={"run_id": trained_run}
    )
    app = AppTest.from_function(lesson_alone, default_timeout=60)
    app.query_params["scene"] = store().save(kept, "t", by_teacher=True)
    app.run()
    assert "Set by the teacher" in words(app)
    app.slider(key="temperature").set_value(1.5)
    app.text_area(key="prompt").set_value("Something else").run()
    assert not app.exception
    assert app.slider(key="temperature").value == 0.5 and app.text_area(key="prompt").value == "The dog"
    models = [box for box in app.selectbox if box.label == "Model"]
    assert not models if lock == "hidden" else models[0].disabled


def test_only_a_teacher_can_lock(trained_run, in_class):
    scene = store().save(Scene("generation", values={"temperature": 0.5}, lock="locked"), "a-learner")
    app = opened(lesson="generation", scene=scene)
    assert "Set by the teacher" not in words(app)
    app.slider(key="temperature").set_value(1.5).run()
    assert app.slider(key="temperature").value == 1.5


def test_a_lock_holds_in_its_lesson_only(trained_run, in_class):
    values = {"sentence": "The dog sees"}
    scene = store().save(Scene("attention", part=0, values=values, lock="locked"), "t", by_teacher=True)
    app = opened(lesson="attention", scene=scene)
    assert app.text_area(key="sentence").value == "The dog sees"
    app.session_state["part"] = "Step by step"
    app.run()
    assert not app.exception and app.session_state["part"] == "Step by step"


def fragment_alone() -> None:
    import pandas as pd
    import streamlit as st

    from pages.shared import scenes, sitemap
    from pages.shared.edited_table import edited_table
    from pages.shared.lesson import objective
    from pages.shared.live import kept_current

    st.session_state[sitemap.LESSON] = "generation"
    scenes.arrive("generation")
    objective("", 1)

    def panel() -> None:
        st.slider("Temperature", 0.0, 2.0, 1.0, key="temperature")
        st.number_input("Seed", value=None, key="seed")
        st.file_uploader("File", key="file")

    kept_current(panel, every=None)()

    def usual() -> pd.DataFrame:
        return pd.DataFrame({"name": ["a", "b"], "price": [1.0, 2.0]})

    table = edited_table("prices", usual, reset="Back")
    st.text(table.to_csv(index=False))
    st.text(str(scenes.captured()[0]))


def test_a_box_that_was_emptied_and_an_edited_table_come_back(trained_run):
    rows = {"name": ["a", "c"], "price": [1.5, None]}
    kept = Scene("generation", values={"temperature": 0.5, "seed": None}, state={"table:prices": rows})
    app = AppTest.from_function(fragment_alone, default_timeout=60)
    app.session_state["seed"] = 3
    app.query_params["scene"] = store().save(kept, "t")
    app.run()
    assert not app.exception
    assert app.number_input(key="seed").value is None and app.slider(key="temperature").value == 0.5
    assert "name,price\na,1.5\nc," in app.text[0].value
    app.button(key="prices-table-reset").click().run()
    assert not app.exception and "a,1.0\nb,2.0" in app.text[0].value


def test_a_box_that_was_emptied_is_a_setting_and_a_file_that_was_not_chosen_is_none(trained_run):
    app = AppTest.from_function(fragment_alone, default_timeout=60)
    app.run().number_input(key="seed").set_value(3).run()
    assert "'seed': 3" in app.text[1].value
    app.number_input(key="seed").set_value(None).run()
    assert "'seed': None" in app.text[1].value and "'file'" not in app.text[1].value


def test_a_locked_table_is_set_back_and_its_editor_is_held(trained_run, in_class):
    kept = Scene("generation", state={"table:prices": {"name": ["z"], "price": [9.0]}}, lock="locked")
    app = AppTest.from_function(fragment_alone, default_timeout=60)
    app.query_params["scene"] = store().save(kept, "t", by_teacher=True)
    app.run()
    app.button(key="prices-table-reset").click().run()
    assert not app.exception and app.text[0].value == "name,price\nz,9.0"
