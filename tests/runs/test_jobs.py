"""Runs of different jobs: a translation is recorded, paused, killed and shared as a pretraining is."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.errors import CheckpointError, ConfigError, RunError
from engine.events import StepEvent, event_from_dict
from engine.runs import execution
from engine.runs.config import RunConfig
from engine.runs.jobs import config_from_dict, job_class
from engine.runs.service import RunService
from engine.runs.translating import TranslationConfig, translation_config
from engine.training import TrainingLoop
from engine.translation import TranslationCheckpoint
from tests.runs.helpers import Bench, open_bench, tiny_config


class Killed(BaseException):
    """Stands for SIGKILL: nothing may catch it."""


def tiny_translation(**training: Any) -> TranslationConfig:
    """A few thousand weights on a few hundred phrases."""
    return translation_config(
        training={"steps": 20, "seconds": None, "batch_size": 4, "evaluations": 3, **training},
        n_phrases=600,
        evaluated=5,
        n_layers=1,
        n_heads=2,
        d_model=16,
        dropout=0.1,  # so that the state of the random generator matters
    )


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "RHYTHM_SECONDS", 0.0)
    monkeypatch.setattr(execution, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(execution, "SAVE_SHARE", float("inf"))


@pytest.fixture
def on_step(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], Any]], None]:
    """Do something once, when a step has just been trained."""
    actions: dict[int, Callable[[], Any]] = {}
    train_step = TrainingLoop._train_step

    def acting(trainer: TrainingLoop, *watch: object) -> StepEvent:
        event = train_step(trainer, *watch)
        if action := actions.pop(event.step, None):
            action()
        return event

    monkeypatch.setattr(TrainingLoop, "_train_step", acting)
    return actions.__setitem__


@pytest.fixture
def service(bench: Bench) -> Any:
    opened = RunService(bench.settings, start=False)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[tuple[int, float]], dict[str, torch.Tensor]]:
    """Losses and final weights of the tiny translation when nothing happens to it."""
    other = open_bench(tmp_path_factory.mktemp("undisturbed"))
    run_id = other.run(tiny_translation())
    opened = RunService(other.settings, start=False)
    weights = opened.load_model(run_id).model.state_dict()
    opened.close()
    losses = other.losses(run_id)
    other.store.close()
    return losses, weights


def test_a_translation_is_recorded_with_its_data_evaluations_and_translations(bench: Bench) -> None:
    run_id = bench.run(tiny_translation())
    recorded = bench.store.events(run_id)
    for event in recorded:
        if event.kind in ("step", "eval", "translations", "checkpoint"):
            assert event_from_dict(event.payload).step == event.step
    (pairs,) = (event.payload for event in recorded if event.kind == "pairs")
    assert (pairs["overlap"], pairs["n_train"] + pairs["n_held_out"]) == (0, 600)
    last = [event.payload for event in recorded if event.kind == "eval"][-1]
    record = bench.store.get(run_id)
    assert (record.job, record.state, record.step) == ("translation", "finished", 20)
    assert record.validation_loss == last["validation_loss"]
    assert 0 <= last["exact_match"] <= 1 and 0 <= last["bleu"] <= 100
    assert [c.step for c in bench.store.checkpoints(run_id) if c.kept] == [0, 8, 20]


@pytest.mark.parametrize("step", [1, 8, 15])
def test_a_killed_translation_goes_on_bit_for_bit(
    bench: Bench, service: RunService, on_step: Any, undisturbed: Any, step: int
) -> None:
    def die() -> None:
        raise Killed

    run_id = bench.queue(tiny_translation())
    on_step(step, die)
    with pytest.raises(Killed):
        bench.execute(run_id)
    ((_, token),) = bench.store.at_work()
    bench.store.lose(run_id, token, "lost")
    assert bench.execute(run_id) == "finished"
    losses, weights = undisturbed
    assert bench.losses(run_id) == losses
    found = service.load_model(run_id).model.state_dict()
    assert all(torch.equal(found[name], weights[name]) for name in weights)


def test_a_paused_translation_goes_on_and_a_stopped_one_keeps_its_model(
    bench: Bench, service: RunService, on_step: Any, undisturbed: Any
) -> None:
    run_id = bench.queue(tiny_translation())
    on_step(5, lambda: service.request(run_id, "pause"))
    assert bench.execute(run_id) == "paused"
    service.request(run_id, "resume")
    on_step(12, lambda: service.request(run_id, "stop"))
    assert bench.execute(run_id) == "finished"
    assert bench.losses(run_id) == undisturbed[0][:12]
    assert service.checkpoints(run_id)[-1].step == 12


def test_seconds_become_steps_at_the_start(bench: Bench) -> None:
    run_id = bench.run(tiny_translation(steps=None, seconds=0.5, evaluations=0))
    record = bench.store.get(run_id)
    assert record.total_steps is not None and record.step == record.total_steps >= 4


def test_runs_are_listed_by_their_job_and_their_config_has_its_class(bench: Bench, service: RunService) -> None:
    pretraining = service.submit(tiny_config(bench.upload(), steps=2))
    translation = service.submit(tiny_translation())
    assert [record.run_id for record in service.runs()] == [pretraining]
    assert [record.run_id for record in service.runs(job="translation")] == [translation]
    assert {record.run_id for record in service.runs(job=None)} == {pretraining, translation}
    assert isinstance(service.run(pretraining).config, RunConfig)
    assert service.run(translation).config == tiny_translation()
    assert service.queue_position(translation) == 2
    with pytest.raises(RunError, match="windows"):
        service.validation_windows(translation)


def test_a_translation_is_downloaded_exported_and_read_in_again(
    bench: Bench, service: RunService, tmp_path: Path
) -> None:
    run_id = bench.run(tiny_translation())
    loaded = service.load_model(run_id)
    assert isinstance(loaded, TranslationCheckpoint)
    lines = list(csv.DictReader(io.StringIO(service.record_csv(run_id))))
    assert len(lines) == 21 and float(lines[-1]["exact_match"]) >= 0 and "bits_per_byte" not in lines[0]
    assert service.checkpoint_archive(run_id)[:2] == b"PK"
    service.export_run(run_id, tmp_path / "files", half=True, most=2)
    other = open_bench(tmp_path / "other")
    second = RunService(other.settings, start=False)
    assert second.import_run(tmp_path / "files") == run_id
    assert second.load_model(run_id).tokenizer.words == loaded.tokenizer.words
    second.close()
    other.store.close()


def test_a_model_of_another_job_is_refused_with_a_sentence(bench: Bench) -> None:
    run_id = bench.run(tiny_translation(evaluations=0))
    folder = bench.artifacts.get_folder(bench.store.checkpoints(run_id)[-1].folder)
    with pytest.raises(CheckpointError, match="cannot be read"):
        job_class("pretraining").load(folder)


def test_a_translations_config_comes_back_from_json_and_unknown_jobs_and_settings_are_explained() -> None:
    config = tiny_translation()
    read = config_from_dict(json.loads(json.dumps(config.to_dict())))
    assert read == config and read.run_id == config.run_id
    with pytest.raises(ConfigError, match="no job 'painting'"):
        config_from_dict({"job": "painting"})
    with pytest.raises(ConfigError, match="unknown settings: colour"):
        config_from_dict({**config.to_dict(), "colour": 1})
    for changes, problem in (
        ({"language": "latin"}, "language"),
        ({"evaluated": 10_000}, "evaluated"),
        ({"d_model": 900, "n_heads": 4, "n_layers": 8}, "parameters"),
        ({"n_heads": 3}, "multiple of n_heads"),
        ({"training": None}, "wrong type"),
        ({"n_phrases": "many"}, "n_phrases"),
    ):
        with pytest.raises(ConfigError, match=problem):
            config_from_dict({**config.to_dict(), **changes})
