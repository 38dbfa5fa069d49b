"""The lesson on anatomy: each part through the real page, and what it shows against the engine and the model."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine import anatomy, scaling
from engine.gpt import GPTConfig
from engine.inspection import trace_of
from engine.runs.execution import execute
from engine.runs.service import lab
from pages.parts.transformer import lens as lens_part
from pages.parts.transformer import reading, shape, stream, through
from pages.shared.components.architecture_map import MapBox, architecture_map
from pages.shared.components.heat_grid import heat_grid
from pages.shared.components.lens_table import lens_table
from pages.shared.quantities import count, duration, size
from tests.pages.helpers import open_lesson, words

from .conftest import tiny_config

PAGE = Path(__file__).resolve().parents[2] / "pages" / "transformer.py"
PARTS = ["Size", "Through the model", "LayerNorm", "Activations", "Residual stream", "Logit lens"]
HOSTILE = "<script>alert(1)</script> </textarea> **x** $y$ \x00 \u202e abc " + "e\u0301" * 50


def open_part(part: str, **session) -> AppTest:
    return open_lesson("transformer.py", part, **session)


def view(app: AppTest, key: str, name: str) -> AppTest:
    app.session_state[key] = name
    app.run()
    assert not app.exception and not app.error, words(app)
    return app


@pytest.fixture
def deep_run() -> str:
    """A finished run with two layers, learned positions and ReLU², so that every operation is there."""
    config = tiny_config(steps=6, evaluations=1)
    model = dataclasses.replace(config.model, n_layers=2, positions="learned", activation="relu2", bias=True)
    run_id = lab().submit(dataclasses.replace(config, model=model), "deep")
    assert execute(run_id, dict(os.environ)) == "finished"
    return run_id


@pytest.fixture
def drawn(monkeypatch):
    """What the components were given last, by name; `click` is what the next call returns, once."""
    seen: dict[str, dict] = {"click": {}}
    for name, module in (("architecture_map", through), ("lens_table", lens_part), ("heat_grid", through)):
        original = getattr(module, name)

        def record(*args, _name=name, _original=original, **named):
            seen[_name] = {"args": args, **named}
            _original(*args, **named)
            return seen["click"].pop(_name, None)

        monkeypatch.setattr(module, name, record)
    return seen


def test_every_part_opens_with_a_run_and_every_control_has_help(trained_run):
    for part in PARTS:
        app = open_part(part, run_id=trained_run)
        assert not app.error
        kinds = (app.slider, app.select_slider, app.number_input, app.text_area, app.selectbox, app.toggle, app.button)
        for kind in (*kinds, app.get("button_group")):
            for widget in kind:
                assert widget.proto.help, f"{part}: {widget.proto.label} has no help"
        assert "What to notice" in words(app)


@pytest.mark.parametrize("part", PARTS[1:])
def test_parts_that_look_inside_say_where_to_train_a_model(part):
    assert "There is no model yet" in words(open_part(part))


@pytest.mark.parametrize("text", ["", "a", HOSTILE])
def test_any_text_is_read_or_asked_for_and_never_becomes_markup(text, deep_run):
    for part in PARTS[1:]:
        app = open_part(part, run_id=deep_run, sentence=text)
        assert not app.error, words(app)
        assert "<script>" not in "\n".join(each.value for each in (*app.markdown, *app.caption))
        if not text:
            assert "Type a sentence" in words(app)


# Size


def test_a_preset_fills_every_control_with_the_published_shape():
    app = open_part("Size")
    assert "124,439,808" in [metric.value for metric in app.metric]
    app.selectbox(key="size_preset").set_value("gpt3").run()
    assert app.slider(key="size_n_layers").value == 96
    assert app.select_slider(key="size_d_model").value == 12_288
    assert app.select_slider(key="size_n_heads").value == 96
    assert app.select_slider(key="size_d_ff").value == 49_152
    assert f"{GPTConfig.preset('gpt3').n_parameters:,}" in words(app)


def test_a_browser_that_is_slow_to_draw_a_control_begins_with_the_shape_and_not_with_the_least():
    app = open_part("Size").run()
    shape = GPTConfig.preset("gpt2")
    assert app.number_input(key="size_vocab_size").proto.default == shape.vocab_size
    assert app.slider(key="size_n_layers").proto.default == [shape.n_layers]
    assert app.toggle(key="size_tie_embeddings").proto.default == shape.tie_embeddings


def test_rows_of_the_paper_that_cannot_be_right_are_named():
    app = open_part("Size")
    app.selectbox(key="size_preset").set_value("gpt3-xl").run()
    assert "24 heads of 128 make 3,072, not 2,048" in words(app)
    app.selectbox(key="size_preset").set_value("gpt3-6.7b").run()
    assert "cannot be right" not in words(app)


def test_a_change_is_counted_exactly_named_and_taken_back():
    app = open_part("Size")
    app.toggle(key="size_tie_embeddings").set_value(False).run()
    untied = dataclasses.replace(GPTConfig.preset("gpt2"), tie_embeddings=False)
    assert untied.n_parameters == 124_439_808 + 50_257 * 768
    assert f"{untied.n_parameters:,}" in [metric.value for metric in app.metric]
    assert "Changed from GPT-2 small: tied yes → no." in words(app)
    app.slider(key="size_n_layers").set_value(13).run()
    app.button(key="size_undo").click().run()
    assert f"{untied.n_parameters:,}" in [metric.value for metric in app.metric]
    app.button(key="size_reset").click().run()
    assert "124,439,808" in [metric.value for metric in app.metric]
    assert "Changed from" not in words(app)


def test_a_new_width_keeps_the_proportion_of_the_mlp_and_heads_that_divide_it():
    app = open_part("Size")
    app.select_slider(key="size_d_model").set_value(1280).run()
    assert app.select_slider(key="size_d_ff").value == 5120
    heads = app.select_slider(key="size_n_heads").value
    assert 1280 % heads == 0
    offered = [int(each.replace(",", "")) for each in app.select_slider(key="size_n_heads").options]
    assert offered == shape.divisors(1280)
    app.selectbox(key="size_positions").set_value("rotary").run()
    assert not app.exception and not app.error


def test_a_learners_own_model_can_be_sized(trained_run):
    app = open_part("Size")
    app.selectbox(key="size_preset").set_value(f"run:{trained_run}").run()
    step = max(each.step for each in lab().checkpoints(trained_run))
    model = lab().load_model(trained_run, step).model
    assert f"{model.n_parameters:,}" in [metric.value for metric in app.metric]


def test_memory_says_clearly_what_fits_and_follows_its_controls(monkeypatch):
    gigabyte = 1_000_000_000
    found = scaling_machine(available=10 * gigabyte)
    monkeypatch.setattr("engine.machine.this_machine", lambda folder: found)
    app = view(open_part("Size"), "size_view", "Memory")
    app.select_slider(key="size_batch").set_value(1).run()
    need = scaling.training_memory(GPTConfig.preset("gpt2"), 1)
    assert f"Training it fits this machine: {size(need.total)} of 10.0 GB free" in words(app)
    app.selectbox(key="size_optimizer").set_value("sgd").run()
    app.selectbox(key="size_precision").set_value("bfloat16").run()
    assert not app.exception and not app.error
    app.selectbox(key="size_preset").set_value("gpt3").run()
    assert "Using it does not fit this machine" in words(app)
    assert "Training it does not fit this machine" in words(app)


def scaling_machine(available: int):
    from engine.machine import Machine

    return Machine(2 * available, available, 100 * available, 2)


def test_arithmetic_uses_the_measured_speed(monkeypatch):
    monkeypatch.setattr("engine.machine.measure_flops", lambda: 1e9)
    app = view(open_part("Size"), "size_view", "Arithmetic")
    flops = scaling.flops_per_token(GPTConfig.preset("gpt2"))
    table = app.dataframe[0].value
    assert table["operations"].iloc[0] == count(flops.forward)
    assert table["time on this machine"].iloc[1] == duration(flops.training / 1e9)


# Inside the model


def test_stepping_shows_the_engines_values_of_every_operation(deep_run, drawn):
    app = open_part("Through the model", run_id=deep_run)
    step = max(each.step for each in lab().checkpoints(deep_run))
    checkpoint = lab().load_model(deep_run, step)
    ids = checkpoint.tokenizer.encode(app.text_area(key="sentence").value)[:16]
    trace, logits = trace_of(checkpoint.model, ids)
    config = checkpoint.model.config
    listed = anatomy.operations(config, len(ids))
    for index, operation in enumerate(listed):
        drawn.pop("heat_grid", None)
        app.slider(key="through_step").set_value(index + 1).run()
        assert not app.exception and not app.error, operation
        assert drawn["architecture_map"]["current"] == str(index)
        values = anatomy.operation_values(config, trace, logits, ids, operation)
        if operation.axes in (("T", "C"), ("T", "3C"), ("T", "F")):
            np.testing.assert_allclose(drawn["heat_grid"]["args"][0], values, atol=1e-5)
        if operation.kind == "weights":
            np.testing.assert_allclose(drawn["heat_grid"]["args"][0], values[0], atol=1e-5)
    assert app.button(key="through_next").disabled
    app.button(key="through_back").click().run()
    assert app.slider(key="through_step").value == len(listed) - 1


def test_a_click_on_the_drawing_and_the_layer_slider_choose_the_operation(deep_run, drawn):
    app = open_part("Through the model", run_id=deep_run)
    boxes = drawn["architecture_map"]["args"][0]
    scores = next(box for box in boxes if box.title == "Scores")
    drawn["click"]["architecture_map"] = scores.key
    app.run()
    assert drawn["architecture_map"]["current"] == scores.key
    assert "Scores · Attention, layer 1" in [each.value for each in app.header]
    app.slider(key="through_layer").set_value(2).run()
    assert "Scores · Attention, layer 2" in [each.value for each in app.header]
    assert drawn["architecture_map"]["repeated"] == "layer 2 of 2"


def test_a_norm_is_worked_out_to_the_models_own_number(deep_run):
    app = open_part("LayerNorm", run_id=deep_run)
    rows = app.dataframe[0].value.set_index("vector")
    assert rows.loc["normalised", "mean"] == pytest.approx(0, abs=1e-5)
    assert rows.loc["normalised", "standard deviation"] == pytest.approx(1, abs=0.01)
    assert "which is rounding" in words(app)
    for name in ("MLP", "Head"):
        view(app, "norm_which", name)


def test_activations_and_the_stream_have_their_three_views(deep_run):
    app = open_part("Activations", run_id=deep_run)
    app.toggle(key="activation_one").set_value(True).run()
    assert "those of one token" in words(app)
    for name in ("Who fires", "Layer by layer", "On the curve"):
        assert view(app, "activation_view", name).get("vega_lite_chart")
    app = open_part("Residual stream", run_id=deep_run)
    for name in stream.VIEWS:
        table = view(app, "stream_view", name).dataframe[0].value
        assert len(table) == 4
        np.testing.assert_allclose(table["length after"].iloc[:-1], table["length before"].iloc[1:], rtol=1e-5)


def test_the_lens_ends_with_the_models_answer_and_a_click_follows_its_column(deep_run, drawn):
    app = open_part("Logit lens", run_id=deep_run)
    ids, probabilities = drawn["lens_table"]["args"][:2]
    step = max(each.step for each in lab().checkpoints(deep_run))
    checkpoint = lab().load_model(deep_run, step)
    read = checkpoint.tokenizer.encode(app.text_area(key="sentence").value)[:16]
    logits = trace_of(checkpoint.model, read)[1]
    assert ids[-1, :, 0].tolist() == logits.argmax(-1).tolist()
    assert (np.diff(probabilities, axis=-1) <= 1e-6).all()
    drawn["click"]["lens_table"] = 2
    app.run()
    chooser = next(each for each in app.selectbox if each.label == "Follow the token")
    assert chooser.value == 2
    for name in lens_part.MEASURES:
        view(app, "lens_measure", name)


# Pieces


def test_white_space_is_shown_in_what_is_read():
    assert reading.shown(" a\n" + "b" * 40).startswith("“␣a↵bbb")


def component_script() -> None:
    import numpy as np

    from pages.shared.components.architecture_map import MapBox, architecture_map
    from pages.shared.components.heat_grid import heat_grid
    from pages.shared.components.lens_table import lens_table

    boxes = [MapBox("a", "Ids", "3", "before"), MapBox("b", "Norm", "3 × 4", "branch", "MLP")]
    assert architecture_map(boxes, "map", current="a", repeated="layer 1 of 1") is None
    ids, chances = np.zeros((2, 3, 1), int), np.ones((2, 3, 1))
    tokens = [("a", 0)] * 3
    assert lens_table(ids, chances, {0: "a"}, tokens, ["x", "y"], "lens", selected=0, label="l") is None
    named = {"row_name": "r", "column_name": "c", "summary": "s"}
    heat_grid(np.eye(3), "grid", title="t", row_labels=["a", "b", "c"], **named)


def test_the_components_mount():
    assert not AppTest.from_function(component_script).run().exception


def test_components_refuse_what_they_cannot_draw():
    boxes = [MapBox("a", "Ids", "3", "before")]
    with pytest.raises(ValueError, match="no box"):
        architecture_map(boxes, "map", current="b", repeated="")
    with pytest.raises(ValueError, match="same key"):
        architecture_map([*boxes, *boxes], "map", current="a", repeated="")
    with pytest.raises(ValueError, match="do not fit"):
        lens_table(np.zeros((2, 3, 1), int), np.zeros((2, 3, 1)), {}, [], ["x"], "l", selected=0, label="")
    with pytest.raises(ValueError, match="names do not fit"):
        heat_grid(np.eye(3), "g", title="", row_name="", column_name="", summary="", row_labels=["a"])
