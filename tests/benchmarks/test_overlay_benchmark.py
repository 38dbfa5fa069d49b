"""How long it takes to draw eight runs of 2,000 points each over one another, read from the store."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from engine.runs.service import RunService
from engine.settings import Settings
from pages.parts.pretraining import race_figures
from pages.parts.pretraining.race_results import points_each
from pages.shared import charts
from pages.shared.run_data import MAX_POINTS
from tests.benchmarks.overlay_runs import record_runs

N_RUNS, N_STEPS = 8, 2_000


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunService, list[str]]:
    service = RunService(Settings.at(Path(tmp_path_factory.mktemp("overlay"))), start=False)
    return service, record_runs(service, N_RUNS, N_STEPS)


def points(service: RunService, run_ids: list[str]) -> pd.DataFrame:
    """The frame that the overlay draws: thinned by the store, as the pages ask for it."""
    rows = []
    for run_id in run_ids:
        curve = service.curve(run_id, points_each(len(run_ids)))
        rows += [(p["step"], p["tokens"], p["seconds"], p["loss"], "train", run_id) for p in curve.steps]
        rows += [
            (p["step"], p["tokens"], p["seconds"], p["validation_loss"], "validation", run_id)
            for p in curve.evaluations
        ]
    return pd.DataFrame(rows, columns=charts.LOSS_COLUMNS)


def test_an_overlay_of_eight_runs_of_2000_points_is_made(recorded, benchmark) -> None:
    service, run_ids = recorded
    figure = benchmark(lambda: charts.loss_curves(points(service, run_ids)))
    assert len(figure.data) <= N_RUNS * (MAX_POINTS + 25)
    assert math.isfinite(figure.data["loss"].sum())


def test_the_overlay_of_a_race_is_made(recorded, benchmark) -> None:
    service, run_ids = recorded

    def draw() -> charts.Figure:
        frame = points(service, run_ids)
        frame["lane"] = [f"lane {run_ids.index(run) // 2}" for run in frame["run"]]
        lanes = [f"lane {n}" for n in range(4)]
        return race_figures.overlay(frame, lanes, x="step", unit="nats per token", goal=3.0, reached=[], summary="")

    assert len(benchmark(draw).data) > N_RUNS * 100
