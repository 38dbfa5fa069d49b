"""What takes longer than a moment: computed beside the server while the page says how far it is.

    found = computed(_("The model reads …"), inspection.head_scores, model_named(choice), ids)

gives the result if it is known or comes at once. Otherwise it leaves the block of `shown_errors` in which it stands,
and a bar takes the place of the figure; when the result is there, the page draws itself again and finds it. Whoever
asks the same gets the same, and going elsewhere stops what nobody waits for any more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from engine.aside import Asked, Desk, default_processes
from engine.aside_worker import Call
from engine.language import N_, _, kept
from pages.shared import turns
from pages.shared.live import AT_REST, kept_current, look_soon

T = TypeVar("T")
PATIENCE = 0.25
"""Seconds that a page waits before it shows a bar: drawing it twice is worse than waiting a little."""
FEW = 2
"""More calls than these are not waited for: they will not come at once."""
NEARLY = 0.95
"""How full the bar of one call becomes by what such calls took before: this one may take longer."""
LOOK_SECONDS = 0.7
DOWNLOAD_SECONDS = 120
_BEGUN = "aside:begun:"
_STOPPED = "aside:stopped:"


class NotYet(Exception):
    """The results are still being computed; `shown_errors` shows the bar where they will stand."""

    def __init__(self, calls: Sequence[Call], text: str) -> None:
        super().__init__(text)
        self.calls, self.text = tuple(calls), text

    def show(self) -> None:
        """A bar that looks again and again, and draws the page anew when all is there."""
        if st.session_state.get(_STOPPED + _name(self.calls)):
            _stopped(self.calls, self.text)
            return
        key = _free_key("aside-stop-" + _name(self.calls))
        if look_soon(LOOK_SECONDS):
            _bar_with_stop(self.calls, self.text, key)
        else:
            kept_current(_waiting, every=LOOK_SECONDS)(self.calls, self.text, key)


@st.cache_resource(show_spinner=False)
def desk() -> Desk:
    """Takes the calls of all sessions."""
    return Desk(default_processes(), n_quick=1)


def computed(text: str, function: Callable[..., T], *arguments: Any) -> T:
    """What the function gives; raises NotYet while it is computed, and what it raises. `text` says what is done."""
    found: T = all_computed(text, [Call(function, arguments)])[0]
    return found


def found_by(call: Call, text: str = N_("The model is asked")) -> Any:
    """The result of a call; raises NotYet while it is computed."""
    return all_computed(text, [call])[0]


def awaited(call: Call) -> Any:
    """The result of a short call, which the script waits for; a press of the learner's ends the waiting."""
    while not _wait_for([asked := desk().ask(call, quick=True)], PATIENCE):
        st.empty()  # where Streamlit looks whether the script should stop
    return asked.value()


def for_download(call: Call) -> Callable[[], Any]:
    """For a download button whose file is computed when it is pressed: this waits for the result and gives it."""
    place = desk()

    def file() -> Any:
        for _second in range(DOWNLOAD_SECONDS):
            asked = place.ask(call)
            if place.wait([asked], 1.0):
                return asked.value()
        raise TimeoutError("too much else is being computed: press the button again in a while.")

    return kept(file)


def all_computed(text: str, calls: Sequence[Call]) -> list[Any]:
    """The results of several calls, all computed before the page goes on."""
    if st.session_state.get(_STOPPED + _name(calls)) and not all(map(is_known, calls)):
        raise NotYet(calls, text)
    asked = _asked(calls)
    soon = sum(not each.done for each in asked) <= FEW
    if not _come(asked, PATIENCE if soon else 0.0):
        raise NotYet(calls, text)
    return [each.value() for each in asked]


def _come(asked: list[Asked], seconds: float) -> bool:
    """Whether all of these are there within so many seconds, in which others have this page's turn. Where that cannot
    be, nobody waits for it.
    """
    if all(each.done for each in asked):
        return True
    if any(desk().expected(each) > seconds for each in asked):
        return False
    return _wait_for(asked, seconds)


def _wait_for(asked: list[Asked], seconds: float) -> bool:
    with turns.PAGES.given_back():
        return desk().wait(asked, seconds)


