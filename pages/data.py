"""Lesson: data. What a model reads decides what it can say: raw text in numbers, its repetitions and its mixture."""

import streamlit as st

from pages.parts.data import gpt3, mix, near_duplicates, the_text, tokens_and_words, zipf_heaps
from pages.shared import guard
from pages.shared.lesson import choose_part, objective

guard.ensure()

st.title("Data", anchor=False)
objective(
    "Look at raw text as a model's maker does: how much there is, how words are distributed, what repeats, what GPT-3 "
    "read, and how to mix a training text of your own.",
    minutes=20,
)
choose_part(
    {
        "The text": the_text.show,
        "Zipf and Heaps": zipf_heaps.show,
        "Near-duplicates": near_duplicates.show,
        "What GPT-3 read": gpt3.show,
        "Tokens and words": tokens_and_words.show,
        "Mix your own": mix.show,
    }
)
