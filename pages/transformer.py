"""Lesson: anatomy."""

import streamlit as st

from pages.shared import guard
from pages.shared.lesson import objective
from pages.shared.models import choose_model

guard.ensure()

st.title("Anatomy", anchor=False)
objective(
    "Count what a transformer is made of, and follow one sentence through every operation of it.",
    minutes=15,
)
choose_model()
