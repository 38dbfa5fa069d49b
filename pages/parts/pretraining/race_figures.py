"""Charts of a race: all lanes in one, and one for each lane on the same axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from engine.language import _, cached_by_language, number
from pages.shared.charts import _QUIET, AXIS_TITLES, Axis, Figure, _by_run, _position_axis, _require, _to_spec
from pages.shared.wording import inside

COLUMNS = ["step", "tokens", "seconds", "loss", "series", "lane", "run"]
TRAIN, VALIDATION, GOAL, REACHED = "train", "validation", "goal", "reached"


def overlay(
    points: pd.DataFrame,
    lanes: Sequence[str],
    *,
    x: Axis,
    unit: str,
    goal: float | None,
    reached: Sequence[tuple[str, float]],
    summary: str,
) -> Figure:
    """All lanes together: a line for each run, a colour and a shape for each lane.

    `points` has the columns step, tokens, seconds, loss (in `unit`), series ("train", drawn thin, or "validation"),
    lane and run (one a seed). `goal` is the loss that the lanes are compared at, `reached` where (lane, place on the x
    axis) each first had it. Raises `ValueError` for a missing column.
    """
    frame = _frame(points, x, goal, reached)
    alt_text = _(
        "Line chart: loss in {unit} against {lower}, one colour for each lane.",
        unit=unit,
        lower=inside(AXIS_TITLES[x]),
    )
    return Figure(frame, _overlay_spec(x, tuple(lanes), unit), alt_text, summary)


def single(points: pd.DataFrame, lanes: Sequence[str], lane: str, *, x: Axis, unit: str, goal: float | None) -> Figure:
    """One lane's validation loss, the other lanes grey behind it: they also keep all these charts on the same axes."""
    frame = _frame(points[points["series"] == VALIDATION], x, goal, ())
    alt_text = _(
        "Line chart: validation loss in {unit} against {lower} of {lane}, the others in grey.",
        unit=unit,
        lower=inside(AXIS_TITLES[x]),
        lane=lane,
    )
    return Figure(frame, _single_spec(x, tuple(lanes), lane, unit), alt_text, "")


def _frame(points: pd.DataFrame, x: Axis, goal: float | None, reached: Sequence[tuple[str, float]]) -> pd.DataFrame:
    _require(points, COLUMNS)
    drawn = points[[math.isfinite(loss) for loss in points["loss"]]]
    level = math.nan if goal is None else float(goal)
    rules = [] if goal is None else [(GOAL, math.nan, level, "", "", _("compared at {level:.2f}", level=level))]
    marks = [(REACHED, float(place), level, lane, lane, number(place, ",.0f")) for lane, place in reached]
    extra = rules + marks
    columns = {
        "layer": [*drawn["series"], *[row[0] for row in extra]],
        "x": [*drawn[x].astype(float), *[row[1] for row in extra]],
        "loss": [*drawn["loss"].astype(float), *[row[2] for row in extra]],
        "run": [*drawn["lane"], *[row[3] for row in extra]],
        "each": [*drawn["run"], *[row[4] for row in extra]],
        "label": [*[""] * len(drawn), *[row[5] for row in extra]],
    }
    types = {"layer": "str", "x": "float64", "loss": "float64", "run": "str", "each": "str", "label": "str"}
    return pd.DataFrame({name: pd.Series(columns[name], dtype=dtype) for name, dtype in types.items()})


@cached_by_language(maxsize=128)
def _overlay_spec(x: Axis, lanes: tuple[str, ...], unit: str) -> dict[str, Any]:
    horizontal = alt.X("x:Q", title=_(AXIS_TITLES[x]), axis=_position_axis(x, 6))
    vertical = alt.Y("loss:Q", title=_("Loss ({unit})", unit=unit), scale=alt.Scale(zero=False))
    colour, shape = _by_run(lanes, alt.Legend(orient="top", columns=2, labelLimit=260, symbolOpacity=1))
    each = alt.Detail("each:N")
    tips = [
        alt.Tooltip("run:N", title=_("Lane")),
        alt.Tooltip("x:Q", title=_(AXIS_TITLES[x]), format=",.4~r"),
        alt.Tooltip("loss:Q", title=_("Loss ({unit})", unit=unit), format=".3f"),
    ]
    base = alt.Chart()
    train = (
        base.transform_filter(f"datum.layer == '{TRAIN}'")
        .mark_line(strokeWidth=1, opacity=0.4, strokeDash=[4, 2], clip=True)
        .encode(horizontal, vertical, colour, each)
    )
    measured = base.transform_filter(f"datum.layer == '{VALIDATION}'")
    lines = measured.mark_line(strokeWidth=2.5, clip=True).encode(horizontal, vertical, colour, each)
    dots = measured.mark_point(size=40, filled=True, opacity=1, clip=True).encode(
        horizontal, vertical, colour, each, shape=shape, tooltip=tips
    )
    goal = base.transform_filter(f"datum.layer == '{GOAL}'")
    rule = goal.mark_rule(strokeDash=[2, 3], strokeWidth=1.3, aria=False).encode(y=vertical, color=alt.value(_QUIET))
    named = goal.mark_text(align="left", dx=4, dy=-9, fontSize=13).encode(
        x=alt.value(0), y=vertical, text="label:N", color=alt.value(_QUIET)
    )
    there = base.transform_filter(f"datum.layer == '{REACHED}'")
    marks = there.mark_point(size=220, filled=False, strokeWidth=2.5, opacity=1).encode(
        horizontal, vertical, colour, shape=shape, tooltip=tips
    )
    return _to_spec(alt.layer(rule, train, lines, dots, named, marks), _("All lanes"), 400)


@cached_by_language(maxsize=128)
def _single_spec(x: Axis, lanes: tuple[str, ...], lane: str, unit: str) -> dict[str, Any]:
    horizontal = alt.X("x:Q", title=_(AXIS_TITLES[x]), axis=_position_axis(x, 4))
    vertical = alt.Y(
        "loss:Q", title=_("Loss ({unit})", unit=unit), scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=4)
    )
    colour, shape = _by_run(lanes, alt.Legend())
    colour, shape = colour.copy(), shape.copy()
    colour.legend = shape.legend = None
    each = alt.Detail("each:N")
    wanted = "datum.run == " + repr(lane.replace("\\", "").replace("'", "’"))
    base = alt.Chart()
    measured = base.transform_filter(f"datum.layer == '{VALIDATION}'")
    others = measured.mark_line(strokeWidth=1.2, opacity=0.45).encode(
        horizontal, vertical, each, color=alt.value(_QUIET)
    )
    own = measured.transform_filter(wanted)
    line = own.mark_line(strokeWidth=2.5).encode(horizontal, vertical, colour, each)
    dots = own.mark_point(size=35, filled=True, opacity=1).encode(
        horizontal,
        vertical,
        colour,
        each,
        shape=shape,
        tooltip=[
            alt.Tooltip("x:Q", title=_(AXIS_TITLES[x]), format=",.4~r"),
            alt.Tooltip("loss:Q", title=_("Loss ({unit})", unit=unit), format=".3f"),
        ],
    )
    rule = (
        base.transform_filter(f"datum.layer == '{GOAL}'")
        .mark_rule(strokeDash=[2, 3], strokeWidth=1.3, aria=False)
        .encode(y=vertical, color=alt.value(_QUIET))
    )
    return _to_spec(alt.layer(others, rule, line, dots), lane, 210)
