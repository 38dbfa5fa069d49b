"""Questions that are held out of a run, and what models answer to them, computed once for everybody."""

from __future__ import annotations

import random
from collections.abc import Iterator

import streamlit as st

from engine.checkpoint import Checkpoint
from engine.events import Answer
from engine.generation import SamplingConfig, generate
from engine.gpt import GPT
from engine.instructions import Question, Template, end_id
from engine.language import _
from engine.tokenizer import Tokenizer
from engine.tuning import EncodedQuestions, answer_loss, give_answers
from pages.parts.instructions.source import base_of, config_of, questions_of, tuned
from pages.shared.models import ModelChoice, inference

MAX_ANSWER = 60
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


def stream_answer(
    model: GPT, tokenizer: Tokenizer, prompt: str, sampling: SamplingConfig, most: int = MAX_ANSWER
) -> Iterator[str]:
    """The answer as it grows, a token at a time. Nothing where the prompt fills the context."""
    ids, end = tokenizer.encode(prompt), end_id(tokenizer)
    room = model.config.context_length - len(ids)
    text = ""
    if room < 1 or not ids:
        return
    for step in generate(model, tokenizer, ids, min(most, room), sampling):
        if step.id == end:
            break
        text += step.text
        yield text.strip()


@st.cache_data(max_entries=256, show_spinner=False)
def _answers(
    key: str, data: str, seed: int, template: tuple[str, str], group: str, start: int, stop: int, n: int,
    _checkpoint: Checkpoint,
) -> tuple[list[Answer], float, int]:  # fmt: skip
    questions = questions_of(data, seed).held_out[group]
    model, tokenizer = _checkpoint.model, _checkpoint.tokenizer
    encoded = EncodedQuestions.of(questions, Template(*template), tokenizer, model.config.context_length - 1)
    chosen = encoded.spread(n)
    part = EncodedQuestions(chosen.questions[start:stop], chosen.encoded[start:stop], 0)
    if not len(part):
        return [], 0.0, 0
    with inference():
        n_tokens = sum(len(each.ids) - each.n_prompt for each in part.encoded)
        return give_answers(model, part, tokenizer), answer_loss(model, part.encoded), n_tokens


def answers_of(
    choice: ModelChoice, group: str, n: int, *, base: bool = False
) -> Iterator[tuple[int, list[Answer], float]]:
    """Answers to `n` questions of a group by the chosen model, or by the `base` it began as: after every few, how many
    there are, all of them, and the mean loss of the references (nats per token).
    """
    config = config_of(choice)
    checkpoint = base_of(config) if base else tuned(choice)
    key = config.base if base else choice.key
    found: list[Answer] = []
    total, n_tokens = 0.0, 0
    for start in range(0, n, AT_ONCE):
        answers, loss, weight = _answers(
            key, config.data, config.seed, config.template, group, start, min(start + AT_ONCE, n), n, checkpoint
        )
        found += answers
        total, n_tokens = total + loss * weight, n_tokens + weight
        yield len(found), found, total / max(1, n_tokens)
