"""Part "Predict, then run": a guess before the answer is shown, scored, and the learner's calibration."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from engine import predictions
from engine.errors import ConfigError
from engine.generation import next_logits
from engine.predictions import (
    INTERVAL,
    MOST_SURE,
    Bet,
    LossGuess,
    TokenGuess,
    as_csv,
    best_of,
    coverage,
    extrapolate,
    reliability,
)
from pages.parts.pretraining import predict_figures
from pages.parts.pretraining.counting import count_note, counted
from pages.shared.charts import percent, visible_token
from pages.shared.code_panel import show_code
from pages.shared.draft import show_bytes
from pages.shared.errors import sentence, shown_errors
from pages.shared.examples import example_foundation
from pages.shared.lesson import exercise, notice
from pages.shared.lesson_runs import stamp_of
from pages.shared.models import ModelChoice, choose_model, held_out, inference, load
from pages.shared.run_data import run_name
from pages.shared.viewer import lab

LOSS, TOKEN = "The loss at a later step", "The next token"
LOSSES, TOKENS = "guesses-loss", "guesses-token"
SHOWN_UP_TO = "predict-shown"  # run → the step up to which this session saw its curve
FORGOTTEN = "guesses-forgotten"
ROUND, ANSWERED = "predict-round", "predict-answered"
LEAST_EVALUATIONS = 6
CANDIDATES = 6
CONTEXT_TOKENS = 60
FEWEST = 8
"""So many tokens of context a question has at least."""


def show() -> None:
    """The part of the lesson."""
    st.markdown(
        "Who watches a curve believes to have known it before. So say **first** what will come, and how sure you are; "
        "then look. Your guesses are scored and kept for this visit."
    )
    kind = st.segmented_control(
        "Guess",
        [LOSS, TOKEN],
        default=LOSS,
        required=True,
        key="predict-kind",
        persist_state="session",
        help="Where a run's loss will be later, or what token comes next in text that no model here trained on.",
    )
    place = st.container()
    with place, shown_errors():
        (_guess_loss if kind == LOSS else _guess_token)()
        _score(kind)
    notice(
        "With both axes logarithmic a stretch of a loss curve is nearly straight, but not the whole: it flattens "
        "towards what cannot be predicted, and the learning rate's decay bends it down once more at the end.",
        "Being right is not enough: a proper score also asks how sure you were. Who says 90 % and is right in half "
        "of the cases pays more than who said 50 %.",
        "The GPT's confidence was trained by the very same score: cross-entropy is the logarithmic score of the next "
        "token.",
    )
    exercise(
        "Guess ten tokens with an honest confidence. Who has the lower mean in bits, you or the 3-gram, and where did "
        "you win?",
        "On a small model's own text (stories by a grammar) the GPT wins: it has read a million such tokens. You win "
        "where the text needs what only you know: the world, or a word from far back.",
    )
    show_code(predictions.LossGuess, predictions.Bet, predictions.reliability, predictions.extrapolate)


# --- the loss -----------------------------------------------------------------------------------------------


@st.cache_data(max_entries=64, show_spinner=False)
def _evaluations(run_id: str, stamp: str, home: str) -> pd.DataFrame:
    measured = lab().curve(run_id, 2).evaluations
    rows = [(e["step"], e["validation_loss"]) for e in measured if math.isfinite(e["validation_loss"])]
    return pd.DataFrame(rows, columns=["step", "loss"])


def _guess_loss() -> None:
    records = {record.run_id: record for record in lab().runs() if not record.live and record.step > 0}
    first = example_foundation()
    ids = sorted(records, key=lambda run_id: run_id != first)
    if not ids:
        st.info("No run has finished yet. Train one in **Train**, without looking at its curve.")
        return
    run_id = st.selectbox(
        "Run",
        ids,
        format_func=lambda each: run_name(records[each]),
        key="predict-run",
        persist_state="session",
        help="Any run at rest. You see the beginning of its curve; each answer shows more of it.",
    )
    points = _evaluations(run_id, stamp_of(records[run_id]), str(lab().settings.home))
    if len(points) < LEAST_EVALUATIONS:
        st.info(f"This run was evaluated {len(points)} times: too few to hide some. Choose a longer one.")
        return
    steps = points["step"].astype(int).tolist()
    guesses: list[LossGuess] = [each for each in st.session_state.get(LOSSES, []) if each.run == run_id[:6]]
    known = st.session_state.get(SHOWN_UP_TO, {}).get(run_id, steps[max(3, len(steps) // 5)])
    later = [step for step in steps if step > known]
    before = guesses[-1].known if guesses else known
    if not later:
        _show_curve(points, before, known, None, guesses)
        st.success("The whole curve is shown. Choose another run to go on guessing.", icon=":material/check_circle:")
        return
    key = f"{run_id}:{known}"
    asked = later[0]
    if len(later) > 1:
        asked = st.select_slider(
            "Step to guess",
            later,
            value=later[min(len(later) - 1, max(1, len(later) // 3))],
            key=f"predict-step:{key}",
            persist_state="session",
            help="The further ahead, the harder. The answer shows the curve up to here, and the next guess goes on "
            "from there.",
        )
    last = float(points.loc[points["step"] == known, "loss"].iloc[0])
    top = round(1.3 * last + 0.05, 2)
    left, right = st.columns(2)
    guess = left.slider(
        "Your guess (nats per token)",
        0.0,
        top,
        round(last, 2),
        0.01,
        key=f"predict-guess:{key}",
        persist_state="session",
        help="The validation loss at that step. It starts at the last value you see.",
    )
    low, high = right.slider(
        f"Your {100 * INTERVAL:.0f} % range",
        0.0,
        top,
        (round(0.8 * last, 2), round(min(top, 1.1 * last), 2)),
        0.01,
        key=f"predict-range:{key}",
        persist_state="session",
        help="So wide that the truth lies inside in four of five such guesses. Wide ranges cost their width; a truth "
        "outside costs ten times its distance.",
    )
    fits = low <= guess <= high
    st.button(
        "Show me",
        type="primary",
        icon=":material/visibility:",
        disabled=not fits,
        key="predict-reveal",
        on_click=_answer_loss,
        args=(run_id, known, int(asked), guess, low, high),
        help="Shows the curve up to that step and scores your guess.",
    )
    if not fits:
        st.warning("Your guess lies outside your own range: move one of them.")
    _show_curve(points, before, known, int(asked), guesses)
    if guesses:
        _last_loss(guesses[-1])


def _answer_loss(run_id: str, known: int, asked: int, guess: float, low: float, high: float) -> None:
    record = lab().run(run_id)
    points = _evaluations(run_id, stamp_of(record), str(lab().settings.home))
    seen = points[points["step"] <= known]
    truth = float(points.loc[points["step"] == asked, "loss"].iloc[0])
    try:
        line = extrapolate(seen["step"].tolist(), seen["loss"].tolist(), asked)
        made = LossGuess(run_id[:6], known, asked, guess, low, high, truth, line)
    except ConfigError as error:
        st.toast(sentence(error), icon=":material/info:")
        return
    st.session_state[LOSSES] = [*st.session_state.get(LOSSES, []), made]
    st.session_state[SHOWN_UP_TO] = {**st.session_state.get(SHOWN_UP_TO, {}), run_id: asked}


def _show_curve(points: pd.DataFrame, before: int, known: int, asked: int | None, guesses: list[LossGuess]) -> None:
    if asked is None:
        said = "All of the curve is shown, with your guesses and their ranges."
    else:
        said = f"The curve is shown up to step {known:,}. Where is it at step {asked:,}, at the dashed rule?"
    predict_figures.curve(points, before, known, asked, guesses, summary=said).show()


def _last_loss(last: LossGuess) -> None:
    with st.container(border=True):
        st.markdown(f"**Step {last.step:,}: the loss was {last.truth:.2f}**")
        st.text(
            f"You said {last.guess:.2f}, off by {last.error:.2f}; your range {last.low:.2f} to {last.high:.2f} "
            f"{'holds' if last.inside else 'misses'} it (score {last.score:.2f}). A straight line in logarithms "
            f"through what you saw gives {last.extrapolated:.2f}, off by {abs(last.extrapolated - last.truth):.2f}."
        )


# --- the next token -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Question:
    """A place in held-out text: the tokens before it, the candidates in the order shown, and what the models think."""

    context: tuple[int, ...]
    truth: int
    candidates: tuple[int, ...]
    gpt: tuple[float, ...]
    ngram: tuple[float, ...]


@st.cache_resource(max_entries=64, show_spinner="Looking for a place in the held-out text …")
def _question(key: str, home: str, number: int, _choice: ModelChoice) -> Question:
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


def _guess_token() -> None:
    choice = choose_model()
    if choice is None:
        return
    number = st.session_state.get(ROUND, 0)
    question = _question(choice.key, str(lab().settings.home), number, choice)
    tokenizer = load(choice).tokenizer
    names = {i: visible_token(show_bytes(tokenizer.token_bytes(i))) for i in question.candidates}
    text = tokenizer.decode(list(question.context[-CONTEXT_TOKENS:]))
    answered = st.session_state.get(ANSWERED) == (choice.key, number)
    with st.container(border=True):
        st.markdown("**The text so far** (held out: the model never trained on it)")
        st.text(("… " if len(question.context) > CONTEXT_TOKENS else "") + text + " ▁▁")
    left, right = st.columns([1.4, 1])
    picked = left.radio(
        "Which token comes next?",
        list(question.candidates),
        format_func=names.__getitem__,
        key=f"predict-token:{choice.key}:{number}",
        horizontal=True,
        disabled=answered,
        help="The true one is among them; the others are what the GPT and the 3-gram find likely. ␣ is a space.",
    )
    sure = right.slider(
        "How sure are you? (%)",
        10,
        round(100 * MOST_SURE),
        40,
        1,
        key="predict-sure",
        persist_state="session",
        disabled=answered,
        help=f"The probability that you are right. Blind guessing among {len(names)} is "
        f"{100 / len(names):.0f} %; nobody is surer than 99 %.",
    )
    with st.container(horizontal=True):
        st.button(
            "Show me",
            type="primary",
            icon=":material/visibility:",
            disabled=answered,
            key="predict-token-reveal",
            on_click=_answer_token,
            args=(choice, number, question, picked, sure / 100, text, names),
            help="Shows the token that came and scores your guess.",
        )
        st.button(
            "Another place",
            icon=":material/skip_next:",
            key="predict-next",
            on_click=_next_round,
            args=(number,),
            help="The next question. One that was not answered is not scored.",
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
            f"It was {made.truth}. You said {made.chosen} with {made.learner.confidence:.0%}: "
            f"{'right' if made.learner.right else 'wrong'}, {made.learner.bits:.2f} bits, "
            f"Brier {made.learner.brier:.2f}."
        )
        order = np.argsort([-each for each in question.gpt])
        rows = [
            {
                "token": names[question.candidates[i]],
                "": "came" if question.candidates[i] == question.truth else "",
                "GPT": percent(question.gpt[i]),
                "3-gram": percent(question.ngram[i]),
            }
            for i in order
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")
        st.caption(
            "The models' own probabilities, among all tokens of the vocabulary. Their bets below are shares among the "
            "candidates, for they are to choose among as few as you."
        )


# --- the score ----------------------------------------------------------------------------------------------


def _score(kind: str) -> None:
    losses: list[LossGuess] = st.session_state.get(LOSSES, [])
    tokens: list[TokenGuess] = st.session_state.get(TOKENS, [])
    st.header("Your score", anchor=False)
    if kind == LOSS:
        _score_losses(losses)
    else:
        _score_tokens(tokens)
    with st.container(horizontal=True):
        st.download_button(
            "Guesses (CSV)",
            data=as_csv(losses, tokens).encode(),
            file_name="guesses.csv",
            mime="text/csv",
            icon=":material/download:",
            disabled=not (losses or tokens),
            on_click="ignore",
            key="guesses-csv",
            help="Every guess of this visit with its scores.",
        )
        st.button(
            "Forget all guesses",
            icon=":material/restart_alt:",
            disabled=not (losses or tokens),
            on_click=_forget,
            key="guesses-forget",
            help="Begin again. What you have seen of the curves stays seen.",
        )
        st.button(
            "Undo",
            icon=":material/undo:",
            disabled=FORGOTTEN not in st.session_state,
            on_click=_remember,
            key="guesses-undo",
            help="Bring back the guesses that were forgotten.",
        )


def _forget() -> None:
    st.session_state[FORGOTTEN] = (st.session_state.pop(LOSSES, []), st.session_state.pop(TOKENS, []))
    st.session_state.pop(ANSWERED, None)


def _remember() -> None:
    losses, tokens = st.session_state.pop(FORGOTTEN)
    st.session_state[LOSSES] = [*losses, *st.session_state.get(LOSSES, [])]
    st.session_state[TOKENS] = [*tokens, *st.session_state.get(TOKENS, [])]


def _score_losses(guesses: list[LossGuess]) -> None:
    found = coverage(guesses)
    if found is None:
        st.caption("Nothing guessed yet. Your guesses stand beside those of a straight line in logarithms.")
        return
    lines = [abs(each.extrapolated - each.truth) for each in guesses]
    with st.container(horizontal=True):
        st.metric("Guesses", f"{len(guesses)}", help="Answered in this visit.", width=110)
        st.metric(
            "Mean error", f"{np.mean([g.error for g in guesses]):.3f}", help="Nats per token, without sign.", width=130
        )
        st.metric("A ruler's", f"{np.mean(lines):.3f}", help="A straight line in logarithms, no eyes.", width=130)
        st.metric("In your range", f"{found.share:.0%}", help="Of 80 % that you aimed at.", width=130)
        st.metric("Interval score", f"{np.mean([g.score for g in guesses]):.2f}", help="Lower is better.", width=130)
    verdict = (
        "your ranges are too narrow"
        if found.high < found.stated
        else "your ranges are wider than they need be"
        if found.low > found.stated
        else "that fits the 80 % that you aimed at, as far as so few guesses can tell"
    )
    st.caption(
        f"{found.share:.0%} of {found.n} ranges held the truth (95 % Wilson interval {found.low:.0%} to "
        f"{found.high:.0%}): {verdict}."
    )
    rows = [
        {
            "run": g.run,
            "seen up to": g.known,
            "step": g.step,
            "guess": round(g.guess, 2),
            "range": f"{g.low:.2f} to {g.high:.2f}",
            "truth": round(g.truth, 3),
            "inside": "yes" if g.inside else "no",
            "error": round(g.error, 3),
            "ruler": round(g.extrapolated, 3),
            "score": round(g.score, 2),
        }
        for g in guesses
    ]
    with st.expander("As a table", icon=":material/table:"):
        st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")


def _score_tokens(guesses: list[TokenGuess]) -> None:
    if not guesses:
        st.caption("Nothing guessed yet. The GPT and the 3-gram bet on every question that you answer.")
        return
    by = {
        "You": [g.learner for g in guesses],
        "GPT": [g.gpt for g in guesses],
        "3-gram": [g.ngram for g in guesses],
    }
    st.dataframe(pd.DataFrame([_row(who, bets) for who, bets in by.items()]), hide_index=True, width="stretch")
    classes = {who: reliability(bets) for who, bets in by.items()}
    predict_figures.calibration(classes, summary=predictions.verdict(by["You"])).show()
    st.caption(
        "A point on the dashed line earned its confidence; below it was too sure. The bars are 95 % Wilson intervals: "
        "long ones mean few guesses."
    )
    with st.expander("As a table", icon=":material/table:"):
        rows = [
            {
                "who": who,
                "stated": f"{each.stated:.0%}",
                "right": f"{each.share:.0%}",
                "interval": f"{each.low:.0%} to {each.high:.0%}",
                "guesses": each.n,
            }
            for who, found in classes.items()
            for each in found
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")
        told = [
            {
                "text": "… " + g.context[-40:],
                "your token": g.chosen,
                "came": g.truth,
                "confidence": f"{g.learner.confidence:.0%}",
                "bits": round(g.learner.bits, 2),
            }
            for g in guesses
        ]
        st.dataframe(pd.DataFrame(told), hide_index=True, width="stretch")


def _row(who: str, bets: list[Bet]) -> dict[str, Any]:
    return {
        "who": who,
        "guesses": len(bets),
        "right (%)": round(100 * float(np.mean([bet.right for bet in bets])), 1),
        "mean confidence (%)": round(100 * float(np.mean([bet.confidence for bet in bets])), 1),
        "Brier (0 is best)": round(float(np.mean([bet.brier for bet in bets])), 3),
        "log score (bits, 0 is best)": round(float(np.mean([bet.bits for bet in bets])), 3),
    }
