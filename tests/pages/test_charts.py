"""The figures tell what the data say, and a live chart keeps one specification while its data grow."""

import json
import re

import altair as alt
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from engine import language
from engine.figures import standalone, to_svg
from pages.shared import charts

BASELINES = {"uniform": 6.91, "bigram": 3.98}


def points(n_steps: int, run: str = "first", lowest: float = 3.0) -> pd.DataFrame:
    rows = []
    for index in range(1, n_steps + 1):
        step = 10 * index
        loss = lowest + 4 / index
        common = {"step": step, "tokens": 512 * step, "seconds": step / 20, "run": run}
        rows.append({**common, "loss": loss, "series": "train"})
        if index % 5 == 0:
            rows.append({**common, "loss": loss + 0.1, "series": "validation"})
    return pd.DataFrame(rows, columns=charts.LOSS_COLUMNS)


def validate(figure: charts.Figure) -> None:
    """Altair's own schema accepts the specification with its data."""
    spec = {**figure.spec, "data": {"values": json.loads(figure.data.to_json(orient="records"))}}
    if "layer" in spec:
        alt.LayerChart.from_dict(spec)
    else:
        alt.Chart.from_dict(spec)


def texts(spec: object, key: str) -> list[object]:
    if isinstance(spec, dict):
        found = [spec[key]] if key in spec else []
        return found + [each for value in spec.values() for each in texts(value, key)]
    if isinstance(spec, list):
        return [each for value in spec for each in texts(value, key)]
    return []


def test_a_growing_run_keeps_the_same_specification_and_the_same_alt_text():
    early = charts.loss_curves(points(3), baselines={}, marks=[])
    late = charts.loss_curves(points(60), baselines=BASELINES, marks=[(200, "learning rate × 0.5")])
    assert json.dumps(early.spec) == json.dumps(late.spec)
    assert early.alt == late.alt
    assert list(early.data.columns) == list(late.data.columns)
    assert dict(early.data.dtypes) == dict(late.data.dtypes)


def test_an_empty_run_is_a_chart_and_a_sentence():
    figure = charts.loss_curves(points(0))
    assert figure.data.empty
    assert figure.summary == "No loss has been measured yet."
    validate(figure)


@pytest.mark.parametrize("axis", ["step", "tokens", "seconds"])
def test_every_axis_is_named_with_its_unit_and_takes_its_own_column(axis):
    frame = points(10)
    figure = charts.loss_curves(frame, x=axis)
    assert charts.AXIS_TITLES[axis] in texts(figure.spec, "title")
    assert "Loss (nats per token)" in texts(figure.spec, "title")
    assert figure.data["x"].tolist() == frame[axis].astype(float).tolist()
    validate(figure)


def test_baselines_and_marks_are_rows_with_their_label():
    figure = charts.loss_curves(points(10), baselines=BASELINES, marks=[(50, "learning rate × 0.5")])
    rules = figure.data[figure.data["layer"] == "baseline"]
    assert rules["label"].tolist() == ["uniform 6.91", "bigram 3.98"]
    assert rules["loss"].tolist() == [6.91, 3.98]
    mark = figure.data[figure.data["layer"] == "mark"].iloc[0]
    assert (mark["x"], mark["label"]) == (50.0, "learning rate × 0.5")


def test_runs_differ_by_shape_as_well_as_by_colour_and_series_by_dash():
    both = pd.concat([points(10, "first"), points(10, "second")])
    figure = charts.loss_curves(both)
    encodings = texts(figure.spec, "encoding")
    colours = [each["color"] for each in encodings if "field" in each.get("color", {})]
    shapes = [each["shape"] for each in encodings if "shape" in each]
    dashes = [each["strokeDash"] for each in encodings if "strokeDash" in each]
    assert all(each["scale"]["domain"] == ["first", "second"] for each in colours + shapes)
    assert all(len(set(each["scale"]["range"])) == 2 for each in colours + shapes)
    assert all(each["scale"]["domain"] == ["train", "validation"] for each in dashes)
    validate(figure)


def test_losses_that_are_no_number_are_left_out_of_the_chart():
    frame = points(5)
    frame.loc[2, "loss"] = float("nan")
    frame.loc[3, "loss"] = float("inf")
    assert len(charts.loss_curves(frame).data) == len(frame) - 2


def test_the_summary_names_first_and_last_validation_loss_and_the_baseline_beaten():
    sentence = charts.summarise_loss(points(60, lowest=3.0), baselines=BASELINES)
    assert sentence == (
        "The validation loss fell from 3.90 to 3.17 nats per token by step 600, below the bigram baseline (3.98)."
    )
    worse = charts.summarise_loss(points(60, lowest=7.0), baselines=BASELINES)
    assert worse.endswith("still above every baseline.")


