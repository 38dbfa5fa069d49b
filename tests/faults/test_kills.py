"""kill -9 of the worker, of the training service (with its scheduler) and of the app, in every state of a run.

Real processes on a real store. A worker is held exactly at the point in question (see hold/sitecustomize.py), then it,
its service or its app is killed, and everything is left to itself. Nothing may be lost but the steps since the last
checkpoint, and those are repeated: the record that remains is bit for bit that of a run which nobody disturbed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

import engine
from engine.runs.config import RunConfig
from engine.runs.exchange import child_environment
from engine.runs.records import RunRecord
from engine.runs.service import RunService
from engine.settings import Settings
from tests.runs.helpers import TEXT, Bench, losses, open_bench, tiny_config, wait_for

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("processes"),
    pytest.mark.skipif(sys.platform == "win32", reason="kills processes by POSIX signals"),
]

PROJECT = Path(engine.__file__).parent.parent
STEPS = 300
VICTIMS = ("worker", "training service", "app")
STATES = (
    "queued",
    "starting",
    "training",
    "saving a checkpoint",
    "just saved, not yet known",
    "pausing",
    "paused",
    "resuming",
    "cancelling",
    "finished",
)
POINTS = {
    "starting": "starting",
    "training": "training",
    "saving a checkpoint": "saving",
    "just saved, not yet known": "saved",
    "pausing": "pausing",
    "resuming": "resuming",
    "cancelling": "cancelling",
}
APP = """
import time
from engine.runs.service import lab
print(lab().server_pid, flush=True)
for _ in range(12_000):
    lab()  # as every page does: it starts the training service again if that has gone
    time.sleep(0.2)
