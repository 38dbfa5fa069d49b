"""Lesson: the foundation model. What pretraining leaves behind, and what it can do untaught."""

import streamlit as st

from engine.language import N_, _
from pages.parts.foundation import abilities, ablation, examples, growth, model
from pages.shared import guard
from pages.shared.lesson import choose_part, objective

guard.ensure()

st.title(_("Foundation model"), anchor=False)
objective(
    _(
        "Meet the model that pretraining leaves behind, measure what it can do though nobody taught it, see when that "
        "appears, and take away a part of its text to find out where an ability comes from."
    ),
    minutes=20,
)
choose_part(
    {
        N_("The model"): model.show,
        N_("Untaught abilities"): abilities.show,
        N_("When do they appear?"): growth.show,
        N_("Few-shot"): examples.show,
        N_("Ablation"): ablation.show,
    }
)
