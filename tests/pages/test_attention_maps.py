"""The lesson on attention, its maps and its heads: what the components accept, and each part through the real page."""

import base64
import dataclasses
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from engine import inspection
from engine.errors import RunError
from engine.runs.execution import execute
from engine.runs.service import lab
from pages.parts.attention import effects, heads, heads_induction, heads_off, heads_where, maps
from pages.shared.aside import desk
from pages.shared.charts import percent
from pages.shared.components.attention_arcs import MAX_ARCS, attention_arcs, strong_arcs
from pages.shared.components.attention_map import attention_map, clicked_row, encoded, labels
from pages.shared.components.head_maps import HeadTile, head_maps, pack_maps
from pages.shared.models import ModelChoice
from tests.pages.helpers import open_lesson, words

from .conftest import tiny_config

PAGE = Path(__file__).resolve().parents[2] / "pages" / "attention.py"
HEADS = "What is this head doing?"
WAYS = [*(("Maps", "attention_view", view) for view in maps.VIEWS)]
WAYS += [(HEADS, "heads_question", question) for question in heads.QUESTIONS]
HOSTILE = "<script>alert(1)</script> $x$ **b** \u202e =1+1 \x00 </textarea>" + "a\u0301" * 300


def open_part(part: str, **session) -> AppTest:
    return open_lesson("attention.py", part, **session)


def group(app: AppTest, label: str):
    return next(each for each in app.get("button_group") if each.proto.label == label)


def button(app: AppTest, label: str):
    return next(each for each in app.button if each.label == label)


@pytest.fixture
def drawn(monkeypatch):
    """What each component was given last, by its key."""
    seen: dict[str, SimpleNamespace] = {}
    for module, names in (
        (maps, ("attention_map", "attention_arcs", "head_maps")),
        (heads_induction, ("attention_map",)),
        (heads_where, ("head_maps",)),
        (heads_off, ("head_maps",)),
    ):
        for name in names:
            original = getattr(module, name)

            def record(*args, _original=original, **named):
                seen[named["key"]] = SimpleNamespace(args=args, **named)
                return _original(*args, **named)

            monkeypatch.setattr(module, name, record)
    return seen


@pytest.fixture
def two_layers() -> str:
    """A finished run with two layers of two heads."""
    config = tiny_config()
    config = dataclasses.replace(config, model=dataclasses.replace(config.model, n_layers=2, context_length=32))
    run_id = lab().submit(config, "Stories · two layers")
    assert execute(run_id, dict(os.environ)) == "finished"
    return run_id


def read(run_id: str, n: int = 32) -> tuple[list[int], np.ndarray]:
    """Ids of the default sentence and the maps of all heads, straight from the engine."""
    checkpoint = lab().load_model(run_id)
    ids = checkpoint.tokenizer.encode("The lion is in the forest. The lion sees the")[:n]
    return ids, inspection.attention_maps(inspection.trace_of(checkpoint.model, ids)[0])


