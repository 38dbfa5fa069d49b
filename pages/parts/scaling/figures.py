"""Charts of this lesson, by the rules of `pages.shared.charts`: constant specifications, long-form frames."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from engine.language import _, cached_by_language
from pages.shared.charts import _QUIET, _RUN_COLOURS, Figure, _to_spec
from pages.shared.quantities import power
from pages.shared.wording import inside

POINT_COLUMNS = ["x", "y", "name"]


def law_chart(
    points: pd.DataFrame,
    line: pd.DataFrame,
    *,
    predicted: tuple[float, float, float, float] | None,
    checked: Sequence[tuple[float, float]] = (),
    floor: float = 0.0,
    title: str,
    x: str,
    summary: str,
) -> Figure:
    """Measured losses and the law through them, both axes logarithmic.

    points: x, y, name. line: x, y, low, high of the law and its interval. predicted: x, y, low, high of the run to
    come; checked: x, y of what it then measured; a `floor` above 0 is drawn as a level line where it is in sight.
    """
    rows = [("measured", px, py, math.nan, math.nan, name) for px, py, name in points[POINT_COLUMNS].to_numpy()]
    rows += [
        ("law", px, py, low, high, _("the law")) for px, py, low, high in line[["x", "y", "low", "high"]].to_numpy()
    ]
    if predicted is not None:
        rows.append(("predicted", *predicted, _("predicted")))
    rows += [("checked", px, py, math.nan, math.nan, _("measured afterwards")) for px, py in checked]
    heights = [row[2] for row in rows] + [line["y"].iloc[0], line["y"].iloc[-1]]
    if predicted is not None:
        heights += [predicted[2], predicted[3]]
    top, bottom = 1.02 * max(heights), 0.98 * max(min(heights), 1e-6)
    if floor > bottom:
        rows.append(("floor", line["x"].iloc[0], floor, math.nan, math.nan, _("floor {floor:.2f}", floor=floor)))
    frame = pd.DataFrame(rows, columns=["layer", "x", "y", "low", "high", "name"])
    frame = frame.astype({"x": float, "y": float, "low": float, "high": float, "name": str})
    spread = (float(line["x"].iloc[0]), float(line["x"].iloc[-1]))
    spec = _law_spec(title, x, spread, (bottom, top))
    alt_text = _(
        "Chart of losses against {lower} with the fitted law, its interval and the prediction.", lower=inside(x)
    )
    return Figure(frame, spec, alt_text, summary)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from low to high, about six."""
    step = 10 ** math.floor(math.log10((high - low) / 2))
    step = next(step * size for size in (1, 2, 5, 10, 20) if (high - low) / (step * size) <= 7)
    first = math.ceil(low / step)
    return [round(n * step, 6) for n in range(first, math.floor(high / step) + 1)]


