"""Asks before a long text is read: it takes a while, once for everybody."""

from __future__ import annotations

import streamlit as st

from engine.language import _
from engine.runs.records import RunRecord

LARGE_CHARS = 3_000_000  # a longer text is read when the learner asks for it


def may_read(record: RunRecord, key: str, label: str, why: str) -> bool:
    """Whether to read the run's text: at once where it is short, else once the learner has pressed a button."""
    n_chars = record.config_dict.get("n_chars") or 0
    if 0 < n_chars <= LARGE_CHARS or st.session_state.get(f"{key}:{record.run_id}"):
        return True
    with st.container(border=True):
        st.markdown(
            _(
                "{why} up to a minute for {n_chars:,.0f} million characters; once for everybody.",
                why=why,
                n_chars=n_chars / 1e6,
            )
        )
        st.button(
            _(label),
            key=f"{key}-button",
            type="primary",
            icon=":material/play_arrow:",
            on_click=_ask,
            args=(f"{key}:{record.run_id}",),
            help=_("What is computed is kept for all who look at this run."),
        )
    return False


def _ask(key: str) -> None:
    st.session_state[key] = True
