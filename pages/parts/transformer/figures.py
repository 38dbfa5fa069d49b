"""Charts of this lesson, by the rules of `pages.shared.charts`: constant specifications, long-form frames."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import altair as alt
import numpy as np
import pandas as pd

from engine.language import _, cached_by_language
from pages.shared.charts import _QUIET, _READABLE, _RUN_COLOURS, _RUN_SHAPES, Figure, _to_spec

_LABELLED = 0.075  # share of the chart's width from which a piece has room for its name
_Value = TypeVar("_Value")


def stacked(
    rows: Mapping[str, Mapping[str, float]],
    *,
    title: str,
    x: str,
    shown: Mapping[str, Mapping[str, str]],
    alt_text: str,
    summary: str,
    compact: bool = False,
    rules: Mapping[str, float] | None = None,
) -> Figure:
    """Horizontal bars, each cut into named pieces; pieces that are wide enough bear their name.

    `rows` maps the name of a bar to its pieces in order, `shown` the same to the words of the tooltip, `rules` a label
    to a place on the x axis, drawn as a dashed line through all bars. `compact` writes the axis as 20 M, 3 B.
    """
    rows, shown = _told(rows), _told(shown)
    widest = max([sum(pieces.values()) for pieces in rows.values()], default=0.0) or 1.0
    found = []
    for row, pieces in rows.items():
        at, total = 0.0, sum(pieces.values()) or 1.0
        for name, value in pieces.items():
            if value <= 0:
                continue
            label = name if value / widest >= max(_LABELLED, 0.011 * len(name)) else ""
            share = _("{value:.1f} %", value=100 * value / total)
            found.append(("piece", row, name, at, at + value, at + value / 2, label, shown[row][name], share))
            at += value
    for label, place in {_(label): place for label, place in (rules or {}).items()}.items():
        if place <= 1.6 * widest:  # else it would squeeze the bars
            found.append(("rule", next(iter(rows)), "", place, place, place, label, label, ""))
    names = ["layer", "row", "name", "start", "end", "middle", "label", "shown", "share"]
    kinds = tuple(dict.fromkeys(name for pieces in rows.values() for name, value in pieces.items() if value > 0))
    spec = _stacked_spec(title, x, compact, tuple(rows), kinds, widest)
    return Figure(pd.DataFrame(found, columns=names), spec, alt_text, summary)


def _told(rows: Mapping[str, Mapping[str, _Value]]) -> dict[str, dict[str, _Value]]:
    """The rows with their names and those of their pieces in the reader's language."""
    return {_(row): {_(name): value for name, value in pieces.items()} for row, pieces in rows.items()}


@cached_by_language(maxsize=64)
def _stacked_spec(
    title: str, x: str, compact: bool, rows: tuple[str, ...], kinds: tuple[str, ...], widest: float
) -> dict[str, Any]:
    base = alt.Chart().encode(
        y=alt.Y("row:N", title=None, sort=list(rows), axis=alt.Axis(labelLimit=110, labelFontSize=14))
    )
    pieces = base.transform_filter("datum.layer == 'piece'")
    billions = json.dumps(_(" B"))
    compact_words = f"replace(replace(format(datum.value, '~s'), 'G', {billions}), 'M', ' M')"
    horizontal = alt.X(
        "start:Q",
        title=_(x),
        axis=alt.Axis(tickCount=5, labelExpr=compact_words if compact else _READABLE),
    )
    colours = [_RUN_COLOURS[place % len(_RUN_COLOURS)] for place in range(max(1, len(kinds)))]
    bars = pieces.mark_bar(size=34).encode(
        horizontal,
        x2="end:Q",
        color=alt.Color(
            "name:N",
            title=None,
            scale=alt.Scale(domain=list(kinds), range=colours),
            legend=alt.Legend(orient="bottom", columns=2, symbolType="square"),
        ),
        tooltip=[
            alt.Tooltip("row:N", title=_("Model")),
            alt.Tooltip("name:N", title=_("Part")),
            alt.Tooltip("shown:N", title=_(x)),
            alt.Tooltip("share:N", title=_("Share")),
        ],
    )
    # Where the chart is narrow a name may be wider than its piece: the legend says it too.
    fits = f"(datum.end - datum.start) / {widest:g} * width > 6.5 * length(datum.label)"
    names = pieces.mark_text(dy=-26, fontSize=13, aria=False).encode(
        x="middle:Q",
        text="label:N",
        color=alt.value(_QUIET),
        opacity=alt.condition(fits, alt.value(1), alt.value(0)),
    )
    rules = alt.Chart().transform_filter("datum.layer == 'rule'")
    lines = rules.mark_rule(strokeDash=[5, 4], strokeWidth=2, aria=False).encode(
        x="start:Q", color=alt.value(_QUIET), tooltip=alt.Tooltip("label:N", title=_("Line"))
    )
    # Below the last bar: the names of pieces are above each.
    lettering = rules.mark_text(align="left", dx=5, dy=-8, fontSize=13).encode(
        x="start:Q", y=alt.value("height"), text="label:N", color=alt.value(_QUIET)
    )
    return _to_spec(alt.layer(bars, names, lines, lettering), title, 76 * max(1, len(rows)) + 150)


