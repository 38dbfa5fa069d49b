"""The time machine, the replay and what lies beyond words, through the real page."""

import os

import pytest
import streamlit as st

from engine.runs.execution import execute
from engine.runs.preparation import read_corpora
from engine.runs.service import lab
from pages.parts.pretraining import beyond_words, replay, time_machine
from tests.pages.helpers import open_lesson, words

from .conftest import tiny_config

PAGE = "pretraining.py"


@pytest.fixture
def drawn(monkeypatch):
    """What each component of the time machine was given last."""
    seen = {}
    for name in ("attention_map", "embedding_map", "lens_table", "surprise_text"):
        original = getattr(time_machine, name)

        def record(*args, _name=name, _original=original, **named):
            seen[_name] = (args, named)
            return _original(*args, **named)

        monkeypatch.setattr(time_machine, name, record)
    return seen


def time_machine_at(run_id, step, **session):
    return open_lesson(PAGE, "Time machine", **{f"checkpoint:{run_id}": step, "run_id": run_id, **session})


def test_one_slider_moves_text_attention_map_lens_and_surprise(trained_run, drawn):
    app = time_machine_at(trained_run, 0)
    first, text = dict(drawn), app.text[0].value
    assert "**Step 0** of 30" in words(app)
    app.session_state[f"checkpoint:{trained_run}"] = 30
    app.run()
    assert not app.exception
    assert "**Step 30** of 30" in words(app)
    assert app.text[0].value != text
    for name in ("attention_map", "embedding_map", "lens_table", "surprise_text"):
        assert str(first[name][0][0]) != str(drawn[name][0][0]), name
    assert first["embedding_map"][0][2] == drawn["embedding_map"][0][2]  # the frame stays, the points move


def test_a_panel_can_be_put_away(trained_run, drawn):
    app = time_machine_at(trained_run, 30)
    pills = next(each for each in app.button_group if each.key == "time-panels:7")
    pills.set_value(["Loss"]).run()
    assert not app.exception
    assert [each.value for each in app.text] == []
    assert len(app.get("vega_lite_chart")) == 1


def test_play_steps_through_the_checkpoints_and_stops_at_the_last(trained_run, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time_machine.time, "monotonic", lambda: now[0])
    app = time_machine_at(trained_run, 30)
    app.button(key="time-play").click().run()
    seen = []
    for _ in range(8):
        seen += [each.value.split("**")[1] for each in app.markdown if each.value.startswith("**Step ")]
        now[0] += 2.0
        app.run()
    assert not app.exception
    steps = [f"Step {info.step}" for info in lab().checkpoints(trained_run)]
    assert seen[: len(steps)] == steps
    assert set(seen[len(steps) :]) == {steps[-1]}
    assert app.button(key="time-play").label == "Play"


@pytest.mark.parametrize("prompt", ["", "\ud800<script>alert(1)</script> **b** $x$", "a" * 300])
def test_any_prompt_is_text_or_asked_for_again(trained_run, prompt):
    app = time_machine_at(trained_run, 30, **{f"time-prompt:{trained_run}": prompt})
    assert ("Type a prompt" in words(app)) == (prompt == "")
    if prompt:
        assert app.text[0].value.startswith(prompt.encode("utf-8", "replace").decode())


def test_no_run_is_no_crash(data_home):
    for part in ("Time machine", "Beyond words"):
        assert "There is no model yet" in words(open_lesson(PAGE, part))


