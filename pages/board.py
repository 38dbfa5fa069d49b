"""The class board: for the teacher who is where, what trains, and what was reached; for all others how to join."""

import streamlit as st

from engine.language import _
from pages.parts.board.key import ask_for_key, explain_classes
from pages.parts.board.view import show_board
from pages.shared import guard, viewer
from pages.shared.errors import shown_errors

guard.ensure()

st.title(_("Class board"), anchor=False)
with shown_errors():
    if not viewer.in_class():
        explain_classes()
    elif not viewer.is_teacher():
        ask_for_key()
    else:
        show_board()
