"""Every page as a script, through the real navigation."""

import dataclasses
import math
import os
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.runs.execution import execute
from engine.runs.service import lab
from pages.shared.sitemap import lessons

from .conftest import tiny_config

PROJECT = Path(__file__).resolve().parents[2]
PAGES = sorted(path.name for path in (PROJECT / "pages").glob("*.py"))
# Their first part is about text, shapes or runs of another kind.
WITHOUT_RUNS = (
    *("data.py", "tokenization.py", "embeddings.py", "transformer.py", "translation.py", "journey.py"),
    *("classification.py", "scaling.py"),
    *("glossary.py", "progress.py", "board.py", "sheets.py"),
)


def open_page(name: str, **session) -> AppTest:
    app = AppTest.from_file(str(PROJECT / "pages" / name), default_timeout=60)
    for key, value in session.items():
        app.session_state[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


def texts(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error, app.text, app.header, app.title)
    return "\n".join(element.value for kind in kinds for element in kind)


def test_every_page_file_is_a_lesson_in_the_navigation():
    assert sorted(lesson.file for lesson in lessons()) == PAGES


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_in_an_empty_installation(name):
    app = open_page(name)
    assert not app.error
    assert app.title[0].value


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_with_a_trained_run(name, trained_run):
    app = open_page(name, run_id=trained_run)
    assert not app.error
    if name not in WITHOUT_RUNS:
        assert "Stories · test" in texts(app) + " ".join(str(box.value) + str(box.options) for box in app.selectbox)


@pytest.mark.parametrize("name", PAGES)
def test_every_control_has_help(name, trained_run):
    app = open_page(name, run_id=trained_run)
    kinds = (app.slider, app.select_slider, app.number_input, app.text_input, app.text_area, app.toggle)
    for kind in (*kinds, app.selectbox, app.multiselect):
        for widget in kind:
            assert widget.help, f"{name}: {widget.label} has no help"


def test_train_submits_what_the_form_says():
    app = open_page("pretraining.py")
    next(button for button in app.button if button.label == "Train").click().run()
    assert not app.exception
    (record,) = lab().runs()
    assert record.state == "queued"
    assert record.config.corpora == (("shakespeare", 1.0),)
    assert record.config.training.seconds == 60
    assert app.query_params["run"] in (record.run_id, [record.run_id])
    assert "number 1 in the queue" in "\n".join(str(p.proto) for p in app.get("progress"))


def test_train_with_the_same_settings_shows_the_same_run():
    for _ in range(2):
        app = open_page("pretraining.py")
        next(button for button in app.button if button.label == "Train").click().run()
    assert len(lab().runs()) == 1


def test_settings_that_cannot_work_are_explained_and_train_is_off():
    app = open_page("pretraining.py")
    next(s for s in app.select_slider if s.label == "Attention heads").set_value(3).run()
    assert "multiple of n_heads" in texts(app)
    assert next(button for button in app.button if button.label == "Train").disabled


def test_a_pasted_text_that_is_too_short_is_explained():
    app = open_page("pretraining.py")
    app.selectbox(key="corpus").set_value("own").run()
    assert "Upload a file or paste a text" in texts(app)
    app.text_area(key="corpus-pasted").set_value("too short").run()
    assert "at least 2,000" in texts(app)


def test_a_pasted_text_becomes_the_text_of_the_run():
    app = open_page("pretraining.py")
    app.selectbox(key="corpus").set_value("own").run()
    app.text_area(key="corpus-pasted").set_value("The cat sat on the mat. <b>Bold!</b>\n" * 200).run()
    next(button for button in app.button if button.label == "Train").click().run()
    assert not app.exception
    (record,) = lab().runs()
    assert record.config.corpora[0][0].startswith("upload:")


def test_an_own_text_stays_in_use_for_who_comes_back_until_it_is_left_out():
    app = open_page("pretraining.py")
    app.selectbox(key="corpus").set_value("own").run()
    app.text_area(key="corpus-pasted").set_value("The cat sat on the mat.\n" * 200).run()
    kept = {"text-kept:corpus": app.session_state["text-kept:corpus"], "corpus": "own"}
    app.text_area(key="corpus-pasted").set_value("").run()
    assert "Upload a file or paste a text" in texts(app)
    again = open_page("pretraining.py", **kept)
    assert "In use: My own text, 4,800 characters" in [each.value for each in again.text]
    again.button(key="corpus-forget").click().run()
    assert not again.exception and "Upload a file or paste a text" in texts(again)


def test_the_record_of_a_run_is_drawn(trained_run):
    app = open_page("pretraining.py", run_id=trained_run)
    folded = len(app.get("vega_lite_chart"))
    assert folded >= 2
    app.session_state[f"details:{trained_run}"] = True
    app.run()
    assert len(app.get("vega_lite_chart")) == folded + 3
    assert "step 30 of 30" in "\n".join(str(p.proto) for p in app.get("progress"))
    assert "The lion is in the" in texts(app)


def test_runs_side_by_side_list_what_differs(trained_run):
    import os

    from engine.runs.execution import execute

    other = lab().submit(tiny_config(learning_rate=0.001), "slower")
    execute(other, dict(os.environ))
    app = open_page("pretraining.py", run_id=trained_run)
    app.multiselect[0].set_value([other]).run()
    assert not app.exception
    table = app.dataframe[0].value
    assert "training.learning_rate" in table.index
    assert "model.d_model" not in table.index


def test_generation_without_a_model_says_where_to_train_one(monkeypatch):
    monkeypatch.setattr("pages.shared.examples.ASSETS", Path("/nowhere"))
    app = open_page("generation.py")
    assert "There is no model yet" in texts(app)


def test_one_token_is_added_and_taken_back(trained_run):
    app = open_page("generation.py", run_id=trained_run)
    before = len(app.session_state["draft"].tokens)
    next(b for b in app.button if b.label == "One token").click().run()
    assert not app.exception
    assert len(app.session_state["draft"].tokens) == before + 1
    next(b for b in app.button if b.label == "Back one").click().run()
    assert len(app.session_state["draft"].tokens) == before
    assert len(app.session_state["draft"].branches) == 1


def test_write_on_adds_the_tokens_asked_for(trained_run):
    app = open_page("generation.py", run_id=trained_run)
    before = len(app.session_state["draft"].tokens)
    app.slider(key="n_tokens").set_value(20).run()
    next(b for b in app.button if b.label == "Write on").click().run()
    assert not app.exception
    assert len(app.session_state["draft"].tokens) == before + 20


def test_moving_a_slider_does_not_run_the_model_again(trained_run, monkeypatch):
    app = open_page("generation.py", run_id=trained_run)

    def never(*_):
        raise AssertionError("the model was run")

    monkeypatch.setattr("engine.generation.next_logits", never)
    monkeypatch.setattr("engine.gpt.GPT.hidden", never)
    app.slider(key="temperature").set_value(1.5).run()
    app.slider(key="top_k").set_value(3).run()
    assert not app.exception
    assert not app.error
    assert re.search(r"top-k cut [\d,]+ tokens", texts(app))


def test_an_empty_prompt_is_explained(trained_run):
    app = open_page("generation.py", run_id=trained_run)
    app.text_area(key="prompt").set_value("").run()
    assert "Type a prompt" in texts(app)


def test_hostile_text_is_shown_as_text(trained_run):
    app = open_page("generation.py", run_id=trained_run)
    app.text_area(key="prompt").set_value("<script>alert(1)</script> **x** \x00").run()
    assert not app.exception
    assert not any("<script>" in m.value for m in app.markdown)


def test_an_address_with_an_unknown_run_says_so_and_shows_the_newest(trained_run):
    for name in ("pretraining.py", "generation.py"):
        app = AppTest.from_file(str(PROJECT / "pages" / name), default_timeout=60)
        app.query_params["run"] = "0123456789abcdef"
        app.run()
        assert not app.exception
        assert "The run in this address" in texts(app)
        assert app.query_params["run"] in (trained_run, [trained_run])


def test_a_text_too_short_for_the_context_is_refused_before_training():
    app = open_page("pretraining.py")
    app.selectbox(key="corpus").set_value("own").run()
    app.text_area(key="corpus-pasted").set_value("The cat sat on the mat.\n" * 100).run()
    assert not next(button for button in app.button if button.label == "Train").disabled
    next(s for s in app.select_slider if s.label == "Context length").set_value(256).run()
    assert "too short for a context length of 256" in texts(app)
    assert next(button for button in app.button if button.label == "Train").disabled


def test_a_failed_run_shows_its_sentence_and_no_work_in_progress():
    run_id = lab().submit(tiny_config(learning_rate=0.1, matrix_learning_rate=0.3, clip_norm=5.0), "wild")
    claim = lab().store.claim(run_id, "test")
    lab().store.settle(claim, "failed", error="The loss became nan at step 3: start over with a lower rate.")
    app = open_page("pretraining.py", run_id=run_id)
    assert "The loss became nan at step 3" in texts(app)
    assert "…" not in "".join(info.value for info in app.info)
    assert "Resume" in [button.label for button in app.button]


def test_a_text_longer_than_the_context_says_what_the_model_still_reads(trained_run):
    app = open_page("generation.py", run_id=trained_run)
    app.text_area(key="prompt").set_value("The lion is in the forest. " * 20).run()
    assert "the model reads the last 16 of them" in texts(app)


def test_the_sample_slider_stays_where_it_is_put_and_follows_again_from_the_right_end(trained_run):
    def slider(app):
        return next(each for each in app.select_slider if each.label == "Step")

    app = open_page("pretraining.py", run_id=trained_run)
    steps = [int(option) for option in slider(app).options]
    assert slider(app).value == steps[-1]
    slider(app).set_value(steps[0]).run()
    app.run()
    assert slider(app).value == steps[0]
    assert f"After step {steps[0]}" in texts(app)
    slider(app).set_value(steps[-1]).run()
    assert f"After step {steps[-1]}" in texts(app)
    assert not app.exception


def test_a_mixture_is_trained_with_the_shares_of_its_sliders():
    app = open_page("pretraining.py", corpus="mix")
    sliders = {slider.label: slider for slider in app.slider}
    for title, weight in {
        "Shakespeare": 0,
        "BBC News": 0,
        "The Python reference": 0,
        "Stories": 90,
        "Phrasebook": 30,
    }.items():
        sliders[title].set_value(weight)
    app.run()
    assert "75 % Stories + 25 % Phrasebook" in texts(app)
    next(button for button in app.button if button.label == "Train").click().run()
    (record,) = lab().runs()
    assert record.config.corpora == (("phrasebook", 0.25), ("stories", 0.75))
    assert record.label.startswith("75 % Stories + 25 % Phrasebook")


def test_a_mixture_of_nothing_is_explained_and_train_is_off():
    app = open_page("pretraining.py", corpus="mix")
    for slider in app.slider:
        if slider.key.startswith("mix:"):
            slider.set_value(0)
    app.run()
    assert "Give at least one of the texts a weight above 0" in texts(app)
    assert next(button for button in app.button if button.label == "Train").disabled


def test_the_loss_of_a_mixture_is_shown_for_each_text():
    config = dataclasses.replace(tiny_config(), corpora=(("stories", 1), ("phrasebook", 1)))
    run_id = lab().submit(config, "a mixture")
    assert execute(run_id, dict(os.environ)) == "finished"
    app = open_page("pretraining.py", run_id=run_id)
    (caption,) = (each.value for each in app.caption if each.value.startswith("Each text by itself"))
    assert "Stories" in caption and "Phrasebook" in caption
    specs = [chart.proto.spec for chart in app.get("vega_lite_chart")]
    assert any("Validation loss per source" in spec for spec in specs)


def test_a_text_of_this_sessions_making_can_be_trained_on_and_keeps_its_name():
    name = lab().save_upload("The lion is in the forest. " * 400)
    title = "Shakespeare without near-duplicates"
    app = open_page("pretraining.py", **{"texts:made": {name: (title, 10_800)}, "corpus": name})
    assert app.selectbox(key="corpus").value == name
    next(button for button in app.button if button.label == "Train").click().run()
    (record,) = lab().runs()
    assert record.config.corpora == ((name, 1.0),)
    assert record.label.startswith(title)


def test_a_run_gives_windows_of_the_text_it_keeps_aside(trained_run):
    inputs, targets = lab().validation_windows(trained_run, n_tokens=160)
    assert inputs.shape == targets.shape == (10, 16)
    assert (inputs[:, 1:] == targets[:, :-1]).all()


def test_generation_measures_the_surprise_of_the_prompt(trained_run):
    app = open_page("generation.py", run_id=trained_run)
    values = {metric.label: float(metric.value.replace(",", "")) for metric in app.metric}
    assert values["Perplexity"] == pytest.approx(2 ** values["Bits per token"], rel=0.05)
    table = next(frame.value for frame in app.dataframe if "surprise (bits)" in frame.value)
    assert table["surprise (bits)"].mean() == pytest.approx(values["Bits per token"], abs=0.01)
    assert math.isnan(table["probability"].iloc[0]) and set(table["by"]) == {"prompt"}


def test_a_prompt_of_one_token_has_no_surprise(trained_run):
    app = open_page("generation.py", run_id=trained_run)
    app.text_area(key="prompt").input("T").run()
    assert not app.exception and not app.metric
    assert "surprises nobody" in texts(app)
