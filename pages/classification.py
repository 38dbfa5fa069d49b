"""Lesson: classification fine-tuning. A language model learns to put texts into classes."""

import streamlit as st

from engine.language import N_, _
from pages.parts.classification import data, message, quality, race, train, worth
from pages.parts.classification.source import DATA_PART, TRAIN_PART
from pages.shared import guard
from pages.shared.lesson import choose_part, objective

guard.ensure()

st.title(_("Classification"), anchor=False)
objective(
    _(
        "Turn a pretrained language model into a classifier: swap its head, train it on labelled texts, see which "
        "words decide, and find out whether it was worth it against methods that take a second."
    ),
    minutes=25,
)
choose_part(
    {
        DATA_PART: data.show,
        TRAIN_PART: train.show,
        N_("How good is it?"): quality.show,
        N_("One message"): message.show,
        N_("Was it worth it?"): worth.show,
        N_("Race"): race.show,
    }
)
