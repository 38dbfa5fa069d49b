"""Lesson: the original transformer. An encoder–decoder learns to translate."""

import streamlit as st

from pages.parts.translation import beams, families, forcing, train, translate
from pages.parts.translation.source import TRAIN_PART
from pages.shared import guard
from pages.shared.lesson import choose_part, objective

guard.ensure()

st.title("The original transformer", anchor=False)
objective(
    "Train the encoder–decoder of 2017 to translate, and see which words it looks at while it writes, what a teacher "
    "hides in training, and how it is asked for its best sentence.",
    minutes=20,
)
choose_part(
    {
        TRAIN_PART: train.show,
        "Translate": translate.show,
        "Teacher forcing": forcing.show,
        "Greedy and beam": beams.show,
        "Three families": families.show,
    }
)
