"""One browser tab, without the browser: speaks Streamlit's protocol over a WebSocket.

It does what the frontend does with the messages: keeps the elements, sends the values of all widgets with every
rerun, honours `auto_rerun` of fragments with a timer, keeps large messages by their hash and refers to them, and
keeps the address in step with bound widgets.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from . import widgets
from .screen import Screen

COOKIE = "llm_lessons_learner"
ANSWER_SECONDS = 60.0


class NoAnswer(Exception):
    """The server did not finish a rerun, or hung up."""


class StillComputing(NoAnswer):
    """The rerun goes on, and shows so: the page was drawn anew within the last seconds."""


@dataclass
class Answer:
    """One rerun as the learner felt it: seconds from sending until the script had finished, and until something of it
    was drawn.
    """

    sent_at: float
    seconds: float
    first_seconds: float
    n_messages: int
    n_bytes: int


@dataclass
class _Question:
    sent_at: float
    fragment: str
    answer: asyncio.Future[Answer]
    begun: bool = False
    first_at: float = 0.0
    last_at: float = 0.0
    n_messages: int = 0
    n_bytes: int = 0


@dataclass
class _Clock:
    interval: float
    task: asyncio.Task[None]
    sent: list[float] = field(default_factory=list)


class Session:
    """A tab of one learner. `updated(seconds)` is called for each live update with the time it took."""

    def __init__(self, url: str, key: str, *, updated: Callable[[float], None] | None = None) -> None:
        self.url, self.key, self.screen = url, key, Screen()
        self.pages: dict[str, str] = {}  # address of a lesson → hash of its script
        self.page = self.query = ""
        self.lost = False
        self._updated = updated
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._clocks: dict[str, _Clock] = {}
        self._question: _Question | None = None
        self._running: tuple[str, ...] = ()
        self._begun_at = 0.0

    # --- coming and going ----------------------------------------------------------------------------------

    async def open(self, path: str = "", query: str = "") -> Answer:
        """Connects and asks for the page at `path` for the first time."""
        address = self.url.replace("http", "ws", 1) + "/_stcore/stream"
        cookies = f"{COOKIE}={self.key}"
        self._socket = await connect(
            address,
            subprotocols=["streamlit", "PLACEHOLDER_AUTH_TOKEN"],  # type: ignore[list-item]
            origin=self.url,  # type: ignore[arg-type]
            additional_headers={"Cookie": cookies},
            max_size=None,
            open_timeout=60,
            ping_interval=None,
        )
        self._reader = asyncio.create_task(self._read(), name="reader")
        self.query = query
        return await self._ask(ClientState(page_name=path))

    async def close(self) -> None:
        """Closes the tab."""
        self._stop_clocks()
        if self._socket is not None:
            await self._socket.close()
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader

    # --- what a learner can do -----------------------------------------------------------------------------

    async def go(self, lesson: str, query: str = "") -> Answer:
        """Follows the link to a lesson in the navigation."""
        self.page, self.query = self.pages[lesson], query
        return await self._ask(ClientState())

    async def set(self, element: Element, state: WidgetState) -> Answer:
        """Gives a widget another value."""
        widget = widgets.widget_of(element)
        self.screen.states[widget.id] = state
        if name := getattr(widget, "query_param_key", ""):
            self._keep_in_address(name, state)
        return await self._ask(ClientState(fragment_id=self.screen.fragment_of(widget.id)))

    async def press(self, element: Element) -> Answer:
        """Presses a button."""
        button = element.button
        state = ClientState(fragment_id=self.screen.fragment_of(button.id))
        state.widget_states.widgets.append(widgets.pressed(button))
        return await self._ask(state)

    # --- the protocol --------------------------------------------------------------------------------------

    async def _ask(self, state: ClientState) -> Answer:
        loop = asyncio.get_running_loop()
        question = _Question(time.monotonic(), state.fragment_id, loop.create_future())
        self._question = question
        await self._send(state)
        try:
            return await asyncio.wait_for(question.answer, ANSWER_SECONDS)
        except TimeoutError:
            if time.monotonic() - question.last_at < ANSWER_SECONDS / 4:
                raise StillComputing(f"still computing after {ANSWER_SECONDS:.0f} seconds") from None
            raise NoAnswer(f"no answer within {ANSWER_SECONDS:.0f} seconds") from None
        finally:
            self._question = None

    async def _send(self, state: ClientState) -> None:
        assert self._socket is not None
        state.query_string = self.query
        state.page_script_hash = self.page
        state.widget_states.widgets.extend(self.screen.states.values())
        state.cached_message_hashes.extend(self.screen.hashes())
        state.context_info.timezone = "Europe/Paris"
        state.context_info.timezone_offset = -60
        state.context_info.locale = "en-GB"
        state.context_info.url = self.url
        state.context_info.color_scheme = "light"
        try:
            await self._socket.send(BackMsg(rerun_script=state).SerializeToString())
        except ConnectionClosed:
            self.lost = True
            raise NoAnswer("the connection was closed") from None

    async def _read(self) -> None:
        assert self._socket is not None
        try:
            async for data in self._socket:
                assert isinstance(data, bytes)
                message = ForwardMsg.FromString(data)
                if self._question is not None and self._question.begun:
                    self._question.n_messages += 1
                    self._question.n_bytes += len(data)
                    self._question.last_at = time.monotonic()
                    self._question.first_at = self._question.first_at or self._question.last_at
                self._take(message)
        except ConnectionClosed:
            pass
        self.lost = True
        self._stop_clocks()
        if self._question is not None and not self._question.answer.done():
            self._question.answer.set_exception(NoAnswer("the connection was closed"))

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "delta" or kind == "ref_hash":
            self.screen.draw(message)
        elif kind == "new_session":
            self._begin(message)
        elif kind == "script_finished":
            self._end(message)
        elif kind == "navigation":
            self.pages = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
            self.page = message.navigation.page_script_hash or self.page
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "auto_rerun":
            self._start_clock(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self._stop_clock(fragment)

    def _begin(self, message: ForwardMsg) -> None:
        run = message.metadata.run
        self._running, self._begun_at = tuple(run.fragment_ids), time.monotonic()
        self.screen.begin(run.script_run_id)
        if not self._running:
            self._stop_clocks()
            self.page = message.new_session.page_script_hash
        question = self._question
        if question is not None and (not self._running or question.fragment in self._running):
            question.begun = True

    def _end(self, message: ForwardMsg) -> None:
        if message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            return  # the script asked for another run: that one counts
        now, question = time.monotonic(), self._question
        self.screen.end(list(self._running))
        for fragment in self._running:
            clock = self._clocks.get(fragment)
            if clock is None:
                continue
            answered = [sent for sent in clock.sent if sent <= self._begun_at]
            clock.sent = [sent for sent in clock.sent if sent > self._begun_at]
            if answered and self._updated is not None:
                self._updated(now - answered[0])
        if question is not None and question.begun and not question.answer.done():
            question.answer.set_result(
                Answer(
                    question.sent_at,
                    now - question.sent_at,
                    (question.first_at or now) - question.sent_at,
                    question.n_messages,
                    question.n_bytes,
                )
            )

    def _keep_in_address(self, name: str, state: WidgetState) -> None:
        pairs = [pair for pair in parse_qsl(self.query) if pair[0] != name]
        kind = state.WhichOneof("value")
        value = getattr(state, kind or "")
        values = list(value.data) if kind and kind.endswith("array_value") else [value]
        self.query = urlencode([*pairs, *((name, each) for each in values)])

    # --- live fragments ------------------------------------------------------------------------------------

    @property
    def refresh_seconds(self) -> list[float]:
        """The intervals of the fragments that refresh now."""
        return [clock.interval for clock in self._clocks.values()]

    def _start_clock(self, fragment: str, interval: float) -> None:
        old = self._clocks.get(fragment)
        if old is not None and old.interval == interval:
            return
        self._stop_clock(fragment)
        self._clocks[fragment] = _Clock(interval, asyncio.create_task(self._tick(fragment, interval), name="clock"))

    def _stop_clock(self, fragment: str) -> None:
        if (clock := self._clocks.pop(fragment, None)) is not None:
            clock.task.cancel()

    def _stop_clocks(self) -> None:
        for fragment in list(self._clocks):
            self._stop_clock(fragment)

    async def _tick(self, fragment: str, interval: float) -> None:
        due = time.monotonic()
        with contextlib.suppress(NoAnswer):
            while True:
                due += interval
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                self._clocks[fragment].sent.append(time.monotonic())
                await self._send(ClientState(fragment_id=fragment, is_auto_rerun=True))
