"""Faults that pass: a store that somebody holds, a disk that is full, a clock that is set. Training waits or says what
it needs, and goes on from where it was.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.errors import StoreUnavailable
from engine.runs import execution, tables
from engine.runs.service import RunService
from engine.runs.store import RunStore
from engine.settings import Settings
from engine.training import TrainingLoop
from tests.runs.helpers import TEXT, Bench, losses, open_bench, tiny_config, wait_for

Fault = Callable[..., dict[str, str]]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    opened = open_bench(tmp_path / "home")
    if opened.store.reading.dialect.name != "sqlite":
        pytest.skip("about files")
    yield opened
    opened.store.close()


def calm_losses(folder: Path, **training: int) -> list[tuple[int, float]]:
    bench = open_bench(folder)
    found = bench.losses(bench.run(tiny_config(bench.upload(), **training)))
    bench.store.close()
    return found


def at_step(monkeypatch: pytest.MonkeyPatch, step: int, do: Callable[[], object]) -> None:
    """Does something once, just before a step."""
    train_step = TrainingLoop._train_step
    left = [do]

    def watched(loop: TrainingLoop, *watch: object) -> object:
        if loop.step == step and left:
            left.pop()()
        return train_step(loop, *watch)

    monkeypatch.setattr(TrainingLoop, "_train_step", watched)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another program is in the middle of a transaction of its own."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


# --- a store that another program holds ------------------------------------------------------------------------


def test_a_store_that_is_held_for_longer_than_we_wait_costs_a_run_nothing(
    tmp_path: Path, bench: Bench, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = fault("store locked by another program", "training")
    monkeypatch.setattr(tables, "BUSY_SECONDS", 0.2)
    monkeypatch.setattr(execution, "RHYTHM_SECONDS", 0.0)
    config = tiny_config(bench.upload())
    run_id = bench.queue(config)
    holding = threading.Event()

    def hold() -> None:
        with held(bench.settings.home / "runs.sqlite"):
            holding.set()
            time.sleep(2.0)

    thread = threading.Thread(target=hold)

    def begin() -> None:
        thread.start()
        holding.wait()

    at_step(monkeypatch, 30, begin)
    assert bench.execute(run_id) == "finished"
    thread.join()
    assert bench.store.get(run_id).attempt == 1
    assert bench.losses(run_id) == calm_losses(tmp_path / "calm")
    case["outcome"] = "training waited for 2 s, ten times the patience of a write, and lost nothing"


def test_a_learner_is_told_that_the_store_is_held(bench: Bench, fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    case = fault("store locked by another program", "queued")
    monkeypatch.setattr(tables, "BUSY_SECONDS", 0.1)
    service = RunService(bench.settings, start=False)
    run_id = bench.queue(tiny_config(bench.upload()))
    with held(bench.settings.home / "runs.sqlite"):
        assert service.run(run_id).state == "queued", "reading goes on"
        with pytest.raises(StoreUnavailable, match="Nothing is lost") as said:
            service.request(run_id, "pause")
    service.request(run_id, "pause")
    assert service.run(run_id).state == "paused"
    service.close()
    case["outcome"] = f"said: {said.value}"


# --- a full disk -------------------------------------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of its own that is soon full; the test is skipped where we may not mount one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small file system can only be mounted by root on Linux")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Takes all the room that is left."""
    path = disk / "filler"
    with path.open("ab", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1 << 8, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    return path


def test_a_disk_that_is_full_of_models_ends_the_run_with_a_sentence_and_it_goes_on_when_there_is_room(
    tmp_path: Path, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = fault("disk full where the models lie", "saving a checkpoint")
    with small_disk(tmp_path / "disk", 4) as disk:
        settings = Settings.at(tmp_path / "home", artifacts=str(disk / "artifacts"))
        bench = Bench(settings, RunStore(settings.store), open_bench(tmp_path / "other").artifacts)
        service = RunService(settings, start=False)
        config = tiny_config(service.save_upload(TEXT))
        run_id = bench.queue(config)
        at_step(monkeypatch, 20, lambda: fill(disk))
        assert bench.execute(run_id) == "failed"
        record = service.run(run_id)
        assert "disk is full" in record.error and record.step >= 16
        assert "disk of the server is full" in service.server_problem()
        assert service.load_model(run_id).extra["step"] == 16, "what was saved before is whole"
        (disk / "filler").unlink()
        assert service.server_problem() != record.error
        service.request(run_id, "resume")
        assert bench.execute(run_id) == "finished"
        assert bench.losses(run_id) == calm_losses(tmp_path / "calm")
        case["outcome"] = f"said: {record.error} Resumed to the end, bit for bit"
        service.close()
        bench.store.close()


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.xdist_group("processes")
def test_a_disk_that_is_full_for_store_and_models_stops_nothing_for_good(tmp_path: Path, fault: Fault) -> None:
    case = fault("disk full where everything lies", "training")
    with small_disk(tmp_path / "disk", 40) as disk:
        service = RunService(Settings.at(disk / "home", workers=1))
        try:
            run_id = service.submit(tiny_config(service.save_upload(TEXT), steps=20_000))
            wait_for(lambda: service.run(run_id).step > 100, "training", 120)
            fill(disk)
            said = wait_for(service.server_problem, "a sentence", 60)
            assert "disk of the server is full" in said
            time.sleep(20)  # long enough for a worker to be taken for dead
            record = service.run(run_id)
            assert record.state in ("running", "failed"), record
            (disk / "filler").unlink()

            def goes_on() -> bool:
                service.ensure_server()
                now = service.run(run_id)
                if now.state == "failed":
                    assert "disk is full" in now.error
                    service.request(run_id, "resume")
                return now.state == "running" and now.step > record.step + 50

            wait_for(goes_on, "training again", 120)
            service.request(run_id, "stop")
            wait_for(lambda: service.run(run_id).state == "finished", "the end", 60)
            steps = [step for step, _ in losses(service.events(run_id, kinds=["step"]))]
            assert steps == list(range(1, len(steps) + 1))
            case["outcome"] = f"said: {said} Went on in attempt {service.run(run_id).attempt}, no gap, no double"
        finally:
            service.close()


# --- a clock that is set -----------------------------------------------------------------------------------------


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.xdist_group("processes")
@pytest.mark.parametrize("hours", [5, -5])
def test_a_clock_that_is_set_while_a_run_trains_disturbs_nobody(
    tmp_path: Path, fault: Fault, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """The clock is set in the service and its worker by hold/sitecustomize.py: libfaketime breaks Python's sleep, and
    the computer's own clock is not ours to set.
    """
    case = fault(f"clock set by {hours:+} h", "training, and queued behind it")
    clock = tmp_path / "clock"
    clock.write_text("0")
    hold = str(Path(__file__).parent / "hold")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([hold, *filter(None, [os.environ.get("PYTHONPATH")])]))
    monkeypatch.setenv("LESSONS_CLOCK", str(clock))
    service = RunService(Settings.at(tmp_path / "home", workers=1))
    try:
        run_id = service.submit(tiny_config(service.save_upload(TEXT), steps=200_000))
        wait_for(lambda: service.run(run_id).step > 100, "training", 120)
        short = service.submit(tiny_config(service.save_upload(TEXT), seed=1, steps=30))
        server = service.server_pid
        swap = tmp_path / "swap"
        swap.write_text(str(hours * 3600))
        swap.replace(clock)
        reached = service.run(run_id).step
        wait_for(lambda: service.run(run_id).step > reached + 500, "training after the jump", 60)
        ahead = (service.run(run_id).heartbeat_at or 0) - time.time()
        assert abs(ahead - hours * 3600) < 60, "the processes saw the clock jump"
        time.sleep(20)  # longer than silence is borne
        assert (service.run(run_id).state, service.run(run_id).attempt) == ("running", 1)
        assert service.server_problem() == "" and service.server_pid == server
        service.request(run_id, "stop")
        wait_for(lambda: service.run(short).state == "finished", "the next run", 60)
        steps = [step for step, _ in losses(service.events(run_id, kinds=["step"]))]
        assert steps == list(range(1, len(steps) + 1))
        record = service.run(run_id)
        case["outcome"] = f"one attempt, {record.step} steps; {record.seconds:.0f} s of training were counted"
        assert 0 < record.seconds < 300
    finally:
        service.close()


# --- two servers on one store ------------------------------------------------------------------------------------


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.xdist_group("processes")
def test_two_apps_on_one_store_share_one_training_service_and_either_may_die(tmp_path: Path, fault: Fault) -> None:
    case = fault("two apps on one store, the one that serves killed", "training, and queued behind it")
    from tests.faults.test_kills import APP, PROJECT, child_environment

    settings = Settings.at(tmp_path / "home", workers=1)
    command = [sys.executable, "-c", APP]
    environment = child_environment(settings, PROJECT)
    apps = [subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE) for _ in range(2)]
    service = RunService(settings, start=False)
    try:
        run_id = service.submit(tiny_config(service.save_upload(TEXT), steps=200_000))
        wait_for(lambda: service.run(run_id).step > 100, "training", 120)
        short = service.submit(tiny_config(service.save_upload(TEXT), seed=1, steps=30))
        import psutil  # type: ignore[import-untyped]

        from engine.runs.lease import leader

        held_by = leader(service.store)
        assert held_by is not None
        parent = psutil.Process(int(held_by.holder.split("/")[1])).ppid()
        (serving,) = [app for app in apps if app.pid == parent]
        serving.kill()
        serving.wait()
        wait_for(lambda: service.run(run_id).attempt == 2, "the other app's service", 120)
        wait_for(lambda: service.run(run_id).state == "running" and service.run(run_id).step > 150, "training", 60)
        service.request(run_id, "stop")
        wait_for(lambda: service.run(short).state == "finished", "the next run", 60)
        steps = [step for step, _ in losses(service.events(run_id, kinds=["step"]))]
        assert steps == list(range(1, len(steps) + 1))
        case["outcome"] = "the other app started a service; the run went on from its last checkpoint, then the next one"
    finally:
        for app in apps:
            app.kill()
            app.communicate()
        service.close()
