"""Charts of this lesson: scores with their 95 % intervals, beside what guessing would give."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from engine.language import N_, _, cached_by_language
from engine.probes import ProbeResult
from pages.parts.foundation.scoring import BY_NAME, percent, verdict_words
from pages.shared.charts import _QUIET, _RUN_COLOURS, _RUN_SHAPES, Figure, _to_spec

_SCALE = alt.Scale(domain=[0, 1])
_PERCENT = alt.Axis(format="%", tickCount=5)


def score_rows(results: dict[str, ProbeResult], series: str = "") -> pd.DataFrame:
    """One row for each ability: its title, score, interval and chance (shares), and all of it in words."""
    rows = [
        {
            "ability": _(BY_NAME[name].title),
            "score": result.accuracy,
            "percent": percent(result.accuracy),
            "low": result.low,
            "high": result.high,
            "chance": BY_NAME[name].chance,
            "shown": _(
                "{n_right} of {n}, 95 % interval {low} to {high}",
                n_right=result.n_right,
                n=result.n,
                low=percent(result.low),
                high=percent(result.high),
            ),
            "verdict": verdict_words(result, BY_NAME[name].chance),
            "series": series,
        }
        for name, result in results.items()
    ]
    return pd.DataFrame(rows)


def as_table(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of `score_rows` with headings and per cent, for reading."""
    table = pd.DataFrame({N_("Ability"): rows["ability"]})
    if rows["series"].any():
        table["Model"] = rows["series"]
    table["Right"] = rows["shown"].str.split(",").str[0]
    for title, column in ((_("Score"), "score"), (_("From"), "low"), (_("To"), "high"), (_("Chance"), "chance")):
        table[title] = rows[column].map(percent)
    table["Verdict"] = rows["verdict"]
    return table


def ability_scores(rows: pd.DataFrame, *, title: str, summary: str) -> Figure:
    """Score and interval of each ability, one mark for each series, with a tick at chance; rows of `score_rows`."""
    abilities = tuple(dict.fromkeys(rows["ability"]))
    series = tuple(dict.fromkeys(rows["series"]))
    return Figure(
        data=rows.reset_index(drop=True),
        spec=_scores_spec(title, abilities, series),
        alt=_("Point chart: share of items right for each ability, with its interval and the level of chance."),
        summary=summary,
    )


@cached_by_language(maxsize=64)
def _scores_spec(title: str, abilities: tuple[str, ...], series: tuple[str, ...]) -> dict[str, Any]:
    several = len(series) > 1
    offset = {"yOffset": alt.YOffset("series:N", sort=list(series))} if several else {}
    base = alt.Chart().encode(
        y=alt.Y("ability:N", title=None, sort=list(abilities), axis=alt.Axis(labelLimit=150, labelFontSize=14)),
        tooltip=[
            alt.Tooltip("ability:N", title=_("Ability")),
            *([alt.Tooltip("series:N", title=_("Model"))] if several else []),
            alt.Tooltip("shown:N", title=_("Right")),
            alt.Tooltip("chance:Q", title=_("Chance"), format=".0%"),
        ],
    )
    legend = alt.Legend(orient="top", columns=1, labelLimit=300) if several else None
    colour = alt.Color(
        "series:N", title=None, legend=legend, scale=alt.Scale(domain=list(series), range=_RUN_COLOURS[: len(series)])
    )
    shape = alt.Shape(
        "series:N", title=None, legend=legend, scale=alt.Scale(domain=list(series), range=_RUN_SHAPES[: len(series)])
    )
    chance = base.mark_tick(thickness=3, size=24, aria=False).encode(
        x=alt.X("chance:Q", title=_("Items right (the grey tick is chance)"), scale=_SCALE, axis=_PERCENT),
        color=alt.value(_QUIET),
    )
    interval = base.mark_rule(strokeWidth=3, opacity=0.6, aria=False).encode(
        x=alt.X("low:Q"), x2=alt.X2("high:Q"), color=colour, **offset
    )
    points = base.mark_point(size=130, filled=True, opacity=1).encode(
        x=alt.X("score:Q"), color=colour, shape=shape, **offset
    )
    words = base.mark_text(dy=-13, fontSize=12).encode(
        x=alt.X("score:Q"), text="percent:N", color=alt.value(_QUIET), **offset
    )
    height = len(abilities) * (64 if several else 42) + (110 if several else 70)
    layers = (chance, interval, points) if several else (chance, interval, points, words)  # of two they would overlap
    return _to_spec(alt.layer(*layers), title, height)