def lines(
    frame: pd.DataFrame,
    *,
    title: str,
    x: str,
    y: str,
    series: Sequence[str],
    alt_text: str,
    summary: str,
    log: bool = False,
    percent: bool = False,
    ticks: Sequence[tuple[float, str]] = (),
    height: int = 320,
) -> Figure:
    """One line with points for each series. `frame` has the columns x, y, series and place (x in words).

    A series has the colour and shape of its place in `series`. `ticks` names places on the x axis. The names of series
    are in the data alone, so that another token needs no other specification.
    """
    order = {name: place for place, name in enumerate(series)}
    data = frame[["x", "y", "series", "place"]].sort_values("series", key=lambda names: names.map(order), kind="stable")
    spec = _lines_spec(title, x, y, len(series) > 1, log, percent, tuple(ticks), height)
    return Figure(data.reset_index(drop=True), spec, alt_text, summary)


@cached_by_language(maxsize=64)
def _lines_spec(
    title: str,
    x: str,
    y: str,
    several: bool,
    log: bool,
    percent: bool,
    ticks: tuple[tuple[float, str], ...],
    height: int,
) -> dict[str, Any]:
    axis = alt.Axis(tickCount=8, tickMinStep=1)
    if ticks:
        named = " : ".join(f"datum.value == {place} ? '{name}'" for place, name in ticks)
        axis = alt.Axis(values=[place for place, _unused in ticks], labelExpr=f"{named} : ''", labelAngle=0)
    scale = alt.Scale(type="log") if log else alt.Scale(domain=[0, 1]) if percent else alt.Scale(zero=False)
    legend = alt.Legend(orient="top", columns=3, labelLimit=160) if several else None
    base = alt.Chart().encode(
        alt.X("x:Q", title=_(x), axis=axis),
        alt.Y("y:Q", title=_(y), scale=scale, axis=alt.Axis(tickCount=5, format="%" if percent else "~g")),
        alt.Color("series:N", title=None, sort=None, legend=legend, scale=alt.Scale(range=_RUN_COLOURS)),
        tooltip=[
            alt.Tooltip("series:N", title=_("Line")),
            alt.Tooltip("place:N", title=_(x)),
            alt.Tooltip("y:Q", title=_(y), format=".2%" if percent else ".4~g"),
        ],
    )
    drawn = base.mark_line(strokeWidth=2.2)
    dots = base.mark_point(size=65, filled=True, opacity=1).encode(
        shape=alt.Shape("series:N", title=None, sort=None, legend=legend, scale=alt.Scale(range=_RUN_SHAPES))
    )
    return _to_spec(alt.layer(drawn, dots), title, height)


def distributions(values: Mapping[str, np.ndarray], *, title: str, x: str, summary: str) -> Figure:
    """How the numbers of several vectors are spread: the share in each of 40 common bins, as stepped lines."""
    every = np.concatenate([np.asarray(each, float) for each in values.values()])
    low, high = np.quantile(every, [0.002, 0.998])  # single outliers would squeeze the rest into one bin
    edges = np.linspace(low, max(high, low + 1e-6), 41)
    found = []
    for name, vector in values.items():
        heights = np.histogram(np.clip(vector, edges[0], edges[-1]), edges)[0] / len(vector)
        found += [
            (name, (left + right) / 2, height) for left, right, height in zip(edges, edges[1:], heights, strict=False)
        ]
    frame = pd.DataFrame(found, columns=["series", "x", "share"])
    return Figure(
        frame,
        _distributions_spec(title, x, tuple(values)),
        _("Distribution of numbers: {join}.", join=", ".join(values)),
        summary,
    )


@cached_by_language(maxsize=16)
def _distributions_spec(title: str, x: str, series: tuple[str, ...]) -> dict[str, Any]:
    dashes = [[1, 0], [6, 3], [2, 2], [8, 2, 2, 2]]
    chart = (
        alt.Chart()
        .mark_line(interpolate="step", strokeWidth=2.2)
        .encode(
            alt.X("x:Q", title=_(x), axis=alt.Axis(tickCount=7)),
            alt.Y("share:Q", title=_("Share of the numbers (%)"), axis=alt.Axis(tickCount=4, format="~%")),
            alt.Color(
                "series:N",
                title=None,
                scale=alt.Scale(domain=list(series), range=_RUN_COLOURS[: len(series)]),
                legend=alt.Legend(orient="top", symbolType="stroke", symbolSize=500),
            ),
            alt.StrokeDash("series:N", title=None, scale=alt.Scale(domain=list(series), range=dashes[: len(series)])),
            tooltip=[
                alt.Tooltip("series:N", title=_("Vector")),
                alt.Tooltip("x:Q", title=_(x), format=".3f"),
                alt.Tooltip("share:Q", title=_("Share"), format=".1%"),
            ],
        )
    )
    return _to_spec(chart, title, 260)


