"""Chart builders: data in, a `Figure` out, which is a frame, a Vega-Lite specification and a sentence.

A live chart must not blink. Streamlit swaps new rows into a chart that is already on the page as long as the
specification and the `alt` text stay equal, and builds the chart anew when either changes. So everything that grows
(points, baselines, marks) travels in one long-form frame whose `layer` column says what a row is, the specification
depends only on the choice of axes and on which runs are shown, and the changing sentence is page text, not `alt`.

Colours are names or defaults that the theme resolves (Okabe and Ito's palette, light and dark); nothing is told by
colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import altair as alt
import pandas as pd
import streamlit as st

Axis = Literal["step", "tokens", "seconds"]
AXIS_TITLES: dict[Axis, str] = {
    "step": "Training step",
    "tokens": "Tokens seen",
    "seconds": "Training time (seconds)",
}
LOSS_COLUMNS = ["step", "tokens", "seconds", "loss", "series", "run"]
MAX_BARS = 40
_QUIET = "gray"  # the theme's gray, readable on both backgrounds


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
        st.vega_lite_chart(self.data, self.spec, width="stretch", alt=self.alt)
        if caption:
            st.caption(self.summary)


def loss_curves(
    points: pd.DataFrame,
    *,
    x: Axis = "step",
    baselines: Mapping[str, float] | None = None,
    marks: Sequence[tuple[float, str]] = (),
) -> Figure:
    """Training loss (thin, dashed) and validation loss (thick, with points) of one run or several.

    `points` has the columns step, tokens, seconds, loss (nats per token), series ("train" or "validation") and
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
    curves = pd.DataFrame(
        {
            "layer": points["series"].astype(str),
            "x": points[x].astype(float),
            "loss": points["loss"].astype(float),
            "run": points["run"].astype(str),
            "label": "",
        }
    )
    curves = curves[curves["x"].notna() & curves["loss"].map(math.isfinite)]
    rules = [
        {"layer": "baseline", "x": None, "loss": float(nats), "run": "", "label": f"{label} {nats:.2f}"}
        for label, nats in (baselines or {}).items()
    ] + [{"layer": "mark", "x": float(position), "loss": None, "run": "", "label": label} for position, label in marks]
    frame = pd.concat([curves, _rules_frame(rules)], ignore_index=True)
    runs = tuple(dict.fromkeys(curves["run"]))
    return Figure(
        data=frame,
        spec=_loss_spec(x, runs),
        alt=f"Line chart: loss in nats per token against {AXIS_TITLES[x].lower()}, training and validation.",
        summary=summarise_loss(points, baselines=baselines),
    )


def summarise_loss(points: pd.DataFrame, *, baselines: Mapping[str, float] | None = None) -> str:
    """One sentence on where the losses of `points` (columns as in `loss_curves`) stand."""
    _require(points, LOSS_COLUMNS)
    if points.empty:
        return "No loss has been measured yet."
    runs = list(dict.fromkeys(points["run"]))
    measured = points[points["series"] == "validation"]
    name = "validation loss"
    if measured.empty:
        measured, name = points, "training loss"
    if len(runs) > 1:
        last = measured.sort_values("step").groupby("run", sort=False)["loss"].last()
        best = str(last.idxmin())
        return (
            f"Of {len(runs)} runs, {best} has the lowest {name}: {last[best]:.2f} nats per token "
            f"(the highest is {last.max():.2f})."
        )
    ordered = measured.sort_values("step")
    first, last_row = ordered.iloc[0], ordered.iloc[-1]
    step = int(last_row["step"])
    if len(ordered) == 1:
        text = f"The {name} is {last_row['loss']:.2f} nats per token at step {step:,}"
    else:
        verb = "fell" if last_row["loss"] < first["loss"] else "rose"
        text = f"The {name} {verb} from {first['loss']:.2f} to {last_row['loss']:.2f} nats per token by step {step:,}"
    beaten = [label for label, nats in (baselines or {}).items() if last_row["loss"] < nats]
    if baselines and beaten:
        hardest = min(beaten, key=lambda label: baselines[label])
        text += f", below the {hardest} baseline ({baselines[hardest]:.2f})"
    elif baselines:
        text += ", still above every baseline"
    return text + "."


