"""Charts of guesses: a curve with its hidden part, and how often stated confidence came true."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from engine.language import N_, _, cached_by_language
from engine.predictions import Class, LossGuess
from pages.shared.charts import _QUIET, _RUN_COLOURS, _RUN_SHAPES, Figure, _position_axis, _to_spec

KNOWN, SHOWN, GUESS = N_("seen before the guess"), N_("shown after it"), N_("your guess and range")


def curve(
    points: pd.DataFrame, known: int, upto: int, asked: int | None, guesses: Sequence[LossGuess], *, summary: str
) -> Figure:
    """Validation loss over steps: up to `known` as seen, up to `upto` as shown since, and what was guessed.

    `points` has the columns step and loss. `asked` is the step in question, marked by a rule.
    """
    seen = points[points["step"] <= upto]
    rows = [
        {"layer": _(KNOWN) if step <= known else _(SHOWN), "step": step, "loss": loss, "low": None, "high": None}
        for step, loss in zip(seen["step"], seen["loss"], strict=True)
    ]
    joint = seen[seen["step"] <= known].tail(1)
    if known < upto and len(joint):
        rows.append({"layer": _(SHOWN), "step": known, "loss": float(joint["loss"].iloc[0]), "low": None, "high": None})
    rows += [
        {"layer": _(GUESS), "step": each.step, "loss": each.guess, "low": each.low, "high": each.high}
        for each in guesses
    ]
    if asked is not None:
        rows.append({"layer": "asked", "step": asked, "loss": None, "low": None, "high": None})
    data = pd.DataFrame(rows, columns=["layer", "step", "loss", "low", "high"])
    data[["loss", "low", "high"]] = data[["loss", "low", "high"]].astype(float)
    return Figure(
        data, _curve_spec(), _("Line chart: validation loss against training step, its later part hidden."), summary
    )


@cached_by_language(maxsize=1)
def _curve_spec() -> dict[str, Any]:
    kinds = [_(KNOWN), _(SHOWN), _(GUESS)]
    colour = alt.Color(
        "layer:N",
        title=None,
        legend=alt.Legend(orient="top", columns=2, symbolOpacity=1),
        scale=alt.Scale(domain=kinds, range=_RUN_COLOURS[:3]),
    )
    shape = alt.Shape("layer:N", legend=None, scale=alt.Scale(domain=kinds, range=_RUN_SHAPES[:3]))
    x = alt.X("step:Q", title=_("Training step"), axis=_position_axis("step", 6))
    y = alt.Y("loss:Q", title=_("Validation loss (nats per token)"), scale=alt.Scale(zero=False))
    base = alt.Chart()
    lines = base.transform_filter(f"datum.layer == {json.dumps(kinds[0])} || datum.layer == {json.dumps(kinds[1])}")
    tips = [
        alt.Tooltip("layer:N", title=_("What")),
        alt.Tooltip("step:Q", title=_("Step"), format=","),
        alt.Tooltip("loss:Q", title=_("Loss"), format=".3f"),
    ]
    guess = base.transform_filter(f"datum.layer == {json.dumps(kinds[2])}")
    asked = base.transform_filter("datum.layer == 'asked'")
    return _to_spec(
        alt.layer(
            asked.mark_rule(strokeDash=[6, 3], aria=False).encode(x=x, color=alt.value(_QUIET)),
            lines.mark_line(strokeWidth=2.5).encode(x, y, colour),
            lines.mark_point(size=35, filled=True, opacity=1).encode(x, y, colour, shape, tooltip=tips),
            guess.mark_rule(strokeWidth=3, aria=False).encode(x, alt.Y("low:Q"), alt.Y2("high:Q"), colour),
            guess.mark_point(size=130, filled=True, opacity=1, aria=False).encode(x, y, colour, shape, tooltip=tips),
        ),
        _("The curve, as far as it is shown"),
        360,
    )


def calibration(classes: Mapping[str, Sequence[Class]], *, summary: str) -> Figure:
    """Share that was right over the confidence that was stated, with Wilson's intervals; the diagonal is honest."""
    rows = [
        {
            "layer": "class",
            "who": who,
            "stated": each.stated,
            "share": each.share,
            "low": each.low,
            "high": each.high,
            "n": each.n,
        }
        for who, found in classes.items()
        for each in found
    ]
    rows += [{"layer": "honest", "who": "", "stated": p, "share": p, "low": p, "high": p, "n": 0} for p in (0.0, 1.0)]
    return Figure(
        pd.DataFrame(rows),
        _calibration_spec(tuple(classes)),
        _("Chart: share of guesses that were right against the confidence that was stated, beside the diagonal."),
        summary,
    )


@cached_by_language(maxsize=8)
def _calibration_spec(who: tuple[str, ...]) -> dict[str, Any]:
    scale = alt.Scale(domain=[0, 1])
    x = alt.X("stated:Q", title=_("Stated confidence"), scale=scale, axis=alt.Axis(format="%", tickCount=5))
    y = alt.Y("share:Q", title=_("Share that was right"), scale=scale, axis=alt.Axis(format="%", tickCount=5))
    colour = alt.Color(
        "who:N",
        title=None,
        legend=alt.Legend(orient="top", columns=2, symbolOpacity=1),
        scale=alt.Scale(domain=list(who), range=_RUN_COLOURS[: len(who)]),
    )
    shape = alt.Shape("who:N", title=None, scale=alt.Scale(domain=list(who), range=_RUN_SHAPES[: len(who)]))
    base = alt.Chart()
    classes = base.transform_filter("datum.layer == 'class'")
    tips = [
        alt.Tooltip("who:N", title=_("Who")),
        alt.Tooltip("stated:Q", title=_("Stated"), format=".0%"),
        alt.Tooltip("share:Q", title=_("Right"), format=".0%"),
        alt.Tooltip("n:Q", title=_("Guesses")),
    ]
    return _to_spec(
        alt.layer(
            base.transform_filter("datum.layer == 'honest'")
            .mark_line(strokeDash=[4, 3], strokeWidth=1.3)
            .encode(x, y, color=alt.value(_QUIET)),
            classes.mark_rule(strokeWidth=2, opacity=0.6, aria=False).encode(
                x, alt.Y("low:Q"), alt.Y2("high:Q"), colour
            ),
            classes.mark_point(size=110, filled=True, opacity=1, aria=False).encode(x, y, colour, shape, tooltip=tips),
        ),
        _("Was the confidence earned?"),
        340,
    )
