"""What the parts share: the labelled data, the trained classifiers, and what they said of the test set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from engine.aside_worker import Call
from engine.classification import Classifier
from engine.errors import EngineError
from engine.labelled import Split, split_labelled
from engine.language import N_, _
from engine.runs.classifier_answers import classify
from engine.runs.classifying import (
    DEFAULT_PRESET,
    MOST_JUDGED,
    MOST_VALIDATED,
    PRESETS,
    ClassificationConfig,
    classification_config,
    is_study,
    read_labelled_set,
    split_of,
)
from engine.runs.records import RunRecord
from engine.runs.simple_study import SplitSettings
from engine.uploads import LabelledTexts
from pages.shared.aside import all_computed
from pages.shared.errors import sentence
from pages.shared.examples import example_foundation
from pages.shared.lesson_runs import LessonRuns, choose_checkpoint
from pages.shared.models import ModelChoice, load, model_named
from pages.shared.run_data import run_name
from pages.shared.viewer import lab
from pages.shared.wording import inside

RUNS = LessonRuns("classification_run", "classifier", "classification")
DATA_KEY = "classification_data"
MADE_KEY = "classification_made"
SETTINGS_KEY = "classification_settings"
DATA_PART, TRAIN_PART = N_("Data"), N_("Train it")
TITLES = {
    "sms-spam": N_("SMS spam"),
    "bbc-topics": N_("BBC topics"),
    "shakespeare-genres": N_("Shakespeare's genres"),
}
ABOUT = {
    "sms-spam": N_("Text messages to phones in Britain and Singapore, each marked as spam or not (ham)."),
    "bbc-topics": N_("News articles of 2004 and 2005 in five topics: their headline is the first line."),
    "shakespeare-genres": N_("Passages of the 38 plays, each labelled with the genre of its play."),
}
WHAT_LEARNS = {
    "all": N_("Everything"),
    N_("last block"): N_("Last block"),
    "lora": "LoRA",
    "head": N_("Head only"),
}
MOST_TABLE_CHARS = 300
JUDGED_TOGETHER = 100


def made() -> dict[str, str]:
    """Labelled sets of this session's making: name ("upload:…") → title."""
    return dict(st.session_state.get(MADE_KEY, {}))


def data_title(name: str) -> str:
    """What a learner calls a labelled set."""
    return _(TITLES.get(name) or made().get(name) or N_("Own rows"))


def chosen_data() -> str:
    """The labelled set that all parts work on."""
    return str(st.session_state.get(DATA_KEY, "sms-spam"))


def use_data(name: str, title: str) -> None:
    """From now on the parts work on these rows, which `save_upload` keeps under this name."""
    st.session_state[MADE_KEY] = {**made(), name: title}
    st.session_state[DATA_KEY] = name


def split_settings() -> dict[str, Any]:
    """How the chosen data is split, as settings of a config."""
    return dict(st.session_state.get(SETTINGS_KEY, {}))


@st.cache_resource(max_entries=6, show_spinner=N_("Reading the labelled texts …"))
def _labelled(name: str, home: str) -> LabelledTexts:
    return read_labelled_set(name, lab().artifacts)


def labelled(name: str) -> LabelledTexts:
    """A labelled set, read once for everybody; CorpusError where it cannot be."""
    return _labelled(name, str(lab().settings.home))


@st.cache_resource(max_entries=12, show_spinner=N_("Splitting the texts …"))
def _split(name: str, home: str, settings: tuple[tuple[str, Any], ...]) -> Split:
    return split_labelled(labelled(name), most_judged=MOST_JUDGED, most_validated=MOST_VALIDATED, **dict(settings))


def split_now(name: str, settings: dict[str, Any]) -> Split:
    """The parts that a run with these settings would have; CorpusError where there are too few texts."""
    return _split(name, str(lab().settings.home), as_split(settings))


def as_split(settings: dict[str, Any]) -> SplitSettings:
    """The same settings as `split_labelled` names them, sorted."""
    return tuple(sorted(("seed" if key == "split_seed" else key, value) for key, value in settings.items()))


@st.cache_resource(max_entries=16, show_spinner=N_("Splitting the texts …"))
def _split_of_run(run_id: str, _config: ClassificationConfig) -> Split:
    return split_of(_config, lab().artifacts)


def split_of_run(record: RunRecord) -> Split:
    """The very parts that a run was trained, validated and judged on."""
    return _split_of_run(record.run_id, _config(record))


def _config(record: RunRecord) -> ClassificationConfig:
    config = record.config
    assert isinstance(config, ClassificationConfig)
    return config


def config_of(record: RunRecord) -> ClassificationConfig:
    """The settings of a classification run."""
    return _config(record)


# --- the runs ----------------------------------------------------------------------------


def classifiers() -> dict[str, RunRecord]:
    """The classification runs that are looked at one by one, the newest first."""
    return {record.run_id: record for record in lab().runs(job="classification") if not is_study(_config(record))}


