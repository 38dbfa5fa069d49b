"""Lesson: data."""

import streamlit as st

from pages.shared import guard

guard.ensure()

st.title("Data", anchor=False)