def small_line(frame: pd.DataFrame, y: str, title: str, unit: str, log: bool = False, *, x: Axis = "step") -> Figure:
    """A small chart of one quantity over training: learning rate, gradient norm, tokens per second.

    `frame` has the columns `x` and `y`, and optionally `run`. With `log`, values that are not positive are left
    out. Raises `ValueError` for a missing column.
    """
    _require(frame, [x, y])
    run = frame["run"].astype(str) if "run" in frame else ""
    data = pd.DataFrame({"x": frame[x].astype(float), "y": frame[y].astype(float), "run": run})
    data = data[data["y"].map(math.isfinite) & ((data["y"] > 0) | (not log))]
    runs = tuple(dict.fromkeys(data["run"]))
    return Figure(
        data=data,
        spec=_small_spec(x, title, unit, log, runs),
        alt=f"Line chart: {title.lower()} against {AXIS_TITLES[x].lower()}.",
        summary=summarise_line(data["y"], title, unit),
    )


def summarise_line(values: pd.Series, title: str, unit: str) -> str:
    """One sentence on the last value of a series and its range."""
    if len(values) == 0:
        return f"{title}: nothing measured yet."
    unit = f" {unit}" if unit else ""
    return (
        f"{title}: {_short(values.iloc[-1])}{unit} at the end, "
        f"between {_short(values.min())} and {_short(values.max())}."
    )


def next_token_bars(rows: pd.DataFrame, *, title: str = "Most probable next tokens") -> Figure:
    """Horizontal bars of the most probable next tokens, highest first.

    `rows` has the columns token (text) and probability (0 to 1); of more than 40 rows the most probable are kept.
    Tokens are quoted so that a leading space can be seen. Raises `ValueError` for a missing column.
    """
    _require(rows, ["token", "probability"])
    top = rows.sort_values("probability", ascending=False, kind="stable").head(MAX_BARS)
    labels = [visible_token(str(token)) for token in top["token"]]
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
        alt="Bar chart: probability of each of the most probable next tokens.",
        summary=summarise_next_token(rows),
    )


def summarise_next_token(rows: pd.DataFrame) -> str:
    """One sentence on the most probable next token and its lead."""
    if rows.empty:
        return "No next token has been predicted yet."
    top = rows.sort_values("probability", ascending=False, kind="stable")
    first = top.iloc[0]
    text = f"The most probable next token is {visible_token(str(first['token']))} ({percent(first['probability'])})"
    if len(top) > 1:
        second = top.iloc[1]
        text += f", before {visible_token(str(second['token']))} ({percent(second['probability'])})"
    return text + "."


def visible_token(text: str) -> str:
    """A token as it can be read on one line: quoted, spaces as ␣, line ends as ↵ (" the" -> “␣the”)."""
    shown = text.replace("\r", "␍").replace("\n", "↵").replace("\t", "⇥").replace(" ", "␣")
    return f"“{shown}”"


def percent(probability: float) -> str:
    """A probability in words short enough for a label: 0.123 -> "12.3 %", 0.00002 -> "< 0.1 %"."""
    if 0 < probability < 0.001:
        return "< 0.1 %"
    return f"{100 * probability:.1f} %"


@lru_cache(maxsize=256)
def _loss_spec(x: Axis, runs: tuple[str, ...]) -> dict[str, Any]:
    """Layers: training lines, validation lines with points, baselines, marks. Constant while data grows."""
    horizontal = alt.X("x:Q", title=AXIS_TITLES[x], axis=alt.Axis(tickCount=6, format="~s"))
    vertical = alt.Y("loss:Q", title="Loss (nats per token)", scale=alt.Scale(zero=False))
    legend = alt.Legend(orient="top", direction="horizontal", labelLimit=240, columns=2, symbolType="stroke")
    colour = alt.Color(
        "run:N",
        title=None,
        scale=alt.Scale(domain=list(runs)) if runs else alt.Undefined,
        legend=legend if len(runs) > 1 else None,
    )
    dash = alt.StrokeDash(
        "layer:N",
        title=None,
        scale=alt.Scale(domain=["train", "validation"], range=[[4, 2], [1, 0]]),
        legend=legend,
    )
    tips = [
        alt.Tooltip("run:N", title="Run"),
        alt.Tooltip("layer:N", title="Series"),
        alt.Tooltip("x:Q", title=AXIS_TITLES[x], format=",.4~r"),
        alt.Tooltip("loss:Q", title="Loss (nats per token)", format=".3f"),
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
        shape=alt.Shape("run:N", legend=None, scale=alt.Scale(domain=list(runs)) if runs else alt.Undefined),
        tooltip=tips,
    )
    baseline = base.transform_filter("datum.layer == 'baseline'")
    baseline_rules = baseline.mark_rule(strokeDash=[2, 3], strokeWidth=1.3).encode(
        y=vertical, color=alt.value(_QUIET), tooltip=alt.Tooltip("label:N", title="Baseline (nats per token)")
    )
    baseline_labels = baseline.mark_text(align="right", dx=-4, dy=-7, fontSize=13).encode(
        x=alt.value("width"), y=vertical, text="label:N", color=alt.value(_QUIET)
    )
    mark = base.transform_filter("datum.layer == 'mark'")
    mark_rules = mark.mark_rule(strokeDash=[6, 3], strokeWidth=1.3).encode(
        x=horizontal, color=alt.value(_QUIET), tooltip=alt.Tooltip("label:N", title="Change")
    )
    mark_labels = mark.mark_text(align="left", dx=5, dy=8, fontSize=13).encode(
        x=horizontal, y=alt.value(0), text="label:N", color=alt.value(_QUIET)
    )
    chart = alt.layer(baseline_rules, mark_rules, train, lines, dots, baseline_labels, mark_labels)
    return _to_spec(chart, "Loss during training", 380)


