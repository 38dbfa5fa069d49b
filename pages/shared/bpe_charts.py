"""The charts of the lesson on BPE, by the rules of `pages.shared.charts`: constant specifications, long-form frames."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from engine.bpe_replay import Replay
from pages.shared import charts
from pages.shared.bpe_training import quoted
from pages.shared.charts import Figure

_QUIET = "gray"
_CURVE_POINTS = 300


def pair_counts(replay: Replay, n: int) -> Figure:
    """The most frequent pairs after n merges; the one that is merged next has another colour and a word."""
    pairs = replay.pairs(n)
    names = [pair_name(replay, pair) for pair, _ in pairs]
    notes = ["  next", *[""] * len(pairs)]
    data = pd.DataFrame(
        {
            "place": np.arange(1, len(pairs) + 1),
            "pair": charts._distinct(names),
            "count": [count for _, count in pairs],
            "label": [f"{count:,}{note}" for (_, count), note in zip(pairs, notes, strict=False)],
            "ids": [f"{left} and {right}" for (left, right), _ in pairs],
            "room": [1.25 * pairs[0][1] if pairs else 0] * len(pairs),  # for the label beside the longest bar
        }
    )
    if pairs:
        summary = f"The most frequent pair is {names[0]}: it occurs {_times(pairs[0][1])}."
        if len(pairs) > 1 and pairs[0][1] == pairs[1][1]:
            summary += " Others are as frequent: of these the pair of the smallest ids is taken."
    else:
        summary = "No piece of the text holds two tokens any more: there is nothing left to merge."
    return Figure(data, _pairs_spec(), "Bar chart: how often the most frequent pairs of tokens occur.", summary)


def pair_name(replay: Replay, pair: tuple[int, int]) -> str:
    """A pair as it can be read: “t” + “he”."""
    return " + ".join(quoted(replay.token_bytes(token_id), 14) for token_id in pair)


def compression(replay: Replay, n: int, n_merges: int) -> Figure:
    """The length of the text in tokens over the merges, up to `n_merges`, with a mark at n."""
    n_merges = min(n_merges, replay.n_merges)
    places = np.unique(np.linspace(0, n_merges, min(n_merges, _CURVE_POINTS) + 1).round().astype(int))
    data = pd.DataFrame(
        {
            "layer": ["curve"] * len(places) + ["now"],
            "merges": [*places.tolist(), n],
            "tokens": [*(replay.n_tokens(int(place)) for place in places), replay.n_tokens(n)],
            "ratio": [*(replay.bytes_per_token(int(place)) for place in places), replay.bytes_per_token(n)],
            "label": [""] * len(places) + [f"{replay.n_tokens(n):,} tokens"],
            "side": [""] * len(places) + ["left" if n < 0.65 * n_merges else "right"],
        }
    )
    n_tokens, share = replay.n_tokens(n), replay.n_tokens(n) / max(1, replay.n_start)
    summary = (
        f"After {_merges(n)} the text has {n_tokens:,} tokens, {share:.0%} of the {replay.n_start:,} it began with: "
        f"{replay.bytes_per_token(n):.2f} bytes a token."
    )
    return Figure(data, _compression_spec(), "Line chart: tokens of the text against the number of merges.", summary)


def token_lengths(lengths: Sequence[int]) -> Figure:
    """How many tokens of a vocabulary are how long, in bytes; all above 24 bytes in one bar."""
    capped = np.minimum(np.asarray(lengths, dtype=np.int64), 25)
    counts = np.bincount(capped, minlength=26)
    shown = [length for length in range(1, 26) if counts[length:].any()]
    data = pd.DataFrame(
        {
            "length": shown,
            "name": [str(length) if length < 25 else "25+" for length in shown],
            "tokens": [int(counts[length]) for length in shown],
        }
    )
    longest, middle = int(np.max(lengths)), float(np.median(lengths))
    summary = f"Half of the tokens are no longer than {_bytes(middle)}; the longest has {_bytes(longest)}."
    return Figure(data, _lengths_spec(), "Bar chart: number of tokens of each length in bytes.", summary)


def size_against_length(table: pd.DataFrame) -> Figure:
    """Tokens of a text against embedding parameters, one point for each tokenizer.

    `table` has the columns tokenizer, tokens, parameters and kind.
    """
    data = table[["tokenizer", "tokens", "parameters", "kind"]].reset_index(drop=True)
    data["name"] = [name.removeprefix("BPE ") for name in data["tokenizer"]]
    data["side"] = ["above" if place % 2 else "below" for place in range(len(data))]
    shortest, smallest = data.loc[data["tokens"].idxmin()], data.loc[data["parameters"].idxmin()]
    summary = (
        f"{shortest['tokenizer']} needs the fewest tokens ({shortest['tokens']:,}), {smallest['tokenizer']} the "
        f"smallest table ({smallest['parameters']:,} parameters)."
    )
    return Figure(
        data, _trade_spec(), "Scatter chart: tokens of the text against parameters of the embedding.", summary
    )


def bits_per_byte(table: pd.DataFrame) -> Figure:
    """Bits per byte of the trained models, one bar each. `table` has the columns tokenizer, bits and detail."""
    data = table[["tokenizer", "bits", "detail"]].reset_index(drop=True)
    data["label"] = [f"{bits:.3f}" for bits in data["bits"]]
    best = data.loc[data["bits"].idxmin()]
    summary = f"{best['tokenizer']} predicts the text best: {best['bits']:.3f} bits per byte."
    if len(data) == 1:
        summary = f"{best['tokenizer']} needs {best['bits']:.3f} bits per byte; there is none to compare it with yet."
    return Figure(
        data, _bits_spec(len(data)), "Bar chart: bits per byte of the model trained with each tokenizer.", summary
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _bytes(n: float) -> str:
    return "1 byte" if n == 1 else f"{n:,.0f} bytes"


def _merges(n: int) -> str:
    return "1 merge" if n == 1 else f"{n:,} merges"


@lru_cache(maxsize=1)
def _pairs_spec() -> dict[str, Any]:
    base = alt.Chart().encode(
        y=alt.Y(
            "pair:N",
            title=None,
            sort=alt.EncodingSortField("place", op="min", order="ascending"),
            axis=alt.Axis(labelLimit=170, labelFontSize=14),
        )
    )
    bars = base.mark_bar().encode(
        alt.X("count:Q", title="Occurrences in the text", axis=alt.Axis(tickCount=3, labelExpr=charts._READABLE)),
        color=alt.condition("datum.place == 1", alt.value("orange"), alt.value("blue")),
        tooltip=[
            alt.Tooltip("pair:N", title="Pair"),
            alt.Tooltip("ids:N", title="Ids"),
            alt.Tooltip("count:Q", title="Occurrences", format=","),
        ],
    )
    numbers = base.mark_text(align="left", dx=5, fontSize=13).encode(
        x="count:Q", text="label:N", color=alt.value(_QUIET)
    )
    room = base.mark_point(opacity=0, aria=False).encode(x="room:Q")
    return charts._to_spec(alt.layer(bars, room, numbers), "Most frequent pairs now", 340)


@lru_cache(maxsize=1)
def _compression_spec() -> dict[str, Any]:
    horizontal = alt.X("merges:Q", title="Merges", axis=alt.Axis(tickCount=5, labelExpr=charts._READABLE))
    vertical = alt.Y(
        "tokens:Q",
        title="Tokens of the text",
        scale=alt.Scale(domainMin=0),
        axis=alt.Axis(tickCount=5, labelExpr=charts._READABLE),
    )
    tips = [
        alt.Tooltip("merges:Q", title="Merges", format=","),
        alt.Tooltip("tokens:Q", title="Tokens", format=","),
        alt.Tooltip("ratio:Q", title="Bytes per token", format=".2f"),
    ]
    base = alt.Chart()
    curve = base.transform_filter("datum.layer == 'curve'")
    line = curve.mark_line(strokeWidth=2.5).encode(horizontal, vertical, color=alt.value("blue"), tooltip=tips)
    now = base.transform_filter("datum.layer == 'now'")
    rule = now.mark_rule(strokeDash=[4, 3], aria=False).encode(x=horizontal, color=alt.value(_QUIET))
    point = now.mark_point(size=140, filled=True, opacity=1, shape="diamond").encode(
        horizontal, vertical, color=alt.value("orange"), tooltip=tips
    )
    # On the side with more room, so that the label stays inside the plot and off the curve.
    labels = [
        now.transform_filter(f"datum.side == '{side}'")
        .mark_text(fontSize=13, align=side, dx=dx, dy=-14)
        .encode(horizontal, vertical, text="label:N", color=alt.value(_QUIET))
        for side, dx in (("left", 10), ("right", -4))
    ]
    return charts._to_spec(alt.layer(line, rule, point, *labels), "How the text shrinks", 340)


@lru_cache(maxsize=1)
def _lengths_spec() -> dict[str, Any]:
    chart = (
        alt.Chart()
        .mark_bar()
        .encode(
            alt.X(
                "name:N",
                title="Length of the token (bytes)",
                sort=alt.EncodingSortField("length", op="min", order="ascending"),
                axis=alt.Axis(labelAngle=0),
            ),
            alt.Y("tokens:Q", title="Tokens", axis=alt.Axis(tickCount=4, labelExpr=charts._READABLE)),
            color=alt.value("blue"),
            tooltip=[alt.Tooltip("name:N", title="Bytes"), alt.Tooltip("tokens:Q", title="Tokens", format=",")],
        )
    )
    return charts._to_spec(chart, "How long the tokens are", 240)


@lru_cache(maxsize=1)
def _trade_spec() -> dict[str, Any]:
    horizontal = alt.X(
        "parameters:Q",
        title="Embedding parameters",
        scale=alt.Scale(type="log", nice=False, padding=40),
        axis=alt.Axis(tickCount=6, format="~s"),
    )
    vertical = alt.Y(
        "tokens:Q",
        title="Tokens of the text",
        scale=alt.Scale(zero=True, nice=True),
        axis=alt.Axis(tickCount=5, labelExpr=charts._READABLE),
    )
    kinds = ["characters", "BPE learned here", "official"]
    base = alt.Chart()
    line = (
        base.transform_filter("datum.kind == 'BPE learned here'")
        .mark_line(strokeWidth=1.5, strokeDash=[4, 3])
        .encode(horizontal, vertical, color=alt.value(_QUIET))
    )
    points = base.mark_point(size=130, filled=True, opacity=1).encode(
        horizontal,
        vertical,
        color=alt.Color(
            "kind:N",
            title=None,
            scale=alt.Scale(domain=kinds, range=["green", "blue", "orange"]),
            legend=alt.Legend(orient="top", columns=2),
        ),
        shape=alt.Shape(
            "kind:N",
            title=None,
            scale=alt.Scale(domain=kinds, range=["square", "circle", "diamond"]),
            legend=alt.Legend(orient="top", columns=2),
        ),
        tooltip=[
            alt.Tooltip("tokenizer:N", title="Tokenizer"),
            alt.Tooltip("tokens:Q", title="Tokens", format=","),
            alt.Tooltip("parameters:Q", title="Embedding parameters", format=","),
        ],
    )
    # Names stand above and below in turn, so that neighbours do not run into each other.
    names = [
        base.transform_filter(f"datum.side == '{side}'")
        .mark_text(dy=dy, fontSize=13)
        .encode(horizontal, vertical, text="name:N", color=alt.value(_QUIET))
        for side, dy in (("above", -15), ("below", 17))
    ]
    return charts._to_spec(alt.layer(line, points, *names), "A shorter text costs a larger table", 360)


@lru_cache(maxsize=16)
def _bits_spec(n_bars: int) -> dict[str, Any]:
    base = alt.Chart().encode(
        y=alt.Y("tokenizer:N", title=None, sort=None, axis=alt.Axis(labelLimit=170, labelFontSize=14))
    )
    bars = base.mark_bar().encode(
        alt.X(
            "bits:Q",
            title="Bits per byte of held-out text (lower is better)",
            scale=alt.Scale(domainMin=0),
            axis=alt.Axis(tickCount=4),
        ),
        color=alt.value("blue"),
        tooltip=[
            alt.Tooltip("tokenizer:N", title="Tokenizer"),
            alt.Tooltip("bits:Q", title="Bits per byte", format=".3f"),
            alt.Tooltip("detail:N", title="Run"),
        ],
    )
    numbers = base.mark_text(align="left", dx=5, fontSize=13).encode(
        x="bits:Q", text="label:N", color=alt.value(_QUIET)
    )
    return charts._to_spec(alt.layer(bars, numbers), "How well each model predicts", max(150, 34 * n_bars + 90))
