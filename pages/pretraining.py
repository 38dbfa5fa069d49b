"""Lesson: pretraining. A model learns to predict the next token of a text, live."""

import streamlit as st

from engine.language import N_, _
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

st.title(_("Pretraining"), anchor=False)
objective(
    _(
        "Watch a model learn a language by doing one thing: predicting the next token of a text, again and again, and "
        "being corrected a little each time. Then go back through its time, break it, race it and find out what is "
        "wrong."
    ),
    minutes=40,
)
choose_part(
    {
        N_("Train"): train.show,
        N_("Time machine"): time_machine.show,
        N_("Is it normal?"): diagnosis.show,
        N_("Bug hunt"): bug_hunt.show,
        N_("Race"): race.show,
        N_("Predict, then run"): predict.show,
        N_("Beyond words"): beyond_words.show,
        N_("Learning-rate finder"): rate_finder.show,
        N_("Before transformers"): before_transformers.show,
    }
)
