"""The series of sizes: its configs, what a run measured, and the records that ship."""

import json
from pathlib import Path

import pytest

from engine.errors import RunError
from engine.power_law import fit_power_law
from engine.runs.size_series import (
    CHECK_WIDTH,
    STEPS,
    WIDTHS,
    SizeRun,
    read_records,
    series_config,
    size_run,
    write_records,
)
from engine.scaling import flops_per_token

SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "scaling" / "series.json"


def some_run(width: int = 16, seed: int = 0) -> SizeRun:
    config = series_config(width, seed=seed)
    evaluations = ((0, 0, 6.25), (20, 20_480, 5.0), (100, 102_400, 4.25), (STEPS, 512_000, 3.875))
    return SizeRun(config.run_id, config, evaluations, 12.5)


def test_sizes_differ_in_width_alone_and_have_ids_of_their_own():
    configs = [series_config(width) for width in (*WIDTHS, CHECK_WIDTH)]
    assert len({config.run_id for config in configs}) == len(configs)
    assert {config.model.n_layers for config in configs} == {2}
    assert {config.training for config in configs} == {configs[0].training}
    assert {config.tokenizer_key for config in configs} == {configs[0].tokenizer_key}
    assert series_config(16, seed=1).run_id != series_config(16).run_id


def test_a_run_counts_its_own_arithmetic():
    run = some_run(32)
    assert run.n_parameters == 12 * 2 * 32 * 32 + 5 * 32
    assert run.n_total == run.n_parameters + 512 * 32
    assert (run.tokens, run.loss) == (512_000, 3.875)
    assert run.flops == flops_per_token(run.config.model).training * 512_000
    assert run.rule_of_thumb == 6 * run.n_parameters * 512_000
    assert [point.loss for point in run.points()] == [4.25, 3.875]  # not what lies in the first tenth
    assert run.points("16")[-1].flops == run.flops


def test_a_run_is_measured_by_its_evaluations():
    config = series_config(16)
    rows = [{"step": step, "tokens": 1024 * step, "validation_loss": 6.0 - step / 200} for step in (0, 100, 500)]
    assert size_run("x", config, rows, 9.0) == SizeRun(
        "x", config, ((0, 0, 6.0), (100, 102_400, 5.5), (500, 512_000, 3.5)), 9.0
    )
    assert size_run("x", config, rows[:1], 9.0) is None
    assert size_run("x", config, [*rows, {"step": 501, "tokens": 1, "validation_loss": None}], 9.0) is None


def test_records_come_back_as_they_were_written(tmp_path):
    runs = [some_run(16), some_run(24), some_run(16, seed=1)]
    write_records(tmp_path / "series.json", runs, date="today", machine="here")
    found = read_records(tmp_path / "series.json")
    assert found.runs == tuple(runs) and (found.date, found.machine) == ("today", "here")


def test_records_of_other_settings_are_refused(tmp_path):
    path = tmp_path / "series.json"
    with pytest.raises(RunError, match="cannot be used"):
        read_records(path)
    write_records(path, [some_run()], date="today", machine="here")
    data = json.loads(path.read_text("utf-8"))
    data["runs"][0]["run_id"] = "0" * 16
    path.write_text(json.dumps(data), "utf-8")
    with pytest.raises(RunError, match="other settings"):
        read_records(path)


def test_the_records_that_ship_are_runs_of_this_very_series_and_fit_a_law():
    found = read_records(SHIPPED)
    assert {run.width for run in found.runs} >= {*WIDTHS, CHECK_WIDTH}
    assert SHIPPED.stat().st_size < 20_000
    series = [run for run in found.runs if run.width in WIDTHS]
    assert all(run.evaluations[-1][0] == STEPS for run in found.runs)
    law = fit_power_law([run.n_parameters for run in series], [run.loss for run in series])
    assert 0.01 < law.exponent < 0.1 and law.spread < 0.02