def _asked(calls: Sequence[Call], *, background: bool = False) -> list[Asked]:
    its_desk = desk()
    return [its_desk.ask(call, background=background, place=place) for place, call in enumerate(calls)]


def is_known(call: Call) -> bool:
    """Whether the result is there already; this does not begin it."""
    state = desk().known(call)
    return state is not None and state.done and state.error is None


def so_far(calls: Sequence[Call]) -> list[Asked]:
    """How these calls stand a moment later; each may be done or not, and comes after all that somebody waits for."""
    asked = _asked(calls, background=True)
    _come(asked, PATIENCE)
    return asked


def prepare(text: str, calls: Sequence[Call]) -> None:
    """Has calls computed that will be asked for later, with a line that says how far it is; nothing waits for them."""
    asked = _asked(calls, background=True)
    if all(each.done for each in asked):
        return
    if look_soon(2 * LOOK_SECONDS):
        _bar(asked, text, _begun(tuple(calls)))
    else:
        kept_current(_preparing, every=2 * LOOK_SECONDS)(tuple(calls), text)


def _preparing(calls: tuple[Call, ...], text: str) -> object:
    asked = _asked(calls, background=True)
    if all(each.done for each in asked):
        return AT_REST
    _bar(asked, text, _begun(calls))
    return None


def _waiting(calls: tuple[Call, ...], text: str, key: str) -> None:
    if all(each.done for each in _asked(calls)):
        st.session_state.pop(_BEGUN + _name(calls), None)
        st.rerun()
    _bar_with_stop(calls, text, key)


def _bar_with_stop(calls: tuple[Call, ...], text: str, key: str) -> None:
    asked = _asked(calls)
    with st.container(horizontal=True, vertical_alignment="bottom"):  # the button keeps its word where it is narrow
        _bar(asked, text, _begun(calls))
        if st.button(
            _("Stop"),
            icon=":material/stop:",
            key=key,
            help=_("Stops computing this for you. What is done is kept."),
        ):
            st.session_state[_STOPPED + _name(calls)] = True
            st.rerun()


def _bar(asked: list[Asked], text: str, begun: float) -> None:
    done, passed = sum(each.done for each in asked), time.monotonic() - begun
    first = next((each for each in asked if not each.done), None)
    share, left = done / len(asked), 0.0
    words = [_(text)]
    if len(asked) > 1:
        words.append(_("{done:,} of {n:,}", done=done, n=len(asked)))
        left = passed / done * (len(asked) - done) if done else 0.0
    elif first is not None and desk().usual(first.call):
        left = desk().expected(first)
        share = min(NEARLY, passed / (passed + left)) if passed else 0.0
    if passed > 2 and left > 1:
        words.append(_("about {seconds:,.0f} s left", seconds=left))
    elif passed > 2:
        words.append(_("{seconds:,.0f} s so far", seconds=passed))
    if first is not None and not done and (others := desk().before(first)):
        words.append(_("{others:,} before it", others=others))
    st.progress(share, text=" · ".join(words))


def _stopped(calls: tuple[Call, ...], text: str) -> None:
    st.info(_("Stopped: {text}", text=_(text)), icon=":material/stop_circle:")
    if st.button(
        _("Go on"),
        icon=":material/play_arrow:",
        key=_free_key("aside-go-on-" + _name(calls)),
        help=_("Computes what is still missing."),
    ):
        st.session_state.pop(_STOPPED + _name(calls), None)
        st.rerun()


def _free_key(base: str) -> str:
    """A key that nothing has on this page: several figures may wait for the same."""
    context = get_script_run_ctx(suppress_warning=True)
    taken = context.shared.widget_user_keys_this_run if context is not None else ()
    number = 0
    while f"{base}-{number}" in taken:
        number += 1
    return f"{base}-{number}"


def _begun(calls: tuple[Call, ...]) -> float:
    return float(st.session_state.setdefault(_BEGUN + _name(calls), time.monotonic()))


def _name(calls: Sequence[Call]) -> str:
    """Names this wait in the session and in keys of widgets."""
    return f"{hash(tuple(calls)) % 2**64:x}"
