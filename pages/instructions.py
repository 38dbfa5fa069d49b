"""Lesson: instruction fine-tuning. A model that continues text becomes one that answers."""

import streamlit as st

from engine.language import N_, _
from pages.parts.instructions import ask, compare, data, low_rank, mark, score, train
from pages.parts.instructions.source import TRAIN_PART
from pages.shared import guard
from pages.shared.lesson import choose_part, objective

guard.ensure()

st.title(_("Instruction fine-tuning"), anchor=False)
objective(
    _(
        "Turn a foundation model into an assistant: write instructions with answers, train on the answers alone, and "
        "measure on questions held out how much better it answers, and what it forgets."
    ),
    minutes=30,
)
choose_part(
    {
        N_("Data and template"): data.show,
        TRAIN_PART: train.show,
        N_("Ask it"): ask.show,
        N_("Mark it yourself"): mark.show,
        N_("How much better?"): score.show,
        N_("Compare"): compare.show,
        N_("LoRA"): low_rank.show,
    }
)
