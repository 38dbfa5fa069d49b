"""One run in this process: it is recorded whole, obeys, survives its end, and goes on bit for bit."""

from __future__ import annotations

import dataclasses
import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.checkpoint import load_checkpoint
from engine.events import StepEvent, event_from_dict
from engine.runs import execution, preparation
from engine.runs.config import RunConfig
from engine.runs.execution import execute, failure_sentence
from engine.training import Trainer
from tests.runs.helpers import Bench, open_bench, tiny_config

KINDS_OF_TRAINING = ("plan", "step", "eval", "sample", "checkpoint", "control", "baselines")


class Killed(BaseException):
    """Stands for SIGKILL: nothing may catch it."""


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for wishes and write events after every step, and save often, so that few steps are enough."""
    monkeypatch.setattr(execution, "RHYTHM_SECONDS", 0.0)
    monkeypatch.setattr(execution, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(execution, "SAVE_SHARE", float("inf"))


@pytest.fixture
def on_step(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], Any]], None]:
    """Do something once, when a step has just been trained."""
    actions: dict[int, Callable[[], Any]] = {}
    train_step = Trainer._train_step

    def acting(trainer: Trainer, *watch: object) -> StepEvent:
        event = train_step(trainer, *watch)
        if action := actions.pop(event.step, None):
            action()
        return event

    monkeypatch.setattr(Trainer, "_train_step", acting)
    return actions.__setitem__


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, float]]:
    """The losses of the tiny run when nothing happens to it."""
    other = open_bench(tmp_path_factory.mktemp("undisturbed"))
    losses = other.losses(other.run(tiny_config(other.upload())))
    other.store.close()
    assert [step for step, _ in losses] == list(range(1, 61))
    return losses


def kill(bench: Bench, run_id: str) -> None:
    """Carry the run out until it is killed, and do what the server does when it notices."""
    with pytest.raises(Killed):
        bench.execute(run_id)
    ((record, token),) = bench.store.at_work()
    assert record.run_id == run_id
    bench.store.lose(run_id, token, "lost")


def die() -> None:
    raise Killed


def test_a_run_is_recorded_from_its_baselines_to_its_last_checkpoint(bench: Bench) -> None:
    run_id = bench.run(tiny_config(bench.upload()))
    recorded = bench.store.events(run_id)
    kinds = {"state", "note", "baselines", "step", "layers", "eval", "sample", "checkpoint"}
    assert {event.kind for event in recorded} == kinds
    texts = [event.payload["text"] for event in recorded if event.kind == "note"]
    assert texts == [
        "reading the corpus",
        "learning the char tokenizer (up to 100 tokens)",
        "encoding the text",
        "measuring the baselines",
        "training",
    ]
    for event in recorded:
        if event.kind in ("step", "eval", "sample", "checkpoint"):
            event_from_dict(event.payload)
    record = bench.store.get(run_id)
    assert (record.state, record.step, record.total_steps, record.note) == ("finished", 60, 60, "")
    assert record.validation_loss == next(e.payload["validation_loss"] for e in reversed(recorded) if e.kind == "eval")


def test_models_are_kept_at_log_spaced_steps_and_optimizer_states_only_of_the_last_two(bench: Bench) -> None:
    run_id = bench.run(tiny_config(bench.upload()))
    stored = bench.store.checkpoints(run_id)
    assert [c.step for c in stored if c.kept] == [0, 8, 16, 32, 60]
    assert [c.step for c in stored if c.resumable] == [59, 60]
    folders = bench.artifacts.list(f"runs/{run_id}")
    assert [*sorted(c.folder for c in stored), f"runs/{run_id}/record"] == folders
    with_state = [folder for folder in folders if (bench.artifacts.get_folder(folder) / "training.json").exists()]
    assert with_state == [c.folder for c in stored if c.resumable]
    for checkpoint in stored:
        loaded = load_checkpoint(bench.artifacts.get_folder(checkpoint.folder))
        assert loaded.extra["step"] == checkpoint.step


def test_a_tokenizer_is_learned_once_for_runs_on_the_same_text(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.run(tiny_config(bench.upload(), steps=2))
    monkeypatch.setattr(preparation, "train_tokenizer", None)  # a call would fail the run
    bench.run(tiny_config(bench.upload(), steps=3))


@pytest.mark.parametrize("step", [1, 8, 20, 60])
def test_a_killed_run_goes_on_bit_for_bit_without_gap_or_double(
    bench: Bench, on_step: Any, undisturbed: list[tuple[int, float]], step: int
) -> None:
    run_id = bench.queue(tiny_config(bench.upload()))
    on_step(step, die)
    kill(bench, run_id)
    assert bench.execute(run_id) == "finished"
    assert bench.losses(run_id) == undisturbed
    evaluated = [event.step for event in bench.store.events(run_id, kinds=["eval"])]
    assert evaluated == sorted(set(evaluated)) and evaluated[-1] == 60
    assert bench.store.get(run_id).attempt == 2


def test_the_record_and_models_after_many_kills_are_those_of_an_undisturbed_run(
    bench: Bench, on_step: Any, tmp_path: Path
) -> None:
    calm = open_bench(tmp_path / "calm")
    expected = calm.run(tiny_config(calm.upload()))
    run_id = bench.queue(tiny_config(bench.upload()))
    for step in (9, 33):
        on_step(step, die)
        kill(bench, run_id)
    assert bench.execute(run_id) == "finished"

    def record(of: Bench, run: str) -> list[dict[str, Any]]:
        timing = ("seconds", "tokens_per_second")
        events = [event.payload for event in of.store.events(run, kinds=KINDS_OF_TRAINING)]
        return [{key: value for key, value in event.items() if key not in timing} for event in events]

    assert record(bench, run_id) == record(calm, expected)
    weights = [
        (of.artifacts.get_folder(of.store.checkpoints(run)[-1].folder) / "model.safetensors").read_bytes()
        for of, run in ((bench, run_id), (calm, expected))
    ]
    assert weights[0] == weights[1]
    calm.store.close()


def test_a_worker_killed_while_it_saves_leaves_the_checkpoint_before(
    bench: Bench, undisturbed: list[tuple[int, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = bench.queue(tiny_config(bench.upload()))
    put_folder = bench.artifacts.__class__.put_folder

    def dying(store: Any, source: Path, name: str) -> None:
        put_folder(store, source, name)
        if "/00000020-" in name:
            die()  # the folder is there, the store does not know of it

    monkeypatch.setattr(bench.artifacts.__class__, "put_folder", dying)
    kill(bench, run_id)
    assert [c.step for c in bench.store.checkpoints(run_id) if c.resumable] == [18, 19]
    monkeypatch.setattr(bench.artifacts.__class__, "put_folder", put_folder)
    assert bench.execute(run_id) == "finished"
    assert bench.losses(run_id) == undisturbed
    known = sorted(c.folder for c in bench.store.checkpoints(run_id))
    assert bench.artifacts.list(f"runs/{run_id}") == [*known, f"runs/{run_id}/record"]


@pytest.mark.parametrize("damage", ["cut", "flip", "no manifest", "no optimizer", "gone"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(
    bench: Bench, on_step: Any, undisturbed: list[tuple[int, float]], damage: str
) -> None:
    run_id = bench.queue(tiny_config(bench.upload()))
    on_step(30, die)
    kill(bench, run_id)
    newest = bench.store.checkpoints(run_id)[-1]
    assert newest.step == 29
    folder = bench.artifacts.get_folder(newest.folder)
    weights = folder / "model.safetensors"
    data = weights.read_bytes()
    match damage:
        case "cut":
            weights.write_bytes(data[: len(data) // 2])
        case "flip":
            weights.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        case "no manifest":
            (folder / "manifest.json").unlink()
        case "no optimizer":
            (folder / "training.safetensors").unlink()
        case "gone":
            shutil.rmtree(folder)
    assert bench.execute(run_id) == "finished"
    assert bench.losses(run_id) == undisturbed
    assert "checkpoint of step 29" in bench.store.get(run_id).note


def test_when_every_checkpoint_is_damaged_the_run_begins_again(
    bench: Bench, on_step: Any, undisturbed: list[tuple[int, float]]
) -> None:
    run_id = bench.queue(tiny_config(bench.upload()))
    on_step(30, die)
    kill(bench, run_id)
    for checkpoint in bench.store.checkpoints(run_id):
        (bench.artifacts.get_folder(checkpoint.folder) / "config.json").write_text("{")
    assert bench.execute(run_id) == "finished"
    assert bench.losses(run_id) == undisturbed


def test_a_paused_run_lets_go_of_its_worker_and_goes_on_bit_for_bit(
    bench: Bench, on_step: Any, undisturbed: list[tuple[int, float]]
) -> None:
    run_id = bench.queue(tiny_config(bench.upload()))
    on_step(20, lambda: bench.store.request(run_id, "pause"))
    assert bench.execute(run_id) == "paused"
    assert bench.execute(run_id) == "declined"
    assert bench.losses(run_id) == undisturbed[:20]
    bench.store.request(run_id, "resume")
    assert bench.execute(run_id) == "finished"
    assert bench.losses(run_id) == undisturbed


def test_a_pause_while_the_text_is_read_is_obeyed_before_training(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, undisturbed: list[tuple[int, float]]
) -> None:
    run_id = bench.queue(tiny_config(bench.upload()))
    read = preparation.read_corpora

    def reading(*args: Any) -> preparation.RunText:
        bench.store.request(run_id, "pause")
        return read(*args)

    monkeypatch.setattr(preparation, "read_corpora", reading)
    assert bench.execute(run_id) == "paused"
    assert (bench.losses(run_id), bench.store.get(run_id).note) == ([], "Paused before training began.")
    monkeypatch.setattr(preparation, "read_corpora", read)
    bench.store.request(run_id, "resume")
    assert bench.execute(run_id) == "finished"
    assert bench.losses(run_id) == undisturbed


def test_a_stopped_run_is_finished_early_with_a_model_and_can_go_on_later(
    bench: Bench, on_step: Any, undisturbed: list[tuple[int, float]]
) -> None:
    run_id = bench.queue(tiny_config(bench.upload()))
    on_step(20, lambda: bench.store.request(run_id, "stop"))
    assert bench.execute(run_id) == "finished"
    record = bench.store.get(run_id)
    assert (record.step, record.note) == (20, "Stopped by the learner.")
    newest = bench.store.checkpoints(run_id)[-1]
    assert (newest.step, newest.kept) == (20, True)
    bench.store.request(run_id, "resume")
    assert bench.execute(run_id) == "finished"
    assert bench.losses(run_id) == undisturbed


def test_a_stop_survives_the_worker_that_was_to_obey(bench: Bench, on_step: Any) -> None:
    run_id = bench.queue(tiny_config(bench.upload()))

    def stop_and_die() -> None:
        bench.store.request(run_id, "stop")
        die()

    on_step(20, stop_and_die)
    kill(bench, run_id)
    assert bench.execute(run_id) == "finished"
    assert bench.store.get(run_id).step == 19


def test_a_changed_learning_rate_is_marked_and_repeated_at_the_same_step_after_a_kill(
    bench: Bench, on_step: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "SAVE_SECONDS", 1e9)  # so that the kill goes back before the change: to step 16
    runs = []
    for home, killed in ((bench, True), (open_bench(tmp_path / "calm"), False)):
        run_id = home.queue(tiny_config(home.upload()))
        on_step(20, lambda home=home, run_id=run_id: home.store.request(run_id, "learning_rate", 0.25))
        if killed:
            on_step(30, die)
            kill(home, run_id)
            assert [c.step for c in home.store.checkpoints(run_id) if c.resumable][-1] == 16
        assert home.execute(run_id) == "finished"
        controls = home.store.curve(run_id).controls
        runs.append((home.losses(run_id), controls))
        rates = {e.step: e.payload["learning_rate"] for e in home.store.events(run_id, kinds=["step"])}
        assert rates[21] / rates[20] == pytest.approx(0.25, rel=0.1)
        home.store.close()
    assert runs[0] == runs[1]
    assert controls == [{"kind": "control", "step": 20, "name": "learning_rate", "value": 0.25}]


def test_a_full_disk_fails_the_run_with_a_sentence_and_it_can_be_resumed(
    bench: Bench, undisturbed: list[tuple[int, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = bench.queue(tiny_config(bench.upload()))
    save_checkpoint = execution.save_checkpoint

    def full(folder: Path, *args: Any, **kwargs: Any) -> None:
        if kwargs["extra"]["step"] == 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        save_checkpoint(folder, *args, **kwargs)

    monkeypatch.setattr(execution, "save_checkpoint", full)
    assert bench.execute(run_id) == "failed"
    record = bench.store.get(run_id)
    assert "disk is full" in record.error and "resume" in record.error
    assert bench.store.checkpoints(run_id)[-1].step == 19
    monkeypatch.setattr(execution, "save_checkpoint", save_checkpoint)
    bench.store.request(run_id, "resume")
    assert bench.execute(run_id) == "finished"
    assert bench.store.get(run_id).error == ""
    assert bench.losses(run_id) == undisturbed


def test_a_diverged_run_fails_with_advice_and_keeps_its_record(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    gradients = Trainer._gradients

    def diverging(trainer: Trainer, model: Any, step: int) -> Any:
        loss, norm, n_tokens = gradients(trainer, model, step)
        return (float("nan") if step == 20 else loss), norm, n_tokens

    monkeypatch.setattr(Trainer, "_gradients", diverging)
    run_id = bench.queue(tiny_config(bench.upload()))
    assert bench.execute(run_id) == "failed"
    assert "learning rate" in bench.store.get(run_id).error
    assert bench.losses(run_id)[-1][0] == 20


def test_a_missing_upload_and_a_short_text_are_the_runs_error_not_a_crash(bench: Bench) -> None:
    gone = bench.queue(tiny_config("upload:" + "0" * 64))
    assert bench.execute(gone) == "failed"
    assert "upload the file again" in bench.store.get(gone).error
    short = bench.queue(tiny_config(bench.artifacts.save_upload("short")))
    assert bench.execute(short) == "failed"
    assert "5 characters" in bench.store.get(short).error


def test_a_config_of_another_version_fails_that_run_alone(bench: Bench) -> None:
    bench.store.create("old", {"corpora": [["stories", 1.0]], "colour": "red"})
    assert bench.execute("old") == "failed"
    assert "colour" in bench.store.get("old").error


def test_a_run_deleted_while_it_trains_leaves_no_files(bench: Bench, on_step: Any) -> None:
    run_id = bench.queue(tiny_config(bench.upload()))
    on_step(20, lambda: bench.store.delete(run_id))
    assert bench.execute(run_id) == "declined"
    assert bench.store.find(run_id) is None
    assert bench.artifacts.list(f"runs/{run_id}") == []


def test_a_time_budget_becomes_a_number_of_steps_that_a_resume_keeps(bench: Bench, on_step: Any) -> None:
    run_id = bench.queue(tiny_config(bench.upload(), steps=None, seconds=0.5))
    on_step(4, lambda: bench.store.request(run_id, "pause"))
    assert bench.execute(run_id) == "paused"
    planned = bench.store.get(run_id).total_steps
    bench.store.request(run_id, "resume")
    assert bench.execute(run_id) == "finished"
    record = bench.store.get(run_id)
    assert record.total_steps == planned == record.step
    assert len(bench.store.events(run_id, kinds=["plan"])) == 1


def test_a_worker_that_was_replaced_ends_without_a_trace(bench: Bench, on_step: Any) -> None:
    run_id = bench.queue(tiny_config(bench.upload()))

    def replace() -> None:
        ((_, token),) = bench.store.at_work()
        bench.store.lose(run_id, token, "taken for lost")

    on_step(20, replace)
    assert execute(run_id, bench.settings.as_environment()) == "declined"
    assert bench.store.get(run_id).state == "queued"
    assert bench.losses(run_id)[-1][0] == 19


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "x"), "disk is full"),
        (RuntimeError("Error while serializing: No space left on device (os error 28)"), "disk is full"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
            "memory was too small",
        ),
        (MemoryError(), "memory was too small"),
        (ZeroDivisionError("by zero"), "ZeroDivisionError"),
    ],
)
def test_a_failure_is_said_in_words(error: BaseException, said: str) -> None:
    assert said in failure_sentence(error)


def mixed_config(upload: str, **settings: Any) -> RunConfig:
    tiny = tiny_config(upload, **settings)
    return dataclasses.replace(tiny, corpora=((upload, 1.0), ("stories", 3.0)), n_chars=40_000)


def test_each_source_of_a_mixture_has_its_share_and_gives_up_a_part_that_is_never_trained_on(bench: Bench) -> None:
    config = mixed_config(bench.upload())
    mixed = preparation.read_corpora(config, bench.artifacts)
    assert len(mixed.train) == 36_000
    own = bench.artifacts.load_upload(config.corpora[1][0])
    lines = {line for line in own.splitlines() if len(line) > 60}
    from_own = sum(len(line) + 1 for line in mixed.train.splitlines() if line in lines)
    assert 0.1 < from_own / len(mixed.train) < 0.3  # a quarter, less its short lines
    assert set(mixed.held_out) == {name for name, _ in config.corpora}
    for held in mixed.held_out.values():
        assert len(held) > 600
        assert not any(held[place : place + 150] in mixed.train for place in range(0, len(held) - 150, 50))


def test_a_source_that_runs_out_starts_again_without_its_held_out_part(bench: Bench) -> None:
    config = dataclasses.replace(mixed_config(bench.upload()), n_chars=400_000)
    mixed = preparation.read_corpora(config, bench.artifacts)
    ((upload, _),) = (pair for pair in config.corpora if pair[0].startswith("upload:"))
    held = mixed.held_out[upload]
    assert len(held) <= len(bench.artifacts.load_upload(upload)) // 4
    assert not any(line in mixed.train for line in held.splitlines() if len(line) > 80)
    read_again = max(mixed.train.count(line) for line in mixed.train.splitlines()[:200] if len(line) > 80)
    assert read_again > 1


def test_a_mixture_is_measured_for_each_source_and_as_a_whole(bench: Bench) -> None:
    run_id = bench.run(mixed_config(bench.upload()))
    evaluations = [event_from_dict({"kind": "eval", **e.payload}) for e in bench.store.events(run_id, kinds=["eval"])]
    config = bench.store.get(run_id).config
    for evaluation in evaluations:
        names = [source.name for source in evaluation.sources]
        assert names == [name for name, _ in config.corpora]
        losses = [source.validation_loss for source in evaluation.sources]
        assert min(losses) < evaluation.validation_loss < max(losses)
        assert all(source.bits_per_byte > 0 for source in evaluation.sources)
    first, last = evaluations[0], evaluations[-1]
    assert all(b.validation_loss < a.validation_loss for a, b in zip(first.sources, last.sources, strict=True))


def test_a_source_too_short_for_a_window_is_named(bench: Bench) -> None:
    short = bench.artifacts.save_upload("Only a few words.")
    config = dataclasses.replace(tiny_config(short), corpora=((short, 1.0), ("stories", 1.0)), n_chars=20_000)
    run_id = bench.queue(config)
    assert bench.execute(run_id) == "failed"
    assert f"{short} is too short to be part of this mixture" in bench.store.get(run_id).error


def test_the_official_tokenizer_needs_no_learning_and_has_its_own_size(bench: Bench) -> None:
    tiny = tiny_config(bench.upload(), steps=2, evaluations=1)
    official = [dataclasses.replace(tiny, tokenizer_kind="gpt2", vocab_size=size) for size in (300, 1000)]
    assert official[0].run_id == official[1].run_id
    run_id = bench.run(official[0])
    notes = [event.payload["text"] for event in bench.store.events(run_id, kinds=["note"])]
    assert "loading the gpt2 tokenizer" in notes
    (checkpoint, *_) = bench.store.checkpoints(run_id)
    assert load_checkpoint(bench.artifacts.get_folder(checkpoint.folder)).model.config.vocab_size == 50_257
