"""Measuring what each head is worth: a layer at a time beside the server, kept for all who look, given up at will."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import streamlit as st

from engine.aside_worker import Call, HeldOut
from engine.errors import EngineError
from engine.gpt import GPT
from engine.head_questions import LayerEffects, effects_on, effects_on_text, shape_of
from engine.inspection import HeadEffect
from engine.language import _
from pages.shared.aside import all_computed, computed, is_known
from pages.shared.errors import shown_errors
from pages.shared.models import ModelChoice, held_out_named, load, model_named

AT_ONCE_PARAMETERS = 8_000_000  # larger models are measured when the learner says so
FLOATING_POINT_BUDGET = 3e9  # of one pass over the text: tokens x 2 x parameters


@dataclass(frozen=True)
class Found:
    """The heads measured so far; `base` is the loss with all of them, in nats per token."""

    base: float
    heads: tuple[HeadEffect, ...]

    def damage(self, shape: tuple[int, int]) -> np.ndarray:
        """Rise of the loss (L, H) in nats per token; nan where not measured yet."""
        return self._array(shape, "damage")

    def shift(self, shape: tuple[int, int]) -> np.ndarray:
        """Probability of the next token that moved (L, H), 0 to 1; nan where not measured yet."""
        return self._array(shape, "shift")

    def _array(self, shape: tuple[int, int], name: str) -> np.ndarray:
        values = np.full(shape, math.nan)
        for effect in self.heads:
            values[effect.layer, effect.head] = getattr(effect, name)
        return values


def text_named(choice: ModelChoice) -> HeldOut:
    """Text that the model has not been trained on, less of it for larger models."""
    return held_out_named(choice, _n_tokens(load(choice).model))


def has_text(choice: ModelChoice) -> bool:
    """Whether there is such text here: of weights from elsewhere, say, there may be none. NotYet while it is read."""
    try:
        computed(_("Reading the held-out text …"), shape_of, text_named(choice))
    except EngineError:
        return False
    return True


def _n_tokens(model: GPT) -> int:
    budget = int(FLOATING_POINT_BUDGET / (2 * model.n_parameters))
    return next((n for n in (1024, 512, 256) if n <= budget), 128)


def on_text(choice: ModelChoice) -> list[Call]:
    """What measures the damage on the held-out text."""
    model, text = model_named(choice), text_named(choice)
    return [Call(effects_on, (model, text, layer)) for layer in range(load(choice).model.config.n_layers)]


def on_sentence(choice: ModelChoice, ids: tuple[int, ...]) -> list[Call]:
    """What measures the damage on the learner's sentence, and how far the token after it shifts."""
    model = model_named(choice)
    return [Call(effects_on_text, (model, ids, layer)) for layer in range(load(choice).model.config.n_layers)]


def found_of(calls: list[Call]) -> Found:
    """What these calls have found so far."""
    known: list[LayerEffects] = [all_computed("", [call])[0] for call in calls if is_known(call)]
    return Found(known[0].base if known else math.nan, tuple(each for layer in known for each in layer.heads))


def measure(choice: ModelChoice, calls: list[Call]) -> bool:
    """Has the calls computed, with their progress; whether all are. Large models wait for a click."""
    if all(map(is_known, calls)):
        return True
    asked = f"heads_measuring:{choice.key}"
    if load(choice).model.n_parameters > AT_ONCE_PARAMETERS and not st.session_state.get(asked):
        if not st.button(
            _("Measure all heads"),
            key=f"{asked}-start",
            type="primary",
            icon=":material/speed:",
            help=_("A large model takes minutes. You can stop at any time and keep what has been measured."),
        ):
            return False
        st.session_state[asked] = True
        st.rerun()
    with shown_errors():
        all_computed(_("Measuring …"), calls)
        return True
    return False
