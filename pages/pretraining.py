"""Lesson: pretraining. A model learns to predict the next token of a text, live."""

import streamlit as st

from pages.parts.pretraining import (
    before_transformers,
    beyond_words,
    bug_hunt,
    diagnosis,
    predict,
    race,
    rate_finder,
    time_machine,
    train,
)
from pages.shared import guard
from pages.shared.lesson import choose_part, objective

guard.ensure()

st.title("Pretraining", anchor=False)
objective(
    "Watch a model learn a language by doing one thing: predicting the next token of a text, again and again, and "
    "being corrected a little each time. Then go back through its time, break it, race it and find out what is wrong.",
    minutes=40,
)
choose_part(
    {
        "Train": train.show,
        "Time machine": time_machine.show,
        "Is it normal?": diagnosis.show,
        "Bug hunt": bug_hunt.show,
        "Race": race.show,
        "Predict, then run": predict.show,
        "Beyond words": beyond_words.show,
        "Learning-rate finder": rate_finder.show,
        "Before transformers": before_transformers.show,
    }
)
