"""What the parts share: the chosen instructions and template, the run looked at, and the model it began as."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine.aside_worker import ModelOf
from engine.checkpoint import Checkpoint
from engine.errors import EngineError
from engine.instruction_sets import INSTRUCTION_SETS, InstructionSet, load_instructions
from engine.instructions import Template
from engine.language import N_, _
from engine.runs.artifacts import UPLOAD
from engine.runs.instructing import SHORT, InstructionConfig, instruction_config, load_tuned, read_set
from engine.runs.records import RunRecord
from pages.shared.errors import sentence
from pages.shared.examples import example_foundation
from pages.shared.lesson_runs import LessonRuns, choose_checkpoint
from pages.shared.models import ModelChoice, load, settings_aside
from pages.shared.run_data import run_name
from pages.shared.viewer import lab

RUNS = LessonRuns("instruction_run", "tuned", "instruction")
DATA_KEY = "instruction-data"
TRAIN_PART = N_("Train it")
OWN = "own"
ALPACA = Template()
TEMPLATES = {"short": SHORT, "alpaca": ALPACA}


def set_title(name: str) -> str:
    """The title of an instruction set or of a learner's own pairs."""
    return _("My own pairs") if name.startswith(UPLOAD) or name == OWN else _(INSTRUCTION_SETS[name].title)


def chosen_data() -> str | None:
    """The name of the chosen set as a config has it; None for own pairs that are not there yet."""
    name = st.session_state.get(DATA_KEY, "airline")
    return st.session_state.get("instruction-own") if name == OWN else name


@st.cache_resource(max_entries=8, show_spinner=N_("Reading the instructions …"))
def _own(name: str, seed: int, home: str) -> InstructionSet:
    return read_set(name, seed, lab().artifacts)


def questions_of(name: str, seed: int = 0) -> InstructionSet:
    """A set by its name in a config. CorpusError where it is not there."""
    if name.startswith(UPLOAD):
        return _own(name, seed, str(lab().settings.home))
    return load_instructions(name, seed)


def chosen_template() -> Template:
    """The template written in the first part; the presets' one where that cannot work."""
    texts = st.session_state.get("instruction-template")
    try:
        return Template(*texts) if texts else SHORT
    except EngineError:
        return SHORT


def assistants() -> dict[str, RunRecord]:
    """All instruction runs, the newest first."""
    return {record.run_id: record for record in lab().runs(job="instructions")}


def label_of(config: InstructionConfig) -> str:
    """The name of a run made here."""
    ways = {
        "all": _("all weights"),
        N_("last block"): _("last block"),
        "lora": _("LoRA r = {lora_rank}", lora_rank=config.lora_rank),
    }
    mask = "" if config.mask_prompt else _(" · prompt not masked")
    return f"{set_title(config.data)} · {ways[config.tunable]}{mask}"


def submit(config: InstructionConfig) -> str | None:
    """The id of a run of these settings; None, with the reason shown, where it cannot be."""
    try:
        return lab().submit(config, label_of(config))
    except EngineError as error:
        st.toast(sentence(error), icon=":material/info:")
        return None


def _train_default() -> None:
    """The airline's preset from the foundation model, or from the newest model there is."""
    service = lab()
    wanted = example_foundation()
    ids = [record.run_id for record in service.runs() if service.checkpoints(record.run_id)]
    if not ids:
        st.toast(_("There is no pretrained model to begin with: train one in Pretraining."), icon=":material/info:")
        return
    try:
        base = service.keep_model(wanted if wanted in ids else ids[0])
    except EngineError as error:
        st.toast(sentence(error), icon=":material/info:")
        return
    run_id = submit(instruction_config("airline", base))
    if run_id is not None:
        st.session_state[RUNS.state_key] = run_id
        st.session_state["part"] = TRAIN_PART


def choose_tuned(*, lora: bool = False) -> ModelChoice | None:
    """Controls for a fine-tuned run and one of its checkpoints; None, with a way to get one, while there is none.

    `lora`: only runs with low-rank updates.
    """
    records = {
        run_id: record for run_id, record in assistants().items() if not lora or record.config_dict["tunable"] == "lora"
    }
    picker, beside = st.columns(2)
    run_id = RUNS.choose_trained(records, _("Fine-tuned model"), picker)
    if run_id is None:
        _offer(lora)
        return None
    step = choose_checkpoint(
        run_id,
        beside,
        key="tuned-step",
        help=_("The same model at earlier steps of its fine-tuning. Step 0 is the pretrained model."),
    )
    return ModelChoice(run_id, step, run_name(records[run_id]))


def _offer(lora: bool) -> None:
    if lora:
        st.info(
            _("This part looks into low-rank updates. Train a model with **LoRA** first: choose it under Train it.")
        )
        return
    st.info(_("This part needs a fine-tuned model. Teaching the airline takes about two minutes on one core."))
    st.button(
        _("Train it now"),
        type="primary",
        icon=":material/play_arrow:",
        on_click=_train_default,
        help=_("Starts the airline's run with the usual settings and opens the part where you can watch it."),
    )


def config_of(choice: ModelChoice) -> InstructionConfig:
    """The settings of the chosen model's run."""
    config: InstructionConfig = lab().run(choice.run_id).config
    return config


def tuned(choice: ModelChoice) -> Checkpoint:
    """The chosen fine-tuned model and its tokenizer."""
    return load(choice)


@st.cache_resource(max_entries=4, show_spinner=N_("Loading the pretrained model …"))
def _base(name: str, home: str) -> Checkpoint:
    return load_tuned(lab().artifacts.kept_model(name))


def base_of(config: Any) -> Checkpoint:
    """The pretrained model that a run began with. RunError where it is gone."""
    return _base(config.base, str(lab().settings.home))


def base_named(config: Any) -> ModelOf:
    """That model's name for what is computed aside."""
    return ModelOf(settings_aside(), config.base, 0, 0.0)
