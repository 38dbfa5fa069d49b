"""Part "Predict, then run": a guess before the answer is shown, scored, and the learner's calibration."""

from __future__ import annotations

import streamlit as st

from engine import predictions
from engine.language import _
from pages.parts.pretraining.guess_loss import guess_loss
from pages.parts.pretraining.guess_scores import LOSS, TOKEN, show_score
from pages.parts.pretraining.guess_token import guess_token
from pages.shared.code_panel import show_code
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice


def show() -> None:
    """The part of the lesson."""
    st.markdown(
        _(
            "Whoever has seen a curve believes they knew it before. So say **first** what will come, and how sure you "
            "are; then look. Your guesses are scored and kept for this visit."
        )
    )
    kind = st.segmented_control(
        _("Guess"),
        [LOSS, TOKEN],
        default=LOSS,
        required=True,
        key="predict-kind",
        persist_state="session",
        help=_("Where a run's loss will be later, or what token comes next in text that no model here trained on."),
    )
    place = st.container()
    with place, shown_errors():
        with shown_errors():
            (guess_loss if kind == LOSS else guess_token)()
        show_score(kind)
    notice(
        _(
            "With both axes logarithmic a stretch of a loss curve is nearly straight, but not the whole: it flattens "
            "towards what cannot be predicted, and the learning rate's decay bends it down once more at the end."
        ),
        _(
            "Being right is not enough: a proper score also asks how sure you were. Whoever says 90 % and is right in "
            "half of the cases pays more than one who says 50 %."
        ),
        _(
            "The GPT's confidence was trained by the very same score: cross-entropy is the logarithmic score of the "
            "next token."
        ),
    )
    exercise(
        _(
            "Guess ten tokens with an honest confidence. Who has the lower mean in bits, you or the 3-gram, and where "
            "did you win?"
        ),
        _(
            "On a small model's own text (stories by a grammar) the GPT wins: it has read a million such tokens. You "
            "win where the text needs what only you know: the world, or a word from far back."
        ),
    )
    show_code(predictions.LossGuess, predictions.Bet, predictions.reliability, predictions.extrapolate)
