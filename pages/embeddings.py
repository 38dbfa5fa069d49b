"""Lesson: windows and embeddings. From a row of token ids to training examples, and from ids to vectors."""

import streamlit as st

from pages.parts.embeddings import batch, lookup, positions, space, windows
from pages.shared import guard
from pages.shared.lesson import choose_part, objective

guard.ensure()

st.title("Windows and embeddings", anchor=False)
objective(
    "Cut a text into training examples whose answers are the text itself, one token later. Then see a token id become "
    "a vector, learn its position, and find its place among the vectors of other tokens.",
    minutes=15,
)
choose_part(
    {
        "Windows": windows.show,
        "A batch": batch.show,
        "Look-up": lookup.show,
        "Positions": positions.show,
        "Embedding space": space.show,
    }
)
