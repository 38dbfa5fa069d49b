"""Measuring what each head is worth: one after the other, watched, shared by all who look, and given up at will."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import streamlit as st

from engine import inspection
from engine.errors import EngineError
from engine.gpt import GPT
from engine.language import _
from pages.shared.models import ModelChoice, held_out, inference, load
from pages.shared.quantities import estimate

AT_ONCE_SECONDS = 3.0  # what is expected to be quicker starts by itself
FLOATING_POINT_BUDGET = 3e9  # of one pass over the text: tokens x 2 x parameters
MOST_TOKENS = 1024


@dataclass
class Measurement:
    """The heads measured so far, in order; safe to advance from several sessions at once."""

    n_heads: int
    steps: Iterator[inspection.HeadEffect | float]
    base: float = math.nan
    effects: list[inspection.HeadEffect] = field(default_factory=list)
    seconds: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def done(self) -> bool:
        """Whether every head has been measured."""
        return len(self.effects) == self.n_heads

    @property
    def seconds_left(self) -> float:
        """Expected time for the rest, from the heads measured so far. Later layers take less, so it is no promise."""
        return self.seconds / max(1, len(self.effects)) * (self.n_heads - len(self.effects))

    def advance(self) -> None:
        """Measure one more head (and the loss with all of them, the first time)."""
        with self.lock, inference():
            if self.done:
                return
            if not self.effects and math.isnan(self.base):
                first = next(self.steps)
                assert isinstance(first, float)
                self.base = first
            began = time.perf_counter()
            effect = next(self.steps)
            assert isinstance(effect, inspection.HeadEffect)
            self.effects.append(effect)
            self.seconds += time.perf_counter() - began

    def damage(self, shape: tuple[int, int]) -> np.ndarray:
        """Rise of the loss (L, H) in nats per token; nan where not measured yet."""
        return self._array(shape, "damage")

    def shift(self, shape: tuple[int, int]) -> np.ndarray:
        """Probability of the next token that moved (L, H), 0 to 1; nan where not measured yet."""
        return self._array(shape, "shift")

    def _array(self, shape: tuple[int, int], name: str) -> np.ndarray:
        values = np.full(shape, math.nan)
        for effect in list(self.effects):
            values[effect.layer, effect.head] = getattr(effect, name)
        return values


def text_windows(choice: ModelChoice) -> Any:
    """Text that the model has not been trained on, inputs and targets (N, T), less of it for larger models.

    None where there is no such text here, as for weights from elsewhere.
    """
    try:
        inputs, targets = held_out(choice, _n_tokens(load(choice).model))
    except EngineError:
        return None
    return inputs, targets


def _n_tokens(model: GPT) -> int:
    budget = int(FLOATING_POINT_BUDGET / (2 * model.n_parameters))
    return next((n for n in (1024, 512, 256) if n <= budget), 128)


def on_text(choice: ModelChoice) -> Measurement | None:
    """The damage on the held-out text; None without one."""
    return _on_text(choice.key, choice) if text_windows(choice) is not None else None


@st.cache_resource(max_entries=12, show_spinner=False)
def _on_text(key: str, _choice: ModelChoice) -> Measurement:
    windows = text_windows(_choice)
    assert windows is not None
    model = load(_choice).model
    return Measurement(_count(model), inspection.head_effects(model, *windows))


@st.cache_resource(max_entries=24, show_spinner=False)
def _on_sentence(key: str, ids: tuple[int, ...], _choice: ModelChoice) -> Measurement:
    model = load(_choice).model
    inputs, targets = inspection.next_token_targets(ids)
    return Measurement(_count(model), inspection.head_effects(model, inputs, targets, ids))


def on_sentence(choice: ModelChoice, ids: tuple[int, ...]) -> Measurement:
    """The damage on the learner's sentence, and how far the token after it shifts."""
    return _on_sentence(choice.key, ids, choice)


def _count(model: GPT) -> int:
    return model.config.n_layers * model.config.n_heads


def measure(what: dict[str, Measurement], running_key: str) -> bool:
    """Advance measurements with their progress and a button to give up; whether all are complete.

    What takes longer than a few seconds waits for a click. What has been measured stays when it is given up.
    """
    open_ = {name: each for name, each in what.items() if not each.done}
    for each in open_.values():
        if not each.effects:
            with st.spinner(_("Measuring the first head …")):
                each.advance()
    left = sum(each.seconds_left for each in open_.values())
    if not open_ or left <= 0:
        return True
    if left > AT_ONCE_SECONDS and not st.session_state.get(running_key):
        n_left = sum(each.n_heads - len(each.effects) for each in open_.values())
        if not st.button(
            _("Measure all heads (about {left})", left=estimate(left)),
            key=f"{running_key}-start",
            type="primary",
            icon=":material/speed:",
            help=_(
                "{n_left} passes are left. You can give up at any time and keep what has been measured.", n_left=n_left
            ),
        ):
            return False
        st.session_state[running_key] = True
        st.rerun()
    place = st.empty()
    with place.container():
        bar = st.progress(0.0, _("Measuring …"))
        st.button(
            _("Give up"),
            key=f"{running_key}-stop",
            on_click=lambda: st.session_state.pop(running_key, None),
            icon=":material/stop:",
            help=_("Stops after the present head; what has been measured is kept."),
        )
    for name, each in open_.items():
        while not each.done:
            each.advance()
            left = sum(other.seconds_left for other in open_.values())
            share = len(each.effects) / each.n_heads
            bar.progress(
                share,
                _(
                    "{name}: {n_effects} of {n_heads} heads, about {left} left",
                    name=name,
                    n_effects=len(each.effects),
                    n_heads=each.n_heads,
                    left=estimate(left),
                ),
            )
    st.session_state.pop(running_key, None)
    place.empty()
    return True
