"""The charts of this lesson, and its short rows of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from engine.language import N_, _, cached_by_language, number
from engine.power_law import PowerLaw
from pages.shared.charts import Figure, _to_spec
from pages.shared.tables import show_table
from pages.shared.wording import worded

_COLOURS = ("blue", "orange", "green", "violet", "red", "yellow", "gray")
_SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right")
_DASHES = ([1, 0], [5, 4], [2, 3], [8, 3, 2, 3])
_QUIET = "gray"
_POWERS = [10.0**power for power in range(-1, 9)]
_WHOLE = "datum.value >= 1000 ? format(datum.value, ',.0f') : format(datum.value, '~g')"


def percent(share: float) -> str:
    """A share in whole percent, set as the rest of the page does: 0.6 -> "60 %"."""
    return _("{value:.0f} %", value=100 * share)


def facts(cards: Sequence[tuple[str, str, str]]) -> None:
    """Numbers in a row that wraps: (what, its value, what it means). Nothing of a learner's text belongs here."""
    with st.container(horizontal=True, gap="medium"):
        for label, value, meaning in cards:
            st.markdown(_("**{value}**  \n:gray[{label}]", value=value, label=label), help=meaning, width="content")


def show_numbers(frame: pd.DataFrame, formats: Mapping[str, str] | None = None, *, words: Sequence[str] = ()) -> None:
    """A table with formatted numbers: "localized", "%.2f", "%.1f %%" and so on by column; `words` as in `show_table`.

    Column settings instead of a Styler, which needs a third of a second for 2,000 rows.
    """
    config = {name: st.column_config.NumberColumn(format=how) for name, how in (formats or {}).items()}
    show_table(frame, hide_index=True, width="stretch", column_config=config, words=words)


def table(
    frame: pd.DataFrame,
    formats: Mapping[str, str] | None = None,
    *,
    label: str = N_("As a table"),
    words: Sequence[str] = (),
) -> None:
    """The chart's data, folded away."""
    with st.expander(_(label), icon=":material/table:"):
        show_numbers(frame, formats, words=words)


def log_log(
    points: pd.DataFrame,
    fits: Mapping[str, PowerLaw],
    *,
    title: str,
    x: str,
    y: str,
    alt_text: str,
    summary: str,
) -> Figure:
    """Points of several series on two log axes, each with its fitted straight line.

    `points` has x, y, series and label (what a point is, for its tooltip). A fit is drawn over the whole width, so
    that it can be seen where the points leave it.
    """
    frames = [worded(points, "series").assign(layer="measured")]
    for series, law in fits.items():
        ends = np.array([1.0, points.loc[points["series"] == series, "x"].max()])
        frames.append(pd.DataFrame({"x": ends, "y": law.at(ends), "series": _(series), "label": "", "layer": "fitted"}))
    series = tuple(dict.fromkeys(map(_, points["series"])))
    return Figure(pd.concat(frames, ignore_index=True), _log_log_spec(title, x, y, series), alt_text, summary)


