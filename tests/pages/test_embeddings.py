"""The lesson on windows and embeddings: each part through the real page, with what the components are given."""

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine import embedding, windows
from engine.corpus import load_corpus
from engine.runs import token_use
from engine.runs.execution import execute
from engine.runs.service import lab
from pages.parts.embeddings import batch, lookup, positions, source, space
from pages.parts.embeddings import windows as windows_part
from pages.shared.components.batch_table import BatchRow, batch_table
from pages.shared.components.embedding_map import MapPoint, embedding_map
from pages.shared.components.heat_grid import heat_grid
from pages.shared.components.neighbour_bars import neighbour_bars
from pages.shared.components.turning_pairs import Dial, turning_pairs
from pages.shared.components.vector_strips import Strip, StripGroup, vector_strips
from pages.shared.components.window_grid import window_grid
from pages.shared.models import ModelChoice
from tests.pages.helpers import open_lesson, words

from .conftest import tiny_config

PAGE = Path(__file__).resolve().parents[2] / "pages" / "embeddings.py"
PARTS = ["Windows", "A batch", "Look-up", "Positions", "Embedding space"]
OWN = "The lion is in the forest. The fox is in the field. <script>alert(1)</script> =1+1 \u202e abc\n" * 3


def open_part(part: str, **session) -> AppTest:
    return open_lesson("embeddings.py", part, **session)


@pytest.fixture
def drawn(monkeypatch):
    """What each component was given last; `click` is what the next call of a component returns, once."""
    seen = SimpleNamespace(click={})
    modules = {
        "window_grid": windows_part,
        "batch_table": batch,
        "embedding_map": space,
        "neighbour_bars": space,
        "turning_pairs": positions,
        "heat_grid": positions,
    }
    for name, module in modules.items():
        original = getattr(module, name)

        def record(*args, _name=name, _original=original, **named):
            setattr(seen, _name, SimpleNamespace(args=args, named=named))
            _original(*args, **named)
            return seen.click.pop(_name, None)

        monkeypatch.setattr(module, name, record)
    for module in (lookup, positions):
        original = module.vector_strips

        def record_strips(groups, key, _original=original, **named):
            setattr(seen, key, groups)
            return _original(groups, key, **named)

        monkeypatch.setattr(module, "vector_strips", record_strips)
    return seen


@pytest.mark.parametrize("part", PARTS)
def test_every_part_opens_with_a_run_and_every_control_has_help(part, trained_run):
    app = open_part(part, run_id=trained_run)
    assert not app.error
    kinds = (app.slider, app.select_slider, app.number_input, app.text_input, app.text_area, app.selectbox)
    for kind in (*kinds, app.get("button_group")):
        for widget in kind:
            assert widget.proto.help, f"{part}: {widget.proto.label} has no help"
    assert "What to notice" in words(app)


@pytest.mark.parametrize("part", PARTS[2:])
def test_parts_about_a_model_say_where_to_train_one(part):
    app = open_part(part)
    assert "There is no model yet" in words(app)


def test_the_windows_drawn_are_those_of_the_engine(drawn):
    app = open_part("Windows")
    app.slider(key="window_context").set_value(5)
    app.slider(key="window_stride").set_value(3)
    app.run()
    tokens, starts, inputs, targets, seen = drawn.window_grid.args
    ids = np.array([token_id for _, token_id in tokens])
    x, y = windows.sliding_windows(ids, 5, 3)
    np.testing.assert_array_equal(inputs, x)
    np.testing.assert_array_equal(targets, y)
    assert starts == list(range(0, 3 * len(x), 3))
    np.testing.assert_array_equal(seen, windows.times_seen(len(ids), 5, 3))
    assert drawn.window_grid.named["more"] == 0


def test_more_windows_than_can_be_drawn_are_counted(drawn):
    app = open_part("Windows")
    app.slider(key="window_stride").set_value(1).run()
    assert len(drawn.window_grid.args[1]) == 60
    assert drawn.window_grid.named["more"] == 72 - 60
    assert "72 windows in 80 tokens" in words(app)


def test_the_csv_holds_every_window_and_no_formula():
    ids = np.arange(5)
    texts = dict.fromkeys(range(5), "=1+1")
    x, y = windows.sliding_windows(ids, 2, 1)
    rows = windows_part._rows(ids, x, y, texts, 10, 1)
    lines = windows_part._csv(rows).splitlines()
    assert lines[0] == "window,from_token,input,target"
    assert len(lines) == 1 + len(x)
    assert lines[1] == "1,11,“=1+1” “=1+1”,“=1+1” “=1+1”"


