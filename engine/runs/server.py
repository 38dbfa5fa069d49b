"""The one process that hands runs to workers: `python -m engine serve`, started by the app or by hand.

It holds the lease of the store, owns a Dask cluster on this machine (or is a client of the one that
LLM_LAB_SCHEDULER names), submits queued runs in order, and notices when a worker is lost. It never imports torch.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Sequence
from contextlib import ExitStack, suppress

import dask
import psutil  # type: ignore[import-untyped]
from dask.system import CPU_COUNT
from distributed import Client, Future, KilledWorker, LocalCluster
from sqlalchemy.exc import SQLAlchemyError

from engine.checks import require_whole
from engine.errors import StoreUnavailable
from engine.language import _
from engine.runs import states
from engine.runs.lease import Lease, holder_name, is_gone
from engine.runs.store import RunStore, opened
from engine.runs.task import DECLINED, run_task, warm_up
from engine.settings import Settings

TICK_SECONDS = 0.1
RENEW_SECONDS = 1.0
SILENCE_SECONDS = 15.0
"""A worker that has not been heard of for so long is given up for lost."""
FAREWELL_SECONDS = 5.0
"""How long workers may take to save when the server ends."""
CONNECT_SECONDS = 4.0
"""How long a scheduler elsewhere may take to answer: less than the lease lasts."""
ASK_SECONDS = 2.0
"""How long workers may take to say which process they are: less than the lease lasts, too."""
MAX_DECLINED = 5
"""After so many workers that do not find a run in their store, it is said what is wrong."""
_DECLINED_SECONDS = 1.0

_THREAD_VARIABLES = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "passive",
}
# Dask has its workers give freed memory back at once (a threshold of 64 KiB), which suits data that come and go. A
# training frees and takes the same tensors at every step: so set, page faults cost it a third of its time.
_MEMORY_VARIABLES = {"MALLOC_TRIM_THRESHOLD_": str(256 << 20), "MALLOC_MMAP_THRESHOLD_": str(32 << 20)}

log = logging.getLogger(__name__)


class Dispatcher:
    """Keeps as many runs training as there are workers, in the order of the queue."""

    def __init__(self, store: RunStore, client: Client, environment: dict[str, str], *, owns_workers: bool) -> None:
        self.store = store
        self.client = client
        self.environment = environment
        self.owns_workers = owns_workers
        self.futures: dict[str, tuple[Future, int]] = {}  # run id → (its task, the attempt it should make)
        self.declined: dict[str, tuple[int, float]] = {}  # run id → (how often in a row, when last)
        self._ticked_at = time.monotonic()
        self._recovered_at = float("-inf")
        self._patient_until = 0.0
        self.busy_elsewhere = 0  # runs that workers hold which a former server gave them
        self.held_elsewhere: set[str] = set()  # and these workers, by the names of their processes
        self._processes: dict[str, str] = {}  # a worker's address → the name of its process

    @property
    def slots(self) -> int:
        """How many runs can train at once: one in each worker."""
        return len(self.client.scheduler_info(n_workers=-1)["workers"])

    def tick(self) -> None:
        """One round: collect what has ended, recover what was left behind, submit what waits."""
        now = time.monotonic()
        if now - self._ticked_at > SILENCE_SECONDS / 3:  # this machine slept: let the workers speak first
            self._patient_until = now + SILENCE_SECONDS
        self._ticked_at = now
        self._collect()
        if now - self._recovered_at >= RENEW_SECONDS:
            self._recovered_at = now
            self._recover(patient=now < self._patient_until)
        self._submit()

    def _collect(self) -> None:
        for run_id, (future, attempt) in list(self.futures.items()):
            if not future.done():
                continue
            del self.futures[run_id]
            if future.status != "error":
                self._note_declined(run_id, future.status == "finished" and future.result(timeout=5) == DECLINED)
                continue
            error = future.exception()
            if isinstance(error, KilledWorker):
                self._lost(run_id, attempt)
            else:
                log.error("run %s could not be carried out: %r", run_id, error)
                self.store.fail(
                    run_id,
                    _(
                        "The worker could not carry out the run ({name}: {error}).",
                        name=type(error).__name__,
                        error=error,
                    ),
                )

    def _note_declined(self, run_id: str, declined: bool) -> None:
        """Workers on other machines that read another store see no such run, and would say so for ever."""
        record = self.store.find(run_id) if declined else None
        if record is None or record.state != states.QUEUED:
            self.declined.pop(run_id, None)
            return
        times = self.declined.get(run_id, (0, 0.0))[0] + 1
        self.declined[run_id] = (times, time.monotonic())
        if times >= MAX_DECLINED:
            del self.declined[run_id]
            self.store.fail(
                run_id,
                "The workers do not find this run: the app and all workers need the same LLM_LAB_STORE and the same "
                "LLM_LAB_ARTIFACTS, which all of them can reach. Resume it when that is so.",
            )

    def _lost(self, run_id: str, attempt: int) -> None:
        for record, token in self.store.at_work():
            if record.run_id == run_id and record.attempt == attempt:
                self.store.lose(run_id, token, "The worker process ended; training goes on from the last checkpoint.")

    def _recover(self, patient: bool) -> None:
        """Queues again what a former server or a silent worker left behind; whoever still reports is left alone."""
        for record in self.store.interrupted():
            self.store.requeue(record.run_id)
        held = self.store.at_work()
        elsewhere = [record.worker for record, _unused in held if record.run_id not in self.futures]
        self.busy_elsewhere, self.held_elsewhere = len(elsewhere), set(elsewhere)
        for record, token in held:
            still = self.store.watch.unchanged_for(record.run_id, (token, record.heartbeat_at))
            silent = not patient and still >= SILENCE_SECONDS
            if record.run_id in self.futures:
                if silent and self.owns_workers:
                    _kill(record.worker)  # Dask then reports the loss, and starts another worker
            elif silent or is_gone(record.worker):
                why = "The training service ended; training goes on from the last checkpoint."
                self.store.lose(record.run_id, token, why, counts=False)

    def _submit(self) -> None:
        if not (waiting := self.store.queued()):
            return
        free = self.slots - len(self.futures) - self.busy_elsewhere
        now = time.monotonic()
        ready = [
            record
            for record in waiting
            if record.run_id not in self.futures
            and now - self.declined.get(record.run_id, (0, float("-inf")))[1] >= _DECLINED_SECONDS
        ]
        if not (ready := ready[: max(0, free)]):
            return
        workers = self._not_held()
        for record in ready:
            attempt = record.attempt + 1
            key = f"{record.run_id}-{attempt}-{uuid.uuid4().hex[:8]}"
            future = self.client.submit(
                run_task,
                record.run_id,
                self.environment,
                key=key,
                retries=0,
                workers=workers,
                allow_other_workers=workers is not None,  # should these end before the run begins
            )
            self.futures[record.run_id] = (future, attempt)

    def _not_held(self) -> list[str] | None:
        """The workers that no former server keeps busy; None where all or none can be chosen.

        To Dask a worker is free once the client whose task it carries out has gone, but its thread is not.
        """
        if not self.held_elsewhere:
            return None
        addresses = list(self.client.scheduler_info(n_workers=-1)["workers"])
        if not self._processes.keys() >= set(addresses):
            self._processes = _processes_of(self.client)
        free = [address for address in addresses if self._processes.get(address) not in self.held_elsewhere]
        return free if 0 < len(free) < len(addresses) else None

    def say_farewell(self, patience: float = FAREWELL_SECONDS) -> None:
        """Asks our workers to save and let go of their runs, and waits a little for that."""
        if not self.owns_workers or not self.futures:
            return
        self.store.interrupt_all(set(self.futures))
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and any(not future.done() for future, _unused in self.futures.values()):
            time.sleep(0.05)


def serve(
    settings: Settings,
    *,
    parent_pipe: bool = False,
    stop: threading.Event | None = None,
) -> None:
    """Dispatch runs until asked to end (SIGTERM, Ctrl-C, `stop`, or with `parent_pipe` the end of standard input).

    A second server on the same store waits for the first to go.
    """
    stop = stop or threading.Event()
    _lower_priority()
    os.environ.update(_THREAD_VARIABLES)
    if parent_pipe:
        threading.Thread(target=_watch_parent, args=(stop,), name="parent watch", daemon=True).start()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    with opened(settings.store) as store:
        lease = Lease(store, holder_name())
        try:
            while not stop.is_set():
                try:
                    if lease.take_or_renew(slots=0):
                        _lead(settings, store, lease, stop)
                except (StoreUnavailable, SQLAlchemyError):
                    log.exception("the store could not be used")
                except OSError:  # the scheduler is on another machine, and not there now
                    if settings.scheduler is None:
                        raise
                    log.exception("the scheduler %s could not be reached", settings.scheduler)
                stop.wait(RENEW_SECONDS / 2)
        finally:
            with suppress(StoreUnavailable, SQLAlchemyError):
                lease.release()


def _lead(settings: Settings, store: RunStore, lease: Lease, stop: threading.Event) -> None:
    """Dispatch while the lease can be renewed."""
    with ExitStack() as stack:
        client = stack.enter_context(_connect(settings, stack))
        environment = settings.as_environment()
        dispatcher = Dispatcher(store, client, environment, owns_workers=settings.scheduler is None)
        log.info("dispatching for %s", settings.home)
        renewed_at = -RENEW_SECONDS
        while not stop.wait(TICK_SECONDS):
            if client.status != "running":
                log.error("the scheduler %s has gone", settings.scheduler)
                break
            try:
                if time.monotonic() - renewed_at >= RENEW_SECONDS:
                    if not lease.take_or_renew(dispatcher.slots):
                        log.warning("another server has taken the lease")
                        break
                    renewed_at = time.monotonic()
                dispatcher.tick()
            except (StoreUnavailable, SQLAlchemyError):  # a full disk or a locked file may pass; the lease tells
                log.exception("the store could not be used")
                stop.wait(RENEW_SECONDS)
        with suppress(StoreUnavailable, SQLAlchemyError):
            dispatcher.say_farewell()
        _exit_hard_after(20.0, stop)


def _connect(settings: Settings, stack: ExitStack) -> Client:
    if settings.scheduler is not None:
        return Client(settings.scheduler, name="llm-lessons", timeout=CONNECT_SECONDS)
    settings_of_dask = {
        "distributed.scheduler.allowed-failures": 0,  # retrying is our business
        "distributed.nanny.pre-spawn-environ": {**_THREAD_VARIABLES, **_MEMORY_VARIABLES},
    }
    stack.enter_context(dask.config.set(settings_of_dask))
    cluster = stack.enter_context(
        LocalCluster(
            n_workers=settings.workers or max(1, CPU_COUNT - 1),
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            silence_logs=logging.ERROR,
        )
    )
    client = Client(cluster)
    for address in client.scheduler_info(n_workers=-1)["workers"]:
        future = client.submit(warm_up, key=f"warm-up-{address}", workers=[address])
        future.add_done_callback(lambda _: None)
    return client


def _processes_of(client: Client) -> dict[str, str]:
    """A worker's address → the name of its process; nothing where a worker does not answer soon."""
    found: dict[str, str] = {}

    def ask() -> None:
        try:
            found.update(client.run(holder_name, on_error="ignore"))
        except Exception as error:  # whatever it is, runs can be dispatched without
            log.warning("the workers could not be asked which processes they are: %r", error)

    asking = threading.Thread(target=ask, name="who is who", daemon=True)
    asking.start()
    asking.join(ASK_SECONDS)
    return dict(found)


