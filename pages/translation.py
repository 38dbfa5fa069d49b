"""Lesson: the original transformer."""

import streamlit as st

from pages.shared import guard
from pages.shared.lesson import objective
from pages.shared.models import choose_model

guard.ensure()

st.title("The original transformer", anchor=False)
objective(
    "Train the encoder–decoder of 2017 to translate, and see which words it looks at while it writes.",
    minutes=15,
)
choose_model()
