"""Charts of this lesson."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from engine.language import N_, _, cached_by_language, number
from pages.shared.charts import _QUIET, _READABLE, _RUN_COLOURS, _RUN_SHAPES, Figure, _to_spec
from pages.shared.wording import inside, worded

CAME, OTHER = N_("the token that came"), N_("other tokens")
CHOSEN, REST = N_("the chosen token"), N_("the other tokens")


def candidates(frame: pd.DataFrame, *, title: str, x: str, percent: bool, summary: str) -> Figure:
    """Horizontal bars in the frame's order; `frame` has the columns name, value, shown and kind (CAME or OTHER)."""
    data = worded(frame[["name", "value", "shown", "kind"]], "kind").reset_index(drop=True)
    data["place"] = np.arange(len(data))
    spec = _candidates_spec(title, x, percent, len(data), bool((data["value"] < 0).any()))
    return Figure(
        data,
        spec,
        _("Bar chart: {lower} of the most probable tokens and of the one that came.", lower=inside(title)),
        summary,
    )


@cached_by_language(maxsize=64)
def _candidates_spec(title: str, x: str, percent: bool, n_bars: int, negative: bool) -> dict[str, Any]:
    base = alt.Chart().encode(
        y=alt.Y(
            "name:N",
            title=_("Token (␣ is a space)"),
            sort=alt.EncodingSortField("place", op="min", order="ascending"),
            axis=alt.Axis(labelLimit=150, labelFontSize=14),
        )
    )
    bars = base.mark_bar().encode(
        alt.X(
            "value:Q",
            title=_(x),
            axis=alt.Axis(tickCount=5, format="~%") if percent else alt.Axis(tickCount=5, labelExpr=_READABLE),
            scale=alt.Undefined if negative else alt.Scale(domainMin=0),
        ),
        color=alt.Color(
            "kind:N",
            title=None,
            legend=alt.Legend(orient="top", symbolType="square"),
            scale=alt.Scale(domain=[_(CAME), _(OTHER)], range=["orange", "blue"]),
        ),
        tooltip=[alt.Tooltip("name:N", title=_("Token")), alt.Tooltip("shown:N", title=_(x)), alt.Tooltip("kind:N")],
    )
    numbers = base.mark_text(align="left", dx=5, fontSize=13).encode(
        x="value:Q", text="shown:N", color=alt.value(_QUIET)
    )
    return _to_spec(alt.layer(bars, numbers), title, 24 * n_bars + 120)


def penalty(probabilities: np.ndarray, names: list[str], chosen: int, *, summary: str) -> Figure:
    """−ln p over p as a curve, every token of the text as a point on it, the chosen one marked."""
    grid = np.geomspace(max(1e-6, min(float(probabilities.min()), 1e-3)), 1, 120)
    points = pd.DataFrame(
        {
            "layer": np.where(np.arange(len(names)) == chosen, _(CHOSEN), _(REST)),
            "p": probabilities,
            "nats": -np.log(np.maximum(probabilities, 1e-300)),
            "name": names,
        }
    )
    curve = pd.DataFrame({"layer": "curve", "p": grid, "nats": -np.log(grid), "name": ""})
    data = pd.concat([curve, points], ignore_index=True)
    return Figure(data, _penalty_spec(), _("Line chart: −ln p against p, with the tokens of the text on it."), summary)


@cached_by_language(maxsize=1)
def _penalty_spec() -> dict[str, Any]:
    x = alt.X("p:Q", title=_("Probability that the token had (%)"), axis=alt.Axis(format="~%", tickCount=5))
    y = alt.Y("nats:Q", title=_("−ln p (nats)"), axis=alt.Axis(tickCount=5))
    base = alt.Chart()
    tips = [
        alt.Tooltip("name:N", title=_("Token")),
        alt.Tooltip("p:Q", title=_("Probability"), format=".2%"),
        alt.Tooltip("nats:Q", title=_("−ln p (nats)"), format=".3f"),
    ]
    curve = base.transform_filter("datum.layer == 'curve'").mark_line(strokeWidth=2, aria=False)
    dots = base.transform_filter("datum.layer != 'curve'").mark_point(filled=True, opacity=0.9)
    domain = [_(CHOSEN), _(REST)]
    legend = alt.Legend(orient="top")
    return _to_spec(
        alt.layer(
            curve.encode(x, y, color=alt.value(_QUIET)),
            dots.encode(
                x,
                y,
                alt.Color(
                    "layer:N", title=None, legend=legend, scale=alt.Scale(domain=domain, range=["orange", "blue"])
                ),
                alt.Shape(
                    "layer:N", title=None, legend=legend, scale=alt.Scale(domain=domain, range=["diamond", "circle"])
                ),
                alt.Size("layer:N", legend=None, scale=alt.Scale(domain=domain, range=[230, 60])),
                tooltip=tips,
            ),
        ),
        _("What a token costs"),
        300,
    )


