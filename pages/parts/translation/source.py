"""What the parts share: which trained translator, which held-out sentence, and what the model makes of it."""

from __future__ import annotations

import random
from typing import Any

import streamlit as st

from engine.checkpoint import Restored
from engine.errors import EngineError
from engine.language import N_, _, number
from engine.runs.records import RunRecord
from engine.runs.translating import DEFAULT_PRESET, PRESETS, TranslationConfig, translation_config
from engine.seq2seq import Seq2Seq
from engine.translation import Pair, Vocabulary, held_out_pairs
from pages.shared.errors import sentence
from pages.shared.lesson_runs import LessonRuns, choose_checkpoint, stamp_of
from pages.shared.models import ModelChoice, load
from pages.shared.run_data import run_name
from pages.shared.viewer import lab

LANGUAGE_NAMES = {"german": N_("German"), "french": N_("French")}
N_HELD_OUT = 200
"""So many held-out sentences can be chosen."""
RUNS = LessonRuns("translation_run", "translation", "translation")
TRAIN_PART = N_("Train it")


def translators() -> dict[str, RunRecord]:
    """All translation runs, the newest first."""
    return {record.run_id: record for record in lab().runs(job="translation")}


def label_of(config: TranslationConfig) -> str:
    """The name of a run made here."""
    training = config.training
    length = (
        _("{steps:,} steps", steps=training.steps) if training.seconds is None else f"{number(training.seconds, 'g')} s"
    )
    return _("English → {language_names} · {length}", language_names=_(LANGUAGE_NAMES[config.language]), length=length)


def _train_default() -> None:
    config = translation_config(DEFAULT_PRESET)
    try:
        st.session_state[RUNS.state_key] = lab().submit(config, label_of(config))
    except EngineError as error:
        st.toast(sentence(error), icon=":material/info:")
        return
    st.session_state["part"] = TRAIN_PART


def choose_translator() -> ModelChoice | None:
    """Controls for a translation run and one of its checkpoints; None, with a way to get one, while there is none."""
    service = lab()
    records = translators()
    ids = [run_id for run_id in records if service.checkpoints(run_id)]
    if not ids:
        title = PRESETS[DEFAULT_PRESET].title
        st.info(
            _("This part needs a trained translator. English to German takes about {title} on one core.", title=title)
        )
        st.button(
            _("Train it now"),
            type="primary",
            icon=":material/play_arrow:",
            on_click=_train_default,
            help=_("Starts the run with the usual settings and opens the part where you can watch it."),
        )
        return None
    picker, beside = st.columns(2)
    run_id = RUNS.choose_trained(records, _("Translator"), picker) or ids[0]
    exact = _exact_by_step(run_id, stamp_of(records[run_id]))
    step = choose_checkpoint(
        run_id,
        beside,
        key="translator-step",
        name=lambda each: _checkpoint_name(each, exact),
        help=_("The same model at earlier steps of its training, with its exact matches at the evaluation before."),
    )
    return ModelChoice(run_id, step, run_name(records[run_id]))


@st.cache_data(max_entries=32, show_spinner=False)
def _exact_by_step(run_id: str, stamp: str) -> dict[int, float]:
    return {each["step"]: each["exact_match"] for each in lab().curve(run_id, 2).evaluations}


def _checkpoint_name(step: int, exact: dict[int, float]) -> str:
    before = [measured for measured in exact if measured <= step]
    return _("step {step:,}", step=step) + (_(" · {exact:.0%} exact", exact=exact[max(before)]) if before else "")


def translator(choice: ModelChoice) -> tuple[Seq2Seq, Vocabulary]:
    """The chosen model and its words."""
    checkpoint: Restored[Any, Any] = load(choice)
    return checkpoint.model, checkpoint.tokenizer


def config_of(choice: ModelChoice) -> TranslationConfig:
    """The settings of the chosen model's run."""
    return lab().run(choice.run_id).config


@st.cache_data(max_entries=8, show_spinner=N_("Writing held-out sentences …"))
def _held_out(language: str, seed: int) -> list[Pair]:
    return held_out_pairs(language, N_HELD_OUT, seed)


def held_out_of(choice: ModelChoice) -> list[Pair]:
    """The first held-out pairs of the chosen model's run, the same for everybody."""
    config = config_of(choice)
    return _held_out(config.language, config.seed)


def choose_pair(choice: ModelChoice, key: str) -> Pair:
    """One held-out sentence, from a list that can be searched or by chance."""
    pairs = {pair.english: pair for pair in held_out_of(choice)}
    box, button = st.columns([4, 1], vertical_alignment="bottom")
    if st.session_state.get(key) not in pairs:  # another seed has other sentences
        st.session_state[key] = next(iter(pairs))
    button.button(
        _("Another"),
        icon=":material/casino:",
        key=f"another:{key}",
        width="stretch",
        on_click=_another,
        args=(key, tuple(pairs)),
        help=_("A held-out sentence by chance."),
    )
    chosen = box.selectbox(
        _("Held-out sentence"),
        list(pairs),
        format_func=_,
        key=key,
        persist_state="session",
        help=_("{n_pairs} sentences that were never trained on. Type a word to search among them.", n_pairs=len(pairs)),
    )
    return pairs[chosen]


def _another(key: str, sentences: tuple[str, ...]) -> None:
    others = [each for each in sentences if each != st.session_state.get(key)]
    st.session_state[key] = random.choice(others)