@cached_by_language(maxsize=64)
def _log_log_spec(title: str, x: str, y: str, series: tuple[str, ...]) -> dict[str, Any]:
    axis = alt.Axis(values=_POWERS, labelExpr=_WHOLE)
    scale = alt.Scale(type="log", nice=False, domainMin=1)
    across = alt.X("x:Q", title=_(x), scale=scale, axis=axis)
    up = alt.Y("y:Q", title=_(y), scale=scale, axis=axis)
    legend = alt.Legend(orient="top", title=None, labelLimit=260)
    domain = list(series)
    colour = alt.Color("series:N", legend=legend, scale=alt.Scale(domain=domain, range=list(_COLOURS[: len(domain)])))
    shape = alt.Shape("series:N", legend=legend, scale=alt.Scale(domain=domain, range=list(_SHAPES[: len(domain)])))
    base = alt.Chart()
    points = (
        base.transform_filter("datum.layer == 'measured'")
        .mark_point(filled=True, size=30, opacity=0.55)
        .encode(
            across,
            up,
            colour,
            shape,
            tooltip=[
                alt.Tooltip("series:N", title=_("Of")),
                alt.Tooltip("label:N", title=_("What")),
                alt.Tooltip("x:Q", title=_(x), format=",.0f"),
                alt.Tooltip("y:Q", title=_(y), format=",.0f"),
            ],
        )
    )
    dash = alt.StrokeDash(
        "series:N", legend=None, scale=alt.Scale(domain=domain, range=[list(each) for each in _DASHES[: len(domain)]])
    )
    # aria=False: the summary says what the fitted lines do, and a line of two points has nothing more to tell.
    lines = (
        base.transform_filter("datum.layer == 'fitted'")
        .mark_line(strokeWidth=2, aria=False, clip=True)
        .encode(across, up, strokeDash=dash, detail="series:N", color=alt.value(_QUIET))
    )
    return _to_spec(alt.layer(points, lines), title, 400)


def shares(frame: pd.DataFrame, *, title: str, alt_text: str, summary: str, unit: str = N_("tokens")) -> Figure:
    """Two bars for each source: its share of the text there is, and its share of the training mix.

    `frame` has source, kind and share (0 to 1).
    """
    data = worded(frame, "source", "kind").assign(
        percent=[_("{value:.1f} %", value=100 * share) for share in frame["share"]]
    )
    sources, kinds = (tuple(dict.fromkeys(data[column])) for column in ("source", "kind"))
    return Figure(data, _shares_spec(title, unit, sources, kinds), alt_text, summary)


@cached_by_language(maxsize=64)
def _shares_spec(title: str, unit: str, sources: tuple[str, ...], kinds: tuple[str, ...]) -> dict[str, Any]:
    base = alt.Chart().encode(
        alt.Y("source:N", title=None, sort=list(sources), axis=alt.Axis(labelLimit=150, labelFontSize=14)),
        yOffset=alt.YOffset("kind:N", sort=list(kinds)),
    )
    top = alt.Axis(format="%", tickCount=4)
    across = alt.X("share:Q", title=_("Share of the {unit} (%)", unit=_(unit)), axis=top, scale=alt.Scale(domainMin=0))
    bars = base.mark_bar().encode(
        across,
        color=alt.Color(
            "kind:N",
            title=None,
            sort=list(kinds),
            scale=alt.Scale(domain=list(kinds), range=["gray", "blue"]),
            legend=alt.Legend(orient="top", columns=1, labelLimit=340),
        ),
        tooltip=[
            alt.Tooltip("source:N", title=_("Source")),
            alt.Tooltip("kind:N", title=_("Of")),
            alt.Tooltip("percent:N", title=_("Share")),
        ],
    )
    numbers = base.mark_text(align="left", dx=5, fontSize=13).encode(
        x="share:Q", text="percent:N", color=alt.value(_QUIET)
    )
    return _to_spec(alt.layer(bars, numbers), title, 54 * len(sources) + 110)


def epochs_chart(
    frame: pd.DataFrame, *, title: str, rule: float, rule_label: str, alt_text: str, summary: str
) -> Figure:
    """How often each source is read: a bar for the computed epochs, a diamond for published ones where there are any.

    `frame` has source, epochs and published (nan where nothing was published). `rule` is a marked number of epochs.
    """
    data = worded(frame, "source").assign(
        rule=rule,
        rule_label=rule_label,
        text=[number(value, ".2f") if value < 10 else number(value, ",.0f") for value in frame["epochs"]],
    )
    published = bool(frame["published"].notna().any())
    return Figure(data, _epochs_spec(title, tuple(data["source"]), published), alt_text, summary)


