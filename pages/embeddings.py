"""Lesson: windows and embeddings. From a row of token ids to training examples, and from ids to vectors."""

import streamlit as st

from engine.language import N_, _
from pages.parts.embeddings import batch, lookup, positions, space, windows
from pages.shared import guard
from pages.shared.lesson import choose_part, objective

guard.ensure()

st.title(_("Windows and embeddings"), anchor=False)
objective(
    _(
        "Cut a text into training examples whose answers are the text itself, one token later. Then see a token id "
        "become a vector, learn its position, and find its place among the vectors of other tokens."
    ),
    minutes=15,
)
choose_part(
    {
        N_("Windows"): windows.show,
        N_("A batch"): batch.show,
        N_("Look-up"): lookup.show,
        N_("Positions"): positions.show,
        N_("Embedding space"): space.show,
    }
)
