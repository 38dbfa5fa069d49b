"""The parts of the attention lesson that compute a head by hand, watch it form, and train without the mask."""

import dataclasses
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from transformers import GPT2Config, GPT2LMHeadModel

from engine.attention_steps import softmax_row
from engine.hub import adopt
from engine.inspection import attention_maps, attention_stages, head_scores, trace_of
from engine.open_models import models_folder
from engine.runs.execution import execute
from engine.runs.service import lab
from pages.parts.attention import causal, forming, query_change, step_arithmetic, step_matrix, steps
from pages.shared.components.map_series import SmallMap, map_series
from pages.shared.components.matrix_view import Labels, Operand, matrix_view
from pages.shared.models import ModelChoice
from tests.pages.helpers import open_lesson, words

from .conftest import tiny_config

PAGE = Path(__file__).resolve().parents[2] / "pages" / "attention.py"
PARTS = ["Step by step", "Watch it form", "Why causal?"]
TEXT = "The lion is in the forest."


def open_part(part: str, **session) -> AppTest:
    return open_lesson("attention.py", part, **{"sentence": TEXT, **session})


def buttons(app: AppTest, label: str):
    return [button for button in app.button if button.label == label]


@pytest.fixture
def drawn(monkeypatch):
    """What each component was given last, by its key."""
    seen = SimpleNamespace(by_key={})
    for name, module in (
        ("matrix_view", step_matrix),
        ("matrix_view", query_change),
        ("attention_map", forming),
        ("attention_map", causal),
        ("map_series", forming),
    ):
        original = getattr(module, name)

        def record(*args, _original=original, **named):
            seen.by_key[named["key"]] = SimpleNamespace(args=args, **named)
            return _original(*args, **named)

        monkeypatch.setattr(module, name, record)
    original_strips = step_arithmetic.vector_strips

    def record_strips(groups, key, **named):
        seen.by_key[key] = groups
        return original_strips(groups, key, **named)

    monkeypatch.setattr(step_arithmetic, "vector_strips", record_strips)
    return seen.by_key


@pytest.fixture
def tiny_pair(monkeypatch):
    """The two runs of the part on the mask, small enough to be trained in a second each."""
    config = tiny_config()
    pair = causal.Pair(
        {c: dataclasses.replace(config, model=dataclasses.replace(config.model, causal=c)) for c in (True, False)}
    )
    monkeypatch.setattr(causal, "pair_of", lambda text: pair)
    monkeypatch.setattr(causal, "WRITTEN", 1)
    return pair


def the_stages(run_id: str, **named):
    checkpoint = lab().load_model(run_id)
    ids = checkpoint.tokenizer.encode(TEXT)[: steps.USUAL]
    trace, _ = trace_of(checkpoint.model, ids)
    return attention_stages(trace, 0, 0, **named)


@pytest.mark.parametrize("part", PARTS)
def test_every_part_opens_with_a_run_and_every_control_has_help(part, trained_run, tiny_pair):
    app = open_part(part, run_id=trained_run)
    assert not app.error
    kinds = (app.slider, app.select_slider, app.number_input, app.text_area, app.selectbox, app.toggle, app.radio)
    for kind in (*kinds, app.get("button_group"), app.button):
        for widget in kind:
            assert widget.proto.help, f"{part}: {widget.proto.label} has no help"
    assert "What to notice" in words(app)


@pytest.mark.parametrize("part", PARTS[:2])
def test_parts_about_a_model_say_where_to_train_one(part):
    assert "There is no model yet" in words(open_part(part))


def test_each_step_draws_the_matrix_of_the_engine(trained_run, drawn):
    app = open_part("Step by step", run_id=trained_run)
    stages = the_stages(trained_run)
    expected = [stages.scores, stages.scaled, stages.masked, stages.weights, stages.output]
    for number, matrix in enumerate(expected):
        shown = drawn["steps_matrix"]
        np.testing.assert_array_equal(shown.args[0], matrix)
        T, D = stages.q.shape
        assert f"({T}, {D if number == 4 else T})" in shown.shape
        assert (shown.hatched is not None) == (number in (2, 3))
        if number < 4:
            app.button(key="steps_next").click().run()
            assert not app.exception and not app.error
    assert app.button(key="steps_next").disabled
    app.button(key="steps_back").click().run()
    np.testing.assert_array_equal(drawn["steps_matrix"].args[0], stages.weights)


def test_the_operands_stand_beside_what_they_make(trained_run, drawn):
    app = open_part("Step by step", run_id=trained_run)
    for stage in (0, 4):
        app.get("button_group")[-1].set_value(stage).run()
        shown = drawn["steps_matrix"]
        np.testing.assert_allclose(shown.left.values @ shown.top.values, shown.args[0], atol=1e-4)


