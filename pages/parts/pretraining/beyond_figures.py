"""Charts of the part "Beyond words": quantities of every part of a model over training, on logarithmic scales."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from engine.language import _, cached_by_language
from pages.shared.charts import _QUIET, _RUN_COLOURS, _RUN_SHAPES, Figure, _to_spec
from pages.shared.wording import inside

MAX_LINES = 6
_DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [10, 4], [4, 1]]
# Of the marks of a logarithmic axis 1, 2 and 5 have their number: of all of them Vega would keep any that fit.
_POWER = (
    "indexof([1, 2, 5], round(datum.value / pow(10, floor(log(datum.value) / LN10 + 1e-9)))) < 0 ? '' : "
    "datum.value >= 1000 || datum.value < 0.01 ? format(datum.value, '.0e') : format(datum.value, '~g')"
)


def over_parts(frame: pd.DataFrame, *, title: str, unit: str, summary: str) -> Figure:
    """Colour for every part (a row) and step (a column). `frame` has step, part and value (> 0), parts in order."""
    data = frame[["step", "part", "value"]].reset_index(drop=True)
    parts, steps = tuple(dict.fromkeys(data["part"])), tuple(int(each) for each in sorted(set(data["step"])))
    spec = _parts_spec(title, unit, parts, steps)
    return Figure(
        data, spec, _("Heat map: {lower} by part of the model and training step.", lower=inside(title)), summary
    )


@cached_by_language(maxsize=64)
def _parts_spec(title: str, unit: str, parts: tuple[str, ...], steps: tuple[int, ...]) -> dict[str, Any]:
    chart = (
        alt.Chart()
        .mark_rect()
        .encode(
            x=alt.X("step:O", title=_("Training step"), sort=list(steps), axis=_few(steps)),
            y=alt.Y("part:N", title=None, sort=list(parts), axis=alt.Axis(labelLimit=140)),
            color=alt.Color(
                "value:Q",
                title=_(unit),
                scale=alt.Scale(type="log", scheme="viridis"),
                legend=alt.Legend(orient="top", gradientLength=220, labelExpr=_POWER, tickCount=4, titleLimit=320),
            ),
            tooltip=[
                alt.Tooltip("part:N", title=_("Part")),
                alt.Tooltip("step:O", title=_("Training step")),
                alt.Tooltip("value:Q", title=_(unit), format=".3~g"),
            ],
        )
    )
    return _to_spec(chart, title, 24 * len(parts) + 130)


def log_lines(frame: pd.DataFrame, *, title: str, unit: str, summary: str, level: float | None = None) -> Figure:
    """A line for each part on a logarithmic scale; `level` is drawn as a named rule. Columns as in `over_parts`."""
    parts = tuple(dict.fromkeys(frame["part"]))[:MAX_LINES]
    data = frame[frame["part"].isin(parts)][["step", "part", "value"]].reset_index(drop=True)
    data["layer"] = "line"
    if level is not None:
        data.loc[len(data)] = [np.nan, "", float(level), "level"]
    until = int(frame["step"].max()) if len(frame) else 1
    spec = _lines_spec(title, unit, parts, max(1, until), level)
    return Figure(data, spec, _("Line chart: {lower} of some parts over training.", lower=inside(title)), summary)


@cached_by_language(maxsize=64)
def _lines_spec(title: str, unit: str, parts: tuple[str, ...], until: int, level: float | None) -> dict[str, Any]:
    ticks = [0, *[4**n for n in range(2, 9) if 4**n < 0.6 * until], until]
    scale = alt.Scale(type="symlog", constant=8, domain=[0, until], nice=False)
    x = alt.X("step:Q", title=_("Training step"), scale=scale, axis=alt.Axis(values=ticks, format=",d"))
    y = alt.Y("value:Q", title=_(unit), scale=alt.Scale(type="log"), axis=alt.Axis(labelExpr=_POWER, tickCount=5))
    n = len(parts)
    legend = alt.Legend(orient="top", columns=2, title=None, symbolStrokeWidth=0) if n > 1 else None
    colour = alt.Color("part:N", legend=legend, scale=alt.Scale(domain=list(parts), range=_RUN_COLOURS[:n]))
    shape = alt.Shape("part:N", legend=legend, scale=alt.Scale(domain=list(parts), range=_RUN_SHAPES[:n]))
    dash = alt.StrokeDash("part:N", legend=None, scale=alt.Scale(domain=list(parts), range=_DASHES[:n]))
    base = alt.Chart()
    lines = base.transform_filter("datum.layer == 'line'")
    tips = [
        alt.Tooltip("part:N", title=_("Part")),
        alt.Tooltip("step:Q", title=_("Training step"), format=",d"),
        alt.Tooltip("value:Q", title=_(unit), format=".3~g"),
    ]
    curve = lines.mark_line(strokeWidth=2).encode(x, y, colour, dash)
    points = lines.mark_point(size=55, filled=True, opacity=1).encode(x, y, colour, shape, tooltip=tips)
    layers: list[Any] = [curve, points]
    if level is not None:
        rule = base.transform_filter("datum.layer == 'level'")
        layers.insert(
            0, rule.mark_rule(strokeDash=[2, 3], strokeWidth=1.5, aria=False).encode(y=y, color=alt.value(_QUIET))
        )
        layers.append(
            rule.mark_text(align="left", dx=5, fontSize=13).encode(
                x=alt.value("width"), y=y, text=alt.value(f"{level:g}"), color=alt.value(_QUIET)
            )
        )
    return _to_spec(alt.layer(*layers), title, 340)


def histogram_map(
    steps: list[int], edges: np.ndarray, shares: np.ndarray, *, title: str, value: str, summary: str
) -> Figure:
    """Histograms side by side: a column for each step, a row for each bin, colour for the share that is in it."""
    width = float(edges[1] - edges[0])  # drawn a little higher: no seam is left between two bins
    rows = [
        {"step": step, "low": float(low), "high": float(low) + 1.1 * width, "share": float(share)}
        for step, row in zip(steps, shares, strict=True)
        for low, share in zip(edges[:-1], row, strict=True)
        if share > 0
    ]
    frame = pd.DataFrame(rows, columns=["step", "low", "high", "share"])
    spec = _histogram_spec(title, value, tuple(steps), float(np.format_float_positional(edges[-1], precision=3)))
    return Figure(frame, spec, _("Heat map: how the numbers are spread at every checkpoint."), summary)


@cached_by_language(maxsize=64)
def _histogram_spec(title: str, value: str, steps: tuple[int, ...], reach: float) -> dict[str, Any]:
    chart = (
        alt.Chart()
        .mark_rect()
        .encode(
            x=alt.X("step:O", title=_("Training step of the checkpoint"), sort=list(steps), axis=_few(steps)),
            y=alt.Y(
                "low:Q", title=_(value), scale=alt.Scale(domain=[-reach, reach], nice=False), axis=alt.Axis(tickCount=7)
            ),
            y2="high:Q",
            color=alt.Color(
                "share:Q",
                title=_("Share in the bin"),
                scale=alt.Scale(type="log", scheme="viridis", domain=[1e-5, 1], clamp=True),
                legend=alt.Legend(orient="top", gradientLength=220, values=[1e-5, 1e-3, 1e-1], format=".3~%"),
            ),
            tooltip=[
                alt.Tooltip("step:O", title=_("Training step")),
                alt.Tooltip("low:Q", title=_("From"), format=".3~g"),
                alt.Tooltip("high:Q", title=_("To"), format=".3~g"),
                alt.Tooltip("share:Q", title=_("Share of the numbers"), format=".3~%"),
            ],
        )
    )
    return _to_spec(chart, title, 440)


def reading_map(places: np.ndarray, means: np.ndarray, *, summary: str) -> Figure:
    """How often each stretch of a text was read on average: `places` are where stretches begin, in tokens."""
    frame = pd.DataFrame({"place": places.astype(float), "times": means.astype(float)})
    return Figure(frame, _reading_spec(), _("Bar chart: times read against the place in the training text."), summary)


@cached_by_language(maxsize=1)
def _reading_spec() -> dict[str, Any]:
    chart = (
        alt.Chart()
        .mark_area(interpolate="step", opacity=0.85)
        .encode(
            x=alt.X("place:Q", title=_("Place in the training text (tokens)"), axis=alt.Axis(format="~s", tickCount=6)),
            y=alt.Y("times:Q", title=_("Times read (mean of the stretch)"), scale=alt.Scale(domainMin=0)),
            color=alt.value("blue"),
            tooltip=[
                alt.Tooltip("place:Q", title=_("From token"), format=",d"),
                alt.Tooltip("times:Q", title=_("Times read"), format=".2f"),
            ],
        )
    )
    return _to_spec(chart, _("How often the text has been read by this step"), 260)


def _few(steps: tuple[int, ...], most: int = 12) -> alt.Axis:
    """At most so many of the steps get a label."""
    stride = -(-len(steps) // most)
    return alt.Axis(values=[*steps[::stride]], labelAngle=0, format=",d")
