"""The charts of the lesson on BPE, by the rules of `pages.shared.charts`: constant specifications, long-form frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from engine.bpe_replay import Replay
from engine.language import _, cached_by_language, number
from pages.shared import charts
from pages.shared.bpe_training import quoted
from pages.shared.charts import Figure

_QUIET = "gray"
_CURVE_POINTS = 300


def pair_counts(replay: Replay, n: int) -> Figure:
    """The most frequent pairs after n merges; the one that is merged next has another colour and a word."""
    pairs = replay.pairs(n)
    names = [pair_name(replay, pair) for pair, _unused in pairs]
    notes = [_("  next"), *[""] * len(pairs)]
    data = pd.DataFrame(
        {
            "place": np.arange(1, len(pairs) + 1),
            "pair": charts._distinct(names),
            "count": [count for _unused, count in pairs],
            "label": [f"{number(count)}{note}" for (_unused, count), note in zip(pairs, notes, strict=False)],
            "ids": [_("{left} and {right}", left=left, right=right) for (left, right), _unused in pairs],
            "room": [1.25 * pairs[0][1] if pairs else 0] * len(pairs),  # for the label beside the longest bar
        }
    )
    if pairs:
        summary = _("The most frequent pair is {names}: it occurs {times}.", names=names[0], times=_times(pairs[0][1]))
        if len(pairs) > 1 and pairs[0][1] == pairs[1][1]:
            summary += _(" Others are as frequent: of these the pair of the smallest ids is taken.")
    else:
        summary = _("No piece of the text holds two tokens any more: there is nothing left to merge.")
    return Figure(data, _pairs_spec(), _("Bar chart: how often the most frequent pairs of tokens occur."), summary)


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
            "label": [""] * len(places) + [_("{n_tokens:,} tokens", n_tokens=replay.n_tokens(n))],
            "side": [""] * len(places) + ["left" if n < 0.65 * n_merges else "right"],
        }
    )
    n_tokens, share = replay.n_tokens(n), replay.n_tokens(n) / max(1, replay.n_start)
    summary = _(
        "After {merges} the text has {n_tokens:,} tokens, {share:.0%} of the {n_start:,} it began with: "
        "{bytes_per_token:.2f} bytes a token.",
        merges=_merges(n),
        n_tokens=n_tokens,
        share=share,
        n_start=replay.n_start,
        bytes_per_token=replay.bytes_per_token(n),
    )
    return Figure(data, _compression_spec(), _("Line chart: tokens of the text against the number of merges."), summary)


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
    summary = _(
        "Half of the tokens are no longer than {bytes}; the longest has {bytes_2}.",
        bytes=_bytes(middle),
        bytes_2=_bytes(longest),
    )
    return Figure(data, _lengths_spec(), _("Bar chart: number of tokens of each length in bytes."), summary)


def size_against_length(table: pd.DataFrame) -> Figure:
    """Tokens of a text against embedding parameters, one point for each tokenizer.

    `table` has the columns tokenizer, tokens, parameters and kind.
    """
    data = table[["tokenizer", "tokens", "parameters", "kind"]].reset_index(drop=True)
    data["name"] = [name.removeprefix("BPE ") for name in data["tokenizer"]]
    data["side"] = ["above" if place % 2 else "below" for place in range(len(data))]
    shortest, smallest = data.loc[data["tokens"].idxmin()], data.loc[data["parameters"].idxmin()]
    summary = _(
        "{tokenizer} needs the fewest tokens ({tokens:,}), {tokenizer_2} the "
        "smallest table ({parameters:,} parameters).",
        tokenizer=shortest["tokenizer"],
        tokens=shortest["tokens"],
        tokenizer_2=smallest["tokenizer"],
        parameters=smallest["parameters"],
    )
    return Figure(
        data, _trade_spec(), _("Scatter chart: tokens of the text against parameters of the embedding."), summary
    )


def bits_per_byte(table: pd.DataFrame) -> Figure:
    """Bits per byte of the trained models, one bar each. `table` has the columns tokenizer, bits and detail."""
    data = table[["tokenizer", "bits", "detail"]].reset_index(drop=True)
    data["label"] = [number(bits, ".3f") for bits in data["bits"]]
    best = data.loc[data["bits"].idxmin()]
    summary = _(
        "{tokenizer} predicts the text best: {bits:.3f} bits per byte.", tokenizer=best["tokenizer"], bits=best["bits"]
    )
    if len(data) == 1:
        summary = _(
            "{tokenizer} needs {bits:.3f} bits per byte; there is none to compare it with yet.",
            tokenizer=best["tokenizer"],
            bits=best["bits"],
        )
    return Figure(
        data, _bits_spec(len(data)), _("Bar chart: bits per byte of the model trained with each tokenizer."), summary
    )


def _times(count: int) -> str:
    return _("once") if count == 1 else _("{count:,} times", count=count)


def _bytes(n: float) -> str:
    return _("1 byte") if n == 1 else _("{n:,.0f} bytes", n=n)


def _merges(n: int) -> str:
    return _("1 merge") if n == 1 else _("{n:,} merges", n=n)


@cached_by_language(maxsize=1)
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
        alt.X("count:Q", title=_("Occurrences in the text"), axis=alt.Axis(tickCount=3, labelExpr=charts._READABLE)),
        color=alt.condition("datum.place == 1", alt.value("orange"), alt.value("blue")),
        tooltip=[
            alt.Tooltip("pair:N", title=_("Pair")),
            alt.Tooltip("ids:N", title=_("Ids")),
            alt.Tooltip("count:Q", title=_("Occurrences"), format=","),
        ],
    )
    numbers = base.mark_text(align="left", dx=5, fontSize=13).encode(
        x="count:Q", text="label:N", color=alt.value(_QUIET)
    )
    room = base.mark_point(opacity=0, aria=False).encode(x="room:Q")
    return charts._to_spec(alt.layer(bars, room, numbers), _("Most frequent pairs now"), 340)


@cached_by_language(maxsize=1)
def _compression_spec() -> dict[str, Any]:
    horizontal = alt.X("merges:Q", title=_("Merges"), axis=alt.Axis(tickCount=5, labelExpr=charts._READABLE))
    vertical = alt.Y(
        "tokens:Q",
        title=_("Tokens of the text"),
        scale=alt.Scale(domainMin=0),
        axis=alt.Axis(tickCount=5, labelExpr=charts._READABLE),
    )
    tips = [
        alt.Tooltip("merges:Q", title=_("Merges"), format=","),
        alt.Tooltip("tokens:Q", title=_("Tokens"), format=","),
        alt.Tooltip("ratio:Q", title=_("Bytes per token"), format=".2f"),
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
    return charts._to_spec(alt.layer(line, rule, point, *labels), _("How the text shrinks"), 340)


@cached_by_language(maxsize=1)
def _lengths_spec() -> dict[str, Any]:
    chart = (
        alt.Chart()
        .mark_bar()
        .encode(
            alt.X(
                "name:N",
                title=_("Length of the token (bytes)"),
                sort=alt.EncodingSortField("length", op="min", order="ascending"),
                axis=alt.Axis(labelAngle=0),
            ),
            alt.Y("tokens:Q", title=_("Tokens"), axis=alt.Axis(tickCount=4, labelExpr=charts._READABLE)),
            color=alt.value("blue"),
            tooltip=[alt.Tooltip("name:N", title=_("Bytes")), alt.Tooltip("tokens:Q", title=_("Tokens"), format=",")],
        )
    )
    return charts._to_spec(chart, _("How long the tokens are"), 240)


@cached_by_language(maxsize=1)
def _trade_spec() -> dict[str, Any]:
    horizontal = alt.X(
        "parameters:Q",
        title=_("Embedding parameters"),
        scale=alt.Scale(type="log", nice=False, padding=40),
        axis=alt.Axis(tickCount=6, format="~s"),
    )
    vertical = alt.Y(
        "tokens:Q",
        title=_("Tokens of the text"),
        scale=alt.Scale(zero=True, nice=True),
        axis=alt.Axis(tickCount=5, labelExpr=charts._READABLE),
    )
    kinds = [_("characters"), _("BPE learned here"), _("official")]
    base = alt.Chart()
    line = (
        base.transform_filter(alt.FieldEqualPredicate(field="kind", equal=_("BPE learned here")))
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
            alt.Tooltip("tokenizer:N", title=_("Tokenizer")),
            alt.Tooltip("tokens:Q", title=_("Tokens"), format=","),
            alt.Tooltip("parameters:Q", title=_("Embedding parameters"), format=","),
        ],
    )
    # Names stand above and below in turn, so that neighbours do not run into each other.
    names = [
        base.transform_filter(f"datum.side == '{side}'")
        .mark_text(dy=dy, fontSize=13)
        .encode(horizontal, vertical, text="name:N", color=alt.value(_QUIET))
        for side, dy in (("above", -15), ("below", 17))
    ]
    return charts._to_spec(alt.layer(line, points, *names), _("A shorter text costs a larger table"), 360)


@cached_by_language(maxsize=16)
def _bits_spec(n_bars: int) -> dict[str, Any]:
    base = alt.Chart().encode(
        y=alt.Y("tokenizer:N", title=None, sort=None, axis=alt.Axis(labelLimit=170, labelFontSize=14))
    )
    bars = base.mark_bar().encode(
        alt.X(
            "bits:Q",
            title=_("Bits per byte of held-out text (lower is better)"),
            scale=alt.Scale(domainMin=0),
            axis=alt.Axis(tickCount=4),
        ),
        color=alt.value("blue"),
        tooltip=[
            alt.Tooltip("tokenizer:N", title=_("Tokenizer")),
            alt.Tooltip("bits:Q", title=_("Bits per byte"), format=".3f"),
            alt.Tooltip("detail:N", title=_("Run")),
        ],
    )
    numbers = base.mark_text(align="left", dx=5, fontSize=13).encode(
        x="bits:Q", text="label:N", color=alt.value(_QUIET)
    )
    return charts._to_spec(alt.layer(bars, numbers), _("How well each model predicts"), max(150, 34 * n_bars + 90))
