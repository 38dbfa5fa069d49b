"""Which pretrained model a fine-tuning begins with."""

from __future__ import annotations

import streamlit as st

from engine.language import _
from pages.shared.examples import example_foundation
from pages.shared.lesson_runs import choose_checkpoint
from pages.shared.models import ModelChoice, whole
from pages.shared.run_data import run_name
from pages.shared.viewer import lab


def choose_base(key: str) -> ModelChoice | None:
    """Controls for a pretraining run and one of its checkpoints, the foundation model first; None, with advice, where
    there is none. `key` begins the keys of the controls.
    """
    service = lab()
    records = {record.run_id: record for record in service.runs()}
    ids = [run_id for run_id, record in records.items() if whole(record) and service.checkpoints(run_id)]
    if not ids:
        st.info(_("There is no pretrained model yet. Train one in **Pretraining**; half a minute is enough to begin."))
        return None
    foundation = example_foundation()
    ids.sort(key=lambda run_id: run_id != foundation)
    picker, beside = st.columns(2)
    run_id = picker.selectbox(
        _("Start from"),
        ids,
        format_func=lambda i: _(run_name(records[i])),
        key=f"{key}-base",
        persist_state="session",
        help=_("The pretrained model that is trained further: the foundation model of the course, or a run of yours."),
    )
    step = choose_checkpoint(
        run_id,
        beside,
        key=f"{key}-base-step",
        help=_("The pretrained model at an earlier step of its own training. Step 0 is before it learned anything."),
    )
    return ModelChoice(run_id, step, run_name(records[run_id]))
