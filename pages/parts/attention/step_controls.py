"""Which step is shown, and dropout on its weights."""

from __future__ import annotations

import numpy as np
import streamlit as st

from engine import attention_steps
from engine.attention_steps import Dropped
from engine.inspection import AttentionStages
from engine.language import _
from pages.parts.attention.step_view import STAGES
from pages.shared.wording import slider_form

_STAGE = "steps_stage"
_SEED = "steps_seed"


def choose_stage() -> int:
    """The step as a number from 0, with what it does beneath."""
    st.session_state.setdefault(_STAGE, 0)  # in place of a default: Back and Next set it too
    with st.container(horizontal=True, vertical_alignment="bottom"):
        stage = st.segmented_control(
            _("Step"),
            list(range(len(STAGES))),
            required=True,
            format_func=lambda i: _(f"{i + 1}: {STAGES[i].name}"),
            key=_STAGE,
            persist_state="session",
            help=_("The five steps in their order; each begins with the matrix of the one before."),
            wrap=True,
        )
        stage = stage or 0
        st.button(
            _("Back"),
            key="steps_back",
            disabled=stage == 0,
            on_click=_go,
            args=(stage - 1,),
            help=_("The step before."),
        )
        st.button(
            _("Next"),
            key="steps_next",
            disabled=stage == len(STAGES) - 1,
            on_click=_go,
            args=(stage + 1,),
            help=_("The step after."),
        )
    st.markdown(STAGES[stage].words)
    return stage


def _go(stage: int) -> None:
    st.session_state[_STAGE] = stage


def choose_dropout(own: AttentionStages) -> Dropped | None:
    """Dropout of the weights, as in training; None where it is off."""
    on = st.toggle(
        _("Dropout, as in training"),
        key="steps_dropout",
        persist_state="session",
        help=_("During training some weights are set to 0 by chance, so that no head can rely on a single token."),
    )
    if not on:
        return None
    rate_place, roll = st.columns([2, 1], vertical_alignment="bottom")
    rate = rate_place.slider(
        _("Dropout rate"),
        0.0,
        0.9,
        0.2,
        0.05,
        format=slider_form(),
        key="steps_rate",
        persist_state="session",
        help=_("The chance of each weight to be dropped. Those kept are multiplied by 1 / (1 − rate)."),
    )
    roll.button(
        _("Roll again"),
        icon=":material/casino:",
        key="steps_roll",
        on_click=_roll,
        width="stretch",
        help=_("New dice: every training step rolls its own."),
    )
    seed = int(st.session_state.get(_SEED, 0))
    dropped = attention_steps.drop_weights(own.weights, rate, seed)
    allowed = np.isfinite(own.masked)
    n_lost, n = int((allowed & ~dropped.kept).sum()), int(allowed.sum())
    sums = (own.weights * dropped.kept).sum(1) * dropped.scale
    st.caption(
        _(
            "Roll {seed}: {n_lost} of {n} weights are dropped ({n_lost_2:.0%}, expected {rate:.0%}); the others are "
            "multiplied by {scale:.2f}. The rows now sum to {min:.2f} up to {max:.2f}, and to 1 on "
            "average over many rolls. Only training does this: a model that writes keeps every weight.",
            seed=seed + 1,
            n_lost=n_lost,
            n=n,
            n_lost_2=n_lost / n,
            rate=rate,
            scale=dropped.scale,
            min=sums.min(),
            max=sums.max(),
        )
    )
    return dropped


def _roll() -> None:
    st.session_state[_SEED] = int(st.session_state.get(_SEED, 0)) + 1