def test_a_text_of_ones_own_can_be_short_and_hostile(drawn):
    app = open_part("Windows")
    app.selectbox(key="embedding_text").set_value("own").run()
    assert "Upload a file or paste a text" in words(app)
    app.text_area(key="embedding_text-pasted").set_value(OWN)
    app.selectbox(key="embedding_tokenizer-kind").set_value("char").run()
    assert not app.exception and not app.error
    shown = "".join(text for text, _ in drawn.window_grid.args[0])
    assert OWN.startswith(shown)
    app.query_params["part"] = "A batch"
    assert "<script>" not in words(app)


def test_a_text_shorter_than_the_context_is_explained():
    app = open_part("Windows")
    app.selectbox(key="embedding_text").set_value("own").run()
    app.text_area(key="embedding_text-pasted").set_value("The lion is in the forest.")
    app.slider(key="window_context").set_value(64).run()
    assert "too few for one window of 64" in words(app)
    assert not app.exception


def test_a_token_of_very_many_characters_is_cut_for_its_box(drawn):
    app = open_part("Windows")
    app.selectbox(key="embedding_text").set_value("own").run()
    app.text_area(key="embedding_text-pasted").set_value("a" + "\u0301" * 50_000 + " lion in the forest")
    app.slider(key="window_context").set_value(2).run()
    assert not app.exception and not app.error
    assert max(len(text) for text, _ in drawn.window_grid.args[0]) <= source.LONGEST_SHOWN


def test_a_batch_is_the_samplers_and_returns_with_its_step(drawn):
    app = open_part("A batch")
    app.number_input(key="batch_step").set_value(5).run()
    (rows, texts), named = drawn.batch_table.args[:2], drawn.batch_table.named
    app.number_input(key="batch_step").set_value(6).run()
    assert drawn.batch_table.args[0] != rows
    app.number_input(key="batch_step").set_value(5).run()
    assert drawn.batch_table.args[0] == rows
    assert named == {"show_ids": False, "show": "x"}
    for row in rows:
        assert list(row.y[:-1]) == list(row.x[1:])
        passage = "".join(texts[i] for i in (*row.before, *row.x, row.y[-1], *row.after))
        assert passage.replace("<|endoftext|>", "") in load_corpus("stories")[:1_100_000].replace("<|endoftext|>", "")
    assert "(4, 8) int64" in app.code[0].value


def test_a_look_up_and_one_hot_times_the_table_agree_to_the_bit(trained_run, drawn):
    app = open_part("Look-up", run_id=trained_run)
    difference = next(m for m in app.metric if m.label == "Largest difference")
    assert difference.value == "0"
    model = lab().load_model(trained_run)
    ids = model.tokenizer.encode(" lion forest")[: lookup.MAX_TOKENS]
    weights = embedding.token_vectors(model.model)
    for group, token_id in zip(drawn.lookup_strips, ids, strict=True):
        one_hot, row = group.strips
        assert (one_hot.hot, one_hot.size) == (token_id, len(weights))
        np.testing.assert_array_equal(row.values, weights[token_id])
    app.text_input(key="lookup_words").set_value("").run()
    assert "Type a word" in words(app)


def test_sinusoidal_positions_are_added_to_the_scaled_token(trained_run, drawn):
    app = open_part("Positions", run_id=trained_run)
    for group in drawn.sinusoidal_at_strips:
        token, position, total = (strip.values for strip in group.strips)
        np.testing.assert_allclose(token + position, total)
    assert "PE(1) · PE(0)" in words(app)
    app.slider(key="sinusoidal_at").set_value(4).run()
    assert drawn.sinusoidal_at_strips[0].strips[1].label == "position 4"


def test_a_model_without_learned_positions_shows_noise_and_says_so(trained_run, drawn):
    app = open_part("Positions", run_id=trained_run)
    app.get("button_group")[1].set_value("Learned").run()
    assert "positions are rotary, so it has no such table" in words(app)
    assert "before training" in drawn.heat_grid.named["title"] or "cosines" in drawn.heat_grid.named["title"]


def test_learned_positions_of_a_run_are_shown_and_rotary_ones_explained():
    config = tiny_config()
    import dataclasses

    config = dataclasses.replace(config, model=dataclasses.replace(config.model, positions="learned"))
    run_id = lab().submit(config, "learned")
    assert execute(run_id, dict(os.environ)) == "finished"
    app = open_part("Positions", run_id=run_id)
    app.get("button_group")[1].set_value("Learned").run()
    assert not app.exception and not app.error
    assert "no such table" not in words(app)
    app.get("button_group")[1].set_value("Rotary").run()
    assert "choose a run with rotary positions" in words(app)


def test_rotary_products_stay_when_both_positions_move(trained_run, drawn):
    app = open_part("Positions", run_id=trained_run)
    app.get("button_group")[1].set_value("Rotary").run()
    app.slider(key="rotary_m").set_value(9).run()
    table = app.dataframe[0].value
    assert table["q·k"][:5].max() - table["q·k"][:5].min() < 1e-3
    assert (table["m − n"][:5] == 8).all() and table["m − n"][5] == 9
    dials = drawn.turning_pairs.args[0]
    assert dials[0].query_turned - dials[0].query_angle == pytest.approx(9)
    assert sum(d.product for d in dials) == pytest.approx(table["q·k"][0], abs=1e-3)  # 8 pairs are all of them here