def test_the_summary_of_several_runs_names_the_best():
    both = pd.concat([points(20, "slow", 4.0), points(20, "fast", 3.0)])
    assert "Of 2 runs, fast has the lowest validation loss: 3.30" in charts.summarise_loss(both)


def test_a_wrong_axis_series_or_column_is_named():
    with pytest.raises(ValueError, match="'epochs'"):
        charts.loss_curves(points(3), x="epochs")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no column run"):
        charts.loss_curves(points(3).drop(columns="run"))
    with pytest.raises(ValueError, match="'test'"):
        charts.loss_curves(points(3).assign(series="test"))


def test_a_small_line_on_a_log_axis_leaves_out_what_is_not_positive():
    frame = pd.DataFrame({"step": [1, 2, 3], "norm": [0.0, 2.0, 1.0]})
    figure = charts.small_line(frame, "norm", "Gradient norm", "", log=True)
    assert figure.data["y"].tolist() == [2.0, 1.0]
    assert "log" in texts(figure.spec, "type")
    assert figure.summary == "Gradient norm: 1 at the end, between 1 and 2."
    validate(figure)
    assert charts.small_line(frame, "norm", "Gradient norm", "").data["y"].tolist() == [0.0, 2.0, 1.0]


def test_next_tokens_are_sorted_by_probability_and_look_alikes_stay_apart():
    rows = pd.DataFrame({"token": [" zoo", " forest", "�", "�"], "probability": [0.1, 0.5, 0.0004, 0.2]})
    figure = charts.next_token_bars(rows)
    assert figure.data["probability"].tolist() == [0.5, 0.2, 0.1, 0.0004]
    assert figure.data["token"].is_unique
    assert figure.data["percent"].tolist() == ["50.0 %", "20.0 %", "10.0 %", "< 0.1 %"]
    assert figure.summary == "The most probable next token is “␣forest” (50.0 %), before “�” (20.0 %)."
    validate(figure)
    assert charts.next_token_bars(rows.assign(probability=0.25)).spec is figure.spec


def test_a_token_is_quoted_with_its_spaces_visible():
    assert charts.visible_token(" the\n") == "“␣the↵”"


def drawn_with_a_menu() -> None:
    import pandas as pd

    from pages.shared.charts import next_token_bars
    from pages.shared.figure_files import saving

    figure = next_token_bars(pd.DataFrame({"token": [" a", "=b"], "probability": [0.7, 0.3]}))
    figure.show()
    figure.show()
    with saving(False):
        figure.show()


def test_each_figure_has_a_menu_to_save_it_that_is_filled_when_it_is_opened(monkeypatch):
    from engine import figures

    def never(*_):
        raise AssertionError("a file was made before anybody asked")

    monkeypatch.setattr(figures, "_convert", never)
    app = AppTest.from_function(drawn_with_a_menu).run()
    assert not app.exception
    assert len(app.get("popover")) == 2 and not app.get("download_button")
    found = re.search(r"save:\w+:0", repr(app.session_state))
    assert found is not None
    app.session_state[found[0]] = True
    app.run()
    assert not app.exception
    assert [each.proto.label for each in app.get("download_button")] == [
        "Picture (PNG)",
        "Drawing (SVG)",
        "Page (HTML)",
        "Data (CSV)",
    ]


def drawn_by_clocks() -> None:
    import pandas as pd

    from pages.shared.charts import next_token_bars
    from pages.shared.live import kept_current

    figure = next_token_bars(pd.DataFrame({"token": [" a"], "probability": [1.0]}))

    def at_rest() -> None:
        figure.show()

    def slow() -> None:
        figure.show()

    def fast() -> None:
        figure.show()

    kept_current(at_rest, every=None)()
    kept_current(slow, every=3.0)()
    kept_current(fast, every=0.7)()


def test_a_figure_of_a_live_panel_has_its_menu_unless_a_fast_clock_draws_it():
    app = AppTest.from_function(drawn_by_clocks).run()
    assert not app.exception
    assert len(app.get("vega_lite_chart")) == 3 and len(app.get("popover")) == 2


def test_numbers_of_a_chart_and_of_its_files_are_written_as_the_reader_writes_them(monkeypatch):
    assert "locale" not in charts.loss_curves(points(20)).spec["config"]
    monkeypatch.setattr(language, "_readers_language", lambda: "fr")
    figure = charts.loss_curves(points(20))
    validate(figure)
    ticks = re.findall(r">([\d.,]+)</text>", to_svg(standalone(figure.spec, figure.data, {})).decode())
    assert any("," in tick for tick in ticks) and not any("." in tick for tick in ticks), ticks
