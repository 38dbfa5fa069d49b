"""Tiny runs on real text, and ways to wait for what happens to them."""

from __future__ import annotations

import dataclasses
import os
import pydoc_data.topics
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import create_engine, text

from engine.events import StepEvent
from engine.gpt import GPTConfig
from engine.runs.artifacts import ArtifactStore
from engine.runs.config import RunConfig
from engine.runs.execution import execute
from engine.runs.records import RecordedEvent
from engine.runs.store import RunStore
from engine.settings import Settings
from engine.training import TrainingConfig, TrainingLoop

TEXT = "\n".join(pydoc_data.topics.topics[name] for name in sorted(pydoc_data.topics.topics))[:30_000]

Found = TypeVar("Found")


def wait_for(condition: Callable[[], Found], what: str, seconds: float = 60.0) -> Found:
    """The first true value of a condition; fails with a sentence when it takes too long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen within {seconds:g} s")


def tiny_config(upload: str, *, seed: int = 0, **training: Any) -> RunConfig:
    """A model of a few thousand parameters that trains some hundred steps a second."""
    settings = {"steps": 60, "batch_size": 4, "evaluations": 4, "validation_tokens": 128, "sample_tokens": 4}
    return RunConfig(
        corpora=((upload, 1.0),),
        tokenizer_kind="char",
        vocab_size=100,
        model=GPTConfig(vocab_size=100, context_length=16, n_layers=1, n_heads=2, d_model=16),
        training=TrainingConfig(**{**settings, **training}),
        seed=seed,
    )


def losses(events: list[RecordedEvent]) -> list[tuple[int, float]]:
    """(step, loss) as recorded, in the order of the record."""
    return [(event.step, event.payload["loss"]) for event in events if event.kind == "step"]


@dataclasses.dataclass
class Bench:
    """A store and artifacts in a folder of their own; runs are carried out in this process."""

    settings: Settings
    store: RunStore
    artifacts: ArtifactStore

    def upload(self) -> str:
        return self.artifacts.save_upload(TEXT)

    def queue(self, config: RunConfig) -> str:
        return self.store.create(config.run_id, config.to_dict()).run_id

    def execute(self, run_id: str) -> str:
        return execute(run_id, self.settings.as_environment())

    def run(self, config: RunConfig) -> str:
        run_id = self.queue(config)
        assert self.execute(run_id) == "finished", self.store.get(run_id).error
        return run_id

    def losses(self, run_id: str) -> list[tuple[int, float]]:
        return losses(self.store.events(run_id))


def open_bench(home: Path) -> Bench:
    """A store under the folder; or in a fresh schema of the PostgreSQL database that LLM_LAB_TEST_POSTGRES names."""
    database = os.environ.get("LLM_LAB_TEST_POSTGRES")
    settings = Settings.at(home, store=_fresh_schema(database) if database else None)
    return Bench(settings, RunStore(settings.store), ArtifactStore(settings.artifacts, home / "scratch"))


def _fresh_schema(database: str) -> str:
    name = f"test_{uuid.uuid4().hex}"
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    engine.dispose()
    return f"{database}?options=-csearch_path%3D{name}"


def put(artifacts: ArtifactStore, name: str, **files: str) -> None:
    """Put a folder of small JSON files, a manifest among them, into the store."""
    with artifacts.staging() as folder:
        folder.mkdir()
        for file, text in {"manifest": "{}", **files}.items():
            (folder / f"{file}.json").write_text(text)
        artifacts.put_folder(folder, name)
        assert not folder.exists()


def run_killed_once(bench: Bench, monkeypatch: pytest.MonkeyPatch, config: Any, *, at_step: int) -> str:
    """The id of a run whose worker was killed after a step and that then went on to its end."""

    class Killed(BaseException):
        """Stands for SIGKILL."""

    train_step: Callable[..., StepEvent] = TrainingLoop._train_step
    dying = [True]

    def die_once(trainer: TrainingLoop, *watch: object) -> StepEvent:
        event = train_step(trainer, *watch)
        if event.step == at_step and dying.pop():
            raise Killed
        return event

    run_id = bench.queue(config)
    with monkeypatch.context() as patched:
        patched.setattr(TrainingLoop, "_train_step", die_once)
        with pytest.raises(Killed):
            bench.execute(run_id)
    ((_, token),) = bench.store.at_work()
    bench.store.lose(run_id, token, "lost")
    assert bench.execute(run_id) == "finished"
    return run_id
