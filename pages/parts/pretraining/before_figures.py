"""The chart of what was there before transformers."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from engine.language import _, cached_by_language, number
from pages.shared.charts import _QUIET, Figure, _to_spec


def loss_bars(rows: pd.DataFrame, *, summary: str) -> Figure:
    """Horizontal bars in the rows' order; `rows` has the columns model, loss (nats per token) and kind."""
    data = rows[["model", "loss", "kind"]].assign(shown=[number(loss, ".2f") for loss in rows["loss"]])
    return Figure(
        data,
        _spec(tuple(data["model"]), tuple(dict.fromkeys(data["kind"]))),
        _("Bar chart: loss of n-gram models of order 0 to 5 and of the GPT on the same tokens."),
        summary,
    )


@cached_by_language(maxsize=8)
def _spec(models: tuple[str, ...], kinds: tuple[str, ...]) -> dict[str, Any]:
    base = alt.Chart().encode(y=alt.Y("model:N", title=None, sort=list(models)))
    bars = base.mark_bar().encode(
        x=alt.X("loss:Q", title=_("Loss (nats per token)"), scale=alt.Scale(domainMin=0), axis=alt.Axis(tickCount=5)),
        color=alt.Color(
            "kind:N",
            title=None,
            legend=alt.Legend(orient="top", symbolType="square"),
            scale=alt.Scale(domain=list(kinds), range=["blue", "orange"]),
        ),
        tooltip=[alt.Tooltip("model:N", title=_("Model")), alt.Tooltip("shown:N", title=_("Loss (nats per token)"))],
    )
    numbers = base.mark_text(align="left", dx=5, fontSize=13).encode(
        x="loss:Q", text="shown:N", color=alt.value(_QUIET)
    )
    return _to_spec(alt.layer(bars, numbers), _("Loss on the same held-out tokens"), 32 * len(models) + 110)
