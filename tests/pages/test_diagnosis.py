"""The parts "Is it normal?" and "Bug hunt" of the lesson on pretraining, through the real page."""

import os

import pytest

from engine import diagnosis as rules
from engine.faults import FAULTS, SOUND, laboratory_config, mystery
from engine.runs.execution import execute
from engine.runs.service import lab
from pages.parts.pretraining import bug_hunt, diagnosis
from pages.shared import examples
from tests.pages.conftest import tiny_config
from tests.pages.helpers import open_lesson, words

NORMAL, HUNT = "Is it normal?", "Bug hunt"


def open_part(part, **session):
    return open_lesson("pretraining.py", part, **session)


def press(app, key):
    app.button(key=key).click()
    app.run()
    assert not app.exception, app.exception
    return app


def titles(app):
    return "\n".join(each.value for each in app.subheader)


def layers_of(app):
    """The layers of the first chart's specification, as text."""
    return app.get("vega_lite_chart")[0].proto.spec


def test_without_a_run_both_parts_say_what_to_do_and_every_control_has_help():
    for part in (NORMAL, HUNT):
        app = open_part(part)
        assert not app.error
        assert "What to notice" in words(app)
        kinds = (app.selectbox, app.number_input, app.radio, app.toggle, app.button)
        for widget in (each for kind in kinds for each in kind):
            assert widget.help, widget.label
    assert f"Nobody has trained mystery {bug_hunt.FIRST_MYSTERY}" in words(app)


def test_the_foundation_model_is_diagnosed_by_default_and_called_normal(shipped):
    app = open_part(NORMAL)
    assert app.selectbox(key="diagnosed-run").value == examples.example_foundation()
    assert rules.TITLES[rules.HEALTHY] in titles(app)
    assert "trigram baseline" in words(app)


def test_a_run_stopped_too_soon_is_named_marked_and_mended_by_one_press(trained_run):
    app = open_part(NORMAL)
    assert rules.TITLES[rules.UNDER_TRAINED] in titles(app)
    assert "stretch" in layers_of(app) and "Shaded: steps 15 to 30" in words(app)
    table = next(each.value for each in app.dataframe if "to try" in each.value)
    assert table.values.tolist() == [["Steps", "30", "120"]]
    press(app, f"try:{trained_run}:{rules.UNDER_TRAINED}")
    (mended,) = [record for record in lab().runs() if record.run_id != trained_run]
    assert mended.config == tiny_config(steps=120)
    assert app.selectbox(key="diagnosed-run").value == trained_run  # the new one is drawn beside it
    assert "number 1 in the queue" in "\n".join(str(each.proto) for each in app.get("progress"))
    assert execute(mended.run_id, dict(os.environ)) == "finished"
    app.run()
    assert "Beside it" in words(app)
    assert "mended" in layers_of(app)


def test_breaking_it_shows_what_changes():
    app = open_part(NORMAL)
    for name, fault in FAULTS.items():
        app.selectbox(key="break-fault").set_value(name).run()
        table = app.dataframe[0].value
        assert len(table) in (1, 2), name
        assert not any(setting.startswith(("model.", "training.")) for setting in table["setting"]), name
        assert fault.does in words(app)


def test_breaking_it_submits_the_broken_run_and_its_sound_twin():
    app = press(open_part(NORMAL, **{"break-fault": "mask-off"}), "break-train")
    (record,) = lab().runs()
    assert record.config == FAULTS["mask-off"].broken(laboratory_config())
    assert app.selectbox(key="diagnosed-run").value == record.run_id
    press(app, "break-sound")
    assert {each.config.run_id for each in lab().runs()} == {record.run_id, laboratory_config().run_id}


def test_a_failed_run_is_explained_by_its_rate(trained_run, monkeypatch):
    from engine.runs import records

    failed = "The loss became nan at step 31: the updates were too large."
    original = records.RunRecord.__init__

    def with_error(self, *args, **named):
        original(self, *args, **{**named, "error": failed})

    monkeypatch.setattr(records.RunRecord, "__init__", with_error)
    app = open_part(NORMAL)
    assert rules.TITLES[rules.RATE_TOO_HIGH] in titles(app)


def test_the_model_itself_is_asked_for_a_leak_when_the_learner_wants_it(trained_run):
    app = press(open_part(NORMAL), f"leak:{trained_run}")
    measured = next(each.value for each in app.dataframe if "measured" in each.value).set_index("measured")["value"]
    assert float(measured["Loss at the last position of held-out windows"]) > 1


@pytest.fixture
def small_mystery(monkeypatch):
    """Mysteries of a second each: the same faults in a smaller run."""

    def shrunk(number):
        case = mystery(number)
        config = tiny_config()
        config = config if case.fault == SOUND else FAULTS[case.fault].change(config)
        return bug_hunt.Mystery(number, case.fault, case.choices, config)

    monkeypatch.setattr(bug_hunt, "mystery", shrunk)
    return shrunk


def test_a_mystery_is_trained_named_and_revealed_and_the_score_kept(small_mystery):
    number = next(n for n in range(100) if mystery(n).fault == "unshifted")
    case = small_mystery(number)
    app = press(open_part(HUNT, **{"hunt-number": number}), "hunt-train")
    (record,) = lab().runs()
    assert record.label == f"Mystery {number}"
    assert execute(record.run_id, dict(os.environ)) == "finished"
    app.run()
    hidden = words(app)
    assert FAULTS["unshifted"].does not in hidden and "target" not in hidden
    assert app.button(key="hunt-answer").disabled
    assert "stretch" not in layers_of(app)
    app.toggle(key="hunt-close").set_value(True).run()
    assert not app.exception and not app.error
    press(app, "hunt-hint")
    assert "It is not" in words(app) and FAULTS["unshifted"].title not in words(app).split("It is not")[1][:60]
    wrong = next(each for each in case.choices if each != "unshifted")
    app.radio(key=f"hunt-guess:{number}").set_value(wrong).run()
    press(app, "hunt-answer")
    told = words(app)
    assert "You said" in told and FAULTS["unshifted"].does in told
    assert "0 of 1** named right, 1 with a hint" in told
    assert "What the rules say" in told
    press(app, "hunt-next")
    assert app.number_input(key="hunt-number").value == number + 1


def test_an_unsolved_mystery_cannot_be_diagnosed_next_door(small_mystery):
    number = next(n for n in range(100) if mystery(n).fault == SOUND)
    run_id = lab().submit(small_mystery(number).config, f"Mystery {number}")
    assert execute(run_id, dict(os.environ)) == "finished"
    assert "No run yet" in words(open_part(NORMAL))
    solved = open_part(NORMAL, **{"hunt-answers": {number: SOUND}})
    assert solved.selectbox(key="diagnosed-run").value == run_id


def test_differences_are_shown_in_words():
    before = laboratory_config()
    shown = diagnosis.changes(before, FAULTS["mask-off"].broken(before), ("sound", "broken"))
    assert shown.values.tolist() == [["Causal mask", "on", "off"]]
    shown = diagnosis.changes(before, FAULTS["no-residual"].broken(before), ("sound", "broken"))
    assert ["Residual stream", "on", "off"] in shown.values.tolist()
    assert diagnosis.changes(before, before, ("a", "b")).empty
