"""Models ready to use: loaded once for everybody, asked by a few sessions at a time."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import streamlit as st

from engine.checkpoint import Checkpoint
from engine.runs.records import CheckpointInfo
from engine.runs.service import lab
from pages.shared.run_data import run_name

_AT_ONCE = threading.BoundedSemaphore(2)  # more inferences at a time than cores make all of them slower


@dataclass(frozen=True)
class ModelChoice:
    """A model of a run at one of its checkpoints."""

    run_id: str
    step: int
    title: str

    @property
    def key(self) -> str:
        """Names the model in caches and session state."""
        return f"{self.run_id}:{self.step}"


@st.cache_resource(max_entries=12, show_spinner="Loading the model …")
def _load(run_id: str, step: int, trained_seconds: float) -> Checkpoint:
    return lab().load_model(run_id, step)


def load(choice: ModelChoice) -> Checkpoint:
    """The chosen model with its tokenizer; CheckpointError when it cannot be read any more."""
    stamp = next((c.seconds for c in lab().checkpoints(choice.run_id) if c.step == choice.step), 0.0)
    return _load(choice.run_id, choice.step, stamp)


@st.cache_resource(max_entries=4, show_spinner="Reading the validation text …")
def _windows(run_id: str, n_tokens: int) -> Any:
    return lab().validation_windows(run_id, n_tokens)


def held_out(choice: ModelChoice, n_tokens: int = 2048) -> Any:
    """Windows that the model never trained on, as engine functions want them: inputs and targets, (N, T) each."""
    return _windows(choice.run_id, n_tokens)


@contextlib.contextmanager
def inference() -> Iterator[None]:
    """Hold one of the few places for computing with a model in the server's own process."""
    with _AT_ONCE:
        yield


def choose_model() -> ModelChoice | None:
    """Controls for a run and one of its checkpoints; None, with advice, while no model exists."""
    service = lab()
    records = {r.run_id: r for r in service.runs() if r.step > 0 or not r.live}
    wanted = st.query_params.get("run") or st.session_state.get("run_id")
    ids = [i for i in records if service.checkpoints(i)]
    if not ids:
        st.info("There is no model yet. Train one in **Pretraining**; half a minute is enough to begin.")
        return None
    if wanted and wanted not in ids:
        st.warning("The run in this address has no model here. This is the newest one that has.")
    run_id = st.selectbox(
        "Model",
        ids,
        index=ids.index(wanted) if wanted in ids else 0,
        format_func=lambda i: run_name(records[i]),
        help="Every run that has a checkpoint, the newest first.",
    )
    st.session_state["run_id"] = run_id
    st.query_params["run"] = run_id
    checkpoints = {c.step: c for c in service.checkpoints(run_id)}
    steps = list(checkpoints)
    step = steps[-1]
    if len(steps) > 1:
        step = st.select_slider(
            "Checkpoint",
            steps,
            value=steps[-1],
            format_func=lambda s: _checkpoint_name(checkpoints[s]),
            key=f"checkpoint:{run_id}",
            persist_state="session",
            help="The same model at earlier steps of its training. Step 0 is before it learned anything.",
        )
    return ModelChoice(run_id, step, run_name(records[run_id]))


def _checkpoint_name(info: CheckpointInfo) -> str:
    loss = "" if info.validation_loss is None else f" · loss {info.validation_loss:.2f}"
    return f"step {info.step:,}{loss}"
