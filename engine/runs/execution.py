"""The body of a run, in a worker process: claim it, prepare, train, record, save, obey.

Everything it does is written to the store under its claim. It may be killed at any moment: the next worker finds the
newest checkpoint that can be read, takes the record back to that step and goes on, bit for bit.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any, cast

import torch

from engine.checkpoint import Restored, save_checkpoint
from engine.devices import Compute, choose_compute
from engine.errors import CheckpointError, EngineError, RunError, StoreUnavailable
from engine.events import CheckpointEvent, Event, event_to_dict
from engine.language import N_, _
from engine.parallel import Group
from engine.runs import states
from engine.runs.artifacts import ArtifactStore
from engine.runs.jobs import job_of
from engine.runs.lease import holder_name
from engine.runs.records import Claim, Request, StoredCheckpoint
from engine.runs.repair import keep_record
from engine.runs.store import ClaimLost, RunStore, opened
from engine.runs.task import DECLINED
from engine.settings import Settings
from engine.training import TrainingLoop

RHYTHM_SECONDS = 0.25
"""How often events go to the store and wishes are read from it."""
SAVE_SECONDS = 5.0
"""How much work may be lost with a worker, unless saving so often would take more than SAVE_SHARE of the time."""
SAVE_SHARE = 0.05
RESUMABLE_KEPT = 2
"""How many checkpoints keep the optimizer's state: the newest and one in case that is damaged."""

STORE_PATIENCE_SECONDS = 120.0
"""How long training waits for a store that is locked or out of reach before the run fails."""
RETRY_SECONDS = 0.5

log = logging.getLogger(__name__)


def execute(
    run_id: str, environment: dict[str, str], *, compute: Compute | None = None, group: Group | None = None
) -> str:
    """Train a queued run to its end, its pause, or its failure. Returns the state reached, or "declined".

    `compute` None: on a GPU if there is one and the settings allow it, in float32. `group`: the processes that train
    along, of which this is the first. Raises nothing that a run can be at fault for: such things are recorded on it.
    """
    torch.set_num_threads(1)
    settings = Settings.from_environment(environment)
    compute = compute or choose_compute(settings.device, "float32", False)
    with opened(settings.store) as direct:
        store = _patient(direct)
        claim = store.claim(run_id, holder_name())
        if claim is None:
            return DECLINED
        artifacts = ArtifactStore(settings.artifacts, settings.home / "scratch")
        with _pulse(direct, claim):
            try:
                return _Execution(store, artifacts, claim, compute, group).run()
            except ClaimLost:
                if store.find(run_id) is None:
                    artifacts.delete(f"runs/{run_id}")
                return DECLINED
            except Exception as error:
                if not isinstance(error, EngineError):
                    log.exception("run %s failed", run_id)
                with contextlib.suppress(ClaimLost):  # then the error is the new attempt's to meet, not ours to tell
                    store.settle(claim, states.FAILED, error=failure_sentence(error))
                    return states.FAILED
                return DECLINED


def _patient(store: RunStore) -> RunStore:
    """The store as training uses it: what cannot be done now is tried again for two minutes, so that a locked file, a
    full disk or a database that starts again costs time and no work.
    """
    return cast(RunStore, _Patient(store))


