"""Charts of this lesson: a quantity against a distance, with one distance marked."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from engine.language import _, cached_by_language
from pages.shared.charts import Figure, _to_spec


def by_distance(values: np.ndarray, *, title: str, y: str, marked: int | None = None) -> Figure:
    """A line of one value a distance (0, 1, 2, … positions); `marked` is drawn as a point with its value."""
    here = np.zeros(len(values), bool)
    if marked is not None and 0 <= marked < len(values):
        here[marked] = True
    frame = pd.DataFrame({"distance": np.arange(len(values)), "value": values.astype(float), "here": here})
    largest = int(np.argmax(values))
    summary = _(
        "{y}: {values:.2f} at distance 0, largest ({values_2:.2f}) at distance {largest}",
        y=y,
        values=values[0],
        values_2=values[largest],
        largest=largest,
    )
    if here.any():
        summary += _("; {values:.2f} at distance {marked}", values=values[marked], marked=marked)
    return Figure(frame, _spec(title, y), _("Line chart: {title}.", title=title), summary + ".")


@cached_by_language(maxsize=32)
def _spec(title: str, y: str) -> dict[str, Any]:
    base = alt.Chart().encode(
        alt.X("distance:Q", title=_("Distance (positions)"), axis=alt.Axis(tickMinStep=1, tickCount=8)),
        alt.Y("value:Q", title=_(y), scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5)),
        tooltip=[
            alt.Tooltip("distance:Q", title=_("Distance (positions)")),
            alt.Tooltip("value:Q", title=_(y), format=".4f"),
        ],
    )
    line = base.mark_line(strokeWidth=2).encode(color=alt.value("blue"))
    dots = base.mark_point(size=30, filled=True, opacity=1).encode(color=alt.value("blue"))
    mark = (
        base.transform_filter("datum.here")
        .mark_point(size=180, shape="diamond", filled=True, opacity=1)
        .encode(color=alt.value("orange"))
    )
    return _to_spec(alt.layer(line, dots, mark), title, 260)
