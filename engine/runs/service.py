"""The door of the run service for pages, command line and other programs: `lab()`.

It talks to the store and the artifacts only. Training happens in a child process that it starts once, keeps alive,
and that ends with it; where a server already dispatches for the same store, none is started.
"""

from __future__ import annotations

import dataclasses
import heapq
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from torch import Tensor

import engine
from engine.checkpoint import Restored
from engine.errors import CheckpointError, RunError, StoreUnavailable
from engine.language import _
from engine.runs import exchange, states
from engine.runs.artifacts import ArtifactStore
from engine.runs.config import RunConfig
from engine.runs.jobs import JobConfig, job_of
from engine.runs.lease import live_leader
from engine.runs.preparation import read_corpora, validation_windows
from engine.runs.records import PRETRAINING, CheckpointInfo, Curve, RecordedEvent, RunRecord, StoredCheckpoint
from engine.runs.repair import read_kept
from engine.runs.store import RunStore
from engine.settings import Settings, current

_LOOK_SECONDS = 2.0
_RESTART_SECONDS = 5.0
_LOG_BYTES = 1_000_000
_LITTLE_ROOM = 1_000_000  # bytes: not even a small model can be saved


class RunService:
    """Submit, watch and steer runs. Safe to share between threads. `start=False` never starts a server."""

    def __init__(self, settings: Settings, *, start: bool = True) -> None:
        self.settings = settings
        self.store = RunStore(settings.store)
        self.artifacts = ArtifactStore(settings.artifacts, settings.home / "scratch")
        self._start = start
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._looked_at = self._started_at = float("-inf")
        if self.store.is_empty():  # a new one; or one whose file has gone, while the models are still there
            read_kept(self.store, self.artifacts)
        self.ensure_server()

    # --- submit and steer ----------------------------------------------------------------------------------

    def submit(self, config: JobConfig, label: str = "", learner: str = "") -> str:
        """Queues a run (for a `learner`, see `engine.classroom`) and returns its id. Who asks for what is there already
        shares it; a finished run is returned as it is, a paused, interrupted or failed one goes on.
        """
        record = self.store.create(config.run_id, config.to_dict(), label, learner)
        if record.state in (states.PAUSED, states.FAILED):
            self.store.request(record.run_id, "resume")
        self.ensure_server()
        return record.run_id

    def request(self, run_id: str, kind: str, value: float | None = None) -> None:
        """ "pause", "resume", "stop", "learning_rate" (value: factor on the schedule), "restart" or "delete".

        A worker obeys within a step; RunError says why something cannot be.
        """
        if kind == "restart":
            for checkpoint in self.store.restart(run_id):
                self.artifacts.delete(checkpoint.folder)
        elif kind == "delete":
            self.delete(run_id)
        else:
            self.store.request(run_id, kind, value)
        self.ensure_server()

    def delete(self, run_id: str) -> None:
        """Removes a run, its record and its models for everybody."""
        self.store.delete(run_id)
        self.artifacts.delete(f"runs/{run_id}")

    def rename(self, run_id: str, label: str) -> None:
        """Gives a run the name that pages show; its id stays."""
        self.store.rename(run_id, label)

    # --- watch ---------------------------------------------------------------------------------------------

    def runs(self, job: str | None = PRETRAINING) -> list[RunRecord]:
        """The runs of one job, the newest first; of every job with None."""
        return [record for record in self.store.all() if job is None or record.job == job]

    def run(self, run_id: str) -> RunRecord:
        """One run as it is now; RunError if there is none of that id."""
        return self.store.get(run_id)

    def events(self, run_id: str, after: int = 0, kinds: Iterable[str] | None = None) -> list[RecordedEvent]:
        """The record after event number `after`, in order. After a lost worker later steps come again, with higher
        numbers: what was seen of them before is then void.
        """
        return self.store.events(run_id, after, kinds)

    def curve(self, run_id: str, max_points: int = 400) -> Curve:
        """The whole run thinned for a chart."""
        return self.store.curve(run_id, max_points)

    def queue_position(self, run_id: str) -> int | None:
        """1 for the run that starts next; None for one that does not wait."""
        waiting = [record.run_id for record in self.store.queued()]
        return waiting.index(run_id) + 1 if run_id in waiting else None

    def eta_seconds(self, run_id: str) -> float | None:
        """Seconds until the run has ended, with those before it in the queue; None where nothing tells."""
        record = self.run(run_id)
        if record.state == states.FINISHED:
            return 0.0
        if record.state != states.QUEUED:
            return _remaining(record)
        leader = live_leader(self.store)
        free_at = [_remaining(busy) for busy, _unused in self.store.at_work()]
        free_at += [0.0] * max(1 - len(free_at), (leader.slots if leader else 1) - len(free_at))
        if any(seconds is None for seconds in free_at):
            return None
        slots = [seconds for seconds in free_at if seconds is not None]
        heapq.heapify(slots)
        for waiting in self.store.queued():
            own = _remaining(waiting)
            if own is None:
                return None
            ends = heapq.heappop(slots) + own
            if waiting.run_id == run_id:
                return ends
            heapq.heappush(slots, ends)
        return _remaining(record)  # it has left the queue meanwhile

    # --- models and files ----------------------------------------------------------------------------------

    def checkpoints(self, run_id: str) -> list[CheckpointInfo]:
        """The models of a run that can be loaded, by step."""
        found = {c.step: CheckpointInfo(c.step, c.seconds, c.validation_loss) for c in self._usable(run_id)}
        return list(found.values())

    def load_model(self, run_id: str, step: int | None = None) -> Restored[Any, Any]:
        """The model after `step`, or the newest that can be read: an `engine.checkpoint.Checkpoint` of a pretraining,
        a `TranslationCheckpoint` of a translation. CheckpointError if there is none.
        """
        job = job_of(self.run(run_id).config_dict)
        error: CheckpointError | None = None
        for stored in self._candidates(run_id, step):
            try:
                return job.load(self.artifacts.get_folder(stored.folder))
            except (CheckpointError, RunError) as problem:  # damaged, or just replaced by a newer one
                error = CheckpointError(str(problem))
        which = _("no model yet") if step is None else _("no model of step {step}", step=step)
        raise error or CheckpointError(
            _("run {run_id} has {which}: choose another one or let it train on.", run_id=run_id, which=which)
        )

    def validation_windows(self, run_id: str, n_tokens: int = 4096) -> tuple[Tensor, Tensor]:
        """Windows of the text that a run keeps aside, (N, T) int64 inputs and targets, about `n_tokens` in all, by the
        run's own tokenizer. Raises what reading the text raises, such as CorpusError where it is gone.
        """
        return self.validation_sources(run_id, n_tokens)[0]

    def validation_sources(self, run_id: str, n_tokens: int = 4096) -> tuple[tuple[Tensor, Tensor], dict[str, slice]]:
        """Such windows, and which rows of them belong to which source of the run's text."""
        config = self.run(run_id).config
        if not isinstance(config, RunConfig):
            raise RunError(
                _("run {run_id} was not trained on windows of a text: choose a pretraining run.", run_id=run_id)
            )
        tokenizer = self.load_model(run_id).tokenizer
        held_out = read_corpora(config, self.artifacts).encode_held_out(tokenizer, config.validation_fraction)
        budget = dataclasses.replace(config.training, validation_tokens=n_tokens)
        return validation_windows(held_out, dataclasses.replace(config, training=budget))

    def run_of_model(self, name: str) -> tuple[str, int] | None:
        """The pretraining run and step that "model:<sha256>" was kept from; None where that run is gone."""
        for record in self.runs():
            for stored in self._usable(record.run_id):
                with suppress(OSError, RunError, ValueError):
                    if self.artifacts.name_of_model(stored.folder) == name:
                        return record.run_id, stored.step
        return None

    def checkpoint_archive(self, run_id: str, step: int | None = None) -> bytes:
        """A model as a zip file: weights (safetensors), config and tokenizer (JSON), for use elsewhere."""
        return exchange.archive(self.load_model(run_id, step))

    def record_csv(self, run_id: str) -> str:
        """The record of steps and evaluations as CSV, one line a step."""
        columns = job_of(self.run(run_id).config_dict).eval_columns
        return exchange.record_csv(self.store.events(run_id, kinds=("step", "eval")), columns)

    def export_run(self, run_id: str, folder: str | Path, *, half: bool = False, most: int | None = None) -> None:
        """Writes a finished run as files: run.json, events.jsonl and its models (`half`: as float16; `most`: at most
        so many). RunError if it has not finished.
        """
        exchange.export_run(self.store, self.artifacts, run_id, Path(folder), half=half, most=most)

    def import_run(self, folder: str | Path) -> str:
        """Reads what `export_run` wrote, and returns the run's id; a run that is there already stays as it is."""
        return exchange.import_run(self.store, self.artifacts, Path(folder))

    def save_upload(self, text: str) -> str:
        """Keeps a learner's text; the name returned ("upload:<sha256>") can be used as a corpus in a RunConfig."""
        return self.artifacts.save_upload(text)

    def keep_model(self, run_id: str, step: int | None = None) -> str:
        """Keeps the model after `step` (or the newest) for fine-tuning; the name returned ("model:<sha256>") stays good
        when the run is deleted. CheckpointError if there is none.
        """
        for stored in self._candidates(run_id, step):
            with suppress(OSError, RunError):  # just replaced by a newer one
                return self.artifacts.keep_model(stored.folder)
        raise CheckpointError(
            _("run {run_id} has no such model yet: choose another one or let it train on.", run_id=run_id)
        )

    def _usable(self, run_id: str) -> list[StoredCheckpoint]:
        return [c for c in self.store.checkpoints(run_id) if self.artifacts.exists(c.folder)]

    def _candidates(self, run_id: str, step: int | None) -> Iterable[StoredCheckpoint]:
        for _unused in range(2):  # a worker may replace what was listed before it is read
            yield from (c for c in reversed(self.store.checkpoints(run_id)) if step is None or c.step == step)

    # --- the server ----------------------------------------------------------------------------------------

    def ensure_server(self) -> None:
        """Starts the server if none dispatches for this store; looks at most every two seconds."""
        now = time.monotonic()
        if not self._start or now - self._looked_at < _LOOK_SECONDS:
            return
        with self._lock:
            if now - self._looked_at < _LOOK_SECONDS:
                return
            self._looked_at = now
            alive = self._child is not None and self._child.poll() is None
            if not alive and now - self._started_at >= _RESTART_SECONDS and self._nobody_leads():
                self._started_at = now
                _close_pipe(self._child)
                self._child = self._start_child()

    def _nobody_leads(self) -> bool:
        try:
            return live_leader(self.store) is None
        except StoreUnavailable:  # then a server could not work either; whoever uses the store is told
            return False

    def server_problem(self) -> str:
        """A sentence for the learner when runs cannot start or go on; else empty."""
        if (room := self._room()) < _LITTLE_ROOM:
            return _(
                "The disk of the server is full ({room:,} kB are left): training waits or ends until there is "
                "room again. What is saved already is safe.",
                room=room // 1000,
            )
        if (found := live_leader(self.store)) is not None:
            if found.slots or self.settings.scheduler is None:
                return ""
            return _(
                "No worker is connected to the scheduler of LLM_LAB_SCHEDULER: runs wait, and go on by themselves as "
                "soon as there is one."
            )
        if self._child is None:
            starting = self._start and time.monotonic() - self._started_at < 20
            return "" if starting else _("The training service is not running: start it with `python -m engine serve`.")
        if self._child.poll() is None:
            starting = time.monotonic() - self._started_at < 20
            return (
                ""
                if starting
                else _("The training service does not get through to the record of runs: see {log}", log=self.log)
            )
        return _(
            "The training service ended (status {returncode}); it is started again. Its log: {log}",
            returncode=self._child.returncode,
            log=self.log,
        )

    @property
    def log(self) -> Path:
        """Where the server writes what it does."""
        return self.settings.home / "logs" / "serve.log"

    @property
    def server_pid(self) -> int | None:
        """The process id of the server that this service started, if it runs."""
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    def _room(self) -> int:
        """Bytes that can still be written where the record and the models lie; much, where nobody can tell."""
        places = [self.settings.home]
        if self.artifacts.local:
            places.append(Path(self.artifacts.root))
        with suppress(OSError):
            return min(shutil.disk_usage(place).free for place in places if place.exists())
        return sys.maxsize

    def _start_child(self) -> subprocess.Popen[bytes]:
        project = Path(engine.__file__).parent.parent
        with self._open_log() as log:
            return subprocess.Popen(
                [sys.executable, "-m", "engine", "serve", "--parent-pipe"],
                cwd=project,
                env=exchange.child_environment(self.settings, project),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=sys.platform != "win32",  # Ctrl-C is for the app; the child ends with its pipe
            )

    def _open_log(self) -> IO[bytes]:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_suffix(".old.log"))
        return self.log.open("ab")

    def close(self, patience: float = 30.0) -> None:
        """Ends the server, which saves what is being trained, and waits for it."""
        with self._lock:
            self._start = False
            if self._child is not None:
                _close_pipe(self._child)
                try:
                    self._child.wait(patience)
                except subprocess.TimeoutExpired:
                    self._child.kill()
                    self._child.wait()
                self._child = None
        self.store.close()
        with _labs_lock:
            if _labs.get(self.settings) is self:
                del _labs[self.settings]  # whoever asks for it next gets a new one


def _close_pipe(child: subprocess.Popen[bytes] | None) -> None:
    """Lets go of a child: one that still runs takes it as the sign to end."""
    if child is not None and child.stdin is not None:
        child.stdin.close()


def _remaining(record: RunRecord) -> float | None:
    """Seconds of training still to do, from the speed so far, the plan, or the time asked for."""
    if record.total_steps is not None:
        speed = record.seconds / record.step if record.step >= 10 else record.seconds_per_step
        if speed is not None:
            return max(0, record.total_steps - record.step) * speed
    seconds = record.config_dict.get("training", {}).get("seconds")
    return None if seconds is None else max(0.0, float(seconds) - record.seconds)


_labs: dict[Settings, RunService] = {}
_labs_lock = threading.Lock()


def lab() -> RunService:
    """The run service of this process, for the settings in the environment; starts its server on the first call and
    again if it died. LLM_LAB_SERVE=0 leaves it to others (`python -m engine serve`).
    """
    settings = current()
    with _labs_lock:
        if settings not in _labs:
            _labs[settings] = RunService(settings, start=settings.serve)
        service = _labs[settings]
    service.ensure_server()
    return service
