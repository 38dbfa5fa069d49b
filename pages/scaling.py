"""Lesson: scaling. How loss falls with size and compute, what a training costs, and what it holds in memory."""

import streamlit as st

from engine.language import N_, _
from pages.parts.scaling import cost, memory, sizes
from pages.shared import guard
from pages.shared.lesson import choose_part, objective

guard.ensure()

st.title(_("Scaling"), anchor=False)
objective(
    _(
        "Train a few small models, read a law from them and predict a larger one before it is trained. Then count what "
        "GPT-3 took: operations, years, money and memory, with every assumption in sight."
    ),
    minutes=30,
)
choose_part(
    {
        N_("Train sizes"): sizes.show,
        N_("What does it cost?"): cost.show,
        N_("Memory"): memory.show,
    }
)
