"""Part: the learner marks answers first, and then sees how the automatic scores mark them."""

from __future__ import annotations

import random

import streamlit as st

from engine import answers
from engine.answers import says_fact
from engine.events import Answer
from engine.language import N_, _, number
from pages.parts.instructions.asking import answer_calls, groups_of, joined
from pages.parts.instructions.source import choose_tuned
from pages.shared.aside import all_computed
from pages.shared.code_panel import show_code
from pages.shared.components.token_table import Cell, Row, token_table
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.models import ModelChoice

N_MARKED = 6
_POOL = 40
_MARKS = {"right": N_("Right"), "partly": N_("Partly"), "wrong": N_("Wrong")}


def show() -> None:
    """Draw the part."""
    st.markdown(
        _(
            "Open answers are hard to mark: two people rarely agree on all of them. Mark these yourself, against the "
            "reference; the automatic scores stay covered until you are done."
        )
    )
    choice = choose_tuned()
    if choice is not None:
        with shown_errors():
            _marking(choice)
    notice(
        _(
            "**Exact match** knows only right and wrong; one other word makes an answer wrong. **ROUGE-L** gives "
            "credit for words in common, also where the one word that matters is wrong."
        ),
        _("Where the answer is a fact, there is a third way: does it say the fact, and no other number beside it?"),
        _(
            "None of them reads for meaning. That is why large assistants are also marked by people, or by other "
            "models."
        ),
    )
    exercise(
        _(
            "Find an answer with a high ROUGE-L that you marked as wrong. What does that say about a headline such as "
            "*35 % better*?"
        ),
        _(
            "That one must ask: better by which score? A score that counts common words rises as soon as the model has "
            "learned the form of an answer, whatever it says in it."
        ),
    )
    show_code(answers.exact_match, answers.rouge_l, says_fact)


def _marking(choice: ModelChoice) -> None:
    groups = groups_of(choice)
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    group = left.selectbox(
        _("Held out"),
        list(groups),
        format_func=_,
        key=f"mark-group:{choice.run_id}",
        help=_("What is new in the questions."),
    )
    draw_key = f"mark-draw:{choice.run_id}:{group}"
    right.button(
        _("Others"),
        icon=":material/casino:",
        width="stretch",
        on_click=_next_draw,
        args=(draw_key,),
        help=_("Other questions of the same kind; your marks of these are cleared."),
    )
    n = min(_POOL, len(groups[group]))
    found, _unused = joined(all_computed(_("The model answers …"), answer_calls(choice, group, n)))
    if not found:
        st.warning(_("None of these questions fits the model's context."))
        return
    draw = st.session_state.get(draw_key, 0)
    chosen = random.Random(draw).sample(found, min(N_MARKED, len(found)))
    marks: list[str | None] = []
    for index, answer in enumerate(chosen, start=1):
        with st.container(border=True):
            st.text(f"{index}. {answer.instruction}\n{answer.input}".strip())
            st.text(
                _(
                    "Reference: {reference}\nThe model: {value}",
                    reference=answer.reference,
                    value=answer.text or "(nothing)",
                )
            )
            marks.append(
                st.segmented_control(
                    _("Your mark of answer {number}", number=index),
                    list(_MARKS),
                    format_func=lambda each: _(_MARKS[each]),
                    key=f"mark:{choice.key}:{group}:{draw}:{index}",
                    label_visibility="collapsed",
                    help=_("Right, partly right or wrong, by your own judgement."),
                )
            )
    n_marked = sum(mark is not None for mark in marks)
    if n_marked < len(chosen):
        st.info(
            _(
                "{n_marked} of {n_chosen} marked. The scores appear when all are.",
                n_marked=n_marked,
                n_chosen=len(chosen),
            )
        )
        return
    _scores(chosen, [mark or "" for mark in marks])


def _next_draw(key: str) -> None:
    st.session_state[key] = st.session_state.get(key, 0) + 1


def _scores(chosen: list[Answer], marks: list[str]) -> None:
    rows = []
    agreed = 0
    for index, (answer, mark) in enumerate(zip(chosen, marks, strict=True), start=1):
        same = (mark == "right") == answer.right
        agreed += same
        fact = "–"
        if answer.fact:
            fact = _("yes") if says_fact(answer.text, answer.fact) else _("no")
        rows.append(
            Row(
                str(index),
                (
                    Cell(_(_MARKS[mark])),
                    Cell(_("yes") if answer.right else _("no"), mark="right" if same else "wrong", word=_agrees(same)),
                    Cell(number(answer.rouge_l, ".2f"), share=answer.rouge_l),
                    Cell(fact),
                ),
            )
        )
    summary = _("You and exact match agree on {agreed} of {n_chosen} answers.", agreed=agreed, n_chosen=len(chosen))
    token_table(
        (_("No."), _("Your mark"), _("Exact match"), "ROUGE-L", _("Says the fact")),
        rows,
        key="mark-scores",
        summary=summary,
    )
    st.caption(summary)


def _agrees(same: bool) -> str:
    return _("as you") if same else _("not as you")
