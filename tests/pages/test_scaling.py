"""The lesson on scaling: laws from records and from runs, bills, memory."""

import json

import pandas as pd
import pytest

from engine.gpt import GPTConfig
from engine.runs.service import lab
from engine.runs.size_series import CHECK_WIDTH, WIDTHS, read_records, series_config
from engine.scaling import training_memory
from pages.parts.scaling import devices, source
from pages.shared import examples
from pages.shared.quantities import size
from tests.pages.helpers import open_lesson, words

PARTS = ["Train sizes", "What does it cost?", "Memory"]
BILL = ["A bill", "Published trainings", "Scale up my run", "Tokens for a size"]


def open_part(part: str, **session):
    return open_lesson("scaling.py", part, **session)


def metrics(app) -> dict[str, str]:
    return {each.label: each.value for each in app.metric}


@pytest.mark.parametrize("part", PARTS)
def test_every_part_opens_and_every_control_has_help(part, shipped):
    app = open_part(part)
    assert not app.error
    assert "What to notice" in words(app)
    kinds = (app.slider, app.select_slider, app.number_input, app.selectbox, app.toggle, app.button)
    for widget in (each for kind in kinds for each in kind):
        assert widget.help, widget.label


def test_shipped_records_are_marked_and_the_prediction_comes_before_the_measurement(shipped):
    app = open_part(PARTS[0])
    assert "Shipped records" in words(app) and "not trained on this server" in words(app)
    assert set(metrics(app)) == {"Predicted loss", "95 % interval"}
    app.toggle(key="scaling-reveal").set_value(True)
    app.run()
    low, high = (float(each) for each in metrics(app)["95 % interval"].split("–"))
    measured = float(metrics(app)["Measured loss"])
    assert ("The prediction held" in words(app)) == (low <= measured <= high)
    app.button_group(key="scaling-form").set_value("Power law")
    app.run()
    assert "+ " not in next(each.value for each in app.caption if each.value.startswith("L(N)")).split(",")[0]
    app.button_group(key="scaling-view").set_value("By compute")
    app.run()
    assert "L(C) = " in words(app) and not app.exception


def test_too_few_sizes_fix_no_law(shipped):
    app = open_part(PARTS[0], **{"scaling-widths": [16, 24, 32, 48]})
    assert "A floor needs 5 sizes" in words(app)
    app.button_group(key="scaling-form").set_value("Power law")
    app.run()
    assert "Predicted loss" in metrics(app)
    app = open_part(PARTS[0], **{"scaling-widths": [16]})
    assert "needs 5 sizes; there are 1" in words(app)


def test_without_records_the_sizes_are_trained_here_and_shared():
    app = open_part(PARTS[0], **{"scaling-corpus": "stories", "scaling-widths": [16, 24]})
    assert "sizes are measured" in words(app) or "A floor needs" in words(app)
    app.button(key="scaling-train").click()
    app.run()
    assert {record.config.run_id for record in lab().runs()} == {
        series_config(width, corpus="stories").run_id for width in (16, 24)
    }
    assert app.button(key="scaling-train").disabled


def test_finished_runs_of_this_server_make_the_law(monkeypatch, shipped):
    shipped_runs = {run.config.run_id: run for run in read_records(examples.ASSETS / "scaling" / "series.json").runs}
    monkeypatch.setattr(
        "pages.parts.scaling.sizes.trained",
        lambda width, corpus, seed, record: shipped_runs.get(series_config(width, corpus=corpus, seed=seed).run_id),
    )
    app = open_part(PARTS[0], **{"scaling-origin": "Trained here"})
    measured = shipped_runs[series_config(CHECK_WIDTH).run_id].loss
    assert metrics(app)["Measured loss"] == f"{measured:.3f}"
    assert f"from {len(WIDTHS)} runs" in words(app)


def test_a_run_that_has_not_ended_is_no_point(trained_run):
    record = lab().run(trained_run)
    assert source.trained(16, "stories", 0, record) is None  # it has done fewer steps than the series


def test_the_first_bill_is_the_famous_one():
    app = open_part(PARTS[1])
    assert metrics(app)["Operations"] == "3.14 · 10²³"
    assert metrics(app)["One V100"].startswith("356") or metrics(app)["One V100"].startswith("355")
    assert metrics(app)["Price"] == "$4.68 million"
    assert "6 × 174.6 billion parameters × 300.0 billion tokens" in words(app)
    app.number_input(key="cost-devices-n").set_value(1)
    app.selectbox(key="cost-model").set_value("another size")
    app.run()
    assert metrics(app)["Operations"] == "1.26 · 10²²"  # 6 · 7 billion · 300 billion
    app.selectbox(key="cost-model").set_value("gpt3-small")
    app.run()
    app.button_group(key="cost-rule").set_value("Exact count")
    app.run()
    assert metrics(app)["Operations"] == "2.56 · 10²⁰" and not app.exception


@pytest.mark.parametrize("view", BILL[1:])
def test_the_other_views_reckon_with_a_run(view, trained_run):
    app = open_part(PARTS[1], **{"cost-view": view, "cost-peak": 100.0})
    assert not app.error and "What to notice" in words(app)
    if view == "Published trainings":
        table = app.dataframe[0].value
        assert table["off by"].map(lambda text: abs(float(text.strip("%+")))).max() <= 5
        assert table["difference"].map(lambda text: abs(float(text.strip("%+")))).max() <= 1
        assert "410 billion tokens" in words(app)
    if view == "Scale up my run":
        assert "Model FLOPs utilisation" in words(app) and "GPT-3 would take" in metrics(app)
    if view == "Tokens for a size":
        assert list(app.dataframe[0].value["model"])[-1] == "your run"


def test_rows_of_the_table_that_cannot_be_are_left_out():
    usual = devices.usual_table()
    assert [row.name for row in devices.rows_of(usual)] == list(usual["Device"])
    wrong = [
        ("", 100.0, 40.0, 1.0, "", ""),
        (None, 100.0, 40.0, 1.0, "", ""),
        ("V100", 100.0, 40.0, 1.0, "", ""),
        ("no peak", None, 40.0, 1.0, "", ""),
        ("too much", 100.0, 140.0, 1.0, "", ""),
        ("not a number", 100.0, float("nan"), 1.0, "", ""),
        ("paid for it", 100.0, 40.0, -1.0, "", ""),
    ]
    table = pd.concat([usual, pd.DataFrame(wrong, columns=list(devices.COLUMNS))])
    assert devices.rows_of(table) == devices.rows_of(usual)


def test_memory_is_that_of_the_engine_for_every_choice():
    app = open_part(PARTS[2], **{"memory-model": "gpt2", "memory-context": 1024, "memory-batch": 4})
    needs = training_memory(GPTConfig.preset("gpt2"), 4, precision="bfloat16")
    assert f"Training takes {size(needs.total)}" in words(app)
    verdicts = app.dataframe[0].value.set_index("where")["train it"]
    assert verdicts["V100"] == f"fits, {needs.total / 32e9:.0%} used"
    for view in ("By batch", "By context"):
        app.button_group(key="memory-view").set_value(view)
        app.run()
        assert not app.exception and "times the memory" in words(app)
    app.selectbox(key="memory-model").set_value("gpt3")
    app.run()
    assert "does not fit" in json.dumps(app.dataframe[0].value["train it"].tolist())
