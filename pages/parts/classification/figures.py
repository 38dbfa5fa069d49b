"""Charts of this lesson: curves over thresholds, calibration, comparisons with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from engine.classification_metrics import Calibration, Counts, ThresholdCurve
from engine.language import _, cached_by_language
from pages.shared.charts import _QUIET, _READABLE, _RUN_COLOURS, _RUN_SHAPES, Figure, _to_spec
from pages.shared.wording import inside, worded

MAX_POINTS = 300


def _thinned(n: int) -> list[int]:
    """At most 300 places of n, both ends among them."""
    if n <= MAX_POINTS:
        return list(range(n))
    return sorted({round(i * (n - 1) / (MAX_POINTS - 1)) for i in range(MAX_POINTS)})


def curve_and_point(
    points: pd.DataFrame,
    here: tuple[float, float],
    *,
    title: str,
    x_title: str,
    y_title: str,
    diagonal: bool,
    summary: str,
) -> Figure:
    """A curve (columns x, y) in the unit square, with the point of the chosen threshold on it."""
    rows = [{"layer": "curve", "x": x, "y": y} for x, y in zip(points["x"], points["y"], strict=True)]
    if diagonal:
        rows += [{"layer": "chance", "x": end, "y": end} for end in (0.0, 1.0)]
    rows.append({"layer": "here", "x": here[0], "y": here[1]})
    alt_text = _(
        "Line chart: {lower} against {lower_2}, and the point of the chosen threshold.",
        lower=inside(y_title),
        lower_2=inside(x_title),
    )
    return Figure(pd.DataFrame(rows), _curve_spec(title, x_title, y_title), alt_text, summary)


@cached_by_language(maxsize=16)
def _curve_spec(title: str, x_title: str, y_title: str) -> dict[str, Any]:
    unit = alt.Scale(domain=[0, 1])
    axis = alt.Axis(tickCount=5, format=".0%")
    x = alt.X("x:Q", title=_(x_title), scale=unit, axis=axis)
    y = alt.Y("y:Q", title=_(y_title), scale=unit, axis=axis)
    tips = [alt.Tooltip("x:Q", title=_(x_title), format=".1%"), alt.Tooltip("y:Q", title=_(y_title), format=".1%")]
    base = alt.Chart()
    curve = (
        base.transform_filter("datum.layer == 'curve'")
        .mark_line(strokeWidth=2.5, interpolate="linear")
        .encode(x, y, color=alt.value("blue"), order=alt.Order("x:Q"), tooltip=tips)
    )
    chance = (
        base.transform_filter("datum.layer == 'chance'")
        .mark_line(strokeDash=[3, 3], strokeWidth=1.3)
        .encode(x, y, color=alt.value(_QUIET))
    )
    here = (
        base.transform_filter("datum.layer == 'here'")
        .mark_point(size=180, filled=True, opacity=1, shape="diamond")
        .encode(x, y, color=alt.value("orange"), tooltip=tips)
    )
    return _to_spec(alt.layer(chance, curve, here), title, 300)


def roc(curve: ThresholdCurve, here: Counts) -> Figure:
    """Recall against false alarms."""
    places = _thinned(len(curve.recall))
    points = pd.DataFrame({"x": curve.false_alarms[places], "y": curve.recall[places]})
    summary = _(
        "Area under the curve: {roc_area:.4f}; 1 is perfect, 0.5 (the dotted line) is chance. The diamond is "
        "the chosen threshold: {recall:.1%} found at {false_alarms:.1%} false alarms.",
        roc_area=curve.roc_area,
        recall=here.recall,
        false_alarms=here.false_alarms,
    )
    return curve_and_point(
        points,
        (here.false_alarms, here.recall),
        title=_("ROC curve"),
        x_title=_("False alarms"),
        y_title=_("Recall"),
        diagonal=True,
        summary=summary,
    )


def precision_recall(curve: ThresholdCurve, here: Counts) -> Figure:
    """Precision against recall."""
    places = _thinned(len(curve.recall))
    points = pd.DataFrame({"x": curve.recall[places], "y": curve.precision[places]})
    summary = _(
        "Average precision: {average_precision:.4f}. The diamond is the chosen threshold: precision "
        "{precision:.1%} at recall {recall:.1%}.",
        average_precision=curve.average_precision,
        precision=here.precision,
        recall=here.recall,
    )
    return curve_and_point(
        points,
        (here.recall, here.precision),
        title=_("Precision and recall"),
        x_title=_("Recall"),
        y_title=_("Precision"),
        diagonal=False,
        summary=summary,
    )


def reliability(found: Calibration) -> Figure:
    """How often a probability comes true, by bins; points sized by the number of texts."""
    rows = [{"layer": "bin", "x": each.probability, "y": each.share, "n": each.n} for each in found.bins]
    rows += [{"layer": "ideal", "x": end, "y": end, "n": 0} for end in (0.0, 1.0)]
    most = max(found.bins, key=lambda each: each.n)
    summary = _(
        "Expected calibration error: {error:.4f}. {n:,} texts lie in the fullest bin, "
        "{low:.1f} to {high:.1f}; on the dotted line a probability means what it says.",
        error=found.error,
        n=most.n,
        low=most.low,
        high=most.high,
    )
    return Figure(
        pd.DataFrame(rows),
        _reliability_spec(),
        _("Point chart: share of texts that are of the class against the probability they were given."),
        summary,
    )


@cached_by_language(maxsize=1)
def _reliability_spec() -> dict[str, Any]:
    unit = alt.Scale(domain=[0, 1])
    axis = alt.Axis(tickCount=5, format=".0%", labelPadding=14)  # the largest points reach beyond the axes
    x = alt.X("x:Q", title=_("Probability given (mean of the bin)"), scale=unit, axis=axis)
    y = alt.Y("y:Q", title=_("Share that is of the class"), scale=unit, axis=axis)
    base = alt.Chart()
    ideal = (
        base.transform_filter("datum.layer == 'ideal'")
        .mark_line(strokeDash=[3, 3], strokeWidth=1.3)
        .encode(x, y, color=alt.value(_QUIET))
    )
    bins = base.transform_filter("datum.layer == 'bin'")
    line = bins.mark_line(strokeWidth=1.3).encode(x, y, color=alt.value("blue"))
    points = bins.mark_point(filled=True, opacity=0.9).encode(
        x,
        y,
        color=alt.value("blue"),
        size=alt.Size(
            "n:Q",
            title=_("Texts in the bin"),
            scale=alt.Scale(type="sqrt", range=[40, 500]),
            legend=alt.Legend(orient="top", tickCount=3),
        ),
        tooltip=[
            alt.Tooltip("x:Q", title=_("Probability given"), format=".1%"),
            alt.Tooltip("y:Q", title=_("Share of the class"), format=".1%"),
            alt.Tooltip("n:Q", title=_("Texts"), format=","),
        ],
    )
    return _to_spec(alt.layer(ideal, line, points), _("Calibration"), 320)


def compared(rows: pd.DataFrame, *, title: str, value_title: str, summary: str) -> Figure:
    """One point with its interval for each method: columns method, value, low, high (per cent), shown."""
    rows = worded(rows, "method")
    names = tuple(rows["method"])
    alt_text = _("Point chart: {lower} of each method with its interval.", lower=inside(value_title))
    return Figure(rows.reset_index(drop=True), _compared_spec(title, value_title, names), alt_text, summary)


@cached_by_language(maxsize=32)
def _compared_spec(title: str, value_title: str, names: tuple[str, ...]) -> dict[str, Any]:
    y = alt.Y("method:N", title=None, sort=list(names), axis=alt.Axis(labelLimit=190, labelFontSize=14))
    scale = alt.Scale(zero=False, padding=12)
    tips = [alt.Tooltip("method:N", title=_("Method")), alt.Tooltip("shown:N", title=_(value_title))]
    base = alt.Chart()
    spans = base.mark_rule(strokeWidth=2).encode(
        y=y,
        x=alt.X("low:Q", title=_(value_title), scale=scale, axis=alt.Axis(tickCount=6)),
        x2="high:Q",
        color=alt.value("blue"),
        tooltip=tips,
    )
    points = base.mark_point(size=130, filled=True, opacity=1).encode(
        y=y, x=alt.X("value:Q", scale=scale), color=alt.value("blue"), tooltip=tips
    )
    numbers = base.mark_text(dy=-13, fontSize=13).encode(
        y=y, x=alt.X("value:Q", scale=scale), text="shown:N", color=alt.value(_QUIET)
    )
    return _to_spec(alt.layer(spans, points, numbers), title, 52 * max(2, len(names)) + 70)


def by_labels(rows: pd.DataFrame, methods: Sequence[str], *, summary: str) -> Figure:
    """Accuracy against the number of labels: columns labels, method, value, low, high (per cent)."""
    return Figure(
        worded(rows, "method").reset_index(drop=True),
        _by_labels_spec(tuple(map(_, methods))),
        _("Line chart: test accuracy against the number of labelled texts, with intervals, one line for each method."),
        summary,
    )


@cached_by_language(maxsize=16)
def _by_labels_spec(methods: tuple[str, ...]) -> dict[str, Any]:
    colours = [_RUN_COLOURS[index % len(_RUN_COLOURS)] for index in range(len(methods))]
    shapes = [_RUN_SHAPES[index % len(_RUN_SHAPES)] for index in range(len(methods))]
    legend = alt.Legend(orient="top", columns=2, labelLimit=240)
    colour = alt.Color("method:N", title=None, legend=legend, scale=alt.Scale(domain=list(methods), range=colours))
    x = alt.X(
        "labels:Q",
        title=_("Labelled texts to train on (logarithmic)"),
        scale=alt.Scale(type="log", nice=False, padding=20),
        axis=alt.Axis(values=[10, 30, 100, 300, 1000, 3000, 10000], labelExpr=_READABLE),
    )
    scale = alt.Scale(zero=False, padding=6)
    y = alt.Y("value:Q", title=_("Test accuracy (%)"), scale=scale, axis=alt.Axis(tickCount=6))
    tips = [
        alt.Tooltip("method:N", title=_("Method")),
        alt.Tooltip("labels:Q", title=_("Labels"), format=","),
        alt.Tooltip("value:Q", title=_("Mean accuracy (%)"), format=".2f"),
        alt.Tooltip("low:Q", title=_("Interval from"), format=".2f"),
        alt.Tooltip("high:Q", title=_("to"), format=".2f"),
        alt.Tooltip("n:Q", title=_("Seeds")),
    ]
    base = alt.Chart()
    lines = base.mark_line(strokeWidth=2).encode(x, y, colour)
    spans = base.mark_rule(strokeWidth=1.5, opacity=0.8).encode(
        x, alt.Y("low:Q", scale=scale, title=_("Test accuracy (%)")), y2="high:Q", color=colour
    )
    points = base.mark_point(size=70, filled=True, opacity=1).encode(
        x,
        y,
        colour,
        shape=alt.Shape("method:N", title=None, legend=legend, scale=alt.Scale(domain=list(methods), range=shapes)),
        tooltip=tips,
    )
    return _to_spec(alt.layer(spans, lines, points), _("Accuracy and the number of labels"), 380)
