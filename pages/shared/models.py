"""Models ready to use: loaded once for everybody, asked by a few sessions at a time."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from engine.aside_worker import OPEN, HeldOut, ModelOf
from engine.checkpoint import Checkpoint
from engine.language import N_, _
from engine.open_models import later_text, list_open_models, load_open_model, models_folder
from engine.runs.records import CheckpointInfo, RunRecord
from engine.settings import Settings
from pages.shared import held
from pages.shared.examples import example_foundation
from pages.shared.run_data import run_name
from pages.shared.viewer import lab

_AT_ONCE = threading.BoundedSemaphore(2)  # more inferences at a time than cores make all of them slower


@dataclass(frozen=True)
class ModelChoice:
    """A model of a run at one of its checkpoints, or an open model: then `run_id` is "open:" and its name."""

    run_id: str
    step: int
    title: str

    @property
    def is_open(self) -> bool:
        """Whether this is an open model, which has no run, no checkpoints and no text of its own here."""
        return self.run_id.startswith(OPEN)

    @property
    def key(self) -> str:
        """Names the model in caches and session state."""
        return f"{self.run_id}:{self.step}"


@st.cache_resource(max_entries=12, show_spinner=N_("Loading the model …"))
def _load(run_id: str, step: int, trained_seconds: float) -> Checkpoint:
    return lab().load_model(run_id, step)


@st.cache_resource(max_entries=1, show_spinner=N_("Loading the open weights …"))
def _load_open(name: str, models: str) -> Checkpoint:
    return load_open_model(Path(models), name)


def load(choice: ModelChoice) -> Checkpoint:
    """The chosen model with its tokenizer; CheckpointError when it cannot be read any more."""
    if choice.is_open:
        return _load_open(choice.run_id.removeprefix(OPEN), str(models_folder(lab().settings)))
    return _load(choice.run_id, choice.step, _stamp(choice))


def _stamp(choice: ModelChoice) -> float:
    return next((c.seconds for c in lab().checkpoints(choice.run_id) if c.step == choice.step), 0.0)


def settings_aside() -> Settings:
    """Where everything lies, for what is computed aside: no more than it needs to know."""
    return dataclasses.replace(lab().settings, teacher_key="", serve=False)


def model_named(choice: ModelChoice) -> ModelOf:
    """The model's name for what is computed aside; RunError where this learner may not see it."""
    return ModelOf(settings_aside(), choice.run_id, choice.step, 0.0 if choice.is_open else _stamp(choice))


def steps_named(run_id: str) -> dict[int, ModelOf]:
    """All models of a run by their steps, named as by `model_named` and asked for at once."""
    settings = settings_aside()
    return {each.step: ModelOf(settings, run_id, each.step, each.seconds) for each in lab().checkpoints(run_id)}


@st.cache_resource(max_entries=4, show_spinner=N_("Reading the validation text …"))
def _windows(run_id: str, n_tokens: int) -> Any:
    return lab().validation_windows(run_id, n_tokens)


@st.cache_resource(max_entries=2, show_spinner=N_("Reading a text for it …"))
def _open_windows(run_id: str, n_tokens: int, _checkpoint: Checkpoint) -> Any:
    return later_text(_checkpoint, n_tokens)


def held_out(choice: ModelChoice, n_tokens: int = 2048) -> Any:
    """Windows that the model never trained on, as engine functions want them: inputs and targets, (N, T) each.

    An open model has no such text here; it reads a text of the engine's own, which did not exist when it was trained.
    """
    if choice.is_open:
        return _open_windows(choice.run_id, n_tokens, load(choice))
    return _windows(choice.run_id, n_tokens)


def held_out_named(choice: ModelChoice, n_tokens: int = 2048) -> HeldOut:
    """Names such windows for what is computed aside; RunError where this learner may not see the model."""
    return HeldOut(model_named(choice), n_tokens)


@contextlib.contextmanager
def inference() -> Iterator[None]:
    """Hold one of the few places for computing with a model in the server's own process."""
    with _AT_ONCE:
        yield


def whole(record: RunRecord) -> bool:
    """Whether the lessons can look into it: models without residual stream or norms lack what these show, and one that
    learned to fill gaps does not know what comes next.
    """
    model, training = record.config_dict.get("model", {}), record.config_dict.get("training", {})
    return (
        model.get("residual", True)
        and model.get("norm", "layer") == "layer"
        and training.get("objective", "next") == "next"
    )


def choose_model() -> ModelChoice | None:
    """Controls for a model and, of a run, one of its checkpoints; None, with advice, while no model exists."""
    service, foundation = lab(), example_foundation()
    records = {r.run_id: r for r in service.runs() if r.step > 0 or not r.live}
    names = {i: run_name(record) for i, record in records.items() if whole(record) and service.checkpoints(i)}
    found = list_open_models(models_folder(service.settings))
    names |= {
        OPEN + model.name: _("{value} · open weights", value=model.hub_id or model.name)
        for model in found
        if not model.problem
    }
    wanted = st.query_params.get("run") or st.session_state.get("run_id")
    ids = list(names)
    if not ids:
        st.info(_("There is no model yet. Train one in **Pretraining**; half a minute is enough to begin."))
        return None
    if wanted and wanted not in ids:
        st.warning(_("The run in this address has no model here. This is another one that has."))
    first = next((each for each in (wanted, foundation) if each in ids), ids[0])
    run_id = first
    if not held.hides("run_id"):
        run_id = st.selectbox(
            _("Model"),
            ids,
            index=ids.index(first),
            format_func=lambda each: _(names[each]),
            disabled=held.holds("run_id"),
            help=_(
                "Every run that has a checkpoint, the newest first, then open weights, which **The pipeline** gets. "
                "The foundation model is the one to begin with."
            ),
        )
    st.session_state["run_id"] = run_id
    st.query_params["run"] = run_id
    step = 0 if run_id.startswith(OPEN) else _choose_step(run_id)
    return ModelChoice(run_id, step, names[run_id])


def _choose_step(run_id: str) -> int:
    checkpoints = {c.step: c for c in lab().checkpoints(run_id)}
    steps = list(checkpoints)
    if len(steps) == 1:
        return steps[0]
    return st.select_slider(
        _("Checkpoint"),
        steps,
        value=steps[-1],
        format_func=lambda s: _(_checkpoint_name(checkpoints[s])),
        key=f"checkpoint:{run_id}",
        persist_state="session",
        help=_("The same model at earlier steps of its training. Step 0 is before it learned anything."),
    )


def _checkpoint_name(info: CheckpointInfo) -> str:
    loss = (
        "" if info.validation_loss is None else _(" · loss {validation_loss:.2f}", validation_loss=info.validation_loss)
    )
    return _("step {step:,}{loss}", step=info.step, loss=loss)
