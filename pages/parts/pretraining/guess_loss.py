"""A guess of the loss at a later step of a run whose curve is hidden from there on."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from engine.errors import ConfigError
from engine.language import _
from engine.predictions import (
    INTERVAL,
    LossGuess,
    extrapolate,
)
from pages.parts.pretraining import predict_figures
from pages.parts.pretraining.guess_scores import LOSSES
from pages.shared.errors import sentence
from pages.shared.examples import example_foundation
from pages.shared.lesson_runs import stamp_of
from pages.shared.run_data import run_name
from pages.shared.viewer import lab
from pages.shared.wording import slider_form

SHOWN_UP_TO = "predict-shown"  # run → the step up to which this session saw its curve
LEAST_EVALUATIONS = 6


@st.cache_data(max_entries=64, show_spinner=False)
def _evaluations(run_id: str, stamp: str, home: str) -> pd.DataFrame:
    measured = lab().curve(run_id, 2).evaluations
    rows = [(e["step"], e["validation_loss"]) for e in measured if math.isfinite(e["validation_loss"])]
    return pd.DataFrame(rows, columns=["step", "loss"])


def guess_loss() -> None:
    """Draw the question, the curve as far as it is shown, and the last answer."""
    records = {record.run_id: record for record in lab().runs() if not record.live and record.step > 0}
    first = example_foundation()
    ids = sorted(records, key=lambda run_id: run_id != first)
    if not ids:
        st.info(_("No run has finished yet. Train one in **Train**, without looking at its curve."))
        return
    run_id = st.selectbox(
        _("Run"),
        ids,
        format_func=lambda each: _(run_name(records[each])),
        key="predict-run",
        persist_state="session",
        help=_("Any run at rest. You see the beginning of its curve; each answer shows more of it."),
    )
    points = _evaluations(run_id, stamp_of(records[run_id]), str(lab().settings.home))
    if len(points) < LEAST_EVALUATIONS:
        st.info(
            _(
                "This run was evaluated {n_points} times: too few to hide some. Choose a longer one.",
                n_points=len(points),
            )
        )
        return
    steps = points["step"].astype(int).tolist()
    guesses: list[LossGuess] = [each for each in st.session_state.get(LOSSES, []) if each.run == run_id[:6]]
    known = st.session_state.get(SHOWN_UP_TO, {}).get(run_id, steps[max(3, len(steps) // 5)])
    later = [step for step in steps if step > known]
    before = guesses[-1].known if guesses else known
    if not later:
        _show_curve(points, before, known, None, guesses)
        st.success(_("The whole curve is shown. Choose another run to go on guessing."), icon=":material/check_circle:")
        return
    key = f"{run_id}:{known}"
    asked = later[0]
    if len(later) > 1:
        asked = st.select_slider(
            _("Step to guess"),
            later,
            value=later[min(len(later) - 1, max(1, len(later) // 3))],
            format_func=_,
            key=f"predict-step:{key}",
            persist_state="session",
            help=_(
                "The further ahead, the harder. The answer shows the curve up to here, and the next guess goes on "
                "from there."
            ),
        )
    last = float(points.loc[points["step"] == known, "loss"].iloc[0])
    top = round(1.3 * last + 0.05, 2)
    left, right = st.columns(2)
    guess = left.slider(
        _("Your guess (nats per token)"),
        0.0,
        top,
        round(last, 2),
        0.01,
        format=slider_form(),
        key=f"predict-guess:{key}",
        persist_state="session",
        help=_("The validation loss at that step. It starts at the last value you see."),
    )
    low, high = right.slider(
        _("Your {interval:.0f} % range", interval=100 * INTERVAL),
        0.0,
        top,
        (round(0.8 * last, 2), round(min(top, 1.1 * last), 2)),
        0.01,
        format=slider_form(),
        key=f"predict-range:{key}",
        persist_state="session",
        help=_(
            "So wide that the truth lies inside in four of five such guesses. Wide ranges cost their width; a truth "
            "outside costs ten times its distance."
        ),
    )
    fits = low <= guess <= high
    st.button(
        _("Show me"),
        type="primary",
        icon=":material/visibility:",
        disabled=not fits,
        key="predict-reveal",
        on_click=_answer_loss,
        args=(run_id, known, int(asked), guess, low, high),
        help=_("Shows the curve up to that step and scores your guess."),
    )
    if not fits:
        st.warning(_("Your guess lies outside your own range: move one of them."))
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
        said = _("All of the curve is shown, with your guesses and their ranges.")
    else:
        said = _(
            "The curve is shown up to step {known:,}. Where is it at step {asked:,}, at the dashed rule?",
            known=known,
            asked=asked,
        )
    predict_figures.curve(points, before, known, asked, guesses, summary=said).show()


def _last_loss(last: LossGuess) -> None:
    with st.container(border=True):
        st.markdown(_("**Step {step:,}: the loss was {truth:.2f}**", step=last.step, truth=last.truth))
        st.text(
            _(
                "You said {guess:.2f}, off by {error:.2f}; your range {low:.2f} to {high:.2f} "
                "{ending} it (score {score:.2f}). A straight line in logarithms "
                "through what you saw gives {extrapolated:.2f}, off by {abs:.2f}.",
                guess=last.guess,
                error=last.error,
                low=last.low,
                high=last.high,
                ending=_("holds") if last.inside else _("misses"),
                score=last.score,
                extrapolated=last.extrapolated,
                abs=abs(last.extrapolated - last.truth),
            )
        )
