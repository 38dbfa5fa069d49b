"""Lesson: tokenization. How text is cut into pieces with numbers, by which rules, and what they cost."""

import streamlit as st

from engine.language import N_, _
from pages.parts.tokenization.compare import compare
from pages.parts.tokenization.explore import explore
from pages.parts.tokenization.inside import inside
from pages.parts.tokenization.language_tax import language_tax
from pages.parts.tokenization.learn import learn
from pages.parts.tokenization.special import special
from pages.parts.tokenization.tradeoff import tradeoff
from pages.parts.tokenization.vocabulary import vocabulary
from pages.shared import guard
from pages.shared.lesson import choose_part, objective

guard.ensure()

st.title(_("Tokenization"), anchor=False)
objective(
    _(
        "A language model reads no letters and no words but ids of tokens. Cut texts with the tokenizers of GPT-2, "
        "GPT-4 and GPT-4o and with your own, and see what each way of cutting costs."
    ),
    minutes=25,
)
choose_part(
    {
        N_("Text to tokens"): explore,
        N_("Two side by side"): compare,
        N_("Language tax"): language_tax,
        N_("Special tokens"): special,
        N_("Learn BPE"): learn,
        N_("Inside a token"): inside,
        N_("Vocabulary"): vocabulary,
        N_("Vocabulary trade-off"): tradeoff,
    }
)
