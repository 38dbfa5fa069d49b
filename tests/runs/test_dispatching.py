"""Which worker gets a run, where a former server's runs still train."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.runs import server
from engine.runs.server import Dispatcher
from engine.runs.store import RunStore
from tests.runs.helpers import Bench, open_bench, tiny_config

WORKERS = {"tcp://one": "host/1/10.00", "tcp://two": "host/2/20.00"}


class Task:
    """A task that never ends."""

    def done(self) -> bool:
        return False


class Cluster:
    """Stands for a Dask client; keeps what it was asked to submit."""

    def __init__(self, answers: bool = True) -> None:
        self.answers = answers
        self.submitted: list[dict[str, Any]] = []

    def scheduler_info(self, n_workers: int) -> dict[str, Any]:
        return {"workers": dict.fromkeys(WORKERS)}

    def run(self, function: Callable[[], str], on_error: str) -> dict[str, str]:
        if not self.answers:
            raise OSError("no answer")
        return WORKERS

    def submit(self, *values: Any, **options: Any) -> Task:
        self.submitted.append(options)
        return Task()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    opened = open_bench(tmp_path / "home")
    yield opened
    opened.store.close()


def dispatched(bench: Bench, cluster: Cluster, held_by: str = "") -> list[list[str] | None]:
    """For each submitted run the workers that it may go to."""
    upload = bench.upload()
    if held_by:
        assert bench.store.claim(bench.queue(tiny_config(upload, seed=1)), held_by) is not None
    bench.queue(tiny_config(upload, seed=2))
    Dispatcher(bench.store, cluster, {}, owns_workers=False).tick()  # type: ignore[arg-type]
    assert all(each["allow_other_workers"] == (each["workers"] is not None) for each in cluster.submitted)
    return [each["workers"] for each in cluster.submitted]


def test_a_run_goes_to_the_worker_that_trains_nothing_for_a_former_server(bench):
    assert dispatched(bench, Cluster(), held_by=WORKERS["tcp://one"]) == [["tcp://two"]]


def test_without_a_former_server_the_scheduler_chooses(bench):
    assert dispatched(bench, Cluster()) == [None]


@pytest.mark.parametrize("cluster", [Cluster(answers=False), Cluster()], ids=["nobody answers", "held by another"])
def test_where_it_is_not_known_who_holds_a_run_the_scheduler_chooses(bench, cluster):
    held_by = WORKERS["tcp://one"] if not cluster.answers else "host/3/30.00"
    assert dispatched(bench, cluster, held_by) == [None]


def test_the_names_asked_for_are_those_that_runs_bear(bench, monkeypatch):
    claimed: list[str] = []
    claim = RunStore.claim
    monkeypatch.setattr(
        RunStore, "claim", lambda store, run_id, worker: claimed.append(worker) or claim(store, run_id, worker)
    )
    bench.run(tiny_config(bench.upload(), steps=2))
    assert claimed == [server.holder_name()]
