"""Lesson: one prompt, whole way."""

import streamlit as st

from pages.shared import guard
from pages.shared.lesson import objective
from pages.shared.models import choose_model

guard.ensure()

st.title("One prompt, whole way", anchor=False)
objective(
    "Follow one prompt from its bytes to the next token, on the model that is training now.",
    minutes=15,
)
choose_model()
