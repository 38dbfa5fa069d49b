"""Lesson: scaling. How loss falls with size and compute, what a training costs, and what it holds in memory."""

import streamlit as st

from pages.parts.scaling import cost, memory, sizes
from pages.shared import guard
from pages.shared.lesson import choose_part, objective

guard.ensure()

st.title("Scaling", anchor=False)
objective(
    "Train a few small models, read a law from them and predict a larger one before it is trained. Then count what "
    "GPT-3 took: operations, years, money and memory, with every assumption in sight.",
    minutes=30,
)
choose_part(
    {
        "Train sizes": sizes.show,
        "What does it cost?": cost.show,
        "Memory": memory.show,
    }
)