def test_the_neighbours_are_those_of_the_engine_and_a_click_goes_on_from_there(trained_run, drawn):
    app = open_part("Embedding space", run_id=trained_run)
    key = f"space_token:{trained_run}"
    rows = drawn.neighbour_bars.args[0]
    checkpoint = lab().load_model(trained_run)
    vocabulary = space._vocabulary(ModelChoice(trained_run, 30, ""))
    expected = embedding.neighbours(
        embedding.token_vectors(checkpoint.model), app.selectbox(key=key).value, 10, among=vocabulary.ids
    )
    assert [row[0] for row in rows] == [each.token_id for each in expected]
    drawn.click["neighbour_bars"] = rows[2][0]
    app.run()
    assert app.selectbox(key=key).value == rows[2][0]
    point = drawn.embedding_map.args[0][7]
    drawn.click["embedding_map"] = point.token_id
    app.run()
    assert app.selectbox(key=key).value == point.token_id
    assert drawn.embedding_map.named["selected"] == point.token_id


def test_the_most_frequent_tokens_come_first_and_those_that_never_occur_are_not_drawn(trained_run):
    found = space._vocabulary(ModelChoice(trained_run, 30, ""))
    counts = found.counts[found.ids]
    assert (np.diff(counts) <= 0).all() and counts[-1] > 0
    assert not set(found.ids.tolist()) & set(found.unseen.tolist())


def test_the_map_is_drawn_at_every_checkpoint_by_both_methods_and_in_three_dimensions(trained_run, drawn):
    app = open_part("Embedding space", run_id=trained_run)
    app.select_slider(key="space_n").set_value(100)
    checkpoint = app.select_slider(key=f"checkpoint:{trained_run}")
    last = {p.token_id: (p.x, p.y) for p in drawn.embedding_map.args[0]}
    checkpoint.set_value(checkpoint.options and 0).run()
    assert not app.exception and not app.error
    first = {p.token_id: (p.x, p.y) for p in drawn.embedding_map.args[0]}
    assert len(first) == 100 and any(first[i] != last[i] for i in first)
    app.get("button_group")[1].set_value("t-SNE").run()
    assert "Procrustes" in words(app) and not app.exception and not app.error
    app.get("button_group")[2].set_value(3).run()
    assert app.get("plotly_chart") and not app.exception and not app.error


def test_a_run_whose_text_is_gone_is_still_shown(trained_run, monkeypatch):
    from engine.errors import CorpusError

    def gone(*_):
        raise CorpusError("the text is gone.")

    monkeypatch.setattr(token_use, "read_corpora", gone)
    app = open_part("Embedding space", run_id=trained_run)
    assert "not on this machine" in words(app)
    assert not app.error


def test_components_refuse_what_they_cannot_draw():
    with pytest.raises(ValueError, match="beyond the excerpt"):
        window_grid([("a", 1)], [0], [[1]], [[1]], ([0], [0]), "w")
    with pytest.raises(ValueError, match="two counts"):
        window_grid([("a", 1)], [], [], [], ([0, 1], [0]), "w")
    row = BatchRow(0, [1, 2], [2, 3], [], [])
    with pytest.raises(ValueError, match="'x' or 'y'"):
        batch_table([row], {1: "a", 2: "b", 3: "c"}, "b", show_ids=True, show="z")
    with pytest.raises(ValueError, match="id 3 has no text"):
        batch_table([row], {1: "a", 2: "b"}, "b", show_ids=True, show="x")
    with pytest.raises(ValueError, match="one length"):
        vector_strips([StripGroup("g", [Strip("a", np.zeros(2)), Strip("b", np.zeros(3))])], "v")
    with pytest.raises(ValueError, match="not finite"):
        vector_strips([StripGroup("g", [Strip("a", np.array([np.nan]))])], "v")
    with pytest.raises(ValueError, match="rows and columns"):
        heat_grid(np.zeros(3), "h", title="t", row_name="r", column_name="c", summary="s")
    with pytest.raises(ValueError, match="group must be one of 1"):
        embedding_map([MapPoint(1, "a", 0, 0, 1)], ["all"], (0, 1, 0, 1), "m", label="map")
    with pytest.raises(ValueError, match="left, right, bottom, top"):
        embedding_map([], ["all"], (1, 0, 0, 1), "m", label="map")
    with pytest.raises(ValueError, match="between"):
        neighbour_bars([(1, "a", 1.5)], "n", label="list")
    with pytest.raises(ValueError, match="33 dials"):
        turning_pairs([Dial(0, 0, 1, 0, 0, 1, 1, 0)] * 33, "t", query_name="q", key_name="k")
