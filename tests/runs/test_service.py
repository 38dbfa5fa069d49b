"""The service with real worker processes: shared, steered, killed, and started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import engine
from engine.errors import CheckpointError, RunError
from engine.generation import SamplingConfig, generate
from engine.runs.config import RunConfig
from engine.runs.exchange import child_environment
from engine.runs.lease import leader, live_leader
from engine.runs.records import RunRecord
from engine.runs.service import RunService
from engine.settings import Settings
from tests.runs.helpers import TEXT, losses, open_bench, tiny_config, wait_for

PROJECT = Path(engine.__file__).parent.parent
LONG = 200_000  # steps: longer than any test

pytestmark = [
    pytest.mark.xdist_group("processes"),
    pytest.mark.skipif(sys.platform == "win32", reason="kills processes by POSIX signals"),
]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunService]:
    """A service with a server of its own and one worker, shared by the tests that leave it whole."""
    opened = RunService(Settings.at(tmp_path_factory.mktemp("home"), workers=1))
    yield opened
    opened.close()


@pytest.fixture
def config(service: RunService, request: pytest.FixtureRequest) -> RunConfig:
    """A long run of this test alone, deleted at its end."""
    return tiny_config(service.save_upload(TEXT), seed=zlib.crc32(request.node.name.encode()) % 10_000, steps=LONG)


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test finds an empty service."""
    yield
    if "service" in request.fixturenames:
        service = request.getfixturevalue("service")
        for record in service.runs():
            service.request(record.run_id, "delete")


def wait_state(service: RunService, run_id: str, *names: str) -> RunRecord:
    def reached() -> RunRecord | None:
        service.ensure_server()
        record = service.run(run_id)
        if record.state == "failed" and "failed" not in names:
            raise AssertionError(f"{record.error}\n{service.log.read_text()[-4000:]}")
        return record if record.state in names else None

    return wait_for(reached, f"{' or '.join(names)}")


def wait_step(service: RunService, run_id: str, step: int) -> RunRecord:
    def reached() -> RunRecord | None:
        service.ensure_server()
        record = service.run(run_id)
        assert record.state in ("queued", "running", "interrupted"), f"{record.state}: {record.error}"
        return record if record.step >= step and record.state == "running" else None

    return wait_for(reached, f"step {step}")


def pid_of(holder: str) -> int:
    return int(holder.rsplit("/", 2)[1])


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def steps_of(service: RunService, run_id: str) -> list[int]:
    return [step for step, _ in losses(service.events(run_id, kinds=["step"]))]


def test_two_learners_who_ask_for_the_same_share_one_computation(service: RunService, config: RunConfig) -> None:
    second = RunService(service.settings, start=False)
    run_id = service.submit(config)
    assert second.submit(config) == run_id
    wait_step(second, run_id, 20)
    assert service.submit(config) == run_id
    assert len(service.runs()) == 1
    assert service.run(run_id).attempt == 1
    second.close()


def test_the_training_process_is_another_one_and_gives_way_to_the_pages(service: RunService, config: RunConfig) -> None:
    run_id = service.submit(config)
    worker = psutil.Process(pid_of(wait_step(service, run_id, 1).worker))
    assert worker.pid != os.getpid()
    if sys.platform == "linux":  # Dask's own threshold would make page faults of every step
        assert int(worker.environ()["MALLOC_TRIM_THRESHOLD_"]) > 100_000_000
    assert worker.nice() == 10
    assert worker.environ()["OMP_NUM_THREADS"] == "1"


def test_a_pause_gives_the_worker_to_the_next_run_and_a_resume_goes_on(service: RunService, config: RunConfig) -> None:
    upload = config.corpora[0][0]
    first = service.submit(config)
    wait_step(service, first, 10)
    short = service.submit(tiny_config(upload, seed=10_001, steps=20))
    assert service.queue_position(short) == 1
    service.request(first, "pause")
    paused_at = wait_state(service, first, "paused").step
    wait_state(service, short, "finished")
    assert service.run(first).step == paused_at
    service.request(first, "resume")
    wait_step(service, first, paused_at + 10)
    steps = steps_of(service, first)
    assert steps == list(range(1, len(steps) + 1))


