"""What a learner does: opens lesson after lesson, changes parts, moves controls, presses buttons, trains."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable

from streamlit.proto.Button_pb2 import Button
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.WidgetStates_pb2 import WidgetState

from engine.classroom.learners import learner_of, new_key

from . import widgets
from .figures import Record, Rerun
from .session import Answer, NoAnswer, Session, StillComputing

LEFT_ALONE = (
    "train",
    "start",
    "erase",
    "delete",
    "forget",
    "stop",
    "pause",
    "resume",
    "fetch",
    "race",
    "teach",
    "leave",
)
"""Buttons with such words start runs or take something away: the load test presses them by plan only."""
_LONGEST_THOUGHT = 4.0  # times the mean


class Learner:
    """One learner with a tab of their own; `think`: mean seconds between an answer and the next click (exponential)."""

    def __init__(self, url: str, number: int, record: Record, *, think: float = 2.0, seed: int = 0) -> None:
        self.number, self.record, self.think = number, record, think
        self.key = new_key()
        self.learner = learner_of(self.key)
        self.session = Session(url, self.key, updated=record.live.append)
        self.lesson = self.part = ""
        self._chance = random.Random(f"{seed}:{number}")

    # --- single things -------------------------------------------------------------------------------------

    async def arrive(self) -> None:
        """Opens the course."""
        await self._noted("arrive", "", self.session.open())

    async def open(self, lesson: str) -> None:
        """Goes to a lesson."""
        self.lesson, self.part = lesson, ""
        await self._noted("open", "", self.session.go(lesson))

    async def choose_part(self, part: str) -> None:
        """Chooses a part of the lesson by its title."""
        element = self.session.screen.find("button_group", "part")
        assert element is not None
        state = WidgetState(id=element.button_group.id)
        state.string_array_value.data.append(part)
        self.part = part
        await self._noted("part", "", self.session.set(element, state))

    def parts(self) -> list[str]:
        """The titles of the lesson's parts that are not open."""
        element = self.session.screen.find("button_group", "part")
        if element is None:
            return []
        now = self.session.screen.states[element.button_group.id].string_array_value.data
        return [option.content for option in element.button_group.options if option.content not in now]

    async def move_something(self) -> bool:
        """Moves one control of the page; False where there is none."""
        screen = self.session.screen
        movable = []
        for element in screen.elements():
            widget = widgets.widget_of(element)
            if element.WhichOneof("type") not in widgets.MOVABLE or widget.disabled or widget.form_id:
                continue
            if widget.id.endswith(("-part", "-reader:box")):  # parts are chosen by plan, and the plan is in English
                continue
            state = widgets.moved_state(element, self._chance, screen.states.get(widget.id))
            if state is not None:
                movable.append((element, state))
        if not movable:
            return False
        element, state = self._chance.choice(movable)
        await self._noted("move", widgets.widget_of(element).label, self.session.set(element, state))
        return True

    async def press_something(self) -> bool:
        """Presses one harmless button of the page; False where there is none."""
        harmless = [element for element in self.session.screen.elements("button") if _harmless(element.button)]
        if not harmless:
            return False
        element = self._chance.choice(harmless)
        await self._noted("press", element.button.label, self.session.press(element))
        return True

    async def train(self, seed: int, seconds: int = 10) -> str:
        """Has a run of the smallest recipe trained; returns its id, or the sentence that refused it."""
        if self.lesson != "pretraining":
            await self.open("pretraining")
        if self.parts() and "Train" in self.parts():
            await self.choose_part("Train")
        await self._set("button_group", "recipe", string="30 s")
        await self.pause()
        await self._set("number_input", "30s:seconds", number=seconds)
        await self.pause()
        await self._set("number_input", "30s:seed", number=seed)
        await self.pause()
        button = self._find("button", "Train")
        await self._noted("train", "", self.session.press(button))
        refusals = [alert for alert in self.session.screen.alerts() if "the most for one learner" in alert]
        return refusals[0] if refusals else self.session.query

    async def pause(self) -> None:
        """Thinks."""
        if self.think > 0:
            await asyncio.sleep(min(self._chance.expovariate(1 / self.think), _LONGEST_THOUGHT * self.think))

    # --- a lesson after the other --------------------------------------------------------------------------

    async def study(self, until: float) -> None:
        """Goes through the lessons, over and over, until `until` (on the monotonic clock); begins anywhere."""
        lessons = [lesson for lesson in self.session.pages if lesson != "board"]
        place = self._chance.randrange(len(lessons))
        while time.monotonic() < until and not self.session.lost:
            await self._study_lesson(lessons[place % len(lessons)], until)
            place += 1

    async def _study_lesson(self, lesson: str, until: float) -> None:
        await self.open(lesson)
        await self.pause()
        parts = self.parts()
        chosen = self._chance.sample(parts, min(2, len(parts)))
        for part in chosen or [""]:
            if time.monotonic() > until or self.session.lost:
                return
            if part:
                await self.choose_part(part)
                await self.pause()
            await self.move_something()
            await self.pause()
            if self._chance.random() < 0.3:
                await self.press_something()
                await self.pause()

    # --- helpers -------------------------------------------------------------------------------------------

    async def _noted(self, kind: str, control: str, asked: Awaitable[Answer]) -> None:
        lesson, part, at = self.lesson, self.part, time.time()
        try:
            answer = await asked
        except StillComputing:
            self.record.computing.append(f"{lesson} · {part} · {kind} {control}")
            return
        except NoAnswer as problem:
            where = f"{lesson} · {part} · {kind} {control}: {problem}"
            if self.session.lost:
                self.record.disconnections += 1
            self.record.unanswered.append(where)
            return
        self.record.reruns.append(
            Rerun(at, self.number, lesson, part, kind, control, answer.seconds, answer.first_seconds, answer.n_bytes)
        )
        where = f"{lesson} · {part} · {kind} {control}"
        self.record.exceptions += [f"{where}: {text}" for text in self.session.screen.exceptions()]
        self.record.alerts += [f"{where}: {text}" for text in self.session.screen.alerts()]

    def _find(self, kind: str, name: str) -> Element:
        element = self.session.screen.find(kind, name)
        assert element is not None, f"no {kind} {name!r} on {self.lesson} · {self.part}"
        return element

    async def _set(self, kind: str, name: str, *, string: str = "", number: float | None = None) -> None:
        element = self._find(kind, name)
        state = WidgetState(id=widgets.widget_of(element).id)
        if number is None:
            state.string_array_value.data.append(string)
        else:
            state.double_value = number
        if self.session.screen.states.get(state.id) != state:
            await self._noted("move", name, self.session.set(element, state))


def _harmless(button: Button) -> bool:
    words = f"{button.label} {button.id}".lower()
    return not button.disabled and not button.form_id and not any(word in words for word in LEFT_ALONE)
