"""Files that a disk, a crash or a person has damaged: what was finished is still there, and what is not is said."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.__main__ import main
from engine.classroom.learners import LearnerStore
from engine.errors import CheckpointError, RunError, StoreUnavailable
from engine.runs.repair import is_damaged, repair
from engine.runs.service import RunService
from engine.runs.store import RunStore
from tests.runs.helpers import Bench, losses, open_bench, tiny_config

Fault = Callable[..., dict[str, str]]


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut in half": lambda data: data[: len(data) // 2],
    "one bit flipped": lambda data: flipped(data, len(data) // 2 if data[:6] != b"SQLite" else 100),
    "empty": lambda data: b"",
    "all zeros": lambda data: bytes(len(data)),
    "something else": lambda data: b"<html>not found</html>" * 50,
}


def damage(path: Path, how: str) -> None:
    path.write_bytes(DAMAGES[how](path.read_bytes()))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One finished run. Who damages it uses a copy, or mends it again."""
    opened = open_bench(tmp_path_factory.mktemp("finished"))
    opened.run(tiny_config(opened.upload(), steps=40))
    yield opened
    opened.store.close()


# --- a checkpoint -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json", "manifest.json"])
def test_a_damaged_model_is_never_loaded_and_the_one_before_it_is(
    finished: Bench, fault: Fault, file: str, how: str
) -> None:
    case = fault(f"checkpoint: {file} {how}", "finished")
    service = RunService(finished.settings, start=False)
    (record,) = service.runs()
    before, newest = service.store.checkpoints(record.run_id)[-2:]
    path = finished.artifacts.get_folder(newest.folder) / file
    whole = path.read_bytes()
    damage(path, how)
    try:
        assert service.load_model(record.run_id).extra["step"] == before.step
        with pytest.raises(CheckpointError, match=r"earlier|cannot be read") as said:
            service.load_model(record.run_id, newest.step)
    finally:
        path.write_bytes(whole)
        service.close()
    case["outcome"] = f"the model before it is used; of this one is said: {said.value}"[:150]


# --- a tokenizer that runs share ---------------------------------------------------------------------------------


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_tokenizer_is_learned_again(finished: Bench, fault: Fault, how: str) -> None:
    case = fault(f"shared tokenizer {how}", "before training")
    bench, upload = finished, finished.upload()
    first = tiny_config(upload, steps=40)
    damage(bench.artifacts.get_folder(f"tokenizers/{first.tokenizer_key}") / "tokenizer.json", how)
    second = tiny_config(upload, steps=2, seed=first.seed + 1 + list(DAMAGES).index(how))
    run_id = bench.run(second)
    bench.store.delete(run_id)
    bench.artifacts.delete(f"runs/{run_id}")
    assert second.tokenizer_key == first.tokenizer_key
    case["outcome"] = "learned again, and the run finished"


# --- the record --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_record_is_said_and_made_anew_with_every_finished_run(
    finished: Bench,
    fault: Fault,
    how: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if finished.store.reading.dialect.name != "sqlite":
        pytest.skip("PostgreSQL looks after its own files")
    case = fault(f"record of runs {how}", "finished")
    shutil.copytree(finished.settings.home, tmp_path / "home")
    bench = open_bench(tmp_path / "home")
    (before,) = bench.store.all()
    run_id, recorded = before.run_id, bench.losses(before.run_id)
    models = [(c.step, c.folder) for c in bench.store.checkpoints(run_id)]
    learners = LearnerStore(bench.settings.store)
    learners.rename("ada", "Ada")
    learners.mark("ada", "pretraining", "quiz", {"right": True})
    learners.close()
    bench.store.close()
    path = bench.settings.home / "runs.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damage(path, how)
    for left in ("-wal", "-shm"):
        path.with_name(path.name + left).unlink(missing_ok=True)

    if how == "empty":  # for SQLite that is a new store: the runs come back by themselves
        said = "nothing need be done"
    else:
        with pytest.raises(RunError, match=r"python -m engine repair"):
            use(bench.settings.store, run_id)
        monkeypatch.setenv("LLM_LAB_HOME", str(bench.settings.home))
        assert main(["repair"]) == 0
        said = "said, and repaired: " + capsys.readouterr().out.splitlines()[-1]
    service = RunService(bench.settings, start=False)
    after = service.run(run_id)
    assert (after.state, after.step, after.validation_loss) == ("finished", before.step, before.validation_loss)
    assert losses(service.events(run_id, kinds=["step"])) == recorded
    assert [(c.step, c.folder) for c in service.store.checkpoints(run_id)] == models
    assert service.load_model(run_id).extra["step"] == before.step
    service.close()
    assert not is_damaged(bench.settings)
    case["outcome"] = said


def use(url: str, run_id: str) -> None:
    """What a page does with the store."""
    store = RunStore(url)
    try:
        store.all()
        store.events(run_id)
        store.checkpoints(run_id)
    finally:
        store.close()


def test_learners_and_unfinished_runs_are_read_out_of_a_record_that_is_damaged_elsewhere(
    finished: Bench, fault: Fault, tmp_path: Path
) -> None:
    if finished.store.reading.dialect.name != "sqlite":
        pytest.skip("PostgreSQL looks after its own files")
    case = fault("record of runs damaged in one place", "finished, and waiting")
    shutil.copytree(finished.settings.home, tmp_path / "home")
    bench = open_bench(tmp_path / "home")
    learners = LearnerStore(bench.settings.store)
    learners.rename("ada", "Ada")
    learners.mark("ada", "pretraining", "quiz", {"right": True})
    learners.close()
    waiting = bench.store.create("b" * 16, {"job": "pretraining"}, "waits", "ada")
    (record,) = [each for each in bench.store.all() if each.state == "finished"]
    recorded = bench.losses(record.run_id)
    bench.store.close()
    path = bench.settings.home / "runs.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'events'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    assert is_damaged(bench.settings)
    with pytest.raises(StoreUnavailable, match="repair"):
        use(bench.settings.store, record.run_id)
    done = repair(bench.settings)
    assert done.damaged is not None and done.damaged.exists() and done.n_runs == 1
    store, learners = RunStore(bench.settings.store), LearnerStore(bench.settings.store)
    assert {each.run_id for each in store.all()} == {record.run_id, waiting.run_id}
    assert store.get(waiting.run_id).state == "queued" and store.askers(waiting.run_id) == ["ada"]
    assert losses(store.events(record.run_id, kinds=["step"])) == recorded
    assert [each.name for each in learners.all()] == ["Ada"] and len(learners.marks("ada")) == 1
    store.close()
    learners.close()
    case["outcome"] = f"repaired: the finished run from beside its model, {done.n_rows} rows from the damaged file"
