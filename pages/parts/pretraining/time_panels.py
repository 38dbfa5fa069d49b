"""The panels of the time machine: everything about a model at one checkpoint."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import streamlit as st

from engine.checkpoint import Checkpoint
from engine.language import N_, _, number
from engine.moments import LENS_TOP
from engine.runs.records import RunRecord
from pages.parts.attention.figures import over_training
from pages.parts.attention.head import chosen_head, head_name
from pages.parts.evaluation.surprise import _drawn, _said
from pages.parts.pretraining.moments import (
    FAMILIES,
    Moment,
    Question,
    all_of,
    looked,
    named,
    places,
    plain,
    surprised,
    written,
)
from pages.parts.transformer.reading import token_name
from pages.shared import charts
from pages.shared.aside import all_computed, found_by
from pages.shared.components.attention_map import attention_map
from pages.shared.components.embedding_map import MapPoint, embedding_map
from pages.shared.components.lens_table import lens_table
from pages.shared.components.surprise_text import Piece, surprise_text
from pages.shared.errors import shown_errors
from pages.shared.models import load
from pages.shared.run_data import run_name, view
from pages.shared.sentence import Sentence
from pages.shared.tables import show_table


def show_panels(record: RunRecord, moment: Moment, last: Moment, question: Question) -> None:
    """Two columns of panels, each by itself: what fails in one leaves the others."""
    checkpoint = load(last.choice)  # its shape and its tokens, which are the same at every moment
    panels: list[tuple[str, Callable[[], None]]] = [
        (_("What it writes"), lambda: _sample(moment, question)),
        (_("Loss"), lambda: _loss(record, moment)),
        (_("Next token"), lambda: _next(moment, question)),
        (_("Map of words"), lambda: _map(moment, last)),
    ]
    own = question.sentence
    all_computed(_("The model of step {step:,} is asked", step=moment.info.step), all_of(moment, last, question))
    if own is not None:
        panels += [
            (_("Attention"), lambda: _attention(moment, checkpoint, own)),
            (_("Logit lens"), lambda: _lens(moment, checkpoint, own)),
            (_("Surprise"), lambda: _surprise(moment, own)),
        ]
    names = [name for name, _unused in panels]
    shown = st.pills(
        _("Panels"),
        names,
        selection_mode="multi",
        format_func=_,
        default=names,
        key=f"time-panels:{len(names)}",
        persist_state="session",
        label_visibility="collapsed",
        help=_("What is drawn at every move. Fewer panels make a small screen clearer."),
    )
    drawn = [(name, draw) for name, draw in panels if name in (shown or ())]
    sides = st.columns(2, gap="small") if len(drawn) > 1 else [st.container()]
    for index, (name, draw) in enumerate(drawn):
        with sides[index % len(sides)], st.container(border=True), shown_errors(_("draw the panel {name}", name=name)):
            draw()
    with st.expander(_("Next tokens as a table"), icon=":material/table:"):
        top = found_by(written(moment, question)).top
        table = pd.DataFrame(
            [(charts.visible_token(text), p) for text, p in top], columns=[N_("token"), N_("probability")]
        )
        show_table(table, hide_index=True, width="stretch")


def _sample(moment: Moment, question: Question) -> None:
    found = found_by(written(moment, question))
    st.markdown(_("**What it writes**"))
    st.text(question.prompt + found.text)
    how = _("always the likeliest token") if question.greedy else _("the same dice at every checkpoint")
    st.caption(_("The prompt, then the model's own words at step {step:,}: {how}.", step=moment.info.step, how=how))


def _next(moment: Moment, question: Question) -> None:
    found = found_by(written(moment, question))
    rows = pd.DataFrame(found.top, columns=[N_("token"), N_("probability")])
    charts.next_token_bars(rows, title=_("Next token after the prompt")).show()


def _loss(record: RunRecord, moment: Moment) -> None:
    """Of a mixture every source in bits per byte; of a single text the validation and the training loss."""
    found = view(record, run_name(record))
    until = record.total_steps or record.step
    if not found.sources.empty and found.sources["bits_per_byte"].notna().all():
        series = {
            _(str(name)): _thinned(rows, "bits_per_byte") for name, rows in found.sources.groupby("run", sort=False)
        }
        title, unit = _("Validation loss of each source"), _("bits per byte")
    else:
        series = {
            {"train": _("training"), "validation": _("validation")}[str(name)]: _thinned(rows, "loss")
            for name, rows in found.losses.groupby("series", sort=False)
        }
        title, unit = _("Loss"), _("nats per token")
    if not series:
        st.caption(_("No loss has been measured yet."))
        return
    here = {name: _before(points, moment.info.step) for name, points in series.items()}
    said = ", ".join(f"{name} {number(point[1], '.2f')}" for name, point in here.items() if point is not None)
    over_training(
        series,
        title=title,
        y=unit,
        at=moment.info.step,
        until=until,
        height=290,
        summary=_("Measured last before the dashed line: {said} ({unit}).", said=said, unit=unit)
        if said
        else _("Nothing measured before it."),
    ).show()


def _thinned(rows: pd.DataFrame, column: str, most: int = 24) -> list[tuple[int, float]]:
    """A few points, spread evenly over the logarithm of the step, as the axis is."""
    steps = rows["step"].to_numpy()
    wanted = np.geomspace(1, max(2, steps[-1] + 1), most) - 1
    keep = np.unique(np.abs(steps[:, None] - wanted[None, :]).argmin(axis=0))
    return [(int(steps[i]), float(rows[column].iloc[i])) for i in keep]


def _before(points: list[tuple[int, float]], step: int) -> tuple[int, float] | None:
    earlier = [point for point in points if point[0] <= step]
    return earlier[-1] if earlier else None


def _map(moment: Moment, last: Moment) -> None:
    words = named(last)
    if len(words.ids) < 4:
        st.caption(_("This model has too few tokens for a map."))
        return
    points, _share = found_by(places(moment, last))
    frame, _share = found_by(places(last, last))  # one frame for all checkpoints: points move, the axes do not
    low, high = frame.min(axis=0), frame.max(axis=0)
    low, high = low - 0.06 * (high - low), high + 0.06 * (high - low)
    inside = np.clip(points, low, high)
    st.markdown(_("**Map of words**"))
    embedding_map(
        [
            MapPoint(int(i), text, x, y, group)
            for i, text, (x, y), group in zip(words.ids, words.texts, inside.tolist(), words.groups, strict=True)
        ],
        list(map(_, FAMILIES)),
        (low[0], high[0], low[1], high[1]),
        "time-map",
        label=_("Map of {n_ids} tokens by PCA at step {step}.", n_ids=len(words.ids), step=moment.info.step),
    )
    st.caption(
        _(
            "{n_ids} tokens of the vocabulary, vectors scaled to length 1, on the two axes of largest spread at "
            "the last checkpoint.",
            n_ids=len(words.ids),
        )
    )


def _attention(moment: Moment, checkpoint: Checkpoint, own: Sentence) -> None:
    config = checkpoint.model.config
    layer, head = chosen_head(config)
    layer, head = min(layer, config.n_layers - 1), min(head, config.n_heads - 1)
    weights = found_by(looked(moment, own)).maps[layer, head]
    st.markdown(_("**Attention of {head_name}**", head_name=head_name(layer, head)))
    attention_map(
        weights,
        own.tokens,
        own.tokens,
        key="time-attention",
        row_ids=own.ids,
        column_ids=own.ids,
        causal=config.causal,
        summary=_(
            "Attention of {head_name} at step {step}: each row adds up to 1.",
            head_name=head_name(layer, head),
            step=moment.info.step,
        ),
    )


def _lens(moment: Moment, checkpoint: Checkpoint, own: Sentence) -> None:
    lens = found_by(looked(moment, own)).lens
    rows = [_("embedding"), *(_("layer {n}", n=n) for n in range(1, len(lens.ids) - 1)), _("output")]
    st.markdown(_("**Logit lens**"))
    lens_table(
        lens.ids[:, :, :LENS_TOP],
        lens.probabilities[:, :, :LENS_TOP],
        {int(i): token_name(checkpoint, int(i)) for i in np.unique(lens.ids)},
        list(zip(own.tokens, own.ids, strict=True)),
        rows,
        "time-lens",
        selected=len(own.ids) - 1,
        label=_("The most probable next token after each layer, for every token of the text"),
    )
    agree = (lens.ids[:-1, :, 0] == lens.final_ids).mean(axis=1)
    st.caption(
        _(
            "Before the last layer {agree:.0%} of the positions already say what the model says at the end; after the "
            "embedding {agree_2:.0%}.",
            agree=agree[-1],
            agree_2=agree[0],
        )
    )


def _surprise(moment: Moment, own: Sentence) -> None:
    text, found = plain(own), found_by(surprised(moment, own))
    st.markdown(_("**Surprise of your sentence**"))
    if len(found.spans) < 2:
        st.caption(_("Write one more word: the first token has nothing before it that could predict it."))
        return
    bits = -np.log2(np.maximum(found.probabilities, 1e-300))
    texts = _drawn(text, found.spans.starts, found.spans.ends)
    pieces = [
        Piece(each, None if math.isnan(bit) else bit, _said(bit, p))
        for each, bit, p in zip(texts, bits.tolist(), found.probabilities.tolist(), strict=True)
    ]
    surprise_text(
        pieces, "time-surprise", scale="surprise", label=_("Your sentence, tinted by the surprise of each token")
    )
    known = bits[~np.isnan(bits)]
    st.caption(
        _(
            "{mean:.1f} bits a token, {sum:,.0f} in all, at step {step:,}.",
            mean=known.mean(),
            sum=known.sum(),
            step=moment.info.step,
        )
    )
