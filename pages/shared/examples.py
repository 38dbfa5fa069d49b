"""The trained example that ships with the course, put among the runs so that no page is blank."""

from __future__ import annotations

import logging
from pathlib import Path

import streamlit as st

from engine.errors import EngineError
from engine.runs.service import lab

_log = logging.getLogger("llm_lessons.pages")
FOLDER = Path(__file__).resolve().parents[2] / "assets" / "example"


@st.cache_resource(show_spinner=False)
def _import(home: str) -> str | None:
    if not (FOLDER / "run.json").exists():
        return None
    try:
        return lab().import_run(FOLDER)
    except (EngineError, OSError):
        _log.exception("the example could not be put among the runs of %s", home)
        return None


def example_run() -> str | None:
    """Id of the example; None in an installation without it. Imported on the first call."""
    return _import(str(lab().settings.home))
