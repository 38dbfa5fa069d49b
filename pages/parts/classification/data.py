"""The labelled data: choose a set or a file; the other parts of the lesson work on what is chosen here."""

from __future__ import annotations

import streamlit as st

from engine import labelled as labelled_module
from engine.language import N_, _
from pages.parts.classification.data_split import explore
from pages.parts.classification.source import (
    ABOUT,
    DATA_KEY,
    TITLES,
    chosen_data,
    data_title,
    made,
)
from pages.parts.classification.upload import upload_file
from pages.shared.code_panel import show_code
from pages.shared.lesson import exercise, notice

_FILE = N_("a file")


def show() -> None:
    """The part "Data"."""
    st.markdown(
        _(
            "A classifier learns from **labelled** texts: each comes with its class. Choose a set, look at it, and "
            "decide how it is split. What you choose here is used by the other parts of this lesson."
        )
    )
    chosen = _choose()
    if chosen is None:
        upload_file()
    else:
        explore(chosen)
    notice(
        _(
            "Classes are rarely equally frequent. With 12 % spam, whoever always says “ham” is right 88 times in 100: "
            "accuracy alone says little there."
        ),
        _(
            "The same message with another telephone number is the same message. Left in both training and test it "
            "would be remembered, not recognised, and the test would look better than the model is."
        ),
        _("Balancing throws texts of the frequent class away; validation and test keep the shares of real life."),
    )
    exercise(
        _(
            "Relabel ten spam messages as ham, use the edited rows, train again, and look for these rows among the "
            "mistakes. What does a single wrong label cost?"
        ),
        _(
            "Little in accuracy, for the model averages over hundreds of rows. But wrong labels in the test set put a "
            "ceiling on what can be measured: a perfect model would be counted wrong there."
        ),
    )
    show_code(
        labelled_module.split_labelled,
        labelled_module.find_copies,
        labelled_module.same_text,
        labelled_module.leaked_without_check,
    )


def _choose() -> str | None:
    """The name of the chosen set; None for a file that is still to be read."""
    titles = {**TITLES, **made(), _FILE: _("A file of mine …")}
    if chosen_data() not in titles:
        titles = {chosen_data(): data_title(chosen_data()), **titles}
    # The choice belongs to all parts, so it is kept beside the widget, and the widget follows it.
    if st.session_state.get("classification-set") != _FILE:
        st.session_state["classification-set"] = chosen_data()
    name = st.selectbox(
        _("Labelled texts"),
        list(titles),
        format_func=lambda each: _(titles[each]),
        key="classification-set",
        persist_state="session",
        on_change=_chosen,
        help=_("Three sets come with the course; a CSV, TSV or JSON lines file of your own works as well."),
    )
    if name == _FILE:
        return None
    if name in ABOUT:
        st.caption(ABOUT[name])
    return str(name)


def _chosen() -> None:
    name = st.session_state["classification-set"]
    if name != _FILE:
        st.session_state[DATA_KEY] = name
