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


@pytest.fixture(scope="session")
def browser():
    """One for all tests of a process: Playwright's synchronous interface cannot be started twice in one."""
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import FLAGS
    from tests.browser.find_browser import find_browser

    path = find_browser()
    assert path, "no browser: run python tests/browser/find_browser.py"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()