def causal_map(n: int) -> np.ndarray:
    weights = np.tril(np.random.default_rng(0).random((n, n)))
    return (weights / weights.sum(-1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize(
    ("weights", "named", "complaint"),
    [
        (np.zeros(3), {}, "rows and columns"),
        (np.zeros((0, 3)), {}, "rows and columns"),
        (np.full((2, 2), np.nan), {"causal": False}, "not finite"),
        (np.array([[1, 0], [np.inf, 0]]), {}, "not finite"),
        (np.array([[1, 0], [-0.5, 0]]), {}, "between 0 and 1"),
        (np.array([[1, 0], [1.5, 0]]), {}, "between 0 and 1"),
        (np.full((2, 2), 0.5), {}, "above the diagonal"),
        (np.eye(3), {}, "labels do not fit"),
        (np.eye(2), {"row_ids": [1]}, "row_ids has 1 ids for 2"),
        (np.eye(2), {"column_ids": [1, 2, 3]}, "column_ids has 3 ids for 2"),
    ],
)
def test_a_map_that_cannot_be_drawn_is_refused(weights, named, complaint):
    with pytest.raises(ValueError, match=complaint):
        attention_map(weights, ["a", "b"], ["a", "b"], key="m", summary="s", **named)


def test_a_map_of_two_texts_and_the_last_rows_of_a_longer_one_are_drawn():
    def script():
        import numpy as np
        import streamlit as st

        from pages.shared.components.attention_map import attention_map

        st.write(attention_map(np.full((2, 3), 1 / 3), "ab", "ABC", key="x", causal=False, summary="s"))
        last = np.array([[0.5, 0.5, 0], [0.2, 0.3, 0.5]])
        st.write(attention_map(last, "bc", "abc", key="y", summary="s", locked=9))

    app = AppTest.from_function(script).run()
    assert not app.exception


def test_the_wire_keeps_weights_to_less_than_a_hundred_thousandth():
    weights = causal_map(20)
    sent = np.frombuffer(base64.b64decode(encoded(weights)), "<u2").reshape(20, 20) / 65535
    np.testing.assert_allclose(sent, weights, atol=1e-5)


def test_a_label_of_very_many_characters_is_cut():
    assert [len(text) for text in labels(["a" + "\u0301" * 100_000, "b"])] == [40, 1]


@pytest.mark.parametrize(("sent", "seen"), [(1, [1]), (0, [0]), (2, []), (-1, []), (True, []), ("1", []), (None, [])])
def test_only_a_row_of_the_map_is_handed_on(sent, seen, monkeypatch):
    import streamlit as st

    class Result:
        clicked = sent

    rows: list[int] = []
    monkeypatch.setattr(st, "session_state", {"m": Result()})
    clicked_row("m", 2, rows.append)()
    assert rows == seen


def test_packed_maps_are_the_lower_triangles_head_by_head_in_steps_of_a_255th():
    whole = np.stack([causal_map(9), causal_map(9).T[::-1, ::-1], np.eye(9)]).reshape(3, 1, 9, 9)
    packed = pack_maps(whole)
    sent = np.frombuffer(base64.b64decode(packed.values), np.uint8)
    assert (packed.n_layers, packed.n_heads, packed.n_tokens, sent.size) == (3, 1, 9, 3 * 45)
    restored = np.zeros((3, 9, 9))
    restored[:, *np.tril_indices(9)] = sent.reshape(3, 45) / 255
    np.testing.assert_allclose(restored, whole[:, 0], atol=0.5 / 255 + 1e-6)
    assert pack_maps(whole).digest == packed.digest != pack_maps(whole[:2]).digest
    assert np.frombuffer(base64.b64decode(pack_maps(whole, causal=False).values), np.uint8).size == 3 * 81


def test_maps_and_arcs_that_cannot_be_drawn_are_refused():
    with pytest.raises(ValueError, match="layers, heads, tokens, tokens"):
        pack_maps(np.zeros((2, 2, 3)))
    with pytest.raises(ValueError, match="above a diagonal"):
        pack_maps(np.full((1, 1, 2, 2), 0.5))
    with pytest.raises(ValueError, match="not between 0 and 1"):
        pack_maps(np.full((1, 1, 2, 2), np.nan))
    packed = pack_maps(np.eye(2)[None, None])
    with pytest.raises(ValueError, match="not among the maps"):
        head_maps([HeadTile(1, 0, "mixed", (), "")], key="h", maps=packed, summary="s")
    with pytest.raises(ValueError, match="no kind of head"):
        head_maps([HeadTile(0, 0, "nosy", (), "")], key="h", summary="s")
    with pytest.raises(ValueError, match="bar of a head"):
        head_maps([HeadTile(0, 0, "mixed", (), "", bar=1.5)], key="h", summary="s")
    arcs = strong_arcs(np.eye(2), 0.1)
    with pytest.raises(ValueError, match="do not fit"):
        attention_arcs(np.eye(2), ["a"], key="a", ids=[1], arcs=arcs, summary="s")
    with pytest.raises(ValueError, match="not between"):
        attention_arcs(np.full((1, 1), np.inf), ["a"], key="a", ids=[1], arcs=arcs, summary="s")


def test_arcs_are_the_strongest_weights_first_and_those_of_the_locked_token():
    weights = causal_map(60)
    arcs = strong_arcs(weights, 0.0)
    values = weights[tuple(arcs.places.T)]
    assert len(values) == MAX_ARCS and arcs.left_out == (weights >= 1e-4).sum() - MAX_ARCS
    np.testing.assert_array_equal(values, np.sort(weights[weights > 0])[::-1][:MAX_ARCS])
    assert set(strong_arcs(weights, 0.01, 7).places[:, 0].tolist()) == {7}
    assert (weights[tuple(strong_arcs(weights, 0.2).places.T)] >= 0.2).all()


def test_every_view_opens_with_a_run_and_every_control_has_help(two_layers):
    for part, key, value in WAYS:
        app = open_part(part, run_id=two_layers, **{key: value})
        assert not app.error, (value, app.error)
        for kind in (app.slider, app.select_slider, app.number_input, app.text_area, app.selectbox, app.button):
            for widget in kind:
                assert widget.proto.help, f"{value}: {widget.proto.label} has no help"
        for widget in app.get("button_group"):
            assert widget.proto.help or widget.proto.label == "Part of the lesson"
        assert "What to notice" in words(app)


@pytest.mark.parametrize("part", ["Maps", HEADS])
def test_without_a_model_the_page_says_where_to_train_one(part):
    assert "There is no model yet" in words(open_part(part))


def test_any_sentence_is_shown_as_text_or_explained(two_layers):
    for part, key, value in WAYS:
        app = open_part(part, run_id=two_layers, sentence=HOSTILE, **{key: value})
        assert not app.error, (value, app.error)
        assert "<script>" not in "\n".join(each.value for kind in (app.markdown, app.caption) for each in kind)
        app.text_area(key="sentence").set_value("a").run()
        assert not app.error and not app.exception, (value, app.error)
        app.text_area(key="sentence").set_value("").run()
        assert "at least one token" in words(app)


def test_the_map_drawn_is_that_of_the_layer_and_head_chosen(two_layers, drawn):
    ids, expected = read(two_layers)
    app = open_part("Maps", run_id=two_layers)
    app.slider(key="attention_layer:2").set_value(2)
    group(app, "Head").set_value(2)
    app.run()
    np.testing.assert_allclose(drawn["attention_map"].args[0], expected[1, 1], atol=1e-6)
    assert drawn["attention_map"].row_ids == tuple(ids)
    weights = expected[1, 1]
    row = 1 + int(weights[1:].max(-1).argmax())
    assert "Layer 2, head 2: " in words(app)
    assert f"({row}) gives {100 * weights[row].max():.1f} %" in words(app)
    table = app.dataframe[0].value
    assert table["weight"].is_monotonic_decreasing and len(table) == min(100, weights.size)


def test_a_locked_row_is_that_of_its_sentence_in_every_view(two_layers, drawn):
    app = open_part("Maps", run_id=two_layers)
    sentence = SimpleNamespace(ids=drawn["attention_map"].row_ids)
    app.session_state["attention_locked"] = (sentence.ids, 5)
    app.run()
    assert drawn["attention_map"].locked == 5
    assert "(5) gives" in words(app)
    group(app, "View").set_value("Arcs").run()
    assert drawn["attention_arcs"].locked == 5
    assert set(drawn["attention_arcs"].arcs.places[:, 0].tolist()) == {5}
    app.text_area(key="sentence").set_value("Another one is here.").run()
    assert drawn["attention_arcs"].locked is None  # the row belonged to the other sentence


def test_all_heads_are_sorted_by_what_was_chosen_and_the_maps_stay_the_same_message(two_layers, drawn):
    ids, expected = read(two_layers)
    entropy = inspection.attention_entropy(expected)
    app = open_part("Maps", run_id=two_layers, attention_view="All heads")
    first = drawn["attention_heads"]
    assert [(tile.layer, tile.head) for tile in first.args[0]] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    group(app, "Sorted by").set_value("Entropy").run()
    by_entropy = drawn["attention_heads"]
    values = [entropy[tile.layer, tile.head] for tile in by_entropy.args[0]]
    assert values == sorted(values)
    assert by_entropy.maps is first.maps
    sent = np.frombuffer(base64.b64decode(first.maps.values), np.uint8).reshape(2, 2, -1) / 255
    np.testing.assert_allclose(sent, expected[:, :, *np.tril_indices(len(ids))], atol=0.003)
    group(app, "Sorted by").set_value("Label").run()
    names = [*inspection.HEAD_LABELS, "mixed"]
    order = [names.index(tile.kind) for tile in drawn["attention_heads"].args[0]]
    assert order == sorted(order)


def test_labels_scores_and_chance_are_those_of_the_engine(two_layers, drawn):
    checkpoint = lab().load_model(two_layers)
    ids, _ = read(two_layers)
    app = open_part(HEADS, run_id=two_layers)
    scores = inspection.head_scores(checkpoint.model, ids)
    habits = app.dataframe[0].value
    np.testing.assert_allclose(habits["by chance"], scores.chance, atol=1e-6)
    assert habits["positions"].tolist() == scores.counts.tolist()
    for tile in drawn["heads_where"].args[0]:
        assert tile.kind == scores.label(tile.layer, tile.head)[0]
    app.slider(key="heads_at_least").set_value(0.8).run()
    for tile in drawn["heads_where"].args[0]:
        assert tile.kind == scores.label(tile.layer, tile.head, 0.8)[0]
    group(app, "Measured on").set_value("Held-out text").run()
    inputs, _ = lab().validation_windows(two_layers, 1024)
    held_out = inspection.head_scores(checkpoint.model, inputs.numpy()[: 1024 // 32])
    np.testing.assert_allclose(app.dataframe[0].value["by chance"], held_out.chance, atol=1e-6)
    assert "tokens of held-out text" in words(app)


def test_the_repeated_row_is_shown_with_the_share_after_the_copy(two_layers, drawn):
    app = open_part(HEADS, run_id=two_layers, heads_question="Induction test")
    app.number_input(key="heads_seed").set_value(3).run()
    model = lab().load_model(two_layers).model
    row = inspection.repeated_row(model.config, seed=3)
    shown = drawn["heads_repeated"]
    assert list(shown.row_ids) == row
    every = inspection.attention_maps(inspection.trace_of(model, row)[0])
    half = len(row) // 2
    share = np.mean([shown.args[0][t, t - half + 1] for t in range(half, 2 * half)])
    assert f"gives {share:.3f} of its attention" in words(app)
    shares = np.array(
        [[every[layer, h, range(half, 2 * half), range(1, half + 1)].mean() for h in (0, 1)] for layer in (0, 1)]
    )
    button(app, "Show the head with the highest score").click().run()
    best = np.unravel_index(shares.argmax(), shares.shape)
    np.testing.assert_allclose(drawn["heads_repeated"].args[0], every[best], atol=1e-6)


def test_heads_are_ranked_by_the_rise_of_the_loss_and_by_the_shift_of_the_next_token(two_layers):
    app = open_part(HEADS, run_id=two_layers, heads_question="What is it worth?")
    table = app.dataframe[0].value
    model = lab().load_model(two_layers).model
    inputs, targets = lab().validation_windows(two_layers, 1024)
    base, damage = inspection.head_damage(model, inputs, targets)
    np.testing.assert_allclose(table["damage (nats per token)"], damage.ravel(), atol=1e-5)
    assert f"With all heads on the loss is {base:.3f}" in words(app)
    ids, _ = read(two_layers)
    row = torch.tensor([ids])
    effects_ = list(inspection.head_effects(model, row, row, ids))[1:]
    np.testing.assert_allclose(table["shift"], [each.shift for each in effects_], atol=1e-5)
    group(app, "Ranked by").set_value("Next token").run()
    assert "of the probability goes to other tokens" in words(app)


def test_switching_heads_off_changes_the_bars_and_the_loss_and_all_on_brings_them_back(two_layers, drawn):
    app = open_part(HEADS, run_id=two_layers, heads_question="Switch heads off")
    model = lab().load_model(two_layers).model
    inputs, targets = lab().validation_windows(two_layers, 1024)
    loss = next(each for each in app.metric if each.label.startswith("Loss"))
    assert loss.value == f"{model.loss(inputs, targets).item():.3f}"
    app.slider(key="attention_layer:2").set_value(2).run()
    button(app, "Only this head off").click().run()
    assert [tile.off for tile in drawn["heads_switches"].args[0]] == [False, False, True, False]
    scale = np.array([[1, 1], [0, 1]], dtype=np.float32)
    loss = next(each for each in app.metric if each.label.startswith("Loss"))
    assert loss.value == f"{inspection.loss_without(model, inputs, targets, scale):.3f}"
    ids, _ = read(two_layers)
    before, after = (
        torch.tensor(inspection.trace_of(model, ids, head_scale=each)[1][-1]).softmax(-1) for each in (None, scale)
    )
    moved = next(each for each in app.metric if each.label == "Probability that moved")
    assert moved.value == percent(0.5 * float((before - after).abs().sum()))
    button(app, "All off").click().run()
    assert all(tile.off for tile in drawn["heads_switches"].args[0])
    button(app, "All on").click().run()
    assert not any(tile.off for tile in drawn["heads_switches"].args[0])


def test_a_large_model_is_measured_when_the_learner_says_so_and_what_is_measured_stays(two_layers, monkeypatch):
    monkeypatch.setattr(effects, "AT_ONCE_PARAMETERS", 0)
    choice = ModelChoice(two_layers, lab().checkpoints(two_layers)[-1].step, "")
    desk().ask(effects.on_text(choice)[0])  # the first layer: somebody began and stopped
    app = open_part(HEADS, run_id=two_layers, heads_question="What is it worth?")
    assert "2 of 4 heads have been measured" in words(app)
    start = next(each for each in app.button if each.label == "Measure all heads")
    start.click().run()
    assert not app.exception
    assert "have been measured" not in words(app)
    assert app.dataframe[0].value["damage (nats per token)"].notna().all()


def test_a_model_without_held_out_text_has_its_sentence_measured_instead(two_layers, monkeypatch):
    def gone(*_):
        raise RunError("this model has no run.")

    monkeypatch.setattr(type(lab()), "validation_windows", gone)
    for part, key, value in WAYS:
        app = open_part(part, run_id=two_layers, heads_text="Held-out text", **{key: value})
        assert not app.error, (value, app.error)
        if part == HEADS and value != "Induction test":
            assert "There is no held-out text for this model here" in words(app)


def test_a_model_without_a_mask_shows_what_lies_ahead(two_layers, drawn):
    config = tiny_config()
    config = dataclasses.replace(config, model=dataclasses.replace(config.model, causal=False))
    run_id = lab().submit(config, "No mask")
    assert execute(run_id, dict(os.environ)) == "finished"
    for part, key, value in WAYS:
        app = open_part(part, run_id=run_id, **{key: value})
        assert not app.error, (value, app.error)
    assert drawn["attention_map"].causal is False
    assert np.triu(drawn["attention_map"].args[0], 1).any()