def label_of(config: ClassificationConfig) -> str:
    """The name of a run made here."""
    parts = [data_title(config.data), inside(WHAT_LEARNS[config.trainable])]
    if config.start == "random":
        parts.append(_("random start"))
    if config.n_train is not None:
        parts.append(_("{n_train:,} labels", n_train=config.n_train))
    return " · ".join(parts)


def keep_base(choice: ModelChoice) -> str:
    """The name under which the service keeps a pretrained model for fine-tuning."""
    return _keep(choice.run_id, choice.step, str(lab().settings.home))


@st.cache_data(max_entries=64, show_spinner=N_("Keeping the model …"))
def _keep(run_id: str, step: int, home: str) -> str:
    return lab().keep_model(run_id, step)


def default_base() -> str | None:
    """The foundation model, else the newest pretrained one, as fine-tuning names it; None while there is none."""
    service = lab()
    ids = [example_foundation(), *(record.run_id for record in service.runs())]
    for run_id in ids:
        if run_id is not None and (steps := service.checkpoints(run_id)):
            return _keep(run_id, steps[-1].step, str(service.settings.home))
    return None


def _train_default() -> None:
    base = default_base()
    if base is None:
        st.toast(_("There is no pretrained model yet: train one in Pretraining."), icon=":material/info:")
        return
    try:
        config = classification_config(base, data=chosen_data(), **split_settings())
        st.session_state[RUNS.state_key] = lab().submit(config, label_of(config))
    except EngineError as error:
        st.toast(sentence(error), icon=":material/info:")
        return
    st.session_state["part"] = TRAIN_PART


def offer_training() -> None:
    """What stands where a part needs a classifier and there is none."""
    st.info(
        _(
            "This part needs a trained classifier. For {data_title} it takes about {title} on one core.",
            data_title=data_title(chosen_data()),
            title=PRESETS[DEFAULT_PRESET].title,
        )
    )
    st.button(
        _("Train it now"),
        type="primary",
        icon=":material/play_arrow:",
        key="train-default-classifier",
        on_click=_train_default,
        help=_("Starts the run with the usual settings and opens the part where you can watch it."),
    )


@dataclass(frozen=True)
class Chosen:
    """A classifier to look into: its run, which of its checkpoints, and its data."""

    record: RunRecord
    choice: ModelChoice

    @property
    def config(self) -> ClassificationConfig:
        """The settings of its run."""
        return _config(self.record)

    @property
    def label_names(self) -> tuple[str, ...]:
        """Its classes."""
        return split_of_run(self.record).test.label_names


def choose_classifier() -> Chosen | None:
    """Controls for a classification run and one of its checkpoints; None, with a way to get one, where none is."""
    records = classifiers()
    picker, beside = st.columns(2)
    run_id = RUNS.choose_trained(records, _("Classifier"), picker)
    if run_id is None:
        offer_training()
        return None
    step = choose_checkpoint(
        run_id,
        beside,
        key="classifier-step",
        help=_("The same classifier at earlier steps of its training. At step 0 its new head is random."),
    )
    return Chosen(records[run_id], ModelChoice(run_id, step, run_name(records[run_id])))


def model_of(chosen: Chosen) -> tuple[Classifier, Any]:
    """The chosen classifier and its tokenizer."""
    checkpoint: Any = load(chosen.choice)
    return checkpoint.model, checkpoint.tokenizer


@st.cache_data(max_entries=64, show_spinner=False)
def recorded_test(run_id: str, attempt: int, state: str) -> np.ndarray | None:
    """What a finished run said of its test texts, (N, K); None where it did not come to that."""
    events = lab().events(run_id, kinds=("test",))
    return np.array(events[-1].payload["probabilities"]) if events else None


def test_probabilities(chosen: Chosen) -> np.ndarray:
    """Probabilities (N, K) of the test texts by the chosen checkpoint: recorded by the run, else computed once.

    NotYet while they are computed.
    """
    record = chosen.record
    if chosen.choice.step == record.total_steps:
        found = recorded_test(record.run_id, record.attempt, record.state)
        if found is not None:
            return found
    texts, name = split_of_run(record).test.texts, model_named(chosen.choice)
    parts = (tuple(texts[start : start + JUDGED_TOGETHER]) for start in range(0, len(texts), JUDGED_TOGETHER))
    calls = [Call(classify, (name, part, chosen.config.most_tokens)) for part in parts]
    return np.concatenate(all_computed(_("The classifier reads the test texts …"), calls))


def shortened(text: str, most: int = MOST_TABLE_CHARS) -> str:
    """A text short enough for a cell of a table."""
    return text if len(text) <= most else text[: most - 1] + "…"


def cell_told(n: int, is_class: str, called: str) -> str:
    """What a cell of a confusion matrix holds, in a sentence: `n` texts of a class and what they were called."""
    told = (
        N_("{n_rows:,} texts that are “{names}” and were rightly called “{names_2}”")
        if is_class == called
        else N_("{n_rows:,} texts that are “{names}” and were wrongly called “{names_2}”")
    )
    return _(told, n_rows=n, names=is_class, names_2=called)
