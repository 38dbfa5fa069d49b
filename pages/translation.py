"""Lesson: the original transformer. An encoder–decoder learns to translate."""

import streamlit as st

from engine.language import N_, _
from pages.parts.translation import beams, families, forcing, train, translate
from pages.parts.translation.source import TRAIN_PART
from pages.shared import guard
from pages.shared.lesson import choose_part, objective

guard.ensure()

st.title(_("The original transformer"), anchor=False)
objective(
    _(
        "Train the encoder–decoder of 2017 to translate, and see which words it looks at while it writes, what a "
        "teacher hides in training, and how it is asked for its best sentence."
    ),
    minutes=20,
)
choose_part(
    {
        TRAIN_PART: train.show,
        N_("Translate"): translate.show,
        N_("Teacher forcing"): forcing.show,
        N_("Greedy and beam"): beams.show,
        N_("Three families"): families.show,
    }
)
