"""How a class is opened, and the teacher's key."""

from __future__ import annotations

import streamlit as st

from engine.language import _
from pages.shared import viewer

_WRONG = "board-wrong"


def explain_classes() -> None:
    """What the board is, while this is a computer of one's own."""
    st.markdown(
        _(
            "On this server there is no class yet: everybody who opens it sees and steers everything. With a teacher's "
            "key learners have runs of their own, take turns in the queue and have limits, and this page becomes the "
            "board: who is where, which runs train or wait, what was reached."
        )
    )
    st.markdown(_("**Open a class** · stop the server and start it again with"))
    st.code("make class", language="bash")
    st.markdown(
        _(
            "It makes a key, shows it in the terminal, and lets other computers of the network in. To choose the key "
            "yourself, set `LLM_LAB_TEACHER_KEY` to at least 12 characters. Runs and progress that are there stay."
        )
    )


def ask_for_key() -> None:
    """The form for the key, in a class, for who is not the teacher."""
    st.markdown(_("The board is the teacher's. Learners need no key: they find their own way in **Your progress**."))
    with st.form("teacher-key", border=True):
        said = st.text_input(
            _("Teacher's key"),
            type="password",
            max_chars=200,
            help=_("It stands in the terminal in which the server was started."),
        )
        sent = st.form_submit_button(_("Open the board"), type="primary", icon=":material/key:")
    if sent:
        wait = viewer.key_check().seconds_to_wait()
        if wait:
            st.warning(_("Too many keys were tried. Try again in {wait:.0f} seconds.", wait=wait))
        elif viewer.key_check().is_right(said):
            viewer.become_teacher()
            st.rerun()
        else:
            st.error(_("This is not the key."))
