"""Pages without a training service: runs are trained in the test's own process."""

import os

import pytest
import streamlit as st

from engine.runs.execution import execute
from engine.runs.recipes import recipe_config
from engine.runs.service import lab
from pages.shared import examples

SHIPPED = examples.ASSETS


@pytest.fixture(autouse=True)
def no_service(data_home, monkeypatch):
    """No child process, no models that ship (they take seconds to read in), and no cached value of another test."""
    monkeypatch.setattr(examples, "ASSETS", data_home / "nothing-ships")
    monkeypatch.setenv("LLM_LAB_SERVE", "0")
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


@pytest.fixture
def trained_run() -> str:
    """The id of a finished run."""
    run_id = lab().submit(tiny_config(), "Stories · test")
    assert execute(run_id, dict(os.environ)) == "finished"
    return run_id
