"""The methods that are compared, and how good each is on one test set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from engine.aside_worker import Call
from engine.classification_metrics import Quality, quality
from engine.errors import EngineError
from engine.labelled import Split
from engine.language import N_
from engine.runs.classifying import (
    ClassificationConfig,
)
from engine.runs.records import RunRecord
from engine.runs.simple_study import simple_quality
from pages.parts.classification.source import (
    as_split,
    label_of,
    recorded_test,
)
from pages.shared.aside import all_computed
from pages.shared.errors import sentence
from pages.shared.models import settings_aside
from pages.shared.viewer import lab

FINE_TUNED, FROM_RANDOM = N_("fine-tuned foundation model"), N_("same network, random start")


def simple_call(name: str, method: str, settings: dict[str, Any]) -> Call:
    """What has to be computed for a simple method on the test set of a split."""
    return Call(simple_quality, (settings_aside(), name, method, as_split(settings)))


def simple_qualities(calls: Sequence[Call]) -> list[tuple[Quality, float]]:
    """The quality of each, and the seconds it took to train; NotYet while they are computed."""
    return all_computed(N_("Training the simple methods"), calls)


def quality_of_run(record: RunRecord, split: Split) -> Quality | None:
    """The quality of a run on this test set; None while it has none, or was judged on another."""
    said = recorded_test(record.run_id, record.attempt, record.state)
    return None if said is None or len(said) != len(split.test) else quality(split.test.labels, said)


def submit_all(configs: list[ClassificationConfig]) -> None:
    """Start these runs; the first that is refused ends it, with a word."""
    for config in configs:
        try:
            lab().submit(config, label_of(config))
        except EngineError as error:
            st.toast(sentence(error), icon=":material/info:")
            return


@st.cache_data(max_entries=128, show_spinner=False)
def counts_of(run_id: str, attempt: int, begun: bool) -> dict[str, Any]:
    """What a run counted before its first step; empty until then."""
    found = lab().events(run_id, kinds=("labelled",))
    return found[-1].payload if found else {}
