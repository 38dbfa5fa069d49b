"""The time machine, the replay, what lies beyond words and the rate finder, through the real page."""

import os

import pytest

from engine.rate_finder import suggest
from engine.runs.execution import execute
from engine.runs.preparation import read_corpora
from engine.runs.service import lab
from pages.parts.pretraining import beyond_words, layer_movement, long_text, replay, spread, time_machine, time_panels
from tests.pages.helpers import open_lesson, words

PAGE = "pretraining.py"
COMPONENTS = ("attention_map", "embedding_map", "lens_table", "surprise_text")


@pytest.fixture
def drawn(monkeypatch):
    """What each component of the time machine was given last."""
    seen = {}
    for name in COMPONENTS:
        original = getattr(time_panels, name)

        def record(*args, _name=name, _original=original, **named):
            seen[_name] = (args, named)
            return _original(*args, **named)

        monkeypatch.setattr(time_panels, name, record)
    return seen


def test_one_slider_moves_text_attention_map_lens_and_surprise(trained_run, drawn):
    key = f"checkpoint:{trained_run}"
    app = open_lesson(PAGE, "Time machine", run_id=trained_run, **{key: 0})
    first, text = dict(drawn), app.text[0].value
    assert "**Step 0** of 30" in words(app)
    assert len(app.get("vega_lite_chart")) == 2
    app.session_state[key] = 30
    app.run()
    assert "**Step 30** of 30" in words(app)
    assert app.text[0].value != text
    for name in COMPONENTS:
        assert str(first[name][0][0]) != str(drawn[name][0][0]), name
    assert first["embedding_map"][0][2] == drawn["embedding_map"][0][2]  # the frame stays, the points move

    prompt = "<script>alert(1)</script> **b** $x$ \u202e" + 200 * "a"
    app.text_input[0].set_value(prompt).run()
    assert app.text[0].value.startswith(prompt)
    app.text_input[0].set_value("").run()
    assert "Type a prompt" in words(app)
    app.text_input[0].set_value("The").run()
    next(each for each in app.button_group if each.key == "time-panels:7").set_value(["Loss"]).run()
    assert not app.exception and not app.error
    assert not app.text and len(app.get("vega_lite_chart")) == 1


def test_play_steps_through_the_checkpoints_and_stops_at_the_last(trained_run, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time_machine.time, "monotonic", lambda: now[0])
    app = open_lesson(PAGE, "Time machine", run_id=trained_run, **{"time-panels:7": ["Loss"]})
    app.button(key="time-play").click().run()
    seen = []
    for _ in range(5):
        seen += [each.value.split("**")[1] for each in app.markdown if each.value.startswith("**Step ")]
        now[0] += 2.0
        app.run()
    assert not app.exception
    steps = [f"Step {info.step}" for info in lab().checkpoints(trained_run)]
    assert len(steps) == 4 and seen == [*steps, steps[-1]]
    assert app.button(key="time-play").label == "Play"


