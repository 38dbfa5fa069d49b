"""Lesson: anatomy. What a transformer is made of, what it costs, and one sentence followed through all of it."""

import streamlit as st

from engine.language import N_, _
from pages.parts.transformer import activations, layernorm, lens, size, stream, through
from pages.shared import guard
from pages.shared.lesson import choose_part, objective

guard.ensure()

st.title(_("Anatomy"), anchor=False)
objective(
    _(
        "Count what a transformer is made of, know whether it fits your machine, and follow one sentence through every "
        "operation of it."
    ),
    minutes=20,
)
choose_part(
    {
        N_("Size"): size.show,
        N_("Through the model"): through.show,
        N_("LayerNorm"): layernorm.show,
        N_("Activations"): activations.show,
        N_("Residual stream"): stream.show,
        N_("Logit lens"): lens.show,
    }
)
