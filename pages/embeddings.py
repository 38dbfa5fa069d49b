"""Lesson: embeddings."""

import streamlit as st

from pages.shared import guard

guard.ensure()

st.title("Windows and embeddings", anchor=False)
