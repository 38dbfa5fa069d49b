"""Lesson: one prompt, whole way. From its bytes to the next token, on the model that is training now."""

import streamlit as st

from engine.language import _
from pages.parts.journey import whole_way
from pages.shared import guard
from pages.shared.errors import shown_errors
from pages.shared.lesson import objective

guard.ensure()

st.title(_("One prompt, whole way"), anchor=False)
objective(
    _(
        "Follow one prompt through the whole machine: bytes, merges, ids, vectors, attention, the residual stream, "
        "logits and the next token, on a model that learns while you watch."
    ),
    minutes=15,
)
with shown_errors():
    whole_way.show()