@lru_cache(maxsize=256)
def _small_spec(x: Axis, title: str, unit: str, log: bool, runs: tuple[str, ...]) -> dict[str, Any]:
    name = f"{title} ({unit})" if unit else title
    scale = alt.Scale(type="log") if log else alt.Scale(zero=False)
    several = len(runs) > 1
    domain = alt.Scale(domain=list(runs)) if runs else alt.Undefined
    chart = (
        alt.Chart()
        .mark_line(strokeWidth=2)
        .encode(
            alt.X("x:Q", title=AXIS_TITLES[x], axis=alt.Axis(tickCount=4, format="~s")),
            alt.Y("y:Q", title=name, scale=scale, axis=alt.Axis(tickCount=4, format="~g" if log else "~s")),
            alt.Color("run:N", title=None, scale=domain, legend=alt.Legend(orient="top") if several else None),
            strokeDash=alt.StrokeDash("run:N", legend=None, scale=domain) if several else alt.value([1, 0]),
            tooltip=[
                alt.Tooltip("x:Q", title=AXIS_TITLES[x], format=",.4~r"),
                alt.Tooltip("y:Q", title=name, format=".4~g"),
            ],
        )
    )
    return _to_spec(chart, title, 190)


@lru_cache(maxsize=256)
def _bars_spec(title: str, n_bars: int) -> dict[str, Any]:
    token = alt.Y(
        "rank:O",
        title="Token (␣ is a space)",
        sort="ascending",
        axis=alt.Axis(labels=False, ticks=False, titlePadding=110),
    )
    base = alt.Chart().encode(y=token)
    tips = [
        alt.Tooltip("rank:O", title="Rank"),
        alt.Tooltip("token:N", title="Token"),
        alt.Tooltip("percent:N", title="Probability"),
    ]
    bars = base.mark_bar().encode(
        alt.X(
            "probability:Q",
            title="Probability (%)",
            scale=alt.Scale(domainMin=0),
            axis=alt.Axis(format="~%", tickCount=5),
        ),
        color=alt.value("blue"),
        tooltip=tips,
    )
    names = base.mark_text(align="right", dx=-8, limit=110, fontSize=14).encode(
        x=alt.value(0), text="token:N", color=alt.value(_QUIET)
    )
    numbers = base.mark_text(align="left", dx=5, fontSize=13).encode(
        x="probability:Q", text="percent:N", color=alt.value(_QUIET)
    )
    return _to_spec(alt.layer(bars, names, numbers), title, max(110, 26 * n_bars + 70))


def _to_spec(chart: alt.Chart | alt.LayerChart, title: str, height: int) -> dict[str, Any]:
    """Altair's dictionary without data: Streamlit adds the frame as the chart's one data source."""
    placed = chart.properties(title=title, height=height)
    placed.data = alt.Data(name="source")
    spec = placed.to_dict(validate=True)
    for unwanted in ("data", "datasets", "config", "$schema"):
        spec.pop(unwanted, None)
    return spec


def _rules_frame(rules: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rules, columns=["layer", "x", "loss", "run", "label"])
    return frame.astype({"x": float, "loss": float, "layer": str, "run": str, "label": str})


def _require(frame: pd.DataFrame, columns: Sequence[str]) -> None:
    missing = [column for column in columns if column not in frame]
    if missing:
        raise ValueError(f"The frame has no column {', '.join(missing)}; it has {', '.join(map(str, frame))}.")


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