def _decades(low: float, high: float) -> tuple[list[float], str]:
    """Places for labels on a logarithmic axis, and Vega's expression for their words."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    if last <= 9:
        named = "datum.value >= 1e6 ? format(datum.value / 1e6, '~g') + {million} : format(datum.value, ',')"
        named = named.replace("{million}", json.dumps(_(" million")))
    else:
        each = " : ".join(f"abs(datum.value / 1e{n} - 1) < 0.01 ? '{power(n)}'" for n in range(first, last + 1))
        named = f"{each} : ''"
    places = [10.0**n for n in range(first, last + 1) if low <= 10.0**n <= high]
    if len(places) < 3 and last <= 9:
        places = sorted(size * 10.0**n for n in range(first, last) for size in (1, 3) if low <= size * 10**n <= high)
    return places, named


@cached_by_language(maxsize=64)
def _law_spec(title: str, x: str, across: tuple[float, float], up: tuple[float, float]) -> dict[str, Any]:
    places, words = _decades(*across)
    horizontal = alt.X(
        "x:Q",
        title=_(x),
        scale=alt.Scale(type="log", domain=list(across), nice=False),
        axis=alt.Axis(values=places, labelExpr=words, labelFlush=False),
    )
    vertical_axis = alt.Axis(values=_ticks(*up), format=".2~f")
    scale = alt.Scale(type="log", domain=list(up), nice=False)
    vertical = alt.Y("y:Q", title=_("Validation loss (nats per token)"), scale=scale, axis=vertical_axis)
    tips = [
        alt.Tooltip("name:N", title=_("What")),
        alt.Tooltip("x:Q", title=_(x), format=",.4~s"),
        alt.Tooltip("y:Q", title=_("Loss"), format=".3f"),
    ]
    base = alt.Chart()

    def layer(name: str) -> alt.Chart:
        return base.transform_filter(f"datum.layer == '{name}'")

    band = (
        layer("law")
        .mark_area(opacity=0.18, clip=True, aria=False)
        .encode(
            horizontal, alt.Y("low:Q", scale=scale, title="", axis=vertical_axis), y2="high:Q", color=alt.value("blue")
        )
    )
    line = layer("law").mark_line(strokeWidth=2.2, clip=True).encode(horizontal, vertical, color=alt.value("blue"))
    floor = layer("floor").mark_rule(strokeDash=[2, 3], strokeWidth=1.5, aria=False)
    floor_rule = floor.encode(y=vertical, color=alt.value(_QUIET))
    floor_name = (
        layer("floor")
        .mark_text(align="left", dx=4, dy=-8, fontSize=13)
        .encode(x=alt.value(0), y=vertical, text="name:N", color=alt.value(_QUIET))
    )
    dots = (
        layer("measured")
        .mark_point(size=90, filled=True, opacity=0.95)
        .encode(horizontal, vertical, color=alt.value("blue"), tooltip=tips)
    )
    expected = layer("predicted")
    bar = expected.mark_rule(strokeWidth=3, clip=True, aria=False).encode(
        horizontal, alt.Y("low:Q", scale=scale, title="", axis=vertical_axis), y2="high:Q", color=alt.value("orange")
    )
    ring = expected.mark_point(size=130, shape="diamond", filled=False, strokeWidth=2.5, opacity=1, aria=False).encode(
        horizontal, vertical, color=alt.value("orange"), tooltip=tips
    )
    ring_name = expected.mark_text(align="right", dx=-10, dy=13, fontSize=13).encode(
        horizontal, vertical, text="name:N", color=alt.value(_QUIET)
    )
    check = layer("checked")
    star = check.mark_point(size=150, shape="square", filled=True, opacity=1, aria=False).encode(
        horizontal, vertical, color=alt.value("green"), tooltip=tips
    )
    star_name = check.mark_text(align="right", dx=-11, dy=-11, fontSize=13).encode(
        horizontal, vertical, text="name:N", color=alt.value(_QUIET)
    )
    layers = alt.layer(band, line, floor_rule, floor_name, dots, bar, ring, ring_name, star, star_name)
    return _to_spec(layers, title, 400)


def frontier_chart(
    curves: pd.DataFrame, frontier: pd.DataFrame, line: pd.DataFrame, *, title: str, summary: str
) -> Figure:
    """Loss of every size while it trains, against compute; the frontier's points and the law through them.

    curves: x, y, name (one line each, in order of size); frontier and line: x, y. Both axes logarithmic.
    """
    rows = [("curve", px, py, name) for px, py, name in curves[POINT_COLUMNS].to_numpy()]
    rows += [("frontier", px, py, name) for px, py, name in frontier[POINT_COLUMNS].to_numpy()]
    rows += [("law", px, py, _("the law")) for px, py in line[["x", "y"]].to_numpy()]
    frame = pd.DataFrame(rows, columns=["layer", "x", "y", "name"]).astype({"x": float, "y": float, "name": str})
    names = tuple(dict.fromkeys(curves["name"]))
    across = (float(frame["x"].min()), float(frame["x"].max()))
    up = (0.98 * float(frame["y"].min()), 1.02 * float(frame["y"].max()))
    spec = _frontier_spec(title, names, across, up)
    return Figure(frame, spec, _("Line chart: loss of each size against compute, with the frontier."), summary)


@cached_by_language(maxsize=64)
def _frontier_spec(
    title: str, names: tuple[str, ...], across: tuple[float, float], up: tuple[float, float]
) -> dict[str, Any]:
    places, words = _decades(*across)
    horizontal = alt.X(
        "x:Q",
        title=_("Compute spent (FLOPs)"),
        scale=alt.Scale(type="log", domain=list(across), nice=False),
        axis=alt.Axis(values=places, labelExpr=words, labelFlush=False),
    )
    scale = alt.Scale(type="log", domain=list(up), nice=False)
    vertical = alt.Y(
        "y:Q",
        title=_("Validation loss (nats per token)"),
        scale=scale,
        axis=alt.Axis(values=_ticks(*up), format=".2~f"),
    )
    dashes = [[1, 0], [7, 3], [3, 2], [9, 3, 2, 3], [5, 5], [2, 4], [12, 4]]
    colours = [_RUN_COLOURS[n % len(_RUN_COLOURS)] for n in range(len(names))]
    tips = [
        alt.Tooltip("name:N", title=_("Run")),
        alt.Tooltip("x:Q", title=_("FLOPs"), format=".3~e"),
        alt.Tooltip("y:Q", title=_("Loss"), format=".3f"),
    ]
    base = alt.Chart()
    curves = (
        base.transform_filter("datum.layer == 'curve'")
        .mark_line(strokeWidth=2)
        .encode(
            horizontal,
            vertical,
            alt.Color(
                "name:N",
                title=_("Width"),
                sort=None,
                scale=alt.Scale(domain=list(names), range=colours),
                legend=alt.Legend(orient="top", symbolType="stroke", symbolSize=500, columns=4),
            ),
            alt.StrokeDash(
                "name:N",
                title=_("Width"),
                sort=None,
                scale=alt.Scale(domain=list(names), range=[dashes[n % len(dashes)] for n in range(len(names))]),
            ),
            tooltip=tips,
        )
    )
    law = (
        base.transform_filter("datum.layer == 'law'")
        .mark_line(strokeWidth=2, strokeDash=[2, 3], clip=True)
        .encode(horizontal, vertical, color=alt.value(_QUIET))
    )
    ahead = (
        base.transform_filter("datum.layer == 'frontier'")
        .mark_point(size=75, filled=True, opacity=1, shape="diamond")
        .encode(horizontal, vertical, color=alt.value(_QUIET), tooltip=tips)
    )
    return _to_spec(alt.layer(curves, law, ahead), title, 400)


def ratio_chart(frame: pd.DataFrame, *, best: float, title: str, summary: str) -> Figure:
    """Tokens read for each parameter, one bar a model in the frame's order, on a logarithmic axis with the optimum.

    `frame` has the columns name, value, shown and own (whether it is the learner's run).
    """
    data = frame[["name", "value", "shown", "own"]].reset_index(drop=True)
    data["place"], data["start"], data["best"] = range(len(data)), best, best
    data["side"] = [_("fewer than the optimum") if value < best else _("more") for value in data["value"]]
    low, high = min(data["value"].min(), best) / 3, max(data["value"].max(), best) * 6
    spec = _ratio_spec(title, best, len(data), (10 ** math.floor(math.log10(low)), high))
    return Figure(data, spec, _("Bar chart: tokens read for each parameter, by model, beside the optimum."), summary)


@cached_by_language(maxsize=32)
def _ratio_spec(title: str, best: float, n_bars: int, across: tuple[float, float]) -> dict[str, Any]:
    base = alt.Chart().encode(
        y=alt.Y(
            "name:N",
            title=None,
            sort=alt.EncodingSortField("place", op="min", order="ascending"),
            axis=alt.Axis(labelLimit=150, labelFontSize=14),
        )
    )
    scale = alt.Scale(type="log", domain=list(across), nice=False)
    axis = alt.Axis(values=[10.0**n for n in range(-2, 6)], format=",~g")
    across_ = alt.X("start:Q", title=_("Tokens for each parameter"), scale=scale, axis=axis)
    bars = base.mark_bar(size=15).encode(
        across_,
        x2="value:Q",
        color=alt.Color(
            "side:N",
            title=None,
            scale=alt.Scale(domain=[_("fewer than the optimum"), _("more")], range=["orange", "blue"]),
            legend=alt.Legend(orient="top", symbolType="square"),
        ),
        tooltip=[alt.Tooltip("name:N", title=_("Model")), alt.Tooltip("shown:N", title=_("Tokens for each parameter"))],
    )
    right = base.transform_filter(f"datum.value >= {best}").mark_text(align="left", dx=5, fontSize=13)
    left = base.transform_filter(f"datum.value < {best}").mark_text(align="right", dx=-5, fontSize=13)
    numbers = [
        each.encode(alt.X("value:Q", scale=scale, axis=axis), text="shown:N", color=alt.value(_QUIET))
        for each in (left, right)
    ]
    rule = (
        alt.Chart()
        .transform_filter("datum.place == 0")
        .mark_rule(strokeDash=[5, 4], strokeWidth=2, aria=False)
        .encode(alt.X("best:Q", scale=scale, axis=axis), color=alt.value(_QUIET))
    )
    return _to_spec(alt.layer(bars, *numbers, rule), title, 30 * n_bars + 110)
