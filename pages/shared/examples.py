"""The trained examples that ship with the course, put among the runs so that no page is blank."""

from __future__ import annotations

import logging
from pathlib import Path

import streamlit as st

from engine.errors import EngineError
from pages.shared.viewer import lab

_log = logging.getLogger("llm_lessons.pages")
ASSETS = Path(__file__).resolve().parents[2] / "assets"


@st.cache_resource(show_spinner=False)
def _import(folder: str, home: str) -> str | None:
    if not (ASSETS / folder / "run.json").exists():
        return None
    try:
        return lab().import_run(ASSETS / folder)
    except (EngineError, OSError):
        _log.exception("the example %s could not be put among the runs of %s", folder, home)
        return None


def example_run() -> str | None:
    """Id of the language model; None in an installation without it. Imported on the first call."""
    return _import("example", str(lab().settings.home))


def example_foundation() -> str | None:
    """Id of the foundation model; None in an installation without it. Imported on the first call."""
    return _import("foundation", str(lab().settings.home))


def example_translator() -> str | None:
    """Id of the English–German translator; None in an installation without it. Imported on the first call."""
    return _import("translator", str(lab().settings.home))
