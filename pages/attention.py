"""Lesson: attention. What each head looks at, and what it is for."""

import streamlit as st

from engine.language import N_, _
from pages.parts.attention import causal, forming, heads, maps, steps
from pages.shared import guard
from pages.shared.lesson import choose_part, objective

guard.ensure()

st.title(_("Attention"), anchor=False)
objective(
    _(
        "See which earlier tokens each head of a model looks at, compute one head by hand, and measure what each of "
        "them is for."
    ),
    minutes=15,
)
choose_part(
    {
        N_("Maps"): maps.show,
        N_("Step by step"): steps.show,
        N_("What is this head doing?"): heads.show,
        N_("Watch it form"): forming.show,
        N_("Why causal?"): causal.show,
    }
)
