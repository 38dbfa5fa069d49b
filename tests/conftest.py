"""Shared by all tests: one thread for torch, as in the workers, and a data folder of its own for every test."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def data_home(tmp_path_factory, monkeypatch):
    """Nothing a test writes reaches the user's data folder."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("LLM_LAB_HOME", str(home))
    monkeypatch.delenv("LLM_LAB_STORE", raising=False)
    monkeypatch.delenv("LLM_LAB_SCHEDULER", raising=False)
    return home
