"""Lesson: tokenization."""

import streamlit as st

from pages.shared import guard

guard.ensure()

st.title("Tokenization", anchor=False)
