"""`pretrain` in the process that was started, not in the training service: alone or with others under torchrun.

`torchrun --nproc-per-node N -m engine pretrain …` starts N processes with one command line. The first one keeps the
run's record and models as a worker of the service would, so that the app shows it; the others only train along.
"""

from __future__ import annotations

import argparse
import os
import signal
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from engine.command_line.following import follow_and_write
from engine.devices import Compute, choose_compute
from engine.errors import RunError
from engine.parallel import Group, Order, joined
from engine.runs import states
from engine.runs.artifacts import ArtifactStore
from engine.runs.config import RunConfig
from engine.runs.execution import DECLINED, execute
from engine.runs.lease import is_gone
from engine.runs.pretraining import PretrainingJob
from engine.runs.service import RunService
from engine.settings import Settings

FAREWELL_SECONDS = 30.0


def pretrain(config: RunConfig, label: str, options: argparse.Namespace) -> int:
    """Train a run here and follow it to its end; the exit status."""
    environment = dict(os.environ)
    compute = choose_compute(
        options.device or "auto",
        options.precision or "auto",
        options.compiled,
        local_rank=int(environment.get("LOCAL_RANK", "0")),
    )
    settings = Settings.from_environment(environment)
    if int(environment.get("WORLD_SIZE", "1")) < 2:
        return _lead(config, label, options, settings, compute, None)
    with joined(environment, gpu=compute.on_gpu) as group:
        if group.is_first:
            return _lead(config, label, options, settings, compute, group)
        _train_along(config, settings, compute, group)
        return 0


def _lead(
    config: RunConfig,
    label: str,
    options: argparse.Namespace,
    settings: Settings,
    compute: Compute,
    group: Group | None,
) -> int:
    """Record and train the run in a thread, and show it in this one."""
    service = RunService(settings, start=False)
    run_id = config.run_id
    _queue(service, config, label)
    where = f"{compute}, {group.size if group else 1} process{'es' if group and group.size > 1 else ''}"
    print(f"run {run_id}: {config.model.n_parameters:,} parameters; {where}")
    with ThreadPoolExecutor(1) as pool:
        training = pool.submit(_execute, run_id, settings, compute, group)

        def pause() -> None:
            """Ctrl-C: save and let go of the run, in all processes."""
            with suppress(RunError):
                service.request(run_id, "pause")
            with suppress(TimeoutError):
                training.result(FAREWELL_SECONDS)

        status = follow_and_write(
            service, run_id, options, served=False, before_farewell=pause, carried=lambda: _carried(training)
        )
    return status


def _execute(run_id: str, settings: Settings, compute: Compute, group: Group | None) -> str:
    """Carry the run out; whatever comes of it, the other processes are told that it is over."""
    try:
        return execute(run_id, settings.as_environment(), compute=compute, group=group)
    finally:
        if group is not None and not group.broken:
            group.tell(Order("end"))


def _carried(training: Future[str]) -> bool:
    """Whether somebody trains the run: this process, or the one that had it already. Raises what training raised."""
    return not training.done() or training.result() == DECLINED


def _queue(service: RunService, config: RunConfig, label: str) -> None:
    """Put the run into the queue, also one that a process left behind that is gone or that was paused."""
    record = service.store.create(config.run_id, config.to_dict(), label)
    for held, token in service.store.at_work():
        if held.run_id == record.run_id and is_gone(held.worker):
            service.store.lose(record.run_id, token, "The process ended; training goes on from the last checkpoint.")
    state = service.run(record.run_id).state
    if state in (states.PAUSED, states.FAILED):
        service.store.request(record.run_id, "resume")
    elif state == states.INTERRUPTED:
        service.store.requeue(record.run_id)


def _train_along(config: RunConfig, settings: Settings, compute: Compute, group: Group) -> None:
    """What a process does that is not the first: nothing until training begins, then its share of every step."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first one saves, then says that it is over
    if group.hear().kind == "end":
        return
    job = PretrainingJob(config, ArtifactStore(settings.artifacts, Path(settings.home) / "scratch"))
    job.compute, job.group = compute, group
    job.prepare(lambda _: None, fresh=False)
    trainer = job.trainer(None)
    trainer.follow()  # type: ignore[attr-defined]
