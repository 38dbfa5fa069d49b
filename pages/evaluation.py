"""Lesson: evaluation. How well a model predicts, where it is surprised, what it copied, and the card that says so."""

import streamlit as st

from engine.language import N_, _
from pages.parts.evaluation import card, memorised, steps, surprise
from pages.shared import guard
from pages.shared.lesson import choose_part, objective

guard.ensure()

st.title(_("Evaluation"), anchor=False)
objective(
    _(
        "Follow the loss from one row of logits to perplexity and bits per byte, see which words of your own text "
        "surprise a model, find what it copied from its training text, and print the report card of a run."
    ),
    minutes=20,
)
choose_part(
    {
        N_("Cross-entropy step by step"): steps.show,
        N_("Surprise"): surprise.show,
        N_("Memorised or generalised?"): memorised.show,
        N_("Report card"): card.show,
    }
)
