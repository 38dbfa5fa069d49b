"""Lesson: anatomy. What a transformer is made of, what it costs, and one sentence followed through all of it."""

import streamlit as st

from pages.parts.transformer import activations, layernorm, lens, size, stream, through
from pages.shared import guard
from pages.shared.lesson import choose_part, objective

guard.ensure()

st.title("Anatomy", anchor=False)
objective(
    "Count what a transformer is made of, know whether it fits your machine, and follow one sentence through every "
    "operation of it.",
    minutes=20,
)
choose_part(
    {
        "Size": size.show,
        "Through the model": through.show,
        "LayerNorm": layernorm.show,
        "Activations": activations.show,
        "Residual stream": stream.show,
        "Logit lens": lens.show,
    }
)
