"""Part "Beyond words": what the numbers of a run do that no sample shows."""

from __future__ import annotations

import streamlit as st

from engine.language import N_, _
from pages.parts.pretraining.batches_read import show_batches
from pages.parts.pretraining.energy_used import show_energy
from pages.parts.pretraining.layer_movement import show_movement
from pages.parts.pretraining.spread import show_spread
from pages.parts.pretraining.time_machine import choose_run
from pages.shared.errors import shown_errors

SPREAD, MOVES, READ, TAKES = (
    N_("Weights and activations"),
    N_("Gradients and updates"),
    N_("Batches"),
    N_("Energy and cost"),
)
VIEWS = (SPREAD, MOVES, READ, TAKES)


def show() -> None:
    """The part of the lesson."""
    st.markdown(
        _(
            "Loss and samples are what a model says. Below them are numbers that show **how** it learns: which parts "
            "move, how their weights spread, what it read when, and what that took."
        )
    )
    record = choose_run("beyond-run")
    if record is None:
        return
    chosen = st.segmented_control(
        _("Look at"),
        VIEWS,
        format_func=_,
        default=VIEWS[0],
        required=True,
        key="beyond-view",
        persist_state="session",
        wrap=True,
        help=_("Four ways to look at the same run."),
    )
    with shown_errors():
        {SPREAD: show_spread, MOVES: show_movement, READ: show_batches, TAKES: show_energy}[chosen](record)
