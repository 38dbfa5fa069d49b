"""Pages without a training service: runs are trained in the test's own process."""

import functools
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner

from engine.runs.execution import execute
from engine.runs.jobs import JobConfig
from engine.runs.recipes import recipe_config
from engine.runs.service import lab
from pages.shared import charts, examples

SHIPPED = examples.ASSETS


@pytest.fixture(autouse=True, scope="session")
def components_found_once():
    """Streamlit looks through every installed package for components whenever an app starts: half a second each."""
    with pytest.MonkeyPatch.context() as patch:
        scan = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(autouse=True)
def no_service(data_home, monkeypatch):
    """No child process, no models that ship (they take seconds to read in), and no cached value of another test."""
    monkeypatch.setattr(examples, "ASSETS", data_home / "nothing-ships")
    monkeypatch.setenv("LLM_LAB_SERVE", "0")
    monkeypatch.setenv("LLM_LAB_ASIDE", "0")  # computed here and now
    monkeypatch.setattr(charts, "VALIDATED", True)
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def shipped(no_service, monkeypatch):
    """With the models that ship."""
    monkeypatch.setattr(examples, "ASSETS", SHIPPED)


def tiny_config(**training):
    """A run of a second or two on a text of the engine's own."""
    return recipe_config(
        "30s",
        "stories",
        n_chars=40_000,
        vocab_size=300,
        model={"n_layers": 1, "n_heads": 2, "d_model": 32, "context_length": 16},
        training={"steps": 30, "seconds": None, "evaluations": 3, "sample_tokens": 8, "batch_size": 4, **training},
    )


def finished(config: JobConfig, label: str) -> str:
    """The id of a run that was trained here and now."""
    run_id = lab().submit(config, label)
    assert execute(run_id, dict(os.environ)) == "finished"
    return run_id


@pytest.fixture(scope="session")
def folders() -> dict[str, tuple[Path, str]]:
    """Data folders as they were left by what tests share, and the id of the run in each."""
    return {}


Once = Callable[[str, Callable[[], str]], str]


@pytest.fixture
def once(folders, data_home, no_service, tmp_path_factory) -> Once:
    """`once(name, train)` trains for the first test that asks; the others get a copy of its data folder, which must be
    asked for before anything else is written there.
    """

    def have(name: str, train: Callable[[], str]) -> str:
        if name not in folders:
            run_id, kept = train(), tmp_path_factory.mktemp("kept") / "home"
            shutil.copytree(data_home, kept)
            folders[name] = kept, run_id
            return run_id
        kept, run_id = folders[name]
        assert not list(data_home.glob("*.sqlite")), f"{name} must be the first that the test asks for"
        shutil.copytree(kept, data_home, dirs_exist_ok=True)
        return run_id

    return have


@pytest.fixture
def trained_run(once: Once) -> str:
    """The id of a finished run."""
    return once("stories", lambda: finished(tiny_config(), "Stories · test"))
