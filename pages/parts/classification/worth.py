"""Was it worth it? Simple methods, random weights and the fine-tuned model on one test set, and with fewer labels."""

from __future__ import annotations

import streamlit as st

from engine import classification_metrics as metrics
from engine import simple_classifiers
from engine.answers import wilson_interval
from engine.errors import CorpusError
from engine.language import _
from pages.parts.classification.one_test import compare
from pages.parts.classification.source import (
    chosen_data,
    data_title,
    split_now,
    split_settings,
)
from pages.parts.classification.study import show_study
from pages.shared.code_panel import show_code
from pages.shared.errors import sentence
from pages.shared.lesson import exercise, notice


def show() -> None:
    """The part "Was it worth it?"."""
    st.markdown(
        _(
            "A fine-tuned network has millions of numbers. Four methods that train in a second have to be beaten "
            "first, and so has the same network **without** pretraining. All are judged on the same test texts."
        )
    )
    name, settings = chosen_data(), split_settings()
    st.text(_("Data: {data_title}", data_title=data_title(name)))
    try:
        split = split_now(name, settings)
    except CorpusError as error:
        st.error(sentence(error), icon=":material/error:")
    else:
        compare(name, settings, split)
        show_study(name, settings, split)
    notice(
        _(
            "The intervals say what so many test texts can tell: where they overlap widely, do not call one method "
            "better."
        ),
        _(
            "Compare the network with and without pretraining, and both with a bag of words: what pretraining is worth "
            "depends on the number of labels and on how like the task its text was."
        ),
        _(
            "The foundation model of the course has read plays, stories, phrases and a manual, never an SMS or the "
            "news."
        ),
    )
    exercise(
        _(
            "Where is the fine-tuned model clearly ahead: with 10 labels or with all? What would you use for a spam "
            "filter of your own?"
        ),
        _(
            "Look at the left end of the lower chart and at the seconds. If logistic regression is within the "
            "interval, it is cheaper to train, to run and to explain; a larger pretrained model would change the "
            "balance."
        ),
    )
    show_code(
        simple_classifiers.KeywordRule.of,
        simple_classifiers.naive_bayes,
        simple_classifiers.logistic_regression,
        wilson_interval,
        metrics.mean_interval,
    )
