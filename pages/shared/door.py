"""Lets visitors in until the course is full, then tells the next ones, instead of getting slower for everybody."""

from __future__ import annotations

import threading

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from engine.language import _
from engine.settings import Settings
from pages.shared import viewer

RETRY_SECONDS = 20.0


class Door:
    """The sessions that are inside. Safe to share between threads."""

    def __init__(self) -> None:
        self._inside: set[str] = set()
        self._lock = threading.Lock()

    def lets_in(self, session: str, most: int) -> bool:
        """Whether the session is inside, or may come in now because fewer than `most` that are open are inside."""
        with self._lock:
            if session not in self._inside:
                self._inside = {each for each in self._inside if _is_open(each)}
                if len(self._inside) >= most:
                    return False
                self._inside.add(session)
            return True


def _is_open(session: str) -> bool:
    return runtime.exists() and runtime.get_instance().is_active_session(session)


@st.cache_resource(show_spinner=False)
def _door() -> Door:
    return Door()


@st.cache_resource(show_spinner=False)
def _most() -> int:
    return Settings.from_environment().max_sessions


def keep_out_if_full() -> None:
    """Ends the script with a page that says so if the course is full; the teacher always gets in."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None or _door().lets_in(context.session_id, _most()) or viewer.is_teacher():
        return
    st.title(_("The course is full"))
    st.info(
        _(
            "All {most:,} places on this server are taken. This page looks again every {retry_seconds:.0f} seconds "
            "and lets you in when a place is free. If it stays full, ask your teacher to close tabs that nobody uses, "
            "or to start the course on a second computer.",
            most=_most(),
            retry_seconds=RETRY_SECONDS,
        ),
        icon=":material/groups:",
    )
    st.fragment(_try_again, run_every=RETRY_SECONDS)()
    st.stop()


def _try_again() -> None:
    context = get_script_run_ctx(suppress_warning=True)
    asked_by_the_clock = context is not None and bool(context.fragment_ids_this_run)
    if st.button(_("Try again"), icon=":material/refresh:", help=_("Looks whether there is a place now.")) or (
        asked_by_the_clock and context is not None and _door().lets_in(context.session_id, _most())
    ):
        st.rerun()
