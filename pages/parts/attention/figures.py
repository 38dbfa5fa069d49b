"""Charts of this lesson: measures of one head over training, and the loss at each position of a window."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from engine.language import _, cached_by_language
from pages.shared.charts import _RUN_COLOURS, _RUN_SHAPES, Figure, _to_spec

_DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [10, 4]]


def over_training(
    series: Mapping[str, Sequence[tuple[int, float]]],
    *,
    title: str,
    y: str,
    at: int,
    until: int,
    summary: str,
    level: float | None = None,
    height: int = 220,
) -> Figure:
    """Lines of (step, value) by name, over steps on a scale that shows the early ones; the step `at` is marked.

    `level` is drawn as a quiet horizontal line, `until` is where the axis ends.
    """
    rows = [
        {"layer": "line", "step": float(step), "value": float(value), "name": _(name)}
        for name, points in series.items()
        for step, value in points
        if math.isfinite(value)
    ]
    rows.append({"layer": "at", "step": float(at), "value": math.nan, "name": ""})
    if level is not None:
        rows.append({"layer": "level", "step": math.nan, "value": float(level), "name": ""})
    frame = pd.DataFrame(rows)
    return Figure(
        frame,
        _over_training_spec(title, y, tuple(map(_, series)), until, height),
        _("Line chart: {title}.", title=title),
        summary,
    )


@cached_by_language(maxsize=64)
def _over_training_spec(title: str, y: str, names: tuple[str, ...], until: int, height: int) -> dict[str, Any]:
    ticks = [0, *[4**n for n in range(2, 9) if 4**n < until]]
    scale = alt.Scale(type="symlog", constant=8, domain=[0, max(until, 1)], nice=False)
    x = alt.X("step:Q", title=_("Training step"), scale=scale, axis=alt.Axis(values=[*ticks, until], format=",d"))
    value = alt.Y("value:Q", title=_(y), axis=alt.Axis(tickCount=4))
    columns = 3 if sum(map(len, names[:3])) < 36 else 2  # else the third is cut off on a narrow screen
    legend = alt.Legend(orient="top", columns=columns, title=None, symbolStrokeWidth=0) if len(names) > 1 else None
    n = len(names)
    by_name = [
        alt.Color("name:N", legend=legend, scale=alt.Scale(domain=list(names), range=_RUN_COLOURS[:n])),
        alt.Shape("name:N", legend=legend, scale=alt.Scale(domain=list(names), range=_RUN_SHAPES[:n])),
    ]
    dash = alt.StrokeDash("name:N", legend=None, scale=alt.Scale(domain=list(names), range=_DASHES[:n]))
    base = alt.Chart()
    lines = base.transform_filter("datum.layer == 'line'")
    curve = lines.mark_line(strokeWidth=2).encode(x, value, by_name[0], dash)
    points = lines.mark_point(size=60, filled=True, opacity=1).encode(
        x,
        value,
        *by_name,
        tooltip=[
            alt.Tooltip("name:N", title=_("Line")),
            alt.Tooltip("step:Q", title=_("Training step"), format=",d"),
            alt.Tooltip("value:Q", title=_(y), format=".3f"),
        ],
    )
    here = (
        base.transform_filter("datum.layer == 'at'")
        .mark_rule(strokeDash=[6, 3], strokeWidth=1.5, aria=False)
        .encode(x=x, color=alt.value("gray"))
    )
    level = (
        base.transform_filter("datum.layer == 'level'")
        .mark_rule(strokeDash=[2, 3], strokeWidth=1.3, aria=False)
        .encode(y=value, color=alt.value("gray"))
    )
    return _to_spec(alt.layer(here, level, curve, points), title, height)


def by_position(losses: Mapping[str, np.ndarray], *, title: str, summary: str) -> Figure:
    """The loss at each position of a window, a line for each model."""
    frame = pd.DataFrame(
        [
            {"position": position, "loss": float(loss), "name": name}
            for name, values in losses.items()
            for position, loss in enumerate(values)
        ]
    )
    return Figure(frame, _by_position_spec(title, tuple(losses)), _("Line chart: {title}.", title=title), summary)


@cached_by_language(maxsize=16)
def _by_position_spec(title: str, names: tuple[str, ...]) -> dict[str, Any]:
    n = len(names)
    legend = alt.Legend(orient="top", title=None, labelLimit=260, columns=2, symbolStrokeWidth=0)
    colour = alt.Color("name:N", legend=legend, scale=alt.Scale(domain=list(names), range=_RUN_COLOURS[:n]))
    shape = alt.Shape("name:N", legend=legend, scale=alt.Scale(domain=list(names), range=_RUN_SHAPES[:n]))
    dash = alt.StrokeDash("name:N", legend=None, scale=alt.Scale(domain=list(names), range=_DASHES[:n]))
    base = alt.Chart().encode(
        alt.X("position:Q", title=_("Position in the window (0 is the first token)"), axis=alt.Axis(tickMinStep=1)),
        alt.Y("loss:Q", title=_("Loss (nats per token)"), scale=alt.Scale(domainMin=0)),
        colour,
        tooltip=[
            alt.Tooltip("name:N", title=_("Model")),
            alt.Tooltip("position:Q", title=_("Position")),
            alt.Tooltip("loss:Q", title=_("Loss (nats per token)"), format=".3f"),
        ],
    )
    points = base.mark_point(size=45, filled=True, opacity=1).encode(shape=shape)
    return _to_spec(alt.layer(base.mark_line(strokeWidth=2).encode(strokeDash=dash), points), title, 280)
