"""A lesson's guide: steps with what to do and a check against the live state, and a quiz at the end.

What a learner has done is kept with the learner (`engine.classroom.learners`), so that it is there on the next visit
and on the class board.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from engine.errors import EngineError
from engine.language import _
from pages.shared import sitemap, viewer
from pages.shared.errors import sentence
from pages.shared.glossary import linked

_OUTCOME = "guide:outcome"
_MARKS = "guide:marks"
_FACTS = "guide:facts"
_OPEN = "guide:open"
_ASKED = "guide:asked"
_QUIZ = "guide:quiz"


@dataclass(frozen=True)
class Outcome:
    """Whether a step is done, and a sentence with what was found."""

    done: bool
    told: str


@dataclass(frozen=True)
class Step:
    """Something to do. `part`: the part of the lesson where; `check` looks at the live state, None leaves it to the
    learner to say that it is done.
    """

    item: str
    title: str
    text: str
    part: str | None = None
    check: Callable[[], Outcome] | None = None


@dataclass(frozen=True)
class Question:
    """A question with several answers, one of which is right; `why` holds for each answer a sentence about it."""

    item: str
    text: str
    answers: tuple[str, ...]
    right: int
    why: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.answers) != len(self.why) or not 0 <= self.right < len(self.answers):
            raise ValueError(f"question {self.item!r} needs a sentence for each answer, and a right one among them.")


@dataclass(frozen=True)
class Guide:
    """All of a lesson."""

    steps: tuple[Step, ...]
    questions: tuple[Question, ...]


def tell(name: str, value: Any) -> None:
    """A page says what it shows, such as the head that is chosen, for checks to look at; the last twenty are kept."""
    facts = st.session_state.setdefault(_FACTS, {})
    known = facts.setdefault(name, [])
    if not known or known[-1] != value:
        facts[name] = [*known, value][-20:]


def told(name: str) -> list[Any]:
    """What pages said under this name in this visit, the last one last."""
    return list(st.session_state.get(_FACTS, {}).get(name, []))


def of_lesson() -> tuple[str, Guide] | None:
    """The open lesson and its guide; None outside of the app or where there is none."""
    from pages.guides import GUIDES

    lesson = st.session_state.get(sitemap.LESSON)
    return (lesson, GUIDES[lesson]) if lesson in GUIDES else None


def marks(lesson: str) -> dict[str, Any]:
    """What this learner has done in a lesson: item → result."""
    known = st.session_state.setdefault(_MARKS, {})
    if lesson not in known:
        found = viewer.learners().marks(viewer.learner())
        known[lesson] = {mark.item: mark.value for mark in found if mark.lesson == lesson}
    return dict(known[lesson])


def _mark(lesson: str, item: str, value: Any) -> None:
    viewer.learners().mark(viewer.learner(), lesson, item, value)
    st.session_state.get(_MARKS, {}).pop(lesson, None)


def _unmark(lesson: str, items: Sequence[str]) -> None:
    viewer.learners().unmark(viewer.learner(), lesson, items)
    st.session_state.get(_MARKS, {}).pop(lesson, None)


# --- steps ------------------------------------------------------------------------------------------------------


def show_steps() -> None:
    """The steps of the open lesson, folded, with how many are done."""
    found = of_lesson()
    if found is None:
        return
    lesson, guide = found
    done = marks(lesson)
    n_done = sum(step.item in done for step in guide.steps)
    title = _("Your way through the lesson · {n_done} of {n_steps} steps done", n_done=n_done, n_steps=len(guide.steps))
    opened = bool(st.session_state.get(_OPEN))
    # As wide as its texts need: in a narrow window it then has a line of its own.
    with st.expander(
        title, icon=":material/checklist:", key="guide-steps", expanded=opened, on_change=_fold_steps, width=640
    ):
        if not opened:  # what is folded is not drawn: with the quiz it would be a quarter of the page's time
            return
        st.progress(n_done / len(guide.steps))
        for number, step in enumerate(guide.steps, start=1):
            _show_step(lesson, number, step, done=step.item in done)


def go_to_step(lesson: str, asked: str, *, with_part: bool = True) -> None:
    """Open the guide at a step that an address names, by its number or its item, and the part where it is done."""
    from pages.guides import GUIDES

    steps = GUIDES[lesson].steps if lesson in GUIDES else ()
    for number, step in enumerate(steps, start=1):
        if asked in (str(number), step.item):
            st.session_state[_ASKED] = (lesson, step.item)
            st.session_state[_OPEN] = True
            if step.part is not None and with_part and "part" not in st.query_params:
                st.session_state["part"] = step.part


def _fold_steps() -> None:
    st.session_state[_OPEN] = bool(st.session_state["guide-steps"])


def _show_step(lesson: str, number: int, step: Step, *, done: bool) -> None:
    with st.container(border=True):
        mark = ":material/check_circle:" if done else f"{number}."
        here = (
            _(" · :material/my_location: **this step**") if st.session_state.get(_ASKED) == (lesson, step.item) else ""
        )
        so_far = _(" · done") if done else ""
        st.markdown(f"{mark} **{_(step.title)}**{so_far}{here}")
        st.markdown(linked(step.text))
        with st.container(horizontal=True):
            if step.part is not None:
                st.button(
                    _("Open “{part}”", part=_(step.part)),
                    key=f"guide-open-{step.item}",
                    on_click=_open_part,
                    args=(step.part,),
                    help=_("Opens this part of the lesson below."),
                )
            if step.check is not None:
                st.button(
                    _("Check again") if done else _("Check"),
                    key=f"guide-check-{step.item}",
                    on_click=_check,
                    args=(lesson, step),
                    icon=":material/task_alt:",
                    help=_("Looks at what you have made, and says whether that is it."),
                )
            elif not done:
                st.button(
                    _("Done"),
                    key=f"guide-done-{step.item}",
                    on_click=_done,
                    args=(lesson, step),
                    help=_("Ticks the step off."),
                )
            if done:
                st.button(
                    _("Undo"),
                    key=f"guide-undo-{step.item}",
                    on_click=_undo,
                    args=(lesson, step),
                    help=_("Takes the tick back."),
                )
        outcome = st.session_state.get(_OUTCOME, {}).get((lesson, step.item))
        if outcome is not None:
            (st.success if outcome.done else st.info)(_(outcome.told))


def _open_part(part: str) -> None:
    st.session_state["part"] = part
    st.session_state[_OPEN] = True


def _check(lesson: str, step: Step) -> None:
    assert step.check is not None
    st.session_state[_OPEN] = True
    try:
        outcome = step.check()
    except EngineError as error:
        outcome = Outcome(False, sentence(error))
    st.session_state.setdefault(_OUTCOME, {})[(lesson, step.item)] = outcome
    if outcome.done:
        _mark(lesson, step.item, outcome.told)


def _done(lesson: str, step: Step) -> None:
    st.session_state[_OPEN] = True
    _mark(lesson, step.item, True)


def _undo(lesson: str, step: Step) -> None:
    st.session_state[_OPEN] = True
    st.session_state.get(_OUTCOME, {}).pop((lesson, step.item), None)
    _unmark(lesson, [step.item])


# --- quiz -------------------------------------------------------------------------------------------------------


def show_quiz() -> None:
    """The questions of the open lesson, folded; an answer is explained at once and can be changed."""
    found = of_lesson()
    if found is None:
        return
    lesson, guide = found
    if not guide.questions:
        return
    given = marks(lesson)
    n_right = sum(bool(isinstance(given.get(q.item), dict) and given[q.item].get("right")) for q in guide.questions)
    title = _("Quiz · {n_right} of {n_questions} right", n_right=n_right, n_questions=len(guide.questions))
    opened = st.session_state.get(_QUIZ) == lesson
    with st.expander(
        title, icon=":material/quiz:", key="guide-quiz", expanded=opened, on_change=_fold_quiz, args=(lesson,)
    ):
        if not opened:
            return
        for number, question in enumerate(guide.questions, start=1):
            _show_question(lesson, number, question, given.get(question.item))
        if any(q.item in given for q in guide.questions):
            st.button(
                _("Start the quiz again"),
                key="guide-quiz-again",
                on_click=_again,
                args=(lesson, guide),
                help=_("Takes your answers of this lesson back."),
            )


def _fold_quiz(lesson: str) -> None:
    st.session_state[_QUIZ] = lesson if st.session_state["guide-quiz"] else None


def _show_question(lesson: str, number: int, question: Question, given: Any) -> None:
    chosen = given.get("choice") if isinstance(given, dict) else None
    if not isinstance(chosen, int) or not 0 <= chosen < len(question.answers):
        chosen = None
    key = f"guide-quiz-{lesson}-{question.item}"
    if key not in st.session_state:
        st.session_state[key] = chosen
    st.radio(
        f"{number}. {_(question.text)}",
        range(len(question.answers)),
        format_func=lambda each: _(question.answers[each]),
        key=key,
        on_change=_answer,
        args=(lesson, question, key),
        help=_("Your answer is explained as soon as you choose it."),
    )
    if chosen is not None:
        right = chosen == question.right
        told = (_("Right. ") if right else _("Not quite. ")) + _(question.why[chosen])
        (st.success if right else st.warning)(told, icon=":material/check:" if right else ":material/close:")


def _answer(lesson: str, question: Question, key: str) -> None:
    choice = st.session_state[key]
    if isinstance(choice, int) and 0 <= choice < len(question.answers):
        _mark(lesson, question.item, {"choice": choice, "right": choice == question.right})


def _again(lesson: str, guide: Guide) -> None:
    _unmark(lesson, [question.item for question in guide.questions])
    for question in guide.questions:
        st.session_state[f"guide-quiz-{lesson}-{question.item}"] = None