def by_token(
    values: np.ndarray, names: list[str], chosen: int, *, title: str, y: str, mean: str, summary: str
) -> Figure:
    """One bar for each token in the text's order, the chosen one in the other colour, and their mean as a rule."""
    level = float(np.mean(values))
    bars = pd.DataFrame(
        {
            "layer": np.where(np.arange(len(names)) == chosen, _(CHOSEN), _(REST)),
            "place": np.arange(1, len(names) + 1),
            "name": [f"{n}: {name}" for n, name in enumerate(names, 1)],
            "value": values,
            "label": "",
        }
    )
    rule = pd.DataFrame(
        [{"layer": "mean", "place": np.nan, "name": "", "value": level, "label": f"{mean} {number(level, '.2f')}"}]
    )
    data = pd.concat([bars, rule], ignore_index=True)
    return Figure(
        data, _by_token_spec(title, y), _("Bar chart: {lower}, a bar for each token.", lower=inside(title)), summary
    )


@cached_by_language(maxsize=8)
def _by_token_spec(title: str, y: str) -> dict[str, Any]:
    base = alt.Chart()
    value = alt.Y("value:Q", title=_(y), axis=alt.Axis(tickCount=5))
    domain = [_(CHOSEN), _(REST)]
    bars = (
        base.transform_filter("datum.layer != 'mean'")
        .mark_bar()
        .encode(
            alt.X("place:O", title=_("Predicted token, in the order of the text"), axis=alt.Axis(labelAngle=0)),
            value,
            alt.Color(
                "layer:N",
                title=None,
                legend=alt.Legend(orient="top", symbolType="square"),
                scale=alt.Scale(domain=domain, range=["orange", "blue"]),
            ),
            tooltip=[alt.Tooltip("name:N", title=_("Token")), alt.Tooltip("value:Q", title=_(y), format=".3f")],
        )
    )
    mean = base.transform_filter("datum.layer == 'mean'")
    rule = mean.mark_rule(strokeDash=[6, 3], strokeWidth=2, aria=False).encode(y=value, color=alt.value(_QUIET))
    label = mean.mark_text(align="right", dy=-8, fontSize=14).encode(
        x=alt.value("width"), y=value, text="label:N", color=alt.value(_QUIET)
    )
    return _to_spec(alt.layer(bars, rule, label), title, 300)


def copied_by_length(rows: pd.DataFrame, *, summary: str) -> Figure:
    """Lines of the copied share over the least length that counts. `rows`: words, share (0 to 1), name."""
    names = tuple(dict.fromkeys(rows["name"]))
    return Figure(rows, _copied_spec(names), _("Line chart: copied share against the length of span."), summary)


@cached_by_language(maxsize=32)
def _copied_spec(names: tuple[str, ...]) -> dict[str, Any]:
    n = len(names)

    def repeated(values: list[Any]) -> list[Any]:
        return [values[index % len(values)] for index in range(n)]

    legend = alt.Legend(orient="top", columns=2, labelLimit=150, titleFontWeight="normal", symbolStrokeWidth=0)
    colour = alt.Color(
        "name:N",
        title=_("The model, and held-out text of"),
        legend=legend,
        scale=alt.Scale(domain=list(names), range=repeated(_RUN_COLOURS)),
    )
    dashes = repeated([[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [10, 4], [4, 4]])
    base = alt.Chart().encode(
        alt.X("words:Q", title=_("Words that a span must have at least"), axis=alt.Axis(tickMinStep=1)),
        alt.Y(
            "share:Q",
            title=_("Words inside such spans (%)"),
            axis=alt.Axis(format="~%", tickCount=5),
            scale=alt.Scale(domain=[0, 1]),
        ),
        colour,
        tooltip=[
            alt.Tooltip("name:N", title=_("Text")),
            alt.Tooltip("words:Q", title=_("At least so many words")),
            alt.Tooltip("share:Q", title=_("Share"), format=".1%"),
        ],
    )
    lines = base.mark_line(strokeWidth=2.2).encode(
        strokeDash=alt.StrokeDash("name:N", legend=None, scale=alt.Scale(domain=list(names), range=dashes)),
    )
    points = base.mark_point(size=45, filled=True, opacity=1).encode(
        shape=alt.Shape(
            "name:N",
            title=_("The model, and held-out text of"),
            legend=legend,
            scale=alt.Scale(domain=list(names), range=repeated(_RUN_SHAPES)),
        )
    )
    return _to_spec(alt.layer(lines, points), _("Copied, by the length of span"), 320)
