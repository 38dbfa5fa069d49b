"""A run of this server as a measure: its tokens and its speed."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from engine.errors import ConfigError
from engine.gpt import GPTConfig
from engine.language import _
from engine.runs.config import RunConfig
from pages.shared import viewer
from pages.shared.run_data import run_name
from pages.shared.viewer import lab


@dataclass(frozen=True)
class Measured:
    """A run as this view needs it."""

    run_id: str
    name: str
    config: GPTConfig
    tokens: int
    speed: float  # tokens per second
    steps: int


@st.cache_data(ttl=10, show_spinner=False)
def _measured_runs(learner: str) -> dict[str, Measured]:
    found = {}
    for record in lab().runs():
        if not record.step or not record.seconds:
            continue
        try:
            config = record.config
        except ConfigError:
            continue
        if not isinstance(config, RunConfig):
            continue
        per_step = config.training.batch_size * config.training.accumulation * config.model.context_length
        tokens = record.step * per_step
        found[record.run_id] = Measured(
            record.run_id, run_name(record), config.model, tokens, tokens / record.seconds, record.step
        )
    return found


def choose_run() -> Measured | None:
    """The run chosen from those with a step; None, and a sentence, where there is none."""
    runs = _measured_runs(viewer.learner())
    if not runs:
        st.info(_("No run has been trained yet: train one in the lesson on pretraining, or a size in the first part."))
        return None
    if st.session_state.get("cost-run") not in runs:
        st.session_state["cost-run"] = next(iter(runs))
    chosen = st.selectbox(
        _("Run"),
        list(runs),
        format_func=lambda run_id: _(runs[run_id].name),
        key="cost-run",
        persist_state="session",
        help=_("A pretraining run with at least one step; its tokens and seconds of training are what was recorded."),
    )
    return runs[chosen]
