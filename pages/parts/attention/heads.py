"""Part: what each head is for, measured: where it looks, what it is worth, and what happens without it."""

from __future__ import annotations

import streamlit as st

from engine.language import N_, _
from pages.parts.attention.chosen_heads import Chosen
from pages.parts.attention.heads_induction import show_induction
from pages.parts.attention.heads_off import show_switches
from pages.parts.attention.heads_where import show_where
from pages.parts.attention.heads_worth import show_worth
from pages.parts.attention.maps import choose_model_and_sentence

QUESTIONS = (N_("Where does it look?"), N_("Induction test"), N_("What is it worth?"), N_("Switch heads off"))


def show() -> None:
    """Draw the part."""
    st.markdown(
        _(
            "What a head is for is a matter of measuring: where its attention goes on average, compared with a head "
            "that looks everywhere alike, and how much worse the model becomes when it is switched off."
        )
    )
    found = choose_model_and_sentence()
    if found is None:
        return
    chosen = Chosen(*found)
    question = st.segmented_control(
        _("Question"),
        QUESTIONS,
        format_func=_,
        default=QUESTIONS[0],
        required=True,
        key="heads_question",
        persist_state="session",
        help=_("Four ways to find out what a head does."),
    )
    {
        QUESTIONS[0]: show_where,
        QUESTIONS[1]: show_induction,
        QUESTIONS[2]: show_worth,
        QUESTIONS[3]: show_switches,
    }[question](chosen)
