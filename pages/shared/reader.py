"""The language of whoever reads: the one they chose, else their browser's, else English."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from engine.language import SOURCE, _, language, languages, speak
from pages.shared.components.kept_choice import keep_choice

COOKIE = "llm_lessons_language"
QUERY = "lang"
_CHOSEN = "reader:language"
_BOX = "reader:box"
_SEEN = "reader_language"  # kept with the run of the script: a page asks hundreds of times


def _find() -> str:
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        return SOURCE
    found = getattr(context, _SEEN, None)
    if found is None:
        found = st.session_state.get(_CHOSEN, SOURCE)
        setattr(context, _SEEN, found)
    return str(found)


def _choose(code: str) -> None:
    st.session_state[_CHOSEN] = code
    setattr(get_script_run_ctx(suppress_warning=True), _SEEN, code)


def begin() -> None:
    """First of all in each run of the app: settle the language of this visit, and tell the engine to ask for it."""
    speak(_find)
    known = languages()
    asked = st.query_params.get(QUERY)
    if asked in known:
        _choose(asked)
    elif _CHOSEN not in st.session_state:
        kept, locale = st.context.cookies.get(COOKIE), (st.context.locale or "").partition("-")[0]
        _choose(next((code for code in (kept, locale) if code in known), SOURCE))
    else:
        _choose(st.session_state[_CHOSEN])


def choose_language() -> None:
    """A switch with every language, in the sidebar; the browser keeps what is chosen."""
    if len(languages()) < 2:
        return
    with st.sidebar:
        st.session_state[_BOX] = language()
        st.segmented_control(
            _("Language"),
            list(languages()),
            format_func=lambda code: languages()[code],
            required=True,
            key=_BOX,
            on_change=_changed,
            help=_("The language of the pages. Models and texts keep their own."),
        )
        if st.context.cookies.get(COOKIE, SOURCE) != language():
            keep_choice(COOKIE, language())


def _changed() -> None:
    st.query_params.pop(QUERY, None)
    _choose(st.session_state[_BOX])
