from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.runs.helpers import Bench, open_bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A store of its own; runs are carried out in this process, with one thread as in a worker."""
    opened = open_bench(tmp_path / "home")
    threads = torch.get_num_threads()
    yield opened
    torch.set_num_threads(threads)
    opened.store.close()
