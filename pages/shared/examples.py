"""The trained example that ships with the course, put among the runs so that no page is blank."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from engine.runs.service import lab

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "example"


@st.cache_resource(show_spinner=False)
def _import(_home: str) -> str | None:
    return lab().import_run(FOLDER) if (FOLDER / "run.json").exists() else None


def example_run() -> str | None:
    """Id of the example; None in an installation without it. Imported on the first call."""
    return _import(str(lab().settings.home))