def test_a_chosen_cell_is_taken_apart_into_its_terms(trained_run, drawn):
    app = open_part("Step by step", run_id=trained_run)
    stages = the_stages(trained_run)
    app.session_state["steps_place"] = (5, 3, False)
    app.run()
    assert drawn["steps_matrix"].selected == (5, 3)
    _, _, products, running = drawn["steps_strips"][0].strips
    np.testing.assert_allclose(products.values, stages.q[5] * stages.k[3], rtol=1e-6)
    assert running.values[-1] == pytest.approx(float(stages.scores[5, 3]), abs=1e-4)
    app.session_state["steps_stage"] = 3
    app.run()
    table = next(frame.value for frame in app.dataframe if "weight" in frame.value)
    np.testing.assert_allclose(table["weight"], softmax_row(stages.masked[5]).weights)
    assert table["weight"].sum() == pytest.approx(1)
    app.session_state["steps_stage"] = 4
    app.session_state["steps_place"] = (5, 7, True)
    app.run()
    table = next(frame.value for frame in app.dataframe if "weight × v" in frame.value)
    assert table["weight × v"].sum() == pytest.approx(float(stages.output[5, 7]), abs=1e-5)
    app.session_state["steps_stage"] = 2
    app.session_state["steps_place"] = (3, 5, False)
    app.run()
    assert "token 5 comes after token 3" in words(app)


def value_slider(app: AppTest):
    return next(slider for slider in app.slider if slider.key.startswith("steps_value"))


def test_a_changed_query_moves_its_row_and_can_be_undone_and_reset(trained_run, drawn):
    app = open_part("Step by step", run_id=trained_run, steps_place=(4, 2, False), steps_dimension=6)
    before = the_stages(trained_run)
    value_slider(app).set_value(1.5).run()
    assert not app.exception and not app.error
    q = before.q.copy()
    q[4, 6] = 1.5
    after = the_stages(trained_run, q=q)
    np.testing.assert_array_equal(drawn["steps_matrix"].args[0], after.scores)
    np.testing.assert_array_equal(drawn["steps_before_after"].args[0], [before.scores[4], after.scores[4]])
    assert drawn["steps_matrix"].changed_row == 4
    assert "are the same to the bit" in words(app)
    app.button(key="steps_next").click().run()
    np.testing.assert_array_equal(drawn["steps_matrix"].args[0], after.scaled)  # the change stays from step to step
    value_slider(app).set_value(-1.0).run()
    app.button(key="steps_undo").click().run()
    np.testing.assert_array_equal(drawn["steps_matrix"].args[0], after.scaled)
    assert value_slider(app).value == pytest.approx(1.5)
    app.button(key="steps_reset").click().run()
    np.testing.assert_array_equal(drawn["steps_matrix"].args[0], before.scaled)
    assert value_slider(app).value == pytest.approx(float(before.q[4, 6]))
    app.button(key="steps_undo").click().run()
    np.testing.assert_array_equal(drawn["steps_matrix"].args[0], after.scaled)
    app.slider(key="steps_tokens").set_value(5).run()  # another text: the model's own queries
    assert not app.session_state["steps_changes"].now


def test_dropout_is_rolled_again_and_scales_what_it_keeps(trained_run, drawn):
    app = open_part("Step by step", run_id=trained_run, steps_stage=3)
    own = drawn["steps_matrix"].args[0]
    app.toggle(key="steps_dropout").set_value(True).run()
    app.slider(key="steps_rate").set_value(0.5).run()
    first = drawn["steps_matrix"].args[0]
    kept = first != 0
    np.testing.assert_allclose(first[kept], 2 * own[kept], rtol=1e-6)
    assert not drawn["steps_matrix"].crossed[kept].any()
    assert "a model that writes keeps every weight" in words(app)
    app.button(key="steps_roll").click().run()
    assert ((drawn["steps_matrix"].args[0] != 0) != kept).any()
    app.button(key="steps_next").click().run()
    weights = drawn["steps_matrix"].left.values
    np.testing.assert_allclose(drawn["steps_matrix"].args[0], weights @ the_stages(trained_run).v, atol=1e-5)


@pytest.mark.parametrize("text", ["", "a", "\x00\u202e<script>alert(1)</script>", "e" + "\u0301" * 1000, "🦁" * 300])
def test_any_sentence_is_shown_or_answered_with_advice(trained_run, text):
    for part in PARTS[:2]:
        app = open_part(part, run_id=trained_run, sentence=text)
        assert not app.error
        assert text or "Type a sentence" in words(app)
        assert "<script>" not in "".join(element.value for element in app.markdown)