def test_a_replay_shows_the_record_up_to_its_second(trained_run, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(replay.time, "monotonic", lambda: now[0])
    app = open_lesson(PAGE, "Time machine", **{"run_id": trained_run, "time-view": "Replay"})
    total = lab().curve(trained_run).evaluations[-1]["seconds"]
    assert app.metric[0].value == "0"
    chart = app.get("vega_lite_chart")[0].proto.spec
    app.button(key="replay-play").click().run()
    now[0] += total / 20  # at ten times the speed half of the run has gone by
    app.run()
    assert 0 < int(app.metric[0].value) < 30
    assert app.get("vega_lite_chart")[0].proto.spec == chart
    now[0] += total
    app.run()
    assert app.metric[0].value == "30"
    assert app.button(key="replay-play").label == "Play"
    app.button(key="replay-restart").click().run()
    assert app.metric[0].value == "0"
    assert not app.exception


def open_view(run_id, view, **session):
    return open_lesson(PAGE, "Beyond words", **{"run_id": run_id, "beyond-view": view, **session})


def test_gradients_and_updates_are_the_recorded_ones(trained_run):
    app = open_view(trained_run, beyond_words.MOVES)
    table = app.dataframe[0].value
    event = lab().events(trained_run, kinds=("layers",))[-1].payload
    last = table[table["step"] == event["step"]].set_index("part")
    for each in event["layers"]:
        assert last.loc[each["name"], "gradient"] == each["gradient"]
        assert last.loc[each["name"], "ratio"] == pytest.approx(each["update"] / each["weights"])
    assert len(app.get("vega_lite_chart")) == 2


def test_an_older_run_is_measured_at_its_checkpoints(trained_run, monkeypatch):
    monkeypatch.setattr(
        beyond_words, "_recorded", lambda *args: beyond_words.pd.DataFrame(columns=["step", "part", "gradient"])
    )
    app = open_view(trained_run, beyond_words.MOVES, **{"beyond-quantity": "Update ÷ weights"})
    assert "older than the record of its layers" in words(app)
    table = app.dataframe[0].value
    assert set(table["step"]) == {info.step for info in lab().checkpoints(trained_run)}
    assert (table["gradient"] > 0).all()
    assert table[table["step"] == 0]["ratio"].isna().all() and (table[table["step"] > 0]["ratio"] > 0).all()


@pytest.mark.parametrize("kind", list(beyond_words.KINDS))
def test_every_kind_of_number_has_histograms(trained_run, kind):
    app = open_view(trained_run, beyond_words.SPREAD, **{"beyond-kind": kind})
    assert not app.exception and not app.error
    assert len(app.dataframe[0].value) == len(lab().checkpoints(trained_run))
    assert len(app.get("vega_lite_chart")) == 1


def test_the_windows_of_a_step_are_those_that_were_trained_on(trained_run):
    app = open_view(trained_run, beyond_words.READ)
    app.number_input[0].set_value(7).run()
    assert not app.exception and not app.error
    table = app.dataframe[0].value
    config = lab().run(trained_run).config
    text = read_corpora(config, lab().artifacts).train
    assert len(table) == config.training.batch_size
    assert all(each in text for each in table["text"])
    assert "Read the text" not in [each.label for each in app.button]


def test_a_long_text_is_read_only_when_asked(trained_run, monkeypatch):
    monkeypatch.setattr(beyond_words, "LARGE_CHARS", 1000)
    app = open_view(trained_run, beyond_words.READ)
    assert not app.dataframe
    app.button(key="beyond-read-button").click().run()
    assert len(app.dataframe) == 2


def test_energy_is_seconds_times_watts(trained_run):
    app = open_view(trained_run, beyond_words.TAKES, **{"beyond-watts": 100.0, "beyond-price": 0.5})
    seconds = lab().run(trained_run).seconds
    values = {each.label: each.value for each in app.metric}
    assert values["Energy"] == f"{seconds * 100 / 3600:,.3g} Wh"
    assert values["Cost"] == f"{seconds * 100 / 3.6e6 * 0.5:.2g}"


def test_a_run_without_checkpoints_yet_is_left_out(trained_run):
    st.cache_data.clear()
    waiting = lab().submit(tiny_config(seed=5), "waiting")
    app = open_lesson(PAGE, "Time machine", run_id=waiting)
    assert "has kept no model here" in words(app)
    execute(waiting, dict(os.environ))
    assert "has kept no model here" not in words(open_lesson(PAGE, "Time machine", run_id=waiting))