class _Patient:
    def __init__(self, store: RunStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def patiently(*values: Any, **named: Any) -> Any:
            deadline = time.monotonic() + STORE_PATIENCE_SECONDS
            while True:
                try:
                    return method(*values, **named)
                except StoreUnavailable as problem:
                    if not problem.passing or time.monotonic() > deadline:
                        raise
                    log.warning("waiting for the store (%s): %s", name, problem)
                    time.sleep(RETRY_SECONDS)

        return patiently


def failure_sentence(error: BaseException) -> str:
    """What a learner reads when a run has failed: what happened and what to do."""
    text = str(error)
    full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
    if full or "No space left" in text or "disk is full" in text:  # safetensors and SQLite say it in words
        return _(
            "The disk is full, so the model could not be saved. Free some space, then resume: training goes on "
            "from the last checkpoint."
        )
    if isinstance(error, MemoryError) or "allocate memory" in text or "not enough memory" in text:
        return _("The memory was too small for this model and batch. Choose a smaller model, batch or context.")
    if isinstance(error, EngineError):
        return text
    return _(
        "An unexpected error ended the run ({name}: {text}). Resume to try again from the last checkpoint.",
        name=type(error).__name__,
        text=text,
    )


@contextlib.contextmanager
def _pulse(store: RunStore, claim: Claim, seconds: float = 1.0) -> Iterator[None]:
    """Says every second that this worker lives, also during a long step."""
    done = threading.Event()

    def beat() -> None:
        while not done.wait(seconds):
            try:
                store.heartbeat(claim)
            except ClaimLost:
                return
            except Exception:
                log.warning("no heartbeat for run %s", claim.run_id, exc_info=True)

    thread = threading.Thread(target=beat, name="run heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


class _Ended(Exception):
    """The learner or the server asked for an end before training began."""


class _Execution:
    """One attempt at one run."""

    def __init__(
        self, store: RunStore, artifacts: ArtifactStore, claim: Claim, compute: Compute, group: Group | None
    ) -> None:
        self.store = store
        self.artifacts = artifacts
        self.claim = claim
        self.run_id = claim.run_id
        job = job_of(claim.config_dict)
        self.job = job(job.config_from_dict(claim.config_dict), artifacts)
        self.job.compute, self.job.group = compute, group
        self.batch: list[dict[str, Any]] = []
        self.validation_loss: float | None = None
        self.saved_step = -1
        self.flushed_at = self.saved_at = time.monotonic()
        self.save_interval = SAVE_SECONDS
        self.replays: list[Request] = []
        self.warning = ""

    def run(self) -> str:
        """Prepare and train; returns the state in which the run was left."""
        self._remove_orphans()
        try:
            restored = self._newest_checkpoint()
            self._prepare(restored is None)
        except _Ended as ended:
            state = str(ended)
            self.store.settle(
                self.claim, state, note=_("{capitalize} before training began.", capitalize=state.capitalize())
            )
            return state
        trainer = self.job.trainer(restored)
        self.store.append(self.claim, [], total_steps=trainer.total_steps, note=self.warning)
        self.replays = [wish for wish in self.store.open_requests(self.run_id) if wish.step is not None]
        try:
            state = self._train(trainer)
        except EngineError:
            self._flush()  # the steps before a divergence belong to the record
            raise
        return state

    # --- before training -----------------------------------------------------------------------------------

    def _prepare(self, fresh: bool) -> None:
        recorded = self.job.prepare(self._say, fresh=fresh)
        if recorded:
            self.store.append(self.claim, recorded)
        self._say("training")

    def _say(self, text: str) -> None:
        """Shows on the run what is being done, and looks whether it is still wanted."""
        kinds = {wish.kind for wish in self.store.open_requests(self.run_id)}
        if "pause" in kinds and "stop" not in kinds:
            raise _Ended(states.PAUSED)
        if "interrupt" in kinds:
            raise _Ended(states.INTERRUPTED)
        self.store.append(self.claim, [{"kind": "note", "step": 0, "text": text}], note=text)

    def _newest_checkpoint(self) -> Restored[Any, Any] | None:
        """The newest checkpoint that can be read, with the record taken back to its step; None to begin at 0."""
        resumable = [found for found in self.store.checkpoints(self.run_id) if found.resumable]
        for stored in reversed(resumable):
            try:
                checkpoint = self.job.load(self.artifacts.get_folder(stored.folder))
                if checkpoint.training_tensors is None:
                    raise CheckpointError(_("the state of the optimizer is missing."))
            except (CheckpointError, RunError, OSError) as error:
                self._discard(stored, error)
                continue
            self.store.rewind(self.claim, stored.step)
            self.saved_step = stored.step
            self.validation_loss = stored.validation_loss
            return checkpoint
        self.store.rewind(self.claim, -1)
        for left in self.store.checkpoints(self.run_id):
            self.artifacts.delete(left.folder)
        return None

    def _discard(self, stored: StoredCheckpoint, error: Exception) -> None:
        self.warning = _(
            "The checkpoint of step {step} could not be used; the one before it is. ({error})",
            step=stored.step,
            error=error,
        )
        note = {"kind": "note", "step": stored.step, "text": self.warning}
        self.store.append(self.claim, [note], note=self.warning)
        self.store.forget_checkpoint(self.run_id, stored.folder)
        self.artifacts.delete(stored.folder)

    def _remove_orphans(self) -> None:
        """Deletes folders that a lost worker wrote but never made known, and what it left half written."""
        self.artifacts.clear_staging()
        known = {stored.folder for stored in self.store.checkpoints(self.run_id)}
        for folder in self.artifacts.list(f"runs/{self.run_id}"):
            if folder not in known:
                self.artifacts.delete(folder)

    # --- training ------------------------------------------------------------------------------------------

    def _train(self, trainer: TrainingLoop) -> str:
        looked_at = 0.0
        for event in self._restored_first(trainer):
            if event is not None:
                self._collect(event)
            if not trainer.settled:
                continue
            now = time.monotonic()
            wanted = None
            if now - looked_at >= RHYTHM_SECONDS:
                wanted = self._obey(trainer, self.store.open_requests(self.run_id))
                looked_at = now
            elif self.replays:
                self._obey(trainer, self.replays)
            to_keep = isinstance(event, CheckpointEvent) or wanted == states.FINISHED
            overdue = trainer.step > 0 and now - self.saved_at >= self.save_interval
            if to_keep or overdue or wanted is not None:
                self._save(trainer, kept=to_keep)
            elif now - self.flushed_at >= RHYTHM_SECONDS:
                self._flush()
            if wanted is not None:
                if wanted == states.FINISHED:
                    self._keep_record()
                note = N_("Stopped by the learner.")[:] if wanted == states.FINISHED else ""
                self.store.settle(self.claim, wanted, note=note)
                return wanted
        self._flush()
        self._keep_record()
        self.store.settle(self.claim, states.FINISHED)
        return states.FINISHED

    def _keep_record(self) -> None:
        """A second record beside the models: from it a damaged store is made anew."""
        try:
            keep_record(self.store, self.artifacts, self.run_id)
        except OSError:  # what is asked for is there without it
            log.warning("the record of run %s could not be kept beside its models", self.run_id, exc_info=True)

    @staticmethod
    def _restored_first(trainer: TrainingLoop) -> Iterator[Event | None]:
        """The trainer's events; before them None for a resumed training, a moment to obey before the next step."""
        if trainer.step > 0:
            yield None
        yield from trainer.events()

    def _collect(self, event: Event) -> None:
        recorded = event_to_dict(event)
        self.batch.append(recorded)
        if recorded["kind"] == "eval":
            self.validation_loss = recorded["validation_loss"]

    def _flush(self) -> None:
        """Writes what has happened since the last time, in one transaction."""
        if self.batch:
            self.store.append(self.claim, self.batch)
            self.batch = []
        self.flushed_at = time.monotonic()

    def _obey(self, trainer: TrainingLoop, wishes: list[Request]) -> str | None:
        """Fulfils wishes that training can go on with; returns the state to end in, if one asks for that."""
        kinds = {wish.kind for wish in wishes}
        for wish in wishes:
            due = wish.step is None or trainer.step >= wish.step
            if wish.kind == "learning_rate" and wish.value is not None and due:
                trainer.learning_rate_scale = wish.value
                mark = {"kind": "control", "step": trainer.step, "name": "learning_rate", "value": wish.value}
                self._flush()
                self.store.fulfil(self.claim, wish, mark)
                self.replays = [replay for replay in self.replays if replay.id != wish.id]
        for kind, state in (("stop", states.FINISHED), ("pause", states.PAUSED), ("interrupt", states.INTERRUPTED)):
            if kind in kinds:
                return state
        return None

    def _save(self, trainer: TrainingLoop, *, kept: bool) -> None:
        """Saves the model and what resumes its training, after the events that led to it."""
        self._flush()
        if trainer.step == self.saved_step:
            return
        began = time.monotonic()
        resumable = trainer.step > 0  # before the first step there is nothing to resume
        folder = f"runs/{self.run_id}/{trainer.step:08d}-{self.claim.token[:8]}"
        extra = {"run_id": self.run_id, "step": trainer.step, "validation_loss": self.validation_loss}
        with self.artifacts.staging() as path:
            save_checkpoint(
                path, trainer.model, self.job.tokenizer, trainer=trainer if resumable else None, extra=extra
            )
            self.artifacts.put_folder(path, folder)
        self.store.add_checkpoint(
            self.claim,
            StoredCheckpoint(trainer.step, trainer.seconds, self.validation_loss, folder, kept, resumable),
        )
        self.saved_step = trainer.step
        self._prune()
        self.saved_at = time.monotonic()
        self.save_interval = max(SAVE_SECONDS, (self.saved_at - began) / SAVE_SHARE)

    def _prune(self) -> None:
        """Lets go of optimizer states beyond the last two, and of models that were saved only for a resume."""
        resumable = [found for found in self.store.checkpoints(self.run_id) if found.resumable]
        for old in resumable[:-RESUMABLE_KEPT]:
            if old.kept:
                self.store.strip_checkpoint(self.run_id, old.folder)
                self.artifacts.drop_files(old.folder, "training.")
            else:
                self.store.forget_checkpoint(self.run_id, old.folder)
                self.artifacts.delete(old.folder)
