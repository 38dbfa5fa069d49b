"""Where the lesson's measurements come from: records that ship, or the runs of this server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from engine.errors import RunError
from engine.runs.config import RunConfig
from engine.runs.records import RunRecord
from engine.runs.size_series import ShippedRecords, SizeRun, read_records, series_config, size_run
from pages.shared import examples
from pages.shared.viewer import lab


@st.cache_resource(show_spinner=False)
def _read(path: str) -> ShippedRecords | str:
    try:
        return read_records(Path(path))
    except RunError as error:
        return str(error)


def shipped() -> ShippedRecords | None:
    """The records that ship; None, and a sentence on the page, where they cannot be used."""
    path = examples.ASSETS / "scaling" / "series.json"
    if not path.exists():
        return None
    found = _read(str(path))
    if isinstance(found, str):
        st.warning(found)
        return None
    return found


def records_of(configs: list[RunConfig]) -> dict[str, RunRecord | None]:
    """What the server knows of each run, by its id; None for one that nobody has asked for."""
    known = {record.run_id: record for record in lab().runs()}
    return {config.run_id: known.get(config.run_id) for config in configs}


@st.cache_data(max_entries=128, show_spinner=False)
def _evaluations(run_id: str, stamp: str) -> list[dict[str, Any]]:
    return lab().curve(run_id, 1).evaluations


def trained(width: int, corpus: str, seed: int, record: RunRecord | None) -> SizeRun | None:
    """The finished run of one size; None while it has not done all its steps."""
    config = series_config(width, corpus=corpus, seed=seed)
    if record is None or record.state != "finished" or record.step != config.training.steps:
        return None
    stamp = f"{record.attempt}:{record.updated_at}"
    return size_run(config.run_id, config, _evaluations(config.run_id, stamp), record.seconds)
