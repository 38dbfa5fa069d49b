"""Part "What does it cost?": operations, then time and money, with every assumption in sight."""

from __future__ import annotations

import streamlit as st

from engine.language import N_, _
from pages.parts.scaling.bill import show_bill
from pages.parts.scaling.own_speed import show_own
from pages.parts.scaling.per_parameter import show_tokens
from pages.parts.scaling.published import show_published

BILL, PUBLISHED, OWN, TOKENS = N_("A bill"), N_("Published trainings"), N_("Scale up my run"), N_("Tokens for a size")


def show() -> None:
    """Draw the part."""
    st.markdown(
        _(
            "Training reads each token with every parameter: two operations forward, four backward. From 6 · N · D "
            "operations to years and dollars it is two divisions and a multiplication, and a handful of assumptions."
        )
    )
    view = st.segmented_control(
        _("Look at"),
        [BILL, PUBLISHED, OWN, TOKENS],
        default=BILL,
        required=True,
        key="cost-view",
        persist_state="session",
        help=_(
            "The bill of a training, the published ones beside ours, this machine's years for GPT-3, and how many "
            "tokens suit a size."
        ),
    )
    {BILL: show_bill, PUBLISHED: show_published, OWN: show_own, TOKENS: show_tokens}[view]()
