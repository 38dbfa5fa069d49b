"""Links that bring a page back as it was: lesson, part, step of the guide, and what every control was set to.

`/?lesson=attention&step=2` opens a lesson at a step, `&part=` at a part (by its title or its number). With
`&scene=ID` the controls are set as well, to what the store keeps under this id (`engine.classroom.scenes`). A
teacher's scene may lock or hide them; then the server sets them again at every run, whatever a browser sends.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.state.common import WidgetMetadata

from engine.classroom.scenes import LOCKS, Lock, Scene, SceneStore, is_scene_id, packed, simple
from engine.errors import EngineError
from engine.language import _
from engine.runs import service as run_service
from pages.shared import guide, held, sitemap, viewer
from pages.shared.components.held_controls import hold_controls
from pages.shared.errors import sentence
from pages.shared.network import join_address

_log = logging.getLogger("llm_lessons.pages")

_ARRIVED = "scene:arrived"
_PART = "scene:part"
_FRESH = "scene:fresh"
_MISSING = "scene:missing"
_MADE = "scene:made"
_TITLES = "scene:titles"
_STEP_SEEN = "scene:step"

_NO_SETTINGS = (
    "trigger_value",
    "string_trigger_value",
    "json_trigger_value",
    "json_value",
    "file_uploader_state_value",
)
_NO_SETTINGS = (*_NO_SETTINGS, "chat_input_value", "arrow_value", "bytes_value")
_FILES = ("FileUploader", "CameraInput", "AudioInput")
_RUN_ID = re.compile(r"[0-9a-f]{16}")
_LONG_TEXT = 24_000
_FREE_QUERY = ("lesson", "part", "step", "scene", "projector", "lang")


@st.cache_resource(show_spinner=False)
def _store(url: str) -> SceneStore:
    return SceneStore(url)


def store() -> SceneStore:
    """The scenes of this course."""
    return _store(run_service.lab().settings.store)


# --- arrive -----------------------------------------------------------------------------------------------------


def arrive(here: str) -> None:
    """Follow the address: to its lesson, part, step and scene. Called before the page runs; `here` is its lesson."""
    wanted = st.query_params.get("lesson", "")
    if wanted and sitemap.has_lesson(wanted) and wanted != here:
        others = {name: st.query_params[name] for name in st.query_params if name != "lesson"}
        lesson = next(each for each in sitemap.lessons() if each.url_path == wanted)
        st.switch_page(lesson.path, query_params=others)
    _arrive_at_step(here)
    scene_id = st.query_params.get("scene", "")
    if scene_id and st.session_state.get(_ARRIVED) != (here, scene_id):
        st.session_state[_ARRIVED] = (here, scene_id)
        scene = store().get(scene_id) if is_scene_id(scene_id) else None
        st.session_state[_MISSING] = scene is None
        if scene is not None and scene.lesson != here and sitemap.has_lesson(scene.lesson):
            lesson = next(each for each in sitemap.lessons() if each.url_path == scene.lesson)
            st.switch_page(lesson.path, query_params={"scene": scene_id})
        elif scene is not None:
            _set_up(here, scene)
    held.put_back(here)


def _arrive_at_step(here: str) -> None:
    asked = st.query_params.get("step", "")
    if not asked or st.session_state.get(_STEP_SEEN) == (here, asked):
        return
    st.session_state[_STEP_SEEN] = (here, asked)
    guide.go_to_step(here, asked)


def _set_up(here: str, scene: Scene) -> None:
    for name, value in {**scene.state, **scene.values}.items():
        if not name.startswith(held.OURS):
            held.put(name, value)
    for name, text in scene.query.items():
        if name not in _FREE_QUERY and name not in scene.values and st.query_params.get(name) != text:
            st.query_params[name] = text
    st.session_state[_PART] = scene.part
    st.session_state[_FRESH] = list(scene.values)
    if scene.step and "step" not in st.query_params:
        guide.go_to_step(here, str(scene.step), with_part=False)
    viewer.link_runs(_run_ids([*scene.values.values(), *scene.state.values(), *scene.query.values()]))
    held.hold(here, scene)


def _run_ids(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value} if _RUN_ID.fullmatch(value) else set()
    if isinstance(value, (list, tuple, set, frozenset)):
        return set().union(*map(_run_ids, value))
    return set()


# --- the part ---------------------------------------------------------------------------------------------------


def choose_asked_part(titles: Sequence[str], key: str) -> None:
    """Set the control `key` to the part that a scene, or a number in the address, asks for; before it is drawn."""
    st.session_state[_TITLES] = list(titles)
    asked = st.session_state.pop(_PART, -1)
    said = st.query_params.get(key, "")
    if asked < 0 and said.isascii() and said.isdigit():
        asked = int(said[:3]) - 1
    if 0 <= asked < len(titles):
        st.session_state[key] = titles[asked]


@contextmanager
def or_without() -> Iterator[None]:
    """A page that cannot be drawn with the values of a scene is drawn without them."""
    fresh = st.session_state.pop(_FRESH, None)
    try:
        yield
    except Exception:
        if fresh is None:
            raise
        _log.exception("a scene could not be brought back")
        for name in fresh:
            st.session_state.pop(name, None)
        held.release()
        st.session_state[_MISSING] = True
        st.rerun()


# --- make a link ------------------------------------------------------------------------------------------------


def captured() -> tuple[dict[str, Any], dict[str, Any]]:
    """What the controls on the page are set to, and what the lesson remembers beside them.

    Streamlit knows which names are those of controls, and of which kind, but has no public way to ask.
    """
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        return {}, {}
    inside = context.session_state._state
    controls, state = {}, {}
    for name, value in inside.filtered_state.items():
        if not isinstance(name, str) or name.startswith(held.OURS):
            continue
        element = inside._key_id_mapper.get_id_from_key(name)
        if element is None or not (element in inside._old_state or element in inside._new_widget_state.states):
            if name.startswith(held.SETTINGS + held.PLACES):
                state[name] = value
            continue
        known = inside._new_widget_state.widget_metadata.get(element)
        if known is not None and _is_setting(known) and not isinstance(value, dict):
            controls[name] = value
    return simple(controls), simple(state)


def _is_setting(known: WidgetMetadata[Any]) -> bool:
    """Whether it is a control, and neither a button nor a file. Of what holds nothing (a box that was emptied, a file
    that was not chosen) Streamlit no longer knows the kind, but who reads its value.
    """
    if known.value_type is None:
        return not getattr(known.serializer, "__qualname__", "").startswith(_FILES)
    return known.value_type not in _NO_SETTINGS


def scene_of_page(*, lock: Lock = "free", step: int = 0) -> Scene:
    """The open page as it is. Texts that are too long for a link are left out."""
    values, state = captured()
    titles, part = st.session_state.get(_TITLES, []), st.session_state.get("part")
    return Scene(
        lesson=str(st.session_state.get(sitemap.LESSON, "")),
        part=titles.index(part) if part in titles else -1,
        step=step,
        values={name: value for name, value in values.items() if len(str(packed(value))) <= _LONG_TEXT},
        state=state,
        query={
            name: text
            for name, text in st.query_params.items()
            if name not in _FREE_QUERY and name not in values and len(text) <= 2_000
        },
        lock=lock,
    )


def _make() -> None:
    lock = st.session_state.get("scene-lock", "free")
    step = st.session_state.get("scene-step", 0)
    teaching = viewer.is_teacher()
    try:
        scene = scene_of_page(lock=lock if teaching and lock in LOCKS else "free", step=step)
        made = store().save(scene, viewer.learner(), by_teacher=teaching)
    except EngineError as error:
        st.session_state[_MADE] = sentence(error)
    else:
        st.session_state[_MADE] = (scene.lesson, made, scene.step)


def address_of(lesson: str, **query: str | int) -> str:
    """The address of a lesson, as others on the network would open it."""
    here = str(st.context.url or "http://localhost:8501/")
    parts = urlsplit(here)
    base = join_address(here) if viewer.in_class() else f"{parts.scheme}://{parts.netloc}/"
    return f"{base}?{urlencode({'lesson': lesson, **query})}"


def show_link() -> None:
    """A way to make a link to the open page as it is, beside the guide."""
    found = guide.of_lesson()
    if found is None:
        return
    lesson, steps = found[0], found[1].steps
    menu = st.popover(
        _("Share this page"),
        icon=":material/link:",
        type="tertiary",
        key="scene-menu",
        on_change="rerun",  # filled when it is open: every page has one
        help=_("Makes an address that opens this page as it is now: settings, model, checkpoint, text, seed."),
    )
    if not menu.open:
        return
    with menu:
        if viewer.is_teacher():
            st.radio(
                _("Who opens it"),
                list(LOCKS),
                format_func=lambda each: _(
                    {
                        "free": _("may change everything"),
                        "locked": _("sees the settings, but cannot change them"),
                        "hidden": _("does not see the settings"),
                    }[each]
                ),
                key="scene-lock",
                help=_("Lessons, parts and buttons stay free. Settings of other lessons are not touched."),
            )
        st.selectbox(
            _("Step of the guide"),
            [0, *range(1, len(steps) + 1)],
            format_func=lambda number: f"{number}. {_(steps[number - 1].title)}" if number else _("none"),
            key="scene-step",
            help=_("The link opens the guide and marks this step."),
        )
        st.button(
            _("Make the link"),
            key="scene-make",
            icon=":material/add_link:",
            on_click=_make,
            help=_("Keeps the page as it is now under a short address."),
        )
        made = st.session_state.get(_MADE)
        if isinstance(made, str):
            st.error(made)
        elif made and made[0] == lesson:
            st.code(
                address_of(lesson, **({"step": made[2]} if made[2] else {}), scene=made[1]),
                language=None,
                wrap_lines=True,
            )
            st.caption(
                _(
                    "Who has the link can also see the runs that this page shows. Texts that you generated are not "
                    "kept: with the same seed they come out the same again."
                )
            )


def show_state() -> None:
    """Under the guide: that a link led nowhere, or that a teacher's link holds the settings."""
    if st.session_state.get(_MISSING):
        st.warning(_("What this link brought back is not kept here (any more). This is the lesson as it begins."))
        st.session_state[_MISSING] = False
    scene = held.scene()
    if scene is None:
        return
    locked = scene.lock == "locked"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            _(":material/lock: **Set by the teacher.** The settings of this page cannot be changed here.")
            if locked
            else _(":material/visibility_off: **Set by the teacher.** The settings of this page are not shown.")
        )
        if viewer.is_teacher():
            st.button(
                _("Unlock here"),
                key="scene-unlock",
                on_click=held.release,
                help=_("You are the teacher: only for your browser."),
            )
    tables = [f"{name.removeprefix('table:')}-table" for name in scene.state if name.startswith("table:")]
    hold_controls([*(name for name in scene.values if not name.startswith(held.OURS)), *tables], hidden=not locked)
