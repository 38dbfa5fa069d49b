"""Keeps a deep link on a cold server inside the app's own navigation.

A folder called `pages` beside `app.py` is also Streamlit's older multipage mechanism: until `st.navigation` has run
once in the process, a first visitor of `/pretraining` gets that file alone, without `app.py`. So `app.py` leaves
a mark in the session, and every page begins by asking for it.
"""

from __future__ import annotations

import streamlit as st

from pages.shared.sitemap import navigation_pages

_OPENED = "guard:opened_through_app"
_SENT_BACK = "guard:sent_back_once"


def mark_opened() -> None:
    """Called by `app.py` before the page runs."""
    st.session_state[_OPENED] = True


def ensure() -> None:
    """First line of every page: start again through `app.py` if it has not run in this session.

    A page that is itself the main script (as in a test of that file alone) is sent back once and then goes on.
    """
    if _OPENED in st.session_state or _SENT_BACK in st.session_state:
        return
    st.session_state[_SENT_BACK] = True
    # Without icons: before `app.py` has set the favicon, a page's icon would be fetched from the network as one.
    st.navigation(navigation_pages(icons=False), position="hidden")
    st.rerun()
