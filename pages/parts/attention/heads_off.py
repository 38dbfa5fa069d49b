"""Switches for all heads, and what the model predicts without those that are off."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from engine import inspection
from engine.aside_worker import Call
from engine.errors import EngineError
from engine.gpt import Attention
from engine.head_questions import loss_with_off
from engine.language import N_, _, number
from pages.parts.attention import effects
from pages.parts.attention.chosen_heads import Chosen
from pages.parts.attention.head import choose_head, head_name
from pages.parts.attention.maps import overview
from pages.shared.aside import all_computed
from pages.shared.charts import _distinct, grouped_bars, percent, visible_token
from pages.shared.code_panel import show_code
from pages.shared.components.head_maps import HeadTile, head_maps
from pages.shared.draft import show_bytes
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.models import ModelChoice, inference, load, model_named
from pages.shared.sentence import traced

N_BARS = 8


def show_switches(chosen: Chosen) -> None:
    """Draw the view."""
    st.markdown(
        _(
            "Each tile is a switch: a head that is off writes zeros where its result was, and everything after it "
            "reads on with what is left."
        )
    )
    config = chosen.checkpoint.model.config
    key = f"heads_off:{config.n_layers}x{config.n_heads}"
    off: frozenset[tuple[int, int]] = st.session_state.get(key, frozenset())
    layer, head = choose_head(config, wide=True)
    every = frozenset(np.ndindex(config.n_layers, config.n_heads))

    def switch(heads: frozenset[tuple[int, int]]) -> None:
        st.session_state[key] = heads

    this = frozenset({(layer, head)})
    presets = {
        N_("All on"): (frozenset(), _("The model as it was trained.")),
        N_("All off"): (every, _("No head of any layer: only embeddings and MLPs are left.")),
        N_("Only this head off"): (this, _("The chosen layer and head, and no other.")),
        N_("Only this head on"): (every - this, _("All others are switched off.")),
        N_("This layer off"): (
            frozenset(each for each in every if each[0] == layer),
            _("All heads of the chosen layer."),
        ),
    }
    with st.container(horizontal=True, gap="small"):
        for name, (heads, why) in presets.items():
            st.button(_(name), key=f"heads_{name}", on_click=switch, args=(heads,), help=_(why))
    scores = overview(chosen.choice, chosen.sentence.ids).scores
    grid, result = st.columns([1, 1.2], gap="large")
    with grid:
        st.markdown(_("**Heads, {n_off} of {n_every} off**", n_off=len(off), n_every=len(every)))
        head_maps(
            [_switch(scores, place, place in off) for place in np.ndindex(*chosen.shape)],
            key="heads_switches",
            columns=config.n_heads,
            selected=(layer, head),
            size="small" if len(every) > 24 else "large",
            summary=_("{n_every} heads, {n_off} of them off. Enter switches one.", n_every=len(every), n_off=len(off)),
            on_click=lambda layer, head: switch(off ^ {(layer, head)}),
        )
        st.caption(_("Layer · head, with the label on your sentence. Click a tile to switch it."))
    with result:
        _before_and_after(chosen, off)
    notice(
        _(
            "One head off changes the bars a little, the whole of a layer much. The residual stream carries the rest: "
            "without any head the model still has its embeddings and MLPs, and predicts from the last token alone "
            "(and, with learned positions, from its place)."
        ),
        _("The loss is measured on text, the bars on your sentence: they need not agree."),
    )
    exercise(
        _(
            "Switch all heads off. What does the model predict now, and does it depend on the words before the last "
            "token?"
        ),
        _(
            "It predicts what usually follows the last token, like a bigram table: attention is the only way for one "
            "position to learn of another. Change an earlier word, and the bars with all heads off stay the same."
        ),
    )
    show_code(Attention.forward, inspection.loss_without)


def _switch(scores: inspection.HeadScores, place: tuple[int, int], off: bool) -> HeadTile:
    label, _unused = scores.label(*place)
    now, then = (_("off"), _("on")) if off else (_("on"), _("off"))
    name = _(
        "{capitalize}, {label}: {now}; press to switch it {then}",
        capitalize=head_name(*place).capitalize(),
        label=_(label),
        now=now,
        then=then,
    )
    return HeadTile(*place, label, (), name, off=off)


def _before_and_after(chosen: Chosen, off: frozenset[tuple[int, int]]) -> None:
    before = _next_token(chosen, frozenset())
    after = _next_token(chosen, off)
    top = np.argsort(-np.maximum(before, after))[:N_BARS]
    tokenizer = chosen.checkpoint.tokenizer
    names = _distinct(
        [
            visible_token(show_bytes(tokenizer.token_bytes(int(i)))) if i < tokenizer.n_vocab else _("(unused)")
            for i in top
        ]
    )
    series = ((_("all heads on"), before), (_("with the switches"), after))
    rows = [
        (name, label, float(p[i]), percent(float(p[i])))
        for name, i in zip(names, top, strict=True)
        for label, p in series
    ]
    first, then = (names[int(p[top].argmax())] for p in (before, after))
    says = _("Next token: {first} with all heads on, {then} with the switches.", first=first, then=then)
    grouped_bars(
        pd.DataFrame(rows, columns=["row", "series", "value", "shown"]),
        title=_("The next token of your sentence"),
        rows_title=_("Token (␣ is a space)"),
        value_title=_("Probability"),
        series_title="",
        alt_text=_("Bar chart: probability of the most probable next tokens with all heads on and with the switches."),
        summary=says,
    ).show(caption=False)
    st.text(says)
    moved = float(np.abs(after - before).sum()) / 2
    with st.container(border=True):
        columns = st.columns(2)
        columns[0].metric(_("Probability that moved"), percent(moved), help=_("Half the sum of all differences."))
        with columns[1], shown_errors():
            losses = _losses(chosen, off)
            if losses is None:
                st.caption(_("There is no held-out text for this model here, so no loss is shown."))
                return
            st.metric(
                _("Loss (nats per token)"),
                number(losses[1], ".3f"),
                number(losses[1] - losses[0], "+.3f") if off else None,
                delta_color="inverse",
                help=_("On held-out text; {losses:.3f} with all heads on.", losses=losses[0]),
            )


def _next_token(chosen: Chosen, off: frozenset[tuple[int, int]]) -> np.ndarray:
    if not off:
        return _softmax(traced(chosen.choice, chosen.sentence.ids)[1][-1])
    return _without(chosen.choice.key, chosen.sentence.ids, tuple(sorted(off)), chosen.choice)


@st.cache_resource(max_entries=64, show_spinner=False)
def _without(key: str, ids: tuple[int, ...], off: tuple[tuple[int, int], ...], _choice: ModelChoice) -> np.ndarray:
    model = load(_choice).model
    with inference():
        return _softmax(inspection.trace_of(model, ids, head_scale=_scale(model.config, off))[1][-1])


def _losses(chosen: Chosen, off: frozenset[tuple[int, int]]) -> list[float] | None:
    """With all heads on and with these off; None without a text to measure on."""
    try:
        model, text = model_named(chosen.choice), effects.text_named(chosen.choice)
        calls = [Call(loss_with_off, (model, text, tuple(sorted(each)))) for each in (frozenset(), off)]
        return all_computed(_("Reading the held-out text …"), calls)
    except EngineError:
        return None


def _scale(config: Any, off: tuple[tuple[int, int], ...]) -> np.ndarray:
    scale = np.ones((config.n_layers, config.n_heads), dtype=np.float32)
    for place in off:
        scale[place] = 0
    return scale


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max())
    probabilities: np.ndarray = exponentials / exponentials.sum()
    return probabilities
