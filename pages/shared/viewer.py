"""Who looks at this page, and the run service as they may use it: `lab()`.

A browser keeps a random key in a cookie; the learner's id is its hash. There is no account, and nothing personal is
asked for.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from engine.classroom.access import LearnerLab
from engine.classroom.learners import LearnerStore, is_key, learner_of, new_key
from engine.classroom.teacher_key import KeyCheck
from engine.runs import service as run_service
from engine.settings import Settings

COOKIE = "llm_lessons_learner"
_KEY = "viewer:key"
_TEACHER = "viewer:teacher"
_SEEN = "viewer:seen"
_LINKED = "viewer:linked"
_RUN_ID = re.compile(r"[0-9a-f]{16}")
_ASK_AGAIN_SECONDS = 10.0
_SEEN_SECONDS = 15.0
_SAME_SECONDS = 1.0
_REMEMBERED_SECONDS = 0.3
_drawing = threading.local()


def brings_key() -> bool:
    """Whether the browser came with a key in its cookie."""
    return is_key(st.context.cookies.get(COOKIE))


def browser_key() -> str:
    """The key of this browser; a new one for a visitor who brings none."""
    if _KEY not in st.session_state:
        st.session_state[_KEY] = st.context.cookies[COOKIE] if brings_key() else new_key()
    return str(st.session_state[_KEY])


def learner() -> str:
    """The id of who looks at this page."""
    return learner_of(browser_key())


@st.cache_resource(show_spinner=False)
def _learners(url: str) -> LearnerStore:
    return LearnerStore(url)


def learners() -> LearnerStore:
    """The learners of this course and their progress."""
    return _learners(run_service.lab().settings.store)


@st.cache_resource(show_spinner=False)
def _key_check(key: str) -> KeyCheck:
    return KeyCheck(key)


def key_check() -> KeyCheck:
    """What compares a key with the teacher's, for all visitors together."""
    return _key_check(Settings.from_environment().teacher_key)


def in_class() -> bool:
    """Whether a teacher's key is set."""
    return run_service.lab().settings.in_class


def is_teacher() -> bool:
    """Whether who looks at this page has given the teacher's key within the last hours."""
    if not in_class():
        return False
    at, known = st.session_state.get(_TEACHER, (float("-inf"), False))
    now = time.monotonic()
    if now - at > _ASK_AGAIN_SECONDS:
        known = learners().is_teacher(learner())
        st.session_state[_TEACHER] = (now, known)
    return bool(known)


def become_teacher(*, on: bool = True) -> None:
    """Makes this browser the teacher's, or no longer."""
    learners().make_teacher(learner(), on=on)
    st.session_state.pop(_TEACHER, None)
    _drawing.lab = None


def note_presence(lesson: str, part: str = "") -> None:
    """Tells the class board where this learner is, at most every 15 seconds if they stay."""
    at, where = st.session_state.get(_SEEN, (float("-inf"), None))
    now = time.monotonic()
    if where != (lesson, part) or now - at > _SEEN_SECONDS:
        st.session_state[_SEEN] = (now, (lesson, part))
        if runtime.exists():  # a click does not wait until this is written
            _writer().submit(learners().seen, learner(), lesson, part)
        else:
            learners().seen(learner(), lesson, part)


@st.cache_resource(show_spinner=False)
def _writer() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "presence")


def _linked() -> set[str]:
    """Runs that an address of this visit named."""
    known: set[str] = st.session_state.setdefault(_LINKED, set())
    known.update(value for value in st.query_params.values() if _RUN_ID.fullmatch(value))
    return known


def link_runs(run_ids: Iterable[str]) -> None:
    """A link that this learner opened shows these runs: they may be looked at."""
    _linked().update(run_ids)


def lab() -> LearnerLab:
    """The run service for whoever looks at this page; outside of a page's script, for nobody in particular. While a
    page is drawn it is the same one, which does not ask the store twice for what it knows.
    """
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        return LearnerLab(run_service.lab(), "")
    now, known = time.monotonic(), getattr(_drawing, "lab", None)
    if known is None or known[0] is not context or now - known[1] > _SAME_SECONDS:
        _drawing.lab = known = (context, now, _lab())
    found: LearnerLab = known[2]
    if found.limited:
        found.linked = _linked()
    return found


def _lab() -> LearnerLab:
    service = run_service.lab()
    if not service.settings.in_class:
        return LearnerLab(service, learner(), remember=_REMEMBERED_SECONDS)
    return LearnerLab(service, learner(), teacher=is_teacher(), linked=_linked(), remember=_REMEMBERED_SECONDS)