def over_steps(rows: pd.DataFrame, name: str, *, chosen: int | None = None) -> Figure:
    """One ability at every checkpoint: score, interval as a band, chance as a dashed rule.

    `rows` has the columns step, score, low, high (shares) and shown. The horizontal axis is logarithmic but for the
    first steps, so that step 0 has a place. `chosen` is the step that stands out.
    """
    ability = BY_NAME[name]
    data = rows.assign(chance=ability.chance, chosen=rows["step"] == chosen).sort_values("step").reset_index(drop=True)
    last = data.iloc[-1]
    below = data.index[data["low"] <= ability.chance]
    first = below[-1] + 1 if len(below) else 0  # a lucky step among those before has not yet the ability
    if first == 0 and data["step"].iloc[0] > 0:  # the earlier ones may follow
        found = _("above chance at each checkpoint measured so far")
    elif first < len(data):
        found = _("above chance from step {int:,} on", int=int(data["step"].iloc[first]))
    else:
        found = _("it cannot be told from chance there")
    return Figure(
        data=data,
        spec=_steps_spec(ability.title, int(last["step"])),
        alt=_("Line chart: share of items right against training step. {title}.", title=ability.title),
        summary=_(
            "{percent} right at step {int:,}; {found}.",
            percent=percent(last["score"]),
            int=int(last["step"]),
            found=found,
        ),
    )


@cached_by_language(maxsize=128)
def _steps_spec(title: str, last_step: int) -> dict[str, Any]:
    return {**_untitled(last_step), "title": _(title)}


@cached_by_language(maxsize=32)
def _untitled(last_step: int) -> dict[str, Any]:
    """The chart of every ability: made once, for Altair takes a tenth of a second."""
    x = alt.X(
        "step:Q",
        title=_("Training step (log)"),
        scale=alt.Scale(type="symlog", constant=8, domain=[0, max(last_step, 1)]),
        axis=alt.Axis(values=[0, 10, 100, 1_000, 10_000, 100_000], labelExpr="format(datum.value, ',')", grid=False),
    )
    base = alt.Chart().encode(
        x,
        tooltip=[
            alt.Tooltip("step:Q", title=_("Step"), format=","),
            alt.Tooltip("shown:N", title=_("Right")),
            alt.Tooltip("chance:Q", title=_("Chance"), format=".0%"),
        ],
    )
    y = {"title": _("Items right"), "scale": _SCALE, "axis": _PERCENT}
    blue = alt.ColorValue("blue")
    band = base.mark_area(opacity=0.25, aria=False).encode(alt.Y("low:Q", **y), alt.Y2("high:Q"), blue)
    chance = base.mark_line(strokeDash=[5, 4], strokeWidth=2, aria=False).encode(
        alt.Y("chance:Q", **y), alt.ColorValue(_QUIET)
    )
    line = base.mark_line(strokeWidth=2.5).encode(alt.Y("score:Q", **y), blue)
    dots = base.mark_point(filled=True, opacity=1).encode(
        alt.Y("score:Q", **y),
        blue,
        size=alt.condition("datum.chosen", alt.value(170), alt.value(50)),
        shape=alt.condition("datum.chosen", alt.value("diamond"), alt.value("circle")),
    )
    return _to_spec(alt.layer(band, chance, line, dots), "", 210)


def over_examples(rows: pd.DataFrame, name: str, summary: str) -> Figure:
    """The score of one ability for each number of examples; rows as in `over_steps`, with `k` instead of step and
    `cut`, which says whether prompts were too long for the context.
    """
    ability = BY_NAME[name]
    data = rows.assign(
        chance=ability.chance,
        k=rows["k"].astype(str),
        read=rows["cut"].map({True: _("partly read"), False: _("read whole")}),
    )
    return Figure(
        data=data.reset_index(drop=True),
        spec=_examples_spec(_("{title}: examples in the prompt", title=ability.title), tuple(data["k"])),
        alt=_("Point chart: share of items right against the number of examples in the prompt, with intervals."),
        summary=summary,
    )


@cached_by_language(maxsize=64)
def _examples_spec(title: str, counts: tuple[str, ...]) -> dict[str, Any]:
    base = alt.Chart().encode(
        alt.X("k:N", title=_("Examples in the prompt"), sort=list(counts), axis=alt.Axis(labelAngle=0)),
        tooltip=[
            alt.Tooltip("k:N", title=_("Examples")),
            alt.Tooltip("shown:N", title=_("Right")),
            alt.Tooltip("read:N", title=_("Prompts")),
            alt.Tooltip("chance:Q", title=_("Chance"), format=".0%"),
        ],
    )
    y = {"title": _("Items right"), "scale": _SCALE, "axis": _PERCENT}
    legend = alt.Legend(orient="top", title=_("Prompts are"), symbolOpacity=1)
    words = [_("read whole"), _("partly read")]
    colour = alt.Color("read:N", legend=legend, scale=alt.Scale(domain=words, range=["blue", "orange"]))
    shape = alt.Shape("read:N", legend=legend, scale=alt.Scale(domain=words, range=["circle", "triangle-up"]))
    chance = base.mark_line(strokeDash=[5, 4], strokeWidth=2, aria=False).encode(
        alt.Y("chance:Q", **y), color=alt.value(_QUIET)
    )
    interval = base.mark_rule(strokeWidth=3, opacity=0.6, aria=False).encode(
        alt.Y("low:Q", **y), y2="high:Q", color=colour
    )
    points = base.mark_point(size=140, filled=True, opacity=1).encode(alt.Y("score:Q", **y), color=colour, shape=shape)
    return _to_spec(alt.layer(chance, interval, points), title, 300)