def test_the_head_chosen_in_one_part_is_the_head_of_the_next(trained_run, drawn):
    app = open_part("Step by step", run_id=trained_run, **{"attention_head:2": 2})
    app.run()
    checkpoint = lab().load_model(trained_run)
    trace, _ = trace_of(checkpoint.model, checkpoint.tokenizer.encode(TEXT)[: steps.USUAL])
    np.testing.assert_array_equal(drawn["steps_matrix"].args[0], attention_stages(trace, 0, 1).scores)


def test_a_model_without_a_mask_keeps_every_score(tiny_pair, drawn):
    run_id = lab().submit(tiny_pair.configs[False], "no mask")
    assert execute(run_id, dict(os.environ)) == "finished"
    app = open_part("Step by step", run_id=run_id, steps_stage=2, steps_place=(1, 4, False))
    assert np.isfinite(drawn["steps_matrix"].args[0]).all()
    assert "trained without a mask" in words(app)


def test_open_weights_of_twelve_layers_and_heads_are_looked_at_alike(tmp_path, drawn):
    torch.manual_seed(0)
    GPT2LMHeadModel(GPT2Config(n_layer=12, n_head=12, n_embd=48, n_positions=64)).save_pretrained(tmp_path / "twelve")
    adopt(tmp_path / "twelve", models_folder(lab().settings))
    chosen = {"run_id": "open:twelve", "attention_layer:12": 12, "attention_head:12": 8}
    app = open_part("Step by step", **chosen)
    assert not app.error
    assert drawn["steps_matrix"].left.values.shape[1] == 4 and "Positions were added" in words(app)
    app.session_state["steps_stage"] = 4
    app.run()
    assert not app.error and not app.exception
    app = open_part("Watch it form", **chosen)
    assert not app.error and "kept at one moment only" in words(app)
    assert "Layer 12, head 8" in drawn["forming_map"].summary


def test_the_maps_of_every_checkpoint_are_the_engines(trained_run, drawn):
    app = open_part("Watch it form", run_id=trained_run)
    checkpoints = lab().checkpoints(trained_run)
    assert len(checkpoints) > 2
    for info, small in zip(checkpoints, drawn["forming_series"].args[0], strict=True):
        checkpoint = lab().load_model(trained_run, info.step)
        ids = checkpoint.tokenizer.encode(TEXT)[: checkpoint.model.config.context_length]
        np.testing.assert_array_equal(small.weights, attention_maps(trace_of(checkpoint.model, ids)[0])[0, 0])
        assert small.title == f"step {info.step:,}"
    table = next(frame.value for frame in app.dataframe if "induction" in frame.value)
    last = head_scores(lab().load_model(trained_run).model, ids).values[0, 0]
    np.testing.assert_allclose(table.iloc[-1, 1:6].astype(float), last, atol=1e-6)


def test_a_chosen_small_map_moves_the_checkpoint(trained_run, drawn):
    app = open_part("Watch it form", run_id=trained_run)
    assert drawn["forming_series"].chosen == len(lab().checkpoints(trained_run)) - 1
    app.session_state["forming_pending"] = (trained_run, 0)  # as a click on the first one leaves it
    app.run()
    assert app.select_slider(key=f"checkpoint:{trained_run}").value == 0
    assert drawn["forming_series"].chosen == 0
    np.testing.assert_array_equal(drawn["forming_map"].args[0], drawn["forming_series"].args[0][0].weights)
    app.select_slider(key=f"checkpoint:{trained_run}").set_value(lab().checkpoints(trained_run)[1].step).run()
    assert drawn["forming_series"].chosen == 1


def test_a_model_kept_at_one_moment_is_led_to_the_example(trained_run, drawn, monkeypatch):
    monkeypatch.setattr(forming, "example_run", lambda: trained_run)
    run_id = lab().submit(tiny_config(steps=1, evaluations=0), "one step")
    assert execute(run_id, dict(os.environ)) == "finished"
    for info in lab().store.checkpoints(run_id)[:-1]:
        lab().store.forget_checkpoint(run_id, info.folder)
    app = open_part("Watch it form", run_id=run_id)
    assert "kept at one moment only" in words(app)
    app.button(key="forming_example").click().run()
    assert not app.exception and not app.error
    assert len(drawn["forming_series"].args[0]) == len(lab().checkpoints(trained_run))


