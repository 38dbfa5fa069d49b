"""The guesses of this visit: what they scored, whether the confidence was earned, and how to forget them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from engine import predictions
from engine.language import N_, _, number
from engine.predictions import (
    Bet,
    LossGuess,
    TokenGuess,
    as_csv,
    coverage,
    reliability,
)
from pages.parts.pretraining import predict_figures
from pages.shared.quantities import plural
from pages.shared.tables import show_table

LOSS, TOKEN = N_("The loss at a later step"), N_("The next token")
LOSSES, TOKENS = "guesses-loss", "guesses-token"
FORGOTTEN = "guesses-forgotten"
ROUND, ANSWERED = "predict-round", "predict-answered"


def show_score(kind: str) -> None:
    """Draw the score of one kind of guesses, with all of them as CSV."""
    losses: list[LossGuess] = st.session_state.get(LOSSES, [])
    tokens: list[TokenGuess] = st.session_state.get(TOKENS, [])
    st.header(_("Your score"), anchor=False)
    if kind == LOSS:
        _score_losses(losses)
    else:
        _score_tokens(tokens)
    with st.container(horizontal=True):
        st.download_button(
            _("Guesses (CSV)"),
            data=as_csv(losses, tokens).encode(),
            file_name="guesses.csv",
            mime="text/csv",
            icon=":material/download:",
            disabled=not (losses or tokens),
            on_click="ignore",
            key="guesses-csv",
            help=_("Every guess of this visit with its scores."),
        )
        st.button(
            _("Forget all guesses"),
            icon=":material/restart_alt:",
            disabled=not (losses or tokens),
            on_click=_forget,
            key="guesses-forget",
            help=_("Begin again. What you have seen of the curves stays seen."),
        )
        st.button(
            _("Undo"),
            icon=":material/undo:",
            disabled=FORGOTTEN not in st.session_state,
            on_click=_remember,
            key="guesses-undo",
            help=_("Bring back the guesses that were forgotten."),
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
        st.caption(_("Nothing guessed yet. Your guesses stand beside those of a straight line in logarithms."))
        return
    lines = [abs(each.extrapolated - each.truth) for each in guesses]
    with st.container(horizontal=True):
        st.metric(_("Guesses"), f"{len(guesses)}", help=_("Answered in this visit."), width=110)
        st.metric(
            _("Mean error"),
            number(np.mean([g.error for g in guesses]), ".3f"),
            help=_("Nats per token, without sign."),
            width=130,
        )
        st.metric(
            _("A ruler's"), number(np.mean(lines), ".3f"), help=_("A straight line in logarithms, no eyes."), width=130
        )
        st.metric(_("In your range"), number(found.share, ".0%"), help=_("Of 80 % that you aimed at."), width=130)
        st.metric(
            _("Interval score"),
            number(np.mean([g.score for g in guesses]), ".2f"),
            help=_("Lower is better."),
            width=130,
        )
    verdict = (
        _("your ranges are too narrow")
        if found.high < found.stated
        else _("your ranges are wider than they need be")
        if found.low > found.stated
        else _("that fits the 80 % that you aimed at, as far as so few guesses can tell")
    )
    st.caption(
        _(
            "{round} of {n} held the truth (95 % Wilson interval {low:.0%} to {high:.0%}): {verdict}.",
            round=round(found.share * found.n),
            n=plural(found.n, "range", "ranges"),
            low=found.low,
            high=found.high,
            verdict=verdict,
        )
    )
    rows = [
        {
            N_("run"): g.run,
            N_("seen up to"): g.known,
            N_("step"): g.step,
            N_("guess"): round(g.guess, 2),
            N_("range"): _("{low:.2f} to {high:.2f}", low=g.low, high=g.high),
            N_("truth"): round(g.truth, 3),
            N_("inside"): _("yes") if g.inside else _("no"),
            N_("error"): round(g.error, 3),
            N_("ruler"): round(g.extrapolated, 3),
            N_("score"): round(g.score, 2),
        }
        for g in guesses
    ]
    with st.expander(_("As a table"), icon=":material/table:"):
        show_table(pd.DataFrame(rows), hide_index=True, width="stretch")


def _score_tokens(guesses: list[TokenGuess]) -> None:
    if not guesses:
        st.caption(_("Nothing guessed yet. The GPT and the 3-gram bet on every question that you answer."))
        return
    by = {
        N_("You"): [g.learner for g in guesses],
        "GPT": [g.gpt for g in guesses],
        N_("3-gram"): [g.ngram for g in guesses],
    }
    show_table(pd.DataFrame([_row(who, bets) for who, bets in by.items()]), hide_index=True, width="stretch")
    classes = {who: reliability(bets) for who, bets in by.items()}
    predict_figures.calibration(classes, summary=predictions.verdict(by["You"])).show()
    st.caption(
        _(
            "A point on the dashed line earned its confidence; below it was too sure. The bars are 95 % Wilson "
            "intervals: long ones mean few guesses."
        )
    )
    with st.expander(_("As a table"), icon=":material/table:"):
        rows = [
            {
                N_("who"): _(who),
                N_("stated"): number(each.stated, ".0%"),
                N_("right"): number(each.share, ".0%"),
                N_("interval"): _("{low:.0%} to {high:.0%}", low=each.low, high=each.high),
                N_("guesses"): each.n,
            }
            for who, found in classes.items()
            for each in found
        ]
        show_table(pd.DataFrame(rows), hide_index=True, width="stretch")
        told = [
            {
                N_("text"): "… " + g.context[-40:],
                N_("your token"): g.chosen,
                N_("came"): g.truth,
                N_("confidence"): number(g.learner.confidence, ".0%"),
                N_("bits"): round(g.learner.bits, 2),
            }
            for g in guesses
        ]
        show_table(pd.DataFrame(told), hide_index=True, width="stretch")


def _row(who: str, bets: list[Bet]) -> dict[str, Any]:
    return {
        N_("who"): _(who),
        N_("guesses"): len(bets),
        N_("right (%)"): round(100 * float(np.mean([bet.right for bet in bets])), 1),
        N_("mean confidence (%)"): round(100 * float(np.mean([bet.confidence for bet in bets])), 1),
        N_("Brier (0 is best)"): round(float(np.mean([bet.brier for bet in bets])), 3),
        N_("log score (bits, 0 is best)"): round(float(np.mean([bet.bits for bet in bets])), 3),
    }
