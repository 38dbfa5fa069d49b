"""What a teacher's link holds: set again at every run, whatever a browser sends."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState

from engine.classroom.scenes import Scene
from pages.shared import sitemap

OURS = ("scene", "guide", "viewer", "guard", "save", "projector", "reader", "board", "sheets", "own-name", "part")
"""What begins like this is not the lesson's."""
SETTINGS = (
    *("run_id", "classification_run", "instruction_run", "translation_run", "instruction-own", "instruction-template"),
    *("anatomy:size", "table:", "mix:", "classification_settings", "steps_seed", "foundation-seed"),
    *("texts:made", "text-kept:", "classification_made"),
)
"""What lessons remember beside their controls (beginnings of names) and a teacher's link holds as well."""
PLACES = (
    *("steps_place", "memorised-dice", "journey:word", "journey:head", "journey:roll", "foundation-place", "anatomy:"),
    *("attention_locked", "forming_locked", "causal_locked", "mark-draw:", "tokens-selected"),
)
"""What else they remember: where somebody clicked, how often the dice were thrown."""
_JOINED = ("texts:made", "classification_made")
"""Of these, what a visitor has of their own stays beside what a link brings."""
_HELD = "scene:held"
_RUN_ID = re.compile(r"[0-9a-f]{16}")


def hold(lesson: str, scene: Scene) -> None:
    """Hold a lesson to this scene from now on; to none where it locks nothing."""
    others = {name: each for name, each in _all().items() if name != lesson}
    st.session_state[_HELD] = others if scene.lock == "free" else {**others, lesson: scene}


def release() -> None:
    """Hold the open lesson no longer."""
    st.session_state[_HELD] = {name: each for name, each in _all().items() if name != _here()}


def scene(lesson: str | None = None) -> Scene | None:
    """What a lesson (otherwise the open one) is held to."""
    return _all().get(lesson or _here())


def holds(name: str) -> bool:
    """Whether the teacher's link holds this setting of the open lesson: for controls without a key of their own."""
    found = scene()
    return found is not None and name in {**found.values, **found.state}


def hides(name: str) -> bool:
    """Whether the teacher's link hides this setting as well."""
    found = scene()
    return holds(name) and found is not None and found.lock == "hidden"


def put(name: str, value: Any) -> None:
    """Set what a scene says."""
    own = st.session_state.get(name)
    if name in _JOINED and isinstance(own, dict) and isinstance(value, dict):
        value = {**own, **value}
    st.session_state[name] = copy.deepcopy(value)  # a page may change it in place


def put_back(lesson: str) -> None:
    """Before a page is drawn: its held settings are what the link says."""
    found = scene(lesson)
    if found is None:
        return
    for name, value in found.values.items():
        if not name.startswith(OURS):
            put(name, value)
    for name, value in found.state.items():
        if name.startswith(SETTINGS):
            put(name, value)
    for name, text in found.query.items():
        if _RUN_ID.fullmatch(text) and st.query_params.get(name) != text:
            st.query_params[name] = text


def put_back_in_fragment() -> None:
    """Before a fragment is drawn: the same where it is drawn alone. Nothing for one within a page or another fragment
    that is drawn, which has done it.
    """
    context = get_script_run_ctx(suppress_warning=True)
    drawn_alone = context.fragment_ids_this_run if context is not None else None
    if drawn_alone and ThreadState.get().fragment_id in drawn_alone:
        put_back(_here())


def _all() -> Mapping[str, Scene]:
    found: Mapping[str, Scene] = st.session_state.get(_HELD, {})
    return found


def _here() -> str:
    return str(st.session_state.get(sitemap.LESSON, ""))
