"""A guess of the next token of held-out text, beside those of the GPT and of counting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from engine.generation import next_logits
from engine.language import N_, _
from engine.predictions import (
    MOST_SURE,
    Bet,
    TokenGuess,
    best_of,
)
from pages.parts.pretraining.counting import count_note, counted
from pages.parts.pretraining.guess_scores import ANSWERED, ROUND, TOKENS
from pages.shared.charts import percent, visible_token
from pages.shared.draft import show_bytes
from pages.shared.models import ModelChoice, choose_model, held_out, inference, load
from pages.shared.tables import show_table
from pages.shared.viewer import lab

CANDIDATES = 6
CONTEXT_TOKENS = 60
FEWEST = 8
"""So many tokens of context a question has at least."""


@dataclass(frozen=True)
class Question:
    """A place in held-out text: the tokens before it, the candidates in the order shown, and what the models think."""

    context: tuple[int, ...]
    truth: int
    candidates: tuple[int, ...]
    gpt: tuple[float, ...]
    ngram: tuple[float, ...]


@st.cache_resource(max_entries=64, show_spinner=N_("Looking for a place in the held-out text …"))
def question_of(key: str, home: str, number: int, _choice: ModelChoice) -> Question:
    """The question with this number for a model; the same for everybody."""
    inputs, targets = held_out(_choice, 1024)
    rng = np.random.default_rng([number, 2024])
    row = int(rng.integers(len(inputs)))
    place = int(rng.integers(min(FEWEST, inputs.shape[1]) - 1, inputs.shape[1]))
    context = inputs[row, : place + 1].tolist()
    truth = int(targets[row, place])
    with inference():
        logits = next_logits(load(_choice).model, context)[: load(_choice).tokenizer.n_vocab].astype(np.float64)
    gpt = np.exp(logits - logits.max())
    gpt /= gpt.sum()
    ngram = counted(_choice).models[3].next_probabilities(context[-2:])
    wanted = [truth, *np.argsort(-gpt, kind="stable")[:3], *np.argsort(-ngram, kind="stable")[:2]]
    wanted += list(np.argsort(-gpt, kind="stable")[3 : 3 + CANDIDATES])
    found = list(dict.fromkeys(int(each) for each in wanted))[:CANDIDATES]
    shown = tuple(found[i] for i in rng.permutation(len(found)))
    return Question(
        tuple(context), truth, shown, tuple(float(gpt[i]) for i in shown), tuple(float(ngram[i]) for i in shown)
    )


def guess_token() -> None:
    """Draw the question and, once it is answered, what came."""
    choice = choose_model()
    if choice is None:
        return
    number = st.session_state.get(ROUND, 0)
    question = question_of(choice.key, str(lab().settings.home), number, choice)
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
    st.caption(count_note(counted(choice)))


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
