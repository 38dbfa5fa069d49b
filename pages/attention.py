"""Lesson: attention. What each head looks at, and what it is for."""

import streamlit as st

from pages.parts.attention import causal, forming, heads, maps, steps
from pages.shared import guard
from pages.shared.lesson import choose_part, objective

guard.ensure()

st.title("Attention", anchor=False)
objective(
    "See which earlier tokens each head of a model looks at, compute one head by hand, and measure what each of them "
    "is for.",
    minutes=15,
)
choose_part(
    {
        "Maps": maps.show,
        "Step by step": steps.show,
        "What is this head doing?": heads.show,
        "Watch it form": forming.show,
        "Why causal?": causal.show,
    }
)
