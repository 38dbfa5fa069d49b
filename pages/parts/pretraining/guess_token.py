"""A guess of the next token of held-out text, beside those of the GPT and of counting."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from engine.language import N_, _
from engine.predictions import (
    MOST_SURE,
    Bet,
    TokenGuess,
    best_of,
)
from engine.runs.counting import Counts
from engine.runs.token_questions import AT_A_TIME, Question, questions
from pages.parts.pretraining.counting import by_counting, count_note
from pages.parts.pretraining.guess_scores import ANSWERED, ROUND, TOKENS
from pages.shared.charts import percent, visible_token
from pages.shared.draft import show_bytes
from pages.shared.models import ModelChoice, choose_model, load
from pages.shared.tables import show_table

CONTEXT_TOKENS = 60


def question_of(choice: ModelChoice, number: int) -> tuple[Counts, Question]:
    """The question with this number for a model, asked for with its neighbours, and what was counted for it."""
    first = number - number % AT_A_TIME
    counts, found = by_counting(choice, questions, tuple(range(first, first + AT_A_TIME)))
    return counts, found[number - first]


def guess_token() -> None:
    """Draw the question and, once it is answered, what came."""
    choice = choose_model()
    if choice is None:
        return
    number = st.session_state.get(ROUND, 0)
    counts, question = question_of(choice, number)
    tokenizer = load(choice).tokenizer
    names = {i: visible_token(show_bytes(tokenizer.token_bytes(i))) for i in question.candidates}
    text = tokenizer.decode(list(question.context[-CONTEXT_TOKENS:]))
    answered = st.session_state.get(ANSWERED) == (choice.key, number)
    with st.container(border=True):
        st.markdown(_("**The text so far** (held out: the model never trained on it)"))
        st.text(("… " if len(question.context) > CONTEXT_TOKENS else "") + text + " ▁▁")
    left, right = st.columns([1.4, 1])
    picked = left.radio(
        _("Which token comes next?"),
        list(question.candidates),
        format_func=lambda each: _(names[each]),
        key=f"predict-token:{choice.key}:{number}",
        horizontal=True,
        disabled=answered,
        help=_("The true one is among them; the others are what the GPT and the 3-gram find likely. ␣ is a space."),
    )
    sure = right.slider(
        _("How sure are you? (%)"),
        10,
        round(100 * MOST_SURE),
        40,
        1,
        key="predict-sure",
        persist_state="session",
        disabled=answered,
        help=_(
            "The probability that you are right. Blind guessing among {n_names} is "
            "{value:.0f} %; nobody is surer than 99 %.",
            n_names=len(names),
            value=100 / len(names),
        ),
    )
    with st.container(horizontal=True):
        st.button(
            _("Show me"),
            type="primary",
            icon=":material/visibility:",
            disabled=answered,
            key="predict-token-reveal",
            on_click=_answer_token,
            args=(choice, number, question, picked, sure / 100, text, names),
            help=_("Shows the token that came and scores your guess."),
        )
        st.button(
            _("Another place"),
            icon=":material/skip_next:",
            key="predict-next",
            on_click=_next_round,
            args=(number,),
            help=_("The next question. One that was not answered is not scored."),
        )
    if answered:
        _show_answer(question, names)
    st.caption(count_note(choice, counts))


def _next_round(number: int) -> None:
    st.session_state[ROUND] = number + 1


def _answer_token(
    choice: ModelChoice, number: int, question: Question, picked: int, sure: float, text: str, names: dict[int, str]
) -> None:
    truth = question.candidates.index(question.truth)
    made = TokenGuess(
        text,
        names[picked],
        names[question.truth],
        len(names),
        Bet(picked == question.truth, sure),
        best_of(question.gpt, truth),
        best_of(question.ngram, truth),
    )
    st.session_state[TOKENS] = [*st.session_state.get(TOKENS, []), made]
    st.session_state[ANSWERED] = (choice.key, number)


def _show_answer(question: Question, names: dict[int, str]) -> None:
    made: TokenGuess = st.session_state[TOKENS][-1]
    with st.container(border=True):
        st.text(
            _(
                "It was {truth}. You said {chosen} with {confidence:.0%}: "
                "{ending}, {bits:.2f} bits, "
                "Brier {brier:.2f}.",
                truth=made.truth,
                chosen=made.chosen,
                confidence=made.learner.confidence,
                ending=_("right") if made.learner.right else _("wrong"),
                bits=made.learner.bits,
                brier=made.learner.brier,
            )
        )
        order = np.argsort([-each for each in question.gpt])
        rows = [
            {
                N_("token"): names[question.candidates[i]],
                "": _("came") if question.candidates[i] == question.truth else "",
                "GPT": percent(question.gpt[i]),
                N_("3-gram"): percent(question.ngram[i]),
            }
            for i in order
        ]
        show_table(pd.DataFrame(rows), hide_index=True, width="stretch")
        st.caption(
            _(
                "The models' own probabilities, among all tokens of the vocabulary. Their bets below are shares among "
                "the candidates, for they are to choose among as few as you."
            )
        )