def curve_with_points(
    curves: pd.DataFrame, points: pd.DataFrame, *, title: str, own: str, names: Sequence[str], summary: str
) -> Figure:
    """Functions as lines, the model's `own` solid and the others dashed, with live values on it and beneath it.

    `curves` has the columns x, y and series; `points` x, y, token and neuron, one row for each value.
    """
    lines_, dots = curves.assign(layer="curve"), points.assign(layer="value")
    frame = pd.concat([lines_, dots], ignore_index=True)
    spec = _curve_spec(title, own, tuple(names))
    return Figure(
        frame,
        spec,
        _("Line chart: {join}, with the sentence's values on {own}.", join=", ".join(names), own=own),
        summary,
    )


@cached_by_language(maxsize=16)
def _curve_spec(title: str, own: str, names: tuple[str, ...]) -> dict[str, Any]:
    horizontal = alt.X(
        "x:Q", title=_("Before the nonlinearity"), axis=alt.Axis(tickCount=8), scale=alt.Scale(nice=False)
    )
    vertical = alt.Y("y:Q", title=_("Behind it"), axis=alt.Axis(tickCount=6))
    base = alt.Chart()
    dashes = [
        [1, 0] if name == own else dash for name, dash in zip(names, [[7, 4], [3, 3], [9, 3, 2, 3]], strict=False)
    ]
    curve = (
        base.transform_filter("datum.layer == 'curve'")
        .mark_line(strokeWidth=2.4, clip=True)
        .encode(
            horizontal,
            vertical,
            alt.Color(
                "series:N",
                title=None,
                scale=alt.Scale(domain=list(names), range=_RUN_COLOURS[: len(names)]),
                legend=alt.Legend(orient="top", symbolType="stroke", symbolSize=500),
            ),
            alt.StrokeDash("series:N", title=None, scale=alt.Scale(domain=list(names), range=dashes)),
            tooltip=[
                alt.Tooltip("series:N", title=_("Function")),
                alt.Tooltip("x:Q", title=_("Before"), format=".2f"),
                alt.Tooltip("y:Q", title=_("Behind"), format=".3f"),
            ],
        )
    )
    values = base.transform_filter("datum.layer == 'value'")
    dots = values.mark_point(size=26, filled=True, opacity=0.45).encode(
        horizontal,
        vertical,
        color=alt.value("violet"),
        tooltip=[
            alt.Tooltip("token:N", title=_("Token")),
            alt.Tooltip("neuron:Q", title=_("Neuron")),
            alt.Tooltip("x:Q", title=_("Before"), format=".3f"),
            alt.Tooltip("y:Q", title=_("Behind"), format=".4f"),
        ],
    )
    rug = values.mark_tick(thickness=1, size=12, opacity=0.45, aria=False).encode(
        horizontal, y=alt.value("height"), color=alt.value("violet")
    )
    return _to_spec(alt.layer(rug, curve, dots), title, 360)


def named_bars(
    frame: pd.DataFrame, *, title: str, x: str, y: str, alt_text: str, summary: str, percent: bool = False
) -> Figure:
    """Horizontal bars in the frame's order. `frame` has the columns name, value and shown; values may be negative."""
    data = frame[["name", "value", "shown"]].reset_index(drop=True)
    data["place"] = np.arange(len(data))
    return Figure(data, _named_spec(title, x, y, percent, len(data)), alt_text, summary)


@cached_by_language(maxsize=64)
def _named_spec(title: str, x: str, y: str, percent: bool, n_bars: int) -> dict[str, Any]:
    base = alt.Chart().encode(
        y=alt.Y(
            "name:N",
            title=_(y),
            sort=alt.EncodingSortField("place", op="min", order="ascending"),
            axis=alt.Axis(labelLimit=150, labelFontSize=14),
        )
    )
    bars = base.mark_bar().encode(
        alt.X("value:Q", title=_(x), axis=alt.Axis(tickCount=5, format="~%" if percent else "~g")),
        color=alt.condition("datum.value < 0", alt.value("orange"), alt.value("blue")),
        tooltip=[alt.Tooltip("name:N", title=_(y)), alt.Tooltip("shown:N", title=_(x))],
    )
    numbers = base.mark_text(align="left", dx=5, fontSize=13).encode(
        x="value:Q", text="shown:N", color=alt.value(_QUIET)
    )
    return _to_spec(alt.layer(bars, numbers), title, max(130, 24 * n_bars + 90))
