"""Panels that draw themselves again and again, less often where many look at once."""

from __future__ import annotations

import contextlib
import functools
import time
import zlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState

from engine.classroom.pace import Pace
from engine.language import _
from pages.shared import held, turns
from pages.shared.figure_files import saving


@st.cache_resource(show_spinner=False)
def pace() -> Pace:
    """How fast all panels of this server go together."""
    return Pace()


AT_REST = object()
"""What a panel returns that need not be drawn again until the page is."""
_REST_SECONDS = 86_400.0
SAVED_FROM_SECONDS = 2.0
"""Figures of a panel that is drawn more often than this have no “Save” until it comes to rest."""


def kept_current(panel: Callable[..., object], *, every: float | None) -> Callable[..., object]:
    """`panel` as a fragment that is drawn again `every` so many seconds (None: only when something in it is moved),
    or more rarely while the server has too many panels to draw; then a line under it says so. One that returns
    `AT_REST` is left alone from then on, one in which something asked to `look_soon` is drawn again for that.
    """

    @functools.wraps(panel)
    def drawn(*args: Any) -> None:
        held.put_back_in_fragment()
        start, wish = time.thread_time(), _Wish()
        said: object = None
        token = _drawn_now.set(wish)
        try:
            with _turn(), saving(every is None or every >= SAVED_FROM_SECONDS):
                said = panel(*args)
        finally:
            _drawn_now.reset(token)
            if every is not None:
                _note(panel, every, time.thread_time() - start)
        factor = pace().factor
        if every is not None and factor > 1 and panel is not _look:
            st.caption(
                _(
                    "Many learners look at live figures now: this one is drawn every {every:.2g} seconds.",
                    every=every * factor,
                )
            )
        usual = _REST_SECONDS if said is AT_REST or every is None else every * factor * _own_beat()
        _change_interval(panel, usual if wish.seconds is None else min(usual, wish.seconds * factor))

    interval = None if every is None else every * pace().factor * _own_beat()
    st.session_state[_name(panel)] = interval or _REST_SECONDS
    return st.fragment(drawn, run_every=interval)


@contextlib.contextmanager
def _turn() -> Iterator[None]:
    """The turn of a panel that is drawn again by itself, after those who clicked. A page that is drawn as a whole has
    one already; so has a panel within another one.
    """
    context = get_script_run_ctx(suppress_warning=True)
    if context is None or not context.fragment_ids_this_run:
        yield
        return
    with turns.PAGES.one(turns.CLOCK):
        yield


def _own_beat() -> float:
    """A factor near 1, another one for each session: or all who look at a run would ask in the same moment."""
    context = get_script_run_ctx(suppress_warning=True)
    return 1.0 if context is None else 0.9 + 0.2 * (zlib.crc32(context.session_id.encode()) % 1000) / 1000


@dataclass
class _Wish:
    seconds: float | None = None


_drawn_now: ContextVar[_Wish | None] = ContextVar("panel that is drawn now", default=None)


def look_soon(seconds: float) -> bool:
    """Has the panel that is drawn now be drawn again after so many seconds; False where none is. A panel of its own in
    there would be left on the screen when the outer one is drawn without it (Streamlit's issue 16708).
    """
    wish = _drawn_now.get()
    if wish is not None:
        wish.seconds = seconds
    return wish is not None


def look_again(changed: Callable[[], bool], *, every: float) -> None:
    """Draws the whole page once more when something `changed`, and until then nothing: for a panel at rest, which it
    would cost ten times as much to draw in vain.
    """
    kept_current(_look, every=every)(changed)


def _look(changed: Callable[[], bool]) -> None:
    if changed():
        st.rerun()


def _name(panel: Callable[..., object]) -> str:
    return f"live:{panel.__module__}.{panel.__qualname__}"


def _note(panel: Callable[..., object], every: float, seconds: float) -> None:
    context = get_script_run_ctx(suppress_warning=True)
    if context is not None and context.fragment_ids_this_run:  # the first drawing fills caches: it says nothing
        pace().drawn(f"{context.session_id}:{_name(panel)}", every, seconds)


def _change_interval(panel: Callable[..., object], wanted: float) -> None:
    """Has the browser ask at another interval from now on; only a run of the whole page would tell it otherwise."""
    context = get_script_run_ctx(suppress_warning=True)
    fragment = ThreadState.get().fragment_id if context is not None else None
    if context is None or fragment is None or st.session_state.get(_name(panel)) == wanted:
        return
    st.session_state[_name(panel)] = wanted
    message = ForwardMsg()
    message.auto_rerun.interval = wanted
    message.auto_rerun.fragment_id = fragment
    context.enqueue(message)
