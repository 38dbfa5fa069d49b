"""Lesson: classification fine-tuning. A language model learns to put texts into classes."""

import streamlit as st

from pages.parts.classification import data, message, quality, race, train, worth
from pages.parts.classification.source import DATA_PART, TRAIN_PART
from pages.shared import guard
from pages.shared.lesson import choose_part, objective

guard.ensure()

st.title("Classification", anchor=False)
objective(
    "Turn a pretrained language model into a classifier: swap its head, train it on labelled texts, see which words "
    "decide, and find out whether it was worth it against methods that take a second.",
    minutes=25,
)
choose_part(
    {
        DATA_PART: data.show,
        TRAIN_PART: train.show,
        "How good is it?": quality.show,
        "One message": message.show,
        "Was it worth it?": worth.show,
        "Race": race.show,
    }
)