def test_a_stopped_run_has_a_model_that_writes(service: RunService, config: RunConfig) -> None:
    run_id = service.submit(config)
    wait_step(service, run_id, 10)
    with pytest.raises(RunError, match="finished"):
        service.export_run(run_id, "nowhere")
    service.request(run_id, "stop")
    assert service.run(run_id).state == "stopping"
    record = wait_state(service, run_id, "finished")
    assert record.step < LONG
    model = service.load_model(run_id)
    ids = model.tokenizer.encode("The ")
    written = list(generate(model.model, model.tokenizer, ids, 5, SamplingConfig(seed=1)))
    assert len(written) == 5
    assert service.checkpoints(run_id)[-1].step == record.step
    assert service.load_model(run_id, 8).extra["step"] == 8
    with pytest.raises(CheckpointError, match="no model of step 9"):
        service.load_model(run_id, 9)


def test_a_changed_learning_rate_takes_effect_and_is_marked(service: RunService, config: RunConfig) -> None:
    run_id = service.submit(config)
    wait_step(service, run_id, 10)
    service.request(run_id, "learning_rate", 0.5)
    (mark,) = wait_for(lambda: service.curve(run_id).controls, "the mark")
    assert (mark["name"], mark["value"]) == ("learning_rate", 0.5)
    wait_step(service, run_id, mark["step"] + 2)
    rates = {e.step: e.payload["learning_rate"] for e in service.events(run_id, kinds=["step"])}
    assert rates[mark["step"] + 1] / rates[mark["step"]] == pytest.approx(0.5, rel=0.2)  # warmup goes on meanwhile


def test_runs_start_in_the_order_of_the_queue_and_know_their_place(service: RunService, config: RunConfig) -> None:
    upload = config.corpora[0][0]
    first = service.submit(config)
    wait_step(service, first, 1)
    waiting = [service.submit(tiny_config(upload, seed=20_000 + n, steps=10)) for n in range(3)]
    assert [service.queue_position(run_id) for run_id in [first, *waiting]] == [None, 1, 2, 3]
    service.request(first, "stop")
    records = [wait_state(service, run_id, "finished") for run_id in waiting]
    started = [record.started_at or 0.0 for record in records]
    assert started == sorted(started)
    assert service.eta_seconds(waiting[0]) == 0.0


def test_starting_over_begins_at_the_first_step_again(service: RunService, config: RunConfig) -> None:
    run_id = service.submit(config)
    wait_step(service, run_id, 20)
    before = losses(service.events(run_id, kinds=["step"]))[:20]
    service.request(run_id, "restart")
    wait_for(lambda: service.run(run_id).attempt == 2, "a second attempt")
    wait_step(service, run_id, 20)
    assert losses(service.events(run_id, kinds=["step"]))[:20] == before


def test_events_are_there_within_a_second_of_their_step(service: RunService, config: RunConfig) -> None:
    run_id = service.submit(config)
    wait_step(service, run_id, 5)

    def lag() -> float:
        last = service.events(run_id)[-1].seq
        began = time.monotonic()
        wait_for(lambda: service.events(run_id, after=last, kinds=["step"]), "a next step")
        return time.monotonic() - began

    wait_for(lambda: lag() < 1.0, "a step seen in time")  # more than once only where other programs take all cores


def test_a_worker_killed_in_mid_run_leaves_no_gap_no_double_and_the_same_losses(
    service: RunService, tmp_path: Path
) -> None:
    calm = open_bench(tmp_path / "calm")
    config = tiny_config(calm.upload(), seed=30_000, steps=400)
    assert service.save_upload(TEXT) == config.corpora[0][0]
    run_id = service.submit(config)
    worker = wait_step(service, run_id, 80).worker
    os.kill(pid_of(worker), signal.SIGKILL)
    record = wait_state(service, run_id, "finished")
    assert (record.attempt, record.losses) == (2, 1)
    states = [event.payload["state"] for event in service.events(run_id, kinds=["state"])]
    assert states == ["queued", "running", "interrupted", "queued", "running", "finished"]
    assert calm.run(config) == run_id
    assert losses(service.events(run_id, kinds=["step"])) == calm.losses(run_id)
    calm.store.close()


def test_a_killed_server_is_started_again_and_its_run_goes_on(tmp_path: Path) -> None:
    service = RunService(Settings.at(tmp_path / "home", workers=1))
    try:
        run_id = service.submit(tiny_config(service.save_upload(TEXT), steps=LONG))
        worker = wait_step(service, run_id, 80).worker
        assert service.server_pid is not None
        os.kill(service.server_pid, signal.SIGKILL)
        wait_for(lambda: gone(pid_of(worker)), "the end of its worker")
        reached = service.run(run_id).step
        wait_for(lambda: service.ensure_server() or service.run(run_id).attempt == 2, "a second attempt")
        wait_step(service, run_id, reached + 5)
        steps = steps_of(service, run_id)
        assert steps == list(range(1, len(steps) + 1))
        assert service.run(run_id).losses == 0
    finally:
        service.close()
    assert service.run(run_id).state == "interrupted"  # the farewell: saved to the last step, for the next start
    assert service.store.checkpoints(run_id)[-1].step == service.run(run_id).step
    service.store.close()


