from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from engine.runs import execution
from engine.runs.service import RunService
from tests.runs.helpers import Bench, open_bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A store of its own; runs are carried out in this process, with one thread as in a worker."""
    opened = open_bench(tmp_path / "home")
    threads = torch.get_num_threads()
    yield opened
    torch.set_num_threads(threads)
    opened.store.close()


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are looked for and checkpoints saved at every step."""
    monkeypatch.setattr(execution, "RHYTHM_SECONDS", 0.0)
    monkeypatch.setattr(execution, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(execution, "SAVE_SHARE", float("inf"))


@pytest.fixture
def service(bench: Bench) -> Iterator[RunService]:
    """The door to the bench's runs, without a server behind it."""
    opened = RunService(bench.settings, start=False)
    yield opened
    opened.close()
