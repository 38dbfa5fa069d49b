"""Chart builders: data in, a `Figure` out, which is a frame, a Vega-Lite specification and a sentence.

A live chart must not blink. Streamlit swaps new rows into a chart that is already on the page as long as the
specification and the `alt` text stay equal, and builds the chart anew when either changes. So everything that grows
(points, baselines, marks) travels in one long-form frame whose `layer` column says what a row is, the specification
depends only on the choice of axes and on which runs are shown, and the changing sentence is page text, not `alt`.

Colours are names or defaults that the theme resolves (Okabe and Ito's palette, light and dark); nothing is told by
colour alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from engine.language import N_, SOURCE, _, cached_by_language, language, number, separators
from pages.shared import projector
from pages.shared.figure_files import chart_files, plain_title, show_save
from pages.shared.wording import inside

Axis = Literal["step", "tokens", "seconds"]
AXIS_TITLES: dict[Axis, str] = {
    "step": N_("Training step"),
    "tokens": N_("Tokens seen"),
    "seconds": N_("Training time (seconds)"),
}
LOSS_COLUMNS = ["step", "tokens", "seconds", "loss", "series", "run"]
MAX_BARS = 40
VALIDATED = False
"""Whether charts are held against the schema of Vega-Lite, as tests do: it takes a third of the time to make one."""
_TITLE_LETTERS = 30
"""So many letters of a title fit any chart."""
# Streamlit replaces these names by the theme's colours, so that one specification serves light and dark.
_QUIET = "gray"
_RUN_COLOURS = ["blue", "orange", "green", "violet", "yellow", "red", "gray"]
_RUN_SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right"]
# Whole thousands with a comma, small numbers as they are: never "20m" or "1.4e+4".
_READABLE = "abs(datum.value) >= 1000 ? format(datum.value, ',.0f') : format(datum.value, '~g')"
_CONFIG: dict[str, Any] = {
    "font": '"Source Sans", sans-serif',  # the face that Streamlit itself serves
    "axis": {
        "domain": False,
        "ticks": False,
        "gridOpacity": 0.6,
        "labelFontSize": 13,
        "titleFontSize": 14,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "labelPadding": 6,
        "labelOverlap": True,
    },
    "axisXQuantitative": {"labelSeparation": 8},
    "legend": {"labelFontSize": 14, "symbolStrokeWidth": 2.5, "symbolSize": 160},
    "title": {"anchor": "start", "fontSize": 16, "offset": 10},
    "view": {"stroke": None},
}


@dataclass(frozen=True)
class Figure:
    """A chart ready to show.

    `data` is the long-form frame, `spec` the Vega-Lite specification (shared between calls: do not change it),
    `alt` what the chart shows in general, `summary` what these very numbers say, in one sentence.
    """

    data: pd.DataFrame
    spec: dict[str, Any]
    alt: str
    summary: str

    def show(self, *, caption: bool = True) -> None:
        """Draw the chart and, unless told otherwise, its summary beneath it."""
        # theme=None: axis text in the full text colour; Streamlit's chart theme greys it to 3.8:1.
        spec = projector.enlarged(self.spec) if projector.on() else self.spec
        st.vega_lite_chart(self.data, spec, width="stretch", theme=None, alt=self.alt)
        if caption:
            st.caption(self.summary)
        projector.show_values(self.data)
        title = plain_title(self.spec, self.alt)
        show_save(title, lambda: chart_files(self.spec, self.data, title, self.summary))


def loss_curves(
    points: pd.DataFrame,
    *,
    x: Axis = "step",
    baselines: Mapping[str, float] | None = None,
    marks: Sequence[tuple[float, str]] = (),
    unit: str = N_("nats per token"),
) -> Figure:
    """Training loss (thin, dashed) and validation loss (thick, with points) of one run or several.

    `points` has the columns step, tokens, seconds, loss (in `unit`), series ("train" or "validation") and
    run (its label). `baselines` maps a label to a loss in nats and is drawn as horizontal rules; `marks` are
    (position on the x axis, label) and drawn as vertical rules.
    Raises `ValueError` for a missing column, an unknown axis or an unknown series.
    """
    if x not in AXIS_TITLES:
        raise ValueError(f"x is {x!r}; it must be one of {', '.join(AXIS_TITLES)}.")
    _require(points, LOSS_COLUMNS)
    unknown = sorted(set(points["series"]) - {"train", "validation"})
    if unknown:
        raise ValueError(f"series has {unknown}; it must be 'train' or 'validation'.")
    position, loss = points[x].to_numpy(float), points["loss"].to_numpy(float)
    series, run = points["series"].to_numpy(object), points["run"].to_numpy(object)
    drawn = np.isfinite(position) & np.isfinite(loss)
    levels, changes = list((baselines or {}).items()), list(marks)
    n_curve, n_rules = int(drawn.sum()), len(levels) + len(changes)
    # Plain arrays: this runs at every tick for every watcher, and pandas' concat is several times slower.
    columns: dict[str, list[Any]] = {
        "layer": [*series[drawn], *["baseline"] * len(levels), *["mark"] * len(changes)],
        "x": [*position[drawn], *[math.nan] * len(levels), *[float(place) for place, _unused in changes]],
        "loss": [*loss[drawn], *[float(nats) for _unused, nats in levels], *[math.nan] * len(changes)],
        "run": [*map(str, run[drawn]), *[""] * n_rules],
        "label": [
            *[""] * n_curve,
            *[f"{label} {number(nats, '.2f')}" for label, nats in levels],
            *[str(label) for _unused, label in changes],
        ],
    }
    types = {"layer": "str", "x": "float64", "loss": "float64", "run": "str", "label": "str"}
    frame = pd.DataFrame({name: pd.Series(columns[name], dtype=dtype) for name, dtype in types.items()})
    runs = tuple(dict.fromkeys(columns["run"][:n_curve]))
    return Figure(
        data=frame,
        spec=_loss_spec(x, runs, unit),
        alt=_(
            "Line chart: loss in {unit} against {lower}, training and validation.",
            unit=unit,
            lower=inside(AXIS_TITLES[x]),
        ),
        summary=summarise_loss(points, baselines=baselines, unit=unit),
    )


def summarise_loss(
    points: pd.DataFrame, *, baselines: Mapping[str, float] | None = None, unit: str = N_("nats per token")
) -> str:
    """One sentence on where the losses of `points` (columns as in `loss_curves`) stand."""
    _require(points, LOSS_COLUMNS)
    if points.empty:
        return _("No loss has been measured yet.")
    runs = list(dict.fromkeys(points["run"]))
    measured = points[points["series"] == "validation"]
    name = _("validation loss")
    if measured.empty:
        measured, name = points, _("training loss")
    if len(runs) > 1:
        last = measured.sort_values("step").groupby("run", sort=False)["loss"].last()
        best = str(last.idxmin())
        return _(
            "Of {n_runs} runs, {best} has the lowest {name}: {last:.2f} {unit} (the highest is {max:.2f}).",
            n_runs=len(runs),
            best=best,
            name=name,
            last=last[best],
            unit=unit,
            max=last.max(),
        )
    ordered = measured.sort_values("step")
    first, last_row = ordered.iloc[0], ordered.iloc[-1]
    step = int(last_row["step"])
    if len(ordered) == 1:
        text = _(
            "The {name} is {loss:.2f} {unit} at step {step:,}", name=name, loss=last_row["loss"], unit=unit, step=step
        )
    else:
        told = (
            N_("The {name} fell from {loss:.2f} to {loss_2:.2f} {unit} by step {step:,}")
            if last_row["loss"] < first["loss"]
            else N_("The {name} rose from {loss:.2f} to {loss_2:.2f} {unit} by step {step:,}")
        )
        text = _(
            told,
            name=name,
            loss=first["loss"],
            loss_2=last_row["loss"],
            unit=unit,
            step=step,
        )
    beaten = [label for label, nats in (baselines or {}).items() if last_row["loss"] < nats]
    if baselines and beaten:
        hardest = min(beaten, key=lambda label: baselines[label])
        text += _(", below the {hardest} baseline ({baselines:.2f})", hardest=hardest, baselines=baselines[hardest])
    elif baselines:
        text += _(", still above every baseline")
    return text + "."


def small_line(
    frame: pd.DataFrame, y: str, title: str, unit: str, log: bool = False, *, x: Axis = "step", points: bool = False
) -> Figure:
    """A small chart of one quantity over training: learning rate, gradient norm, tokens per second.

    `frame` has the columns `x` and `y`, and optionally `run`. With `log`, values that are not positive are left
    out; with `points` every value is marked, by a shape for each run. Raises `ValueError` for a missing column.
    """
    _require(frame, [x, y])
    run = frame["run"].map(lambda each: _(str(each))) if "run" in frame else ""
    data = pd.DataFrame({"x": frame[x].astype(float), "y": frame[y].astype(float), "run": run})
    data = data[data["y"].map(math.isfinite) & ((data["y"] > 0) | (not log))]
    runs = tuple(dict.fromkeys(data["run"]))
    return Figure(
        data=data,
        spec=_small_spec(x, title, unit, log, runs, points),
        alt=_("Line chart: {lower} against {lower_2}.", lower=inside(title), lower_2=inside(AXIS_TITLES[x])),
        summary=summarise_line(data["y"], title, unit),
    )


def summarise_line(values: pd.Series, title: str, unit: str) -> str:
    """One sentence on the last value of a series and its range."""
    if len(values) == 0:
        return _("{title}: nothing measured yet.", title=title)
    unit = f" {unit}" if unit else ""
    return _(
        "{title}: {short}{unit} at the end, between {short_2} and {short_3}.",
        title=title,
        short=_short(values.iloc[-1]),
        unit=unit,
        short_2=_short(values.min()),
        short_3=_short(values.max()),
    )


def next_token_bars(rows: pd.DataFrame, *, title: str = N_("Most probable next tokens")) -> Figure:
    """Horizontal bars of the most probable next tokens, highest first.

    `rows` has the columns token (text) and probability (0 to 1); of more than 40 rows the most probable are kept.
    Tokens are quoted so that a leading space can be seen. Raises `ValueError` for a missing column.
    """
    _require(rows, ["token", "probability"])
    top = rows.sort_values("probability", ascending=False, kind="stable").head(MAX_BARS)
    labels = _distinct([visible_token(str(token)) for token in top["token"]])
    data = pd.DataFrame(
        {
            "rank": range(1, len(top) + 1),
            "token": labels,
            "probability": top["probability"].astype(float).to_numpy(),
            "percent": [percent(value) for value in top["probability"]],
        }
    )
    return Figure(
        data=data,
        spec=_bars_spec(title, len(data)),
        alt=_("Bar chart: probability of each of the most probable next tokens."),
        summary=summarise_next_token(rows),
    )


def summarise_next_token(rows: pd.DataFrame) -> str:
    """One sentence on the most probable next token and its lead."""
    if rows.empty:
        return _("No next token has been predicted yet.")
    top = rows.sort_values("probability", ascending=False, kind="stable")
    first = top.iloc[0]
    text = _(
        "The most probable next token is {visible_token} ({percent})",
        visible_token=visible_token(str(first["token"])),
        percent=percent(first["probability"]),
    )
    if len(top) > 1:
        second = top.iloc[1]
        text += _(
            ", before {visible_token} ({percent})",
            visible_token=visible_token(str(second["token"])),
            percent=percent(second["probability"]),
        )
    return text + "."


def grouped_bars(
    rows: pd.DataFrame,
    *,
    title: str,
    rows_title: str,
    value_title: str,
    series_title: str,
    alt_text: str,
    summary: str,
    height: int | None = None,
) -> Figure:
    """Horizontal bars: one group for each `row`, one bar in it for each `series`, with its `shown` text behind it.

    `rows` has the columns row, series, value (a number) and shown (its text); rows and series keep their order.
    Raises `ValueError` for a missing column.
    """
    _require(rows, ["row", "series", "value", "shown"])
    data = rows[["row", "series", "value", "shown"]].reset_index(drop=True)
    names = tuple(dict.fromkeys(data["row"])), tuple(dict.fromkeys(data["series"]))
    spec = _grouped_bars_spec(title, rows_title, value_title, series_title, *names, height)
    return Figure(data=data, spec=spec, alt=alt_text, summary=summary)


def visible_token(text: str) -> str:
    """A token as it can be read on one line: quoted, spaces as ␣, line ends as ↵ (" the" -> “␣the”)."""
    shown = text.replace("\r", "␍").replace("\n", "↵").replace("\t", "⇥").replace(" ", "␣")
    return f"“{shown}”"


def percent(probability: float) -> str:
    """A probability in words short enough for a label: 0.123 -> "12.3 %", 0.00002 -> "< 0.1 %"."""
    if 0 < probability < 0.001:
        return _("< 0.1 %")
    return _("{value:.1f} %", value=100 * probability)


@cached_by_language(maxsize=256)
def _loss_spec(x: Axis, runs: tuple[str, ...], unit: str) -> dict[str, Any]:
    """Layers: training lines, validation lines with points, baselines, marks. Constant while data grows."""
    horizontal = alt.X("x:Q", title=_(AXIS_TITLES[x]), axis=_position_axis(x, 6))
    vertical = alt.Y("loss:Q", title=_("Loss ({unit})", unit=unit), scale=alt.Scale(zero=False))
    runs_legend = alt.Legend(orient="top", labelLimit=260, columns=2)
    words = [_("train"), _("validation")]
    named = f"datum.label == 'train' ? {json.dumps(words[0])} : {json.dumps(words[1])}"
    series_legend = alt.Legend(
        orient="top",
        symbolType="stroke",
        symbolSize=500,
        labelExpr=alt.Undefined if words == ["train", "validation"] else named,
    )
    colour, shape = _by_run(runs, runs_legend)
    dash = alt.StrokeDash(
        "layer:N",
        title=None,
        scale=alt.Scale(domain=["train", "validation"], range=[[4, 2], [1, 0]]),
        legend=series_legend,
    )
    tips = [
        alt.Tooltip("run:N", title=_("Run")),
        alt.Tooltip("layer:N", title=_("Series")),
        alt.Tooltip("x:Q", title=_(AXIS_TITLES[x]), format=",.4~r"),
        alt.Tooltip("loss:Q", title=_("Loss ({unit})", unit=unit), format=".3f"),
    ]
    base = alt.Chart()
    train = (
        base.transform_filter("datum.layer == 'train'")
        .mark_line(strokeWidth=1.3, opacity=0.85, clip=True)
        .encode(horizontal, vertical, colour, dash, tooltip=tips)
    )
    validation = base.transform_filter("datum.layer == 'validation'")
    lines = validation.mark_line(strokeWidth=3, clip=True).encode(horizontal, vertical, colour, dash)
    dots = validation.mark_point(size=45, filled=True, opacity=1, clip=True).encode(
        horizontal,
        vertical,
        colour,
        shape=shape,
        tooltip=tips,
    )
    baseline = base.transform_filter("datum.layer == 'baseline'")
    # aria=False: a rule without rows would be a nameless graphic to a screen reader; the labels say the same.
    baseline_rules = baseline.mark_rule(strokeDash=[2, 3], strokeWidth=1.3, aria=False).encode(
        y=vertical,
        color=alt.ColorValue(_QUIET),
        tooltip=alt.Tooltip("label:N", title=_("Baseline ({unit})", unit=unit)),
    )
    # To the right of the plot, which the fit makes room for: no curve runs through a label.
    baseline_labels = baseline.mark_text(align="left", dx=5, fontSize=13).encode(
        x=alt.XValue("width"), y=vertical, text=alt.Text("label:N"), color=alt.ColorValue(_QUIET)
    )
    mark = base.transform_filter("datum.layer == 'mark'")
    mark_rules = mark.mark_rule(strokeDash=[6, 3], strokeWidth=1.3, aria=False).encode(
        x=horizontal, color=alt.ColorValue(_QUIET), tooltip=alt.Tooltip("label:N", title=_("Change"))
    )
    mark_labels = mark.mark_text(align="left", dx=5, dy=-9, fontSize=13).encode(
        x=horizontal, y=alt.YValue("height"), text=alt.Text("label:N"), color=alt.ColorValue(_QUIET)
    )
    chart = alt.layer(baseline_rules, mark_rules, train, lines, dots, baseline_labels, mark_labels)
    return _to_spec(chart, _("Loss during training"), 380)


@cached_by_language(maxsize=256)
def _small_spec(x: Axis, title: str, unit: str, log: bool, runs: tuple[str, ...], points: bool) -> dict[str, Any]:
    scale = alt.Scale(type="log") if log else alt.Scale(zero=False)
    axis = alt.Axis(tickCount=4, format="~g") if log else alt.Axis(tickCount=4, labelExpr=_READABLE)
    several = len(runs) > 1
    # Vega-Lite puts a line's dashes round the symbols of its points: without a stroke they keep their shape.
    bare: dict[str, Any] = {"symbolStrokeWidth": 0} if points else {}
    colour, shape = _by_run(runs, alt.Legend(orient="top", columns=2 if points else 1, labelLimit=260, **bare))
    dash = alt.StrokeDash("run:N", legend=None, scale=alt.Scale(domain=list(runs)))
    base = alt.Chart().encode(
        alt.X("x:Q", title=_(AXIS_TITLES[x]), axis=_position_axis(x, 4)),
        alt.Y("y:Q", title=_(unit or title), scale=scale, axis=axis),
        colour,
        tooltip=[
            *([alt.Tooltip("run:N", title=_("Line"))] if several else []),
            alt.Tooltip("x:Q", title=_(AXIS_TITLES[x]), format=",.4~r"),
            alt.Tooltip("y:Q", title=f"{_(title)} ({_(unit)})" if unit else _(title), format=".4~g"),
        ],
    )
    chart: alt.Chart | alt.LayerChart = base.mark_line(strokeWidth=2).encode(
        strokeDash=dash if several else alt.value([1, 0])
    )
    if points:
        chart = alt.layer(chart, base.mark_point(size=50, filled=True, opacity=1).encode(shape=shape))
    return _to_spec(chart, title, 320 if points else 220)


@cached_by_language(maxsize=256)
def _bars_spec(title: str, n_bars: int) -> dict[str, Any]:
    token = alt.Y(
        "token:N",
        title=_("Token (␣ is a space)"),
        sort=alt.EncodingSortField("rank", op="min", order="ascending"),
        axis=alt.Axis(labelLimit=130, labelFontSize=14),
    )
    base = alt.Chart().encode(y=token)
    bars = base.mark_bar().encode(
        alt.X(
            "probability:Q",
            title=_("Probability (%)"),
            scale=alt.Scale(domainMin=0),
            axis=alt.Axis(format="~%", tickCount=4),
        ),
        color=alt.ColorValue("blue"),
        tooltip=[
            alt.Tooltip("rank:Q", title=_("Rank")),
            alt.Tooltip("token:N", title=_("Token")),
            alt.Tooltip("percent:N", title=_("Probability")),
        ],
    )
    numbers = base.mark_text(align="left", dx=5, fontSize=13).encode(
        x=alt.X("probability:Q"), text=alt.Text("percent:N"), color=alt.ColorValue(_QUIET)
    )
    return _to_spec(alt.layer(bars, numbers), title, max(150, 26 * n_bars + 90))


@cached_by_language(maxsize=64)
def _grouped_bars_spec(
    title: str,
    rows_title: str,
    value_title: str,
    series_title: str,
    rows: tuple[str, ...],
    series: tuple[str, ...],
    height: int | None,
) -> dict[str, Any]:
    words = alt.Axis(labelLimit=150, labelExpr="length(datum.label) > 20 ? split(datum.label, ', ') : datum.label")
    base = alt.Chart().encode(
        y=alt.Y("row:N", title=_(rows_title), sort=list(rows), axis=words, scale=alt.Scale(padding=0.2)),
        yOffset=alt.YOffset("series:N", sort=list(series)),
        x=alt.X("value:Q", title=_(value_title), scale=alt.Scale(domainMin=0), axis=alt.Axis(tickCount=5)),
    )
    colours = [_RUN_COLOURS[index % len(_RUN_COLOURS)] for index in range(max(1, len(series)))]
    bars = base.mark_bar().encode(
        color=alt.Color(
            "series:N",
            title=_(series_title),
            legend=alt.Legend(orient="top", columns=3, symbolType="square"),
            scale=alt.Scale(domain=list(series), range=colours),
        ),
        tooltip=[
            alt.Tooltip("row:N", title=_(rows_title)),
            alt.Tooltip("series:N", title=_(series_title)),
            alt.Tooltip("shown:N", title=_(value_title)),
        ],
    )
    numbers = base.mark_text(align="left", dx=4, fontSize=12).encode(
        text=alt.Text("shown:N"), color=alt.ColorValue(_QUIET)
    )
    return _to_spec(alt.layer(bars, numbers), title, height or max(160, len(rows) * (14 * len(series) + 8) + 60))


def _position_axis(x: Axis, n_ticks: int) -> alt.Axis:
    """Whole steps, thousands of tokens as 20k, plain seconds."""
    if x == "tokens":
        return alt.Axis(tickCount=n_ticks, format="~s")
    return alt.Axis(tickCount=n_ticks, labelExpr=_READABLE, tickMinStep=1 if x == "step" else alt.Undefined)


def _by_run(runs: tuple[str, ...], legend: alt.Legend) -> tuple[alt.Color, alt.Shape]:
    """Colour and shape of each run, in the order the runs are given; no legend for a single one."""
    n_runs = max(len(runs), 1)
    domain = list(runs) or alt.Undefined
    shown = legend if len(runs) > 1 else None

    def repeated(values: list[str]) -> list[str]:
        return [values[index % len(values)] for index in range(n_runs)]

    return (
        alt.Color("run:N", title=None, legend=shown, scale=alt.Scale(domain=domain, range=repeated(_RUN_COLOURS))),
        alt.Shape("run:N", title=None, legend=shown, scale=alt.Scale(domain=domain, range=repeated(_RUN_SHAPES))),
    )


def _to_spec(chart: alt.Chart | alt.LayerChart, title: str, height: int) -> dict[str, Any]:
    """Altair's dictionary without data: Streamlit adds the frame as the chart's one data source."""
    placed = chart.properties(title=_fitting(_(title)), height=height)
    placed.data = alt.NamedData(name="source")
    spec: dict[str, Any] = placed.to_dict(validate=VALIDATED)
    for unwanted in ("data", "datasets", "$schema"):
        spec.pop(unwanted, None)
    spec["config"] = _config()
    spec["autosize"] = {"type": "fit", "contains": "padding"}
    spec["padding"] = {"left": 2, "right": 8, "top": 4, "bottom": 4}
    return spec


@cached_by_language(maxsize=None)
def _config() -> dict[str, Any]:
    """The common settings; but for English with the signs that numbers on axes and in tooltips are written with."""
    if language() == SOURCE:
        return _CONFIG
    return {**_CONFIG, "locale": {"number": {**separators(), "grouping": [3], "currency": ["", ""]}}}


def _fitting(title: str) -> Any:
    """A long title in smaller letters where the chart is narrow; Vega would cut it off with dots. (It gives a second
    line no room of its own when the width changes.)
    """
    if len(title) <= _TITLE_LETTERS:
        return title
    size = f"clamp((width + 60) / {0.46 * len(title):.1f}, 11, 16)"  # a bold letter is about 0.46 of the size wide
    return alt.TitleParams(text=title, fontSize=alt.ExprRef(size))


def _distinct(labels: list[str]) -> list[str]:
    """Two tokens can look alike; zero-width spaces keep their bars apart without changing what is read."""
    seen: dict[str, int] = {}
    distinct = []
    for label in labels:
        distinct.append(label + "\u200b" * seen.get(label, 0))
        seen[label] = seen.get(label, 0) + 1
    return distinct


def _require(frame: pd.DataFrame, columns: Sequence[str]) -> None:
    missing = [column for column in columns if column not in frame]
    if missing:
        raise ValueError(f"The frame has no column {', '.join(missing)}; it has {', '.join(map(str, frame))}.")


def _short(value: float) -> str:
    return number(value, ",.0f") if abs(value) >= 100 else number(value, ".3g")