def test_both_runs_are_asked_for_with_one_button_and_found_again(tiny_pair):
    app = open_part("Why causal?")
    assert "Nothing is trained yet" in words(app)
    app.button(key="causal_train").click().run()
    assert not app.exception and not app.error
    records = {record.run_id: record for record in lab().runs()}
    assert set(records) == {config.run_id for config in tiny_pair.configs.values()}
    assert [records[tiny_pair.configs[c].run_id].config.model.causal for c in (True, False)] == [True, False]
    app = open_part("Why causal?")  # another visitor, or a refresh
    assert "number 1 in the queue" in "".join(str(each.proto) for each in app.get("progress"))
    assert not [b for b in app.button if b.key == "causal_train"]
    pause = next(b for b in app.button if b.key == f"causal_pause:{tiny_pair.configs[True].run_id}")
    pause.click().run()
    assert lab().run(tiny_pair.configs[True].run_id).state == "paused"
    assert app.button(key="causal_train").label == "Go on"
    app.button(key="causal_train").click().run()
    assert lab().run(tiny_pair.configs[True].run_id).state == "queued"


def test_the_predictions_are_compared_with_what_was_measured(tiny_pair, drawn):
    for config in tiny_pair.configs.values():
        assert execute(lab().submit(config, "pair"), dict(os.environ)) == "finished"
    app = open_part("Why causal?")
    assert "Answer both questions" in words(app)
    samples = [event.payload for event in lab().events(tiny_pair.configs[False].run_id, kinds=("sample",))]
    assert samples[-1]["prompt"] + samples[-1]["text"] in [text.value for text in app.text]
    losses = {c: lab().run(config.run_id).validation_loss for c, config in tiny_pair.configs.items()}
    lower = min(losses, key=losses.get)
    app.radio(key="causal_loss").set_value(lower)
    app.radio(key="causal_writes").set_value(True).run()
    assert not app.exception and not app.error
    shown = words(app)
    assert f"{losses[lower]:.2f} against {losses[not lower]:.2f}" in shown and "You were right" in shown
    app.radio(key="causal_loss").set_value(not lower).run()
    assert "You were wrong" in words(app)
    shown = drawn["causal_map"]
    assert shown.causal is False and np.triu(shown.args[0], 1).any()
    app.get("button_group")[-1].set_value(True).run()
    assert drawn["causal_map"].causal is True and not np.triu(drawn["causal_map"].args[0], 1).any()


def test_the_loss_by_position_is_measured_on_text_kept_aside(tiny_pair):
    config = tiny_pair.configs[True]
    run_id = lab().submit(config, "pair")
    assert execute(run_id, dict(os.environ)) == "finished"
    values = causal._positions_call(ModelChoice(run_id, 30, "")).result()
    inputs, targets = lab().validation_windows(run_id, 8192)
    with torch.no_grad():
        assert values.mean() == pytest.approx(float(lab().load_model(run_id).model.loss(inputs, targets)), abs=1e-4)


def test_the_two_runs_differ_in_the_mask_only():
    for text in causal.TEXTS:
        configs = causal.pair_of(text).configs
        with_mask, without = (configs[c].to_dict() for c in (True, False))
        assert (with_mask["model"].pop("causal"), without["model"].pop("causal")) == (True, False)
        assert with_mask == without and configs[True].run_id != configs[False].run_id


def test_components_refuse_what_they_cannot_draw():
    rows, columns = Labels("row", ["a", "b"]), Labels("column", ["x", "y"])

    def view(values, *, rows=rows, **named):
        named = {"key": "m", "title": "t", "shape": "s", "summary": "s", **named}
        matrix_view(np.array(values, dtype=float), rows, columns, **named)

    with pytest.raises(ValueError, match="rows and columns"):
        view([1.0, 2.0])
    with pytest.raises(ValueError, match="number or minus infinity"):
        view([[np.nan, 0], [0, 0]])
    with pytest.raises(ValueError, match="labels are needed"):
        view(np.zeros((2, 2)), rows=Labels("row", ["a"]))
    with pytest.raises(ValueError, match="at the left"):
        view(np.zeros((2, 2)), left=Operand("q", np.zeros((3, 2))))
    with pytest.raises(ValueError, match="not finite"):
        view(np.zeros((2, 2)), top=Operand("k", np.full((3, 2), np.inf)))
    with pytest.raises(ValueError, match="hatched"):
        view(np.zeros((2, 2)), hatched=np.ones((1, 2), dtype=bool))
    with pytest.raises(ValueError, match="in a row"):
        map_series([], key="s", chosen=0, label="maps")
    with pytest.raises(ValueError, match="outside 0 to 1"):
        map_series([SmallMap(np.full((2, 2), 2.0), "a")], key="s", chosen=0, label="maps")
    with pytest.raises(ValueError, match="at most"):
        map_series([SmallMap(np.zeros((200, 2)), "a")], key="s", chosen=0, label="maps")