"""


@dataclass
class Lab:
    """An app in a process of its own (`app`), its training service, and our own look at the store."""

    settings: Settings
    environment: dict[str, str]
    holds: Path
    watcher: RunService
    app: subprocess.Popen[bytes] | None = None
    server: int = 0

    def start_app(self) -> None:
        self.app = subprocess.Popen(
            [sys.executable, "-c", APP],
            cwd=PROJECT,
            env=self.environment,
            stdout=subprocess.PIPE,
        )
        assert self.app.stdout is not None
        self.server = int(self.app.stdout.readline())

    def server_pid(self) -> int:
        assert self.app is not None
        (found,) = [c.pid for c in psutil.Process(self.app.pid).children() if "serve" in c.cmdline()]
        return found

    def worker_pid(self) -> int:
        """The one worker process of the service."""
        children = psutil.Process(self.server_pid()).children(recursive=True)
        found = [c.pid for c in children if any("spawn_main" in part for part in c.cmdline())]
        assert len(found) == 1, found
        return found[0]

    def ready(self) -> bool:
        try:
            return psutil.Process(self.worker_pid()).memory_info().rss > 150 << 20  # torch is imported
        except (psutil.NoSuchProcess, AssertionError, ValueError):
            return False

    def hold(self, state: str) -> None:
        (self.holds / POINTS[state]).touch()

    def held(self, state: str) -> None:
        wait_for((self.holds / f"{POINTS[state]}.reached").exists, f"a worker that is {state}")

    def let_go(self) -> None:
        for path in self.holds.iterdir():
            path.unlink()

    def kill(self, victim: str) -> None:
        if victim == "app":
            assert self.app is not None
            self.app.kill()
            self.app.communicate()
        else:
            os.kill(self.worker_pid() if victim == "worker" else self.server_pid(), signal.SIGKILL)

    def end(self) -> None:
        if self.app is not None and self.app.poll() is None:
            self.app.kill()
            self.app.communicate()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    home = tmp_path_factory.mktemp("home")
    holds = tmp_path_factory.mktemp("holds")
    settings = Settings.at(home, workers=1)
    environment = child_environment(settings, PROJECT)
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent / "hold"), environment["PYTHONPATH"]])
    environment["LESSONS_HOLD"] = str(holds)
    opened = Lab(settings, environment, holds, RunService(settings, start=False))
    opened.start_app()
    yield opened
    opened.let_go()
    opened.end()
    opened.watcher.close()


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = open_bench(tmp_path_factory.mktemp("calm"))
    yield bench
    bench.store.close()


@pytest.fixture(autouse=True)
def nothing_left(lab: Lab) -> Iterator[None]:
    yield
    lab.let_go()
    for record in lab.watcher.runs():
        lab.watcher.delete(record.run_id)


def wait_state(lab: Lab, run_id: str, *names: str) -> RunRecord:
    def reached() -> RunRecord | None:
        record = lab.watcher.run(run_id)
        assert record.state != "failed", record.error
        return record if record.state in names else None

    return wait_for(reached, " or ".join(names), 120)


def bring_to(lab: Lab, config: RunConfig, state: str) -> str:
    """The id of a run that is in the state named, its worker held there."""
    service = lab.watcher
    if state == "queued":
        lab.hold("starting")
        service.submit(tiny_config(config.corpora[0][0], seed=config.seed + 1_000, steps=20))
        lab.held("starting")
        return service.submit(config)
    if state in ("starting", "training", "saving a checkpoint", "just saved, not yet known"):
        lab.hold(state)
        run_id = service.submit(config)
        lab.held(state)
        return run_id
    if state == "finished":
        run_id = service.submit(config)
        wait_state(lab, run_id, "finished")
        return run_id
    lab.hold("training")
    run_id = service.submit(config)
    lab.held("training")
    if state == "cancelling":
        lab.hold(state)
        service.request(run_id, "stop")
        (lab.holds / "training").unlink()
        lab.held(state)
        return run_id
    if state == "pausing":
        lab.hold(state)
    service.request(run_id, "pause")
    (lab.holds / "training").unlink()
    if state == "pausing":
        lab.held(state)
        return run_id
    wait_state(lab, run_id, "paused")
    if state == "resuming":
        lab.hold(state)
        service.request(run_id, "resume")
        lab.held(state)
    return run_id


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("victim", VICTIMS)
def test_nothing_is_lost_when_a_process_is_killed(
    lab: Lab, calm: Bench, fault: Callable[..., dict[str, str]], victim: str, state: str
) -> None:
    case = fault(f"kill -9 of the {victim}", state)
    service = lab.watcher
    seed = 100 * VICTIMS.index(victim) + STATES.index(state) + 1
    config = tiny_config(service.save_upload(TEXT), seed=seed, steps=STEPS)
    wait_for(lab.ready, "a worker that has imported torch", 120)
    run_id = bring_to(lab, config, state)
    models = {c.folder: digest(lab, c.folder) for c in service.store.checkpoints(run_id) if c.kept}
    lab.kill(victim)
    lab.let_go()
    if victim == "app":
        lab.start_app()

    if state in ("pausing", "paused"):
        record = wait_state(lab, run_id, "paused")
        case["outcome"] = f"paused at step {record.step}, then resumed to the end"
        service.request(run_id, "resume")
        record = wait_state(lab, run_id, "finished")
    else:
        record = wait_state(lab, run_id, "finished")
        again = f"again from step {first_repeated(lab, run_id)}" if record.attempt > 1 else "nothing to repeat"
        case["outcome"] = f"finished at step {record.step} in attempt {record.attempt}, {again}"

    recorded = losses(service.events(run_id, kinds=["step"]))
    assert [step for step, _ in recorded] == list(range(1, len(recorded) + 1)), "no gap and no double"
    assert len(recorded) == record.step
    assert record.step == STEPS if state != "cancelling" else record.step < STEPS
    assert calm.upload() and calm.run(config) == run_id
    assert recorded == calm.losses(run_id)[: len(recorded)]
    assert all(digest(lab, folder) == before for folder, before in models.items()), "what was saved stays as it was"
    assert service.load_model(run_id).extra["step"] == record.step
    assert not record.error


def first_repeated(lab: Lab, run_id: str) -> int:
    """The step from which the last attempt went on, as the record's notes and marks of state tell."""
    events = lab.watcher.events(run_id, kinds=["state"])
    return max((event.step for event in events if event.payload["state"] == "running"), default=0)


def digest(lab: Lab, folder: str) -> str:
    return (Path(lab.watcher.artifacts.root) / folder / "manifest.json").read_text()