def _exit_hard_after(seconds: float, stop: threading.Event) -> None:
    """If closing the cluster hangs while the process should end, end it: runs are safe in the store."""
    if stop.is_set():
        timer = threading.Timer(seconds, os._exit, (1,))
        timer.daemon = True
        timer.start()


def _lower_priority() -> None:
    """Below pages and everything else; workers inherit it. A second call changes nothing."""
    if sys.platform == "win32":
        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        os.nice(max(0, 10 - os.nice(0)))


def _watch_parent(stop: threading.Event) -> None:
    """Standard input is a pipe that only the parent holds: its end means that the parent is gone."""
    while os.read(0, 1):
        pass
    stop.set()


def _kill(worker: str) -> None:
    """Ends a hung worker process of ours."""
    if not is_gone(worker):
        log.warning("worker %s is silent and is ended", worker)
        psutil.Process(int(worker.rsplit("/", 2)[1])).kill()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `serve`, for whichever command line offers it."""
    parser.add_argument("--workers", type=int, default=None, help="runs trained at once (default: cores less one)")
    parser.add_argument("--parent-pipe", action="store_true", help="end when standard input ends")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve with settings from the environment; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m engine serve", description="Train queued runs.")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = Settings.from_environment()
    if options.workers is not None:
        require_whole("workers", options.workers, 1, 1024)
        settings = dataclasses.replace(settings, workers=options.workers)
    serve(settings, parent_pipe=options.parent_pipe)
    return 0


if __name__ == "__main__":
    sys.exit(main())
