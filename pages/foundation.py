"""Lesson: the foundation model. What pretraining leaves behind, and what it can do untaught."""

import streamlit as st

from pages.parts.foundation import abilities, ablation, examples, growth, model
from pages.shared import guard
from pages.shared.lesson import choose_part, objective

guard.ensure()

st.title("Foundation model", anchor=False)
objective(
    "Meet the model that pretraining leaves behind, measure what it can do though nobody taught it, see when that "
    "appears, and take away a part of its text to find out where an ability comes from.",
    minutes=20,
)
choose_part(
    {
        "The model": model.show,
        "Untaught abilities": abilities.show,
        "When do they appear?": growth.show,
        "Few-shot": examples.show,
        "Ablation": ablation.show,
    }
)