def serve(settings: Settings) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "engine", "serve"],
        cwd=PROJECT,
        env=child_environment(settings, PROJECT),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_of_two_servers_one_leads_and_the_other_takes_over(tmp_path: Path) -> None:
    settings = Settings.at(tmp_path / "home", workers=1)
    service = RunService(settings, start=False)
    servers = [serve(settings), serve(settings)]
    try:
        run_id = service.submit(tiny_config(service.save_upload(TEXT), steps=LONG))
        wait_step(service, run_id, 20)
        first = live_leader(service.store)
        assert first is not None
        leading, standing_by = sorted(servers, key=lambda server: server.pid != pid_of(first.holder))
        assert not psutil.Process(standing_by.pid).children(), "only the leader has workers"
        leading.kill()
        leading.wait()
        wait_for(lambda: service.run(run_id).attempt == 2, "a second attempt")
        second = live_leader(service.store)
        assert second is not None and pid_of(second.holder) == standing_by.pid
        service.request(run_id, "stop")
        wait_state(service, run_id, "finished")
        standing_by.terminate()
        assert standing_by.wait(30) == 0
        assert leader(service.store) is None, "the lease was given back"
    finally:
        for server in servers:
            server.kill()
            server.wait()
        service.close()


def test_the_server_and_its_workers_end_when_the_app_dies(tmp_path: Path) -> None:
    settings = Settings.at(tmp_path / "home", workers=1)
    code = "import time; from engine.runs.service import lab; print(lab().server_pid, flush=True); time.sleep(600)"
    app = subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT, env=child_environment(settings, PROJECT), stdout=subprocess.PIPE
    )
    service = RunService(settings, start=False)
    try:
        assert app.stdout is not None
        server = int(app.stdout.readline())
        run_id = service.submit(tiny_config(service.save_upload(TEXT), steps=LONG))
        worker = pid_of(wait_step(service, run_id, 20).worker)
    finally:
        app.kill()
        app.communicate()
    wait_for(lambda: gone(server) and gone(worker), "the end of server and worker")
    assert service.run(run_id).state == "interrupted"
    service.close()


@pytest.fixture
def foreign_cluster(tmp_path: Path) -> Iterator[str]:
    """The address of a Dask scheduler with one worker, started by somebody else."""
    address_file = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "distributed.cli.{}", "--scheduler-file", str(address_file), "--no-dashboard"]
    options = {
        "dask_scheduler": ["--host", "127.0.0.1", "--port", "0"],
        "dask_worker": ["--nworkers", "1", "--nthreads", "1", "--local-directory", str(tmp_path)],
    }
    processes = []
    for name, given in options.items():
        command = [part.format(name) for part in dask] + given
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        processes.append(subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL))
        wait_for(address_file.exists, "the scheduler's start")
    yield json.loads(address_file.read_text())["address"]
    for process in reversed(processes):
        process.terminate()
        process.wait()


@pytest.mark.soak
def test_another_cluster_does_the_same_and_loses_no_run_either(foreign_cluster: str, tmp_path: Path) -> None:
    service = RunService(Settings.at(tmp_path / "home", scheduler=foreign_cluster))
    try:
        run_id = service.submit(tiny_config(service.save_upload(TEXT), steps=LONG))
        worker = wait_step(service, run_id, 80).worker
        assert service.server_pid is not None
        assert not psutil.Process(service.server_pid).children(), "the server has no workers of its own"
        os.kill(pid_of(worker), signal.SIGKILL)
        wait_for(lambda: service.run(run_id).attempt == 2, "a second attempt")
        reached = wait_step(service, run_id, service.run(run_id).step + 5).step
        service.request(run_id, "stop")
        assert wait_state(service, run_id, "finished").step >= reached
        steps = steps_of(service, run_id)
        assert steps == list(range(1, len(steps) + 1))
    finally:
        service.close()


@pytest.mark.parametrize(
    ("module", "strangers"), [("engine.runs.service", {"distributed", "dask"}), ("engine.runs.server", {"torch"})]
)
def test_pages_do_without_dask_and_the_server_without_torch(module: str, strangers: set[str]) -> None:
    code = f"import sys, {module}; sys.exit(bool({strangers!r} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False).returncode == 0