@cached_by_language(maxsize=64)
def _epochs_spec(title: str, sources: tuple[str, ...], published: bool) -> dict[str, Any]:
    base = alt.Chart()
    up = alt.Y("source:N", title=None, sort=list(sources), axis=alt.Axis(labelLimit=150, labelFontSize=14))
    across = alt.X("epochs:Q", title=_("Epochs (times read)"), axis=alt.Axis(tickCount=5), scale=alt.Scale(domainMin=0))
    tips = [
        alt.Tooltip("source:N", title=_("Source")),
        alt.Tooltip("epochs:Q", title=_("Epochs, computed"), format=".2f"),
    ]
    if published:
        tips.append(alt.Tooltip("published:Q", title=_("Epochs, published"), format="~g"))
    bars = base.mark_bar(height={"band": 0.55}).encode(across, up, color=alt.value("blue"), tooltip=tips)
    numbers = base.mark_text(align="left", dx=7, dy=-12, fontSize=13).encode(
        across, up, text="text:N", color=alt.value(_QUIET)
    )
    rules = base.mark_rule(strokeDash=[5, 4], strokeWidth=1.5, aria=False).encode(
        x="max(rule):Q", color=alt.value(_QUIET)
    )
    rule_label = base.mark_text(align="left", baseline="bottom", dx=4, fontSize=13).encode(
        x="max(rule):Q", y=alt.value(-2), text="max(rule_label):N", color=alt.value(_QUIET)
    )
    layers = [bars, rules, numbers, rule_label]
    if published:
        layers.append(
            base.mark_point(shape="diamond", size=150, filled=True, opacity=1).encode(
                x="published:Q", y=up, color=alt.value("orange"), tooltip=tips
            )
        )
    return _to_spec(alt.layer(*layers), title, 46 * len(sources) + 100)


def token_dots(frame: pd.DataFrame, *, alt_text: str, summary: str) -> Figure:
    """Tokens per word: a row for each tokenizer, a mark for each text. `frame` has tokenizer, text and ratio."""
    data = worded(frame, "tokenizer", "text").assign(one=1.0)
    tokenizers, texts = (tuple(dict.fromkeys(data[column])) for column in ("tokenizer", "text"))
    return Figure(data, _token_dots_spec(tokenizers, texts), alt_text, summary)


@cached_by_language(maxsize=64)
def _token_dots_spec(tokenizers: tuple[str, ...], texts: tuple[str, ...]) -> dict[str, Any]:
    domain, n = list(texts), len(texts)
    legend = alt.Legend(orient="top", title=None, labelLimit=220, columns=2)
    base = alt.Chart()
    across = alt.X(
        "ratio:Q",
        title=_("Tokens per word (log axis)"),
        scale=alt.Scale(type="log", domainMin=0.9, nice=False, zero=False),
        axis=alt.Axis(values=[1, 1.5, 2, 3, 4, 6, 8, 12], format="~g"),
    )
    dots = base.mark_point(filled=True, size=110, opacity=0.9).encode(
        across,
        alt.Y("tokenizer:N", title=None, sort=list(tokenizers), axis=alt.Axis(labelLimit=170, labelFontSize=13)),
        alt.Color("text:N", legend=legend, scale=alt.Scale(domain=domain, range=list(_COLOURS[:n]))),
        alt.Shape("text:N", legend=legend, scale=alt.Scale(domain=domain, range=list(_SHAPES[:n]))),
        tooltip=[
            alt.Tooltip("tokenizer:N", title=_("Tokenizer")),
            alt.Tooltip("text:N", title=_("Text")),
            alt.Tooltip("ratio:Q", title=_("Tokens per word"), format=".2f"),
        ],
    )
    one = base.mark_rule(strokeDash=[5, 4], strokeWidth=1.5, aria=False).encode(x="max(one):Q", color=alt.value(_QUIET))
    return _to_spec(alt.layer(one, dots), _("Is one token one word?"), 44 * len(tokenizers) + 120)
