"""Part: the learner marks answers first, and then sees how the automatic scores mark them."""

from __future__ import annotations

import random

import streamlit as st

from engine import answers
from engine.answers import says_fact
from engine.events import Answer
from pages.parts.instructions.asking import answers_of, groups_of
from pages.parts.instructions.source import choose_tuned
from pages.shared.code_panel import show_code
from pages.shared.components.token_table import Cell, Row, token_table
from pages.shared.lesson import exercise, notice
from pages.shared.models import ModelChoice

N_MARKED = 6
_POOL = 40
_MARKS = {"right": "Right", "partly": "Partly", "wrong": "Wrong"}


def show() -> None:
    """Draw the part."""
    st.markdown(
        "Open answers are hard to mark: two people rarely agree on all of them. Mark these yourself, against the "
        "reference; the automatic scores stay covered until you are done."
    )
    choice = choose_tuned()
    if choice is not None:
        _marking(choice)
    notice(
        "**Exact match** knows only right and wrong; one other word makes an answer wrong. **ROUGE-L** gives credit "
        "for words in common, also where the one word that matters is wrong.",
        "Where the answer is a fact, there is a third way: does it say the fact, and no other number beside it?",
        "None of them reads for meaning. That is why large assistants are also marked by people, or by other models.",
    )
    exercise(
        "Find an answer with a high ROUGE-L that you marked as wrong. What does that say about a headline such as "
        "*35 % better*?",
        "That one must ask: better by which score? A score that counts common words rises as soon as the model has "
        "learned the form of an answer, whatever it says in it.",
    )
    show_code(answers.exact_match, answers.rouge_l, says_fact)


def _marking(choice: ModelChoice) -> None:
    groups = groups_of(choice)
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    group = left.selectbox(
        "Held out", list(groups), key=f"mark-group:{choice.run_id}", help="What is new in the questions."
    )
    draw_key = f"mark-draw:{choice.run_id}:{group}"
    right.button(
        "Others",
        icon=":material/casino:",
        width="stretch",
        on_click=_next_draw,
        args=(draw_key,),
        help="Other questions of the same kind; your marks of these are cleared.",
    )
    n = min(_POOL, len(groups[group]))
    with st.spinner("The model answers …"):
        found = [answers for _, answers, _ in answers_of(choice, group, n)][-1]
    if not found:
        st.warning("None of these questions fits the model's context.")
        return
    draw = st.session_state.get(draw_key, 0)
    chosen = random.Random(draw).sample(found, min(N_MARKED, len(found)))
    marks: list[str | None] = []
    for number, answer in enumerate(chosen, start=1):
        with st.container(border=True):
            st.text(f"{number}. {answer.instruction}\n{answer.input}".strip())
            st.text(f"Reference: {answer.reference}\nThe model: {answer.text or '(nothing)'}")
            marks.append(
                st.segmented_control(
                    f"Your mark of answer {number}",
                    list(_MARKS),
                    format_func=_MARKS.__getitem__,
                    key=f"mark:{choice.key}:{group}:{draw}:{number}",
                    label_visibility="collapsed",
                    help="Right, partly right or wrong, by your own judgement.",
                )
            )
    n_marked = sum(mark is not None for mark in marks)
    if n_marked < len(chosen):
        st.info(f"{n_marked} of {len(chosen)} marked. The scores appear when all are.")
        return
    _scores(chosen, [mark or "" for mark in marks])


def _next_draw(key: str) -> None:
    st.session_state[key] = st.session_state.get(key, 0) + 1


def _scores(chosen: list[Answer], marks: list[str]) -> None:
    rows = []
    agreed = 0
    for number, (answer, mark) in enumerate(zip(chosen, marks, strict=True), start=1):
        same = (mark == "right") == answer.right
        agreed += same
        fact = "–"
        if answer.fact:
            fact = "yes" if says_fact(answer.text, answer.fact) else "no"
        rows.append(
            Row(
                str(number),
                (
                    Cell(_MARKS[mark]),
                    Cell("yes" if answer.right else "no", mark="right" if same else "wrong", word=_agrees(same)),
                    Cell(f"{answer.rouge_l:.2f}", share=answer.rouge_l),
                    Cell(fact),
                ),
            )
        )
    summary = f"You and exact match agree on {agreed} of {len(chosen)} answers."
    token_table(
        ("No.", "Your mark", "Exact match", "ROUGE-L", "Says the fact"), rows, key="mark-scores", summary=summary
    )
    st.caption(summary)


def _agrees(same: bool) -> str:
    return "as you" if same else "not as you"