def test_a_replay_shows_the_record_up_to_its_second(trained_run, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(replay.time, "monotonic", lambda: now[0])
    app = open_lesson(PAGE, "Time machine", **{"run_id": trained_run, "time-view": "Replay"})
    total = max(each["seconds"] for each in lab().curve(trained_run).evaluations)
    assert app.metric[0].value == "0"
    chart = app.get("vega_lite_chart")[0].proto.spec
    app.button(key="replay-play").click().run()
    halfway = next(each["seconds"] for each in lab().curve(trained_run).steps if each["step"] == 15)
    now[0] += halfway / 10 + 1e-6  # at ten times the speed
    app.run()
    assert 0 < int(app.metric[0].value) < 30
    assert app.get("vega_lite_chart")[0].proto.spec == chart
    now[0] += total
    app.run()
    assert app.metric[0].value == "30"
    assert app.button(key="replay-play").label == "Play"
    app.button(key="replay-restart").click().run()
    assert app.metric[0].value == "0"
    app.slider[0].set_value(total).run()
    assert app.metric[0].value == "30"
    assert not app.exception and not app.error


def test_without_a_run_the_parts_say_what_to_do(data_home):
    for part in ("Time machine", "Beyond words"):
        assert "There is no model yet" in words(open_lesson(PAGE, part))
    assert "No range test" in words(open_lesson(PAGE, "Learning-rate finder"))


def view(app, name, **session):
    for key, value in session.items():
        app.session_state[key] = value
    next(each for each in app.button_group if each.key == "beyond-view").set_value(name).run()
    assert not app.exception and not app.error
    return app


def test_beyond_words_shows_what_was_recorded(trained_run, monkeypatch):
    checkpoints = [info.step for info in lab().checkpoints(trained_run)]
    app = open_lesson(PAGE, "Beyond words", run_id=trained_run)
    for kind in spread.KINDS:
        app.selectbox(key="beyond-kind").set_value(kind).run()
        assert not app.exception and not app.error
        assert list(app.dataframe[0].value["step"]) == checkpoints
        assert len(app.get("vega_lite_chart")) == 1

    table = view(app, beyond_words.MOVES).dataframe[0].value
    event = lab().events(trained_run, kinds=("layers",))[-1].payload
    last = table[table["step"] == event["step"]].set_index("part")
    for each in event["layers"]:
        assert last.loc[each["name"], "gradient"] == each["gradient"]
        assert last.loc[each["name"], "ratio"] == pytest.approx(each["update"] / each["weights"])
    assert len(app.get("vega_lite_chart")) == 2
    with monkeypatch.context() as older:
        older.setattr(layer_movement, "_recorded", lambda *args: table.iloc[:0])
        measured = view(app, beyond_words.MOVES).dataframe[0].value
    assert "older than the record of its layers" in words(app)
    assert list(dict.fromkeys(measured["step"])) == checkpoints
    assert (measured["gradient"] > 0).all()
    assert (measured["ratio"] > 0).equals(measured["step"] > 0)

    with monkeypatch.context() as small:
        small.setattr(long_text, "LARGE_CHARS", 1000)
        assert not view(app, beyond_words.READ).dataframe  # a long text is read only when asked for
    view(app, beyond_words.READ).number_input[0].set_value(7).run()
    config = lab().run(trained_run).config
    text = read_corpora(config, lab().artifacts).train
    windows = app.dataframe[0].value["text"]
    assert len(windows) == config.training.batch_size and all(each in text for each in windows)

    view(app, beyond_words.TAKES)
    app.number_input(key="beyond-watts").set_value(100.0).run()
    values = {each.label: each.value for each in app.metric}
    assert values["Energy"] == f"{lab().run(trained_run).seconds * 100 / 3600:,.3g} Wh"


def test_the_rate_finder_trains_suggests_and_compares(trained_run):
    app = open_lesson(PAGE, "Learning-rate finder", **{"finder-settings": trained_run, "finder-compared": 100})
    app.button(key="finder-run").click().run()
    test = lab().runs()[0].run_id
    assert execute(test, dict(os.environ)) == "finished"
    app.run()
    steps = lab().curve(test, 2000).steps
    found = suggest([each["learning_rate"] for each in steps], [each["loss"] for each in steps])
    assert [each.value for each in app.metric[-2:]] == [f"{found.steepest:.2g}", f"{found.tenth:.2g}"]
    assert lab().run(test).config.training.decay == "rising"
    app.button(key="finder-compare").click().run()
    runs = [record for record in lab().runs() if record.state == "queued"]
    rates = sorted(record.config.training.learning_rate for record in runs)
    assert rates == pytest.approx([rates[1] / 10, rates[1], rates[1] * 10])
    assert execute(runs[0].run_id, dict(os.environ)) == "finished"
    app.run()
    assert not app.exception and not app.error
    assert len(app.get("vega_lite_chart")) == 2
