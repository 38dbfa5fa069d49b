"""Questions that are held out of a run, and what models answer to them, computed once for everybody."""

from __future__ import annotations

import random
from collections.abc import Sequence

import streamlit as st

from engine.aside_worker import Call
from engine.events import Answer
from engine.instructions import Question
from engine.language import _
from engine.runs.questions_asked import Answered, HeldOutQuestions, answer_questions
from pages.parts.instructions.source import base_named, config_of, questions_of
from pages.shared.models import ModelChoice, model_named, settings_aside

AT_ONCE = 20
"""So many questions are answered before others get their turn."""


def groups_of(choice: ModelChoice) -> dict[str, tuple[Question, ...]]:
    """The held-out questions of the chosen model's run, by what is new in them."""
    config = config_of(choice)
    return questions_of(config.data, config.seed).held_out


def choose_question(choice: ModelChoice, key: str) -> Question:
    """One held-out question, from a list that can be searched or by chance."""
    groups = groups_of(choice)
    left, middle, right = st.columns([1.4, 3, 1], vertical_alignment="bottom")
    group = left.selectbox(
        _("Held out"),
        list(groups),
        format_func=_,
        key=f"{key}-group:{choice.run_id}",
        help=_("What is new in the question."),
    )
    questions = {f"{q.example.instruction} {q.example.input}".strip(): q for q in groups[group]}
    box = f"{key}:{choice.run_id}:{group}"
    if st.session_state.get(box) not in questions:
        st.session_state[box] = next(iter(questions))
    right.button(
        _("Another"),
        icon=":material/casino:",
        key=f"another-{box}",
        width="stretch",
        on_click=_another,
        args=(box, tuple(questions)),
        help=_("A held-out question by chance."),
    )
    chosen = middle.selectbox(
        _("Question"),
        list(questions),
        format_func=_,
        key=box,
        help=_(
            "{n_questions} questions that were never trained on. Type a word to search among them.",
            n_questions=len(questions),
        ),
    )
    return questions[chosen]


def _another(key: str, texts: tuple[str, ...]) -> None:
    st.session_state[key] = random.choice([each for each in texts if each != st.session_state.get(key)] or [*texts])


def asked_of(choice: ModelChoice, group: str, n: int) -> HeldOutQuestions:
    """Names `n` questions of a group for what is computed aside."""
    config = config_of(choice)
    return HeldOutQuestions(settings_aside(), config.data, config.seed, config.template, group, n)


def answer_calls(choice: ModelChoice, group: str, n: int, *, base: bool = False) -> list[Call]:
    """What has `n` questions of a group answered, a few at a time, by the chosen model or the `base` it began as."""
    model = base_named(config_of(choice)) if base else model_named(choice)
    asked = asked_of(choice, group, n)
    parts = [(start, min(start + AT_ONCE, n)) for start in range(0, n, AT_ONCE)]
    return [Call(answer_questions, (model, asked, start, stop)) for start, stop in parts]


def joined(parts: Sequence[Answered]) -> tuple[list[Answer], float]:
    """All answers, and the mean loss of the references (nats per token)."""
    n_tokens = sum(part.n_tokens for part in parts)
    total = sum(part.loss * part.n_tokens for part in parts)
    return [answer for part in parts for answer in part.answers], total / max(1, n_tokens)
