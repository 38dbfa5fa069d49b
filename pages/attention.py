"""Lesson: attention."""

import streamlit as st

from pages.shared import guard
from pages.shared.lesson import objective
from pages.shared.models import choose_model

guard.ensure()

st.title("Attention", anchor=False)
objective(
    "See which earlier tokens each head of a model looks at, compute one head by hand, and measure what each of them "
    "is for.",
    minutes=15,
)
choose_model()
