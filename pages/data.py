"""Lesson: data. What a model reads decides what it can say: raw text in numbers, its repetitions and its mixture."""

import streamlit as st

from engine.language import N_, _
from pages.parts.data import gpt3, mix, near_duplicates, the_text, tokens_and_words, zipf_heaps
from pages.shared import guard
from pages.shared.lesson import choose_part, objective

guard.ensure()

st.title(_("Data"), anchor=False)
objective(
    _(
        "Look at raw text as a model's maker does: how much there is, how words are distributed, what repeats, what "
        "GPT-3 read, and how to mix a training text of your own."
    ),
    minutes=20,
)
choose_part(
    {
        N_("The text"): the_text.show,
        N_("Zipf and Heaps"): zipf_heaps.show,
        N_("Near-duplicates"): near_duplicates.show,
        N_("What GPT-3 read"): gpt3.show,
        N_("Tokens and words"): tokens_and_words.show,
        N_("Mix your own"): mix.show,
    }
)
