"""The durable record of all runs, and at the same time their queue.

Whoever holds a claim may write to a run: each write names the claim's token in its WHERE, so a worker that was given
up for lost and wakes up again (a fencing token, Kleppmann 2016) can change nothing. All changes of state pass
through one table of transitions and leave an event. Times are seconds since 1970.
"""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update
from sqlalchemy.engine import Connection

from engine.errors import RunError
from engine.language import N_, _
from engine.runs import states
from engine.runs.queueing import NOBODY, Waiting, fair_order
from engine.runs.records import Claim, Curve, RecordedEvent, Request, RunRecord, StoredCheckpoint
from engine.runs.tables import asked, checkpoints, events, open_engines, put, requests, runs, shared

MAX_LOSSES = 3
"""After so many lost workers a run is given up until the learner says otherwise."""

_HISTORY = ("state", "note")
"""Kinds of events that tell what happened to the run rather than to the model: a rewind keeps them."""


class Watch:
    """Tells for how long things have not changed, by a clock of this process that nobody sets.

    A heartbeat is a time of another process, perhaps of another machine whose clock differs: it is never compared with
    our time, only with what it was when we last looked.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Any, float]] = {}

    def unchanged_for(self, name: str, value: Any) -> float:
        """Seconds since `name` was first seen with this value; 0 the first time.

        >>> Watch().unchanged_for("worker", 12.5)
        0.0
        """
        now = time.monotonic()
        seen, since = self._seen.get(name, (None, now))
        if name not in self._seen or seen != value:
            self._seen[name], since = (value, now), now
        return now - since


class ClaimLost(RunError):
    """The run was given to another worker, started over or deleted: whoever reads this ends without a word."""


class RunStore:
    """All reads and writes of runs; safe to use from many threads and processes at once."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.writing, self.reading = open_engines(url)
        self.watch = Watch()

    def close(self) -> None:
        """Gives the connections back; the store opens new ones if it is used again."""
        self.writing.dispose()

    # --- reading -------------------------------------------------------------------------------------------

    def get(self, run_id: str) -> RunRecord:
        """The run as it is now; RunError if there is none of that id."""
        with self.reading.connect() as connection:
            row = connection.execute(select(runs).where(runs.c.run_id == run_id)).one_or_none()
        if row is None:
            raise _unknown(run_id)
        return _record(row)

    def find(self, run_id: str) -> RunRecord | None:
        """Like `get`, with None instead of an error."""
        with self.reading.connect() as connection:
            row = connection.execute(select(runs).where(runs.c.run_id == run_id)).one_or_none()
        return None if row is None else _record(row)

    def all(self) -> list[RunRecord]:
        """Every run, the newest first."""
        with self.reading.connect() as connection:
            return [_record(row) for row in connection.execute(select(runs).order_by(runs.c.created_at.desc()))]

    def is_empty(self) -> bool:
        """Whether there is no run at all."""
        with self.reading.connect() as connection:
            return connection.execute(select(runs.c.run_id).limit(1)).first() is None

    def queued(self) -> list[RunRecord]:
        """The queue, the next one first: learners take turns (`engine.runs.queueing`)."""
        order = (runs.c.queued_at, runs.c.created_at, runs.c.run_id)
        waiting = {record.run_id: record for record in self._in_states((states.QUEUED,), order)}
        if len(waiting) < 2:
            return list(waiting.values())
        by_run, at_work, served = self._turns(list(waiting))
        queue = [Waiting(run_id, by_run.get(run_id, ())) for run_id in waiting]
        return [waiting[run_id] for run_id in fair_order(queue, at_work, served)]

    def _turns(self, waiting: Sequence[str]) -> tuple[dict[str, tuple[str, ...]], dict[str, int], dict[str, float]]:
        """Who asked for the runs that wait, how many runs each of them has at work, and when each had a turn last."""
        by_run: dict[str, tuple[str, ...]] = {}
        with self.reading.connect() as connection:
            query = select(asked.c.run_id, asked.c.learner).where(asked.c.run_id.in_(waiting)).order_by(asked.c.at)
            for row in connection.execute(query):
                by_run[row.run_id] = (*by_run.get(row.run_id, ()), row.learner)
            learner = func.coalesce(asked.c.learner, NOBODY).label("learner")
            of_learner = (
                select(learner, runs.c.state, func.count().label("n"), func.max(runs.c.started_at).label("last"))
                .outerjoin(asked, runs.c.run_id == asked.c.run_id)
                .where(runs.c.started_at.is_not(None))
                .group_by(learner, runs.c.state)
            )
            rows = connection.execute(of_learner).all()
        at_work: dict[str, int] = {}
        served: dict[str, float] = {}
        for row in rows:
            if row.state in states.AT_WORK:
                at_work[row.learner] = at_work.get(row.learner, 0) + row.n
            served[row.learner] = max(served.get(row.learner, 0.0), row.last)
        return by_run, at_work, served

    def at_work(self) -> list[tuple[RunRecord, str]]:
        """Runs that a worker holds, each with the token of its claim."""
        with self.reading.connect() as connection:
            rows = connection.execute(select(runs).where(runs.c.state.in_(states.AT_WORK)))
            return [(_record(row), row.token) for row in rows]

    def interrupted(self) -> list[RunRecord]:
        """Runs that wait for a server to queue them again."""
        return self._in_states((states.INTERRUPTED,), (runs.c.queued_at,))

    def _in_states(self, names: Sequence[str], order: Sequence[ColumnElement[Any]]) -> list[RunRecord]:
        with self.reading.connect() as connection:
            query = select(runs).where(runs.c.state.in_(names)).order_by(*order)
            return [_record(row) for row in connection.execute(query)]

    def events(self, run_id: str, after: int = 0, kinds: Iterable[str] | None = None) -> list[RecordedEvent]:
        """What was recorded after the event numbered `after`, in order; only some `kinds` if they are named."""
        query = select(events).where(events.c.run_id == run_id, events.c.seq > after).order_by(events.c.seq)
        if kinds is not None:
            query = query.where(events.c.kind.in_(list(kinds)))
        with self.reading.connect() as connection:
            return [
                RecordedEvent(seq=row.seq, kind=row.kind, step=row.step, at=row.at, payload=row.payload)
                for row in connection.execute(query)
            ]

    def curve(self, run_id: str, max_points: int = 400) -> Curve:
        """The run thinned by the database to at most `max_points` steps (and the last one), evaluations all."""
        if max_points < 1:
            raise RunError(_("max_points ({max_points}) must be at least 1.", max_points=max_points))
        of_run = events.c.run_id == run_id
        with self.reading.connect() as connection:
            n_steps, last = connection.execute(
                select(func.count(), func.max(events.c.step)).where(of_run, events.c.kind == "step")
            ).one()
            stride = 1 << max(0, math.ceil(math.log2(max(n_steps, 1) / max_points)))
            thinned = (
                select(events.c.payload)
                .where(of_run, events.c.kind == "step")
                .where((events.c.step % stride == 0) | (events.c.step == last))
                .order_by(events.c.step)
            )
            steps = list(connection.execute(thinned).scalars())
            rest = connection.execute(
                select(events.c.kind, events.c.payload)
                .where(of_run, events.c.kind.in_(("eval", "control")))
                .order_by(events.c.step, events.c.seq)
            ).all()
        return Curve(
            steps=steps,
            evaluations=[payload for kind, payload in rest if kind == "eval"],
            controls=[payload for kind, payload in rest if kind == "control"],
            stride=stride,
        )

    def checkpoints(self, run_id: str) -> list[StoredCheckpoint]:
        """What can be loaded, by step."""
        query = select(checkpoints).where(checkpoints.c.run_id == run_id).order_by(checkpoints.c.step, checkpoints.c.id)
        with self.reading.connect() as connection:
            return [
                StoredCheckpoint(
                    step=row.step,
                    seconds=row.seconds,
                    validation_loss=row.validation_loss,
                    folder=row.folder,
                    kept=row.kept,
                    resumable=row.resumable,
                )
                for row in connection.execute(query)
            ]

    # --- the learner's side --------------------------------------------------------------------------------

    def create(self, run_id: str, config: dict[str, Any], label: str = "", learner: str = "") -> RunRecord:
        """Puts a run in the queue; where it exists already nothing changes (two submits, one computation), except that
        the `learner` has now asked for it too.
        """
        now = time.time()
        with self.writing.begin() as connection:
            times = {"created_at": now, "queued_at": now, "updated_at": now}
            row = {"run_id": run_id, "config": config, "state": states.QUEUED, "label": _clean(label), **times}
            if self._inserted(connection, row):
                self._state_event(connection, run_id, states.QUEUED, 0, "")
            if learner:
                connection.execute(put(connection, asked, {"run_id": run_id, "learner": learner, "at": now}, {}))
        return self.get(run_id)

    def insert_finished(
        self,
        run_id: str,
        config: dict[str, Any],
        summary: dict[str, Any],
        recorded: Sequence[dict[str, Any]],
        kept: Sequence[StoredCheckpoint],
    ) -> None:
        """Writes a run that was trained elsewhere, in one transaction; RunError if the id is taken."""
        now = time.time()
        with self.writing.begin() as connection:
            times = {"created_at": now, "queued_at": now, "updated_at": now, "started_at": now, "finished_at": now}
            row = {"run_id": run_id, "config": config, "state": states.FINISHED, **times, **summary}
            if not self._inserted(connection, row):
                raise RunError(_("run {run_id} is there already: delete it before it is read in again.", run_id=run_id))
            if recorded:
                connection.execute(insert(events), [{"run_id": run_id, **event} for event in recorded])
            for checkpoint in kept:
                connection.execute(insert(checkpoints).values(run_id=run_id, **vars(checkpoint)))

    def request(self, run_id: str, kind: str, value: float | None = None) -> None:
        """A wish of the learner: "pause", "resume", "stop" or "learning_rate" (value: factor on the schedule).

        What needs a worker is written down for it; what does not happens at once. RunError says why something
        cannot be.
        """
        with self.writing.begin() as connection:
            row = self._locked(connection, run_id)
            match kind:
                case "pause":
                    self._pause(connection, row)
                case "resume":
                    self._resume(connection, row)
                case "stop":
                    self._stop(connection, row)
                case "learning_rate":
                    self._scale_learning_rate(connection, row, value)
                case _:
                    raise RunError(_("unknown request {kind!r}: use pause, resume, stop or learning_rate.", kind=kind))

    def rename(self, run_id: str, label: str) -> None:
        """Gives the run the name that pages show."""
        with self.writing.begin() as connection:
            self._locked(connection, run_id)
            connection.execute(update(runs).where(runs.c.run_id == run_id).values(label=_clean(label)))

    def restart(self, run_id: str) -> list[StoredCheckpoint]:
        """Forgets all that the run has done and queues it again. Returns the checkpoints whose files may go."""
        old = self.checkpoints(run_id)
        now = time.time()
        with self.writing.begin() as connection:
            self._locked(connection, run_id)
            for table in (events, requests, checkpoints):
                connection.execute(delete(table).where(table.c.run_id == run_id))
            connection.execute(
                update(runs)
                .where(runs.c.run_id == run_id)
                .values(
                    state=states.QUEUED,
                    token="",
                    losses=0,
                    step=0,
                    total_steps=None,
                    seconds_per_step=None,
                    seconds=0.0,
                    train_loss=None,
                    validation_loss=None,
                    note="",
                    error="",
                    queued_at=now,
                    updated_at=now,
                    started_at=None,
                    finished_at=None,
                )
            )
            self._state_event(connection, run_id, states.QUEUED, 0, N_("Started over.")[:])
        return old

    def delete(self, run_id: str) -> None:
        """Removes the run and all that was recorded of it; a worker that holds it loses its claim."""
        with self.writing.begin() as connection:
            self._locked(connection, run_id)
            for table in (events, requests, checkpoints, asked, shared, runs):
                connection.execute(delete(table).where(table.c.run_id == run_id))

    # --- whose it is ---------------------------------------------------------------------------------------

    def askers(self, run_id: str) -> list[str]:
        """The learners who asked for the run, the first one first; none for one that was read in or is everybody's."""
        query = select(asked.c.learner).where(asked.c.run_id == run_id).order_by(asked.c.at)
        with self.reading.connect() as connection:
            return list(connection.execute(query).scalars())

    def asked_by(self, learner: str) -> dict[str, float]:
        """The runs that a learner asked for, and when."""
        query = select(asked.c.run_id, asked.c.at).where(asked.c.learner == learner)
        with self.reading.connect() as connection:
            return {row.run_id: row.at for row in connection.execute(query)}

    def all_askers(self) -> dict[str, list[str]]:
        """The learners who asked for each run that any asked for."""
        found: dict[str, list[str]] = {}
        with self.reading.connect() as connection:
            for row in connection.execute(select(asked.c.run_id, asked.c.learner).order_by(asked.c.at)):
                found.setdefault(row.run_id, []).append(row.learner)
        return found

    def leave(self, run_id: str, learner: str) -> None:
        """The learner no longer asks for the run."""
        with self.writing.begin() as connection:
            connection.execute(delete(asked).where(asked.c.run_id == run_id, asked.c.learner == learner))

    def shared_runs(self) -> dict[str, str]:
        """Runs that everybody may see, and who showed them."""
        with self.reading.connect() as connection:
            return {row.run_id: row.learner for row in connection.execute(select(shared.c.run_id, shared.c.learner))}

    def share(self, run_id: str, learner: str, *, on: bool = True) -> None:
        """Shows a run to everybody, or no longer."""
        with self.writing.begin() as connection:
            self._locked(connection, run_id)
            connection.execute(delete(shared).where(shared.c.run_id == run_id))
            if on:
                connection.execute(insert(shared).values(run_id=run_id, learner=learner, at=time.time()))

    def _pause(self, connection: Connection, row: Row[Any]) -> None:
        if row.state == states.RUNNING:
            self._write_down(connection, row.run_id, "pause")
        elif row.state in (states.QUEUED, states.INTERRUPTED):
            self._transition(connection, row, states.PAUSED, note=N_("Paused before its turn came.")[:])
        elif row.state != states.PAUSED:
            raise RunError(_("a run that is {state} cannot be paused.", state=row.state))

    def _resume(self, connection: Connection, row: Row[Any]) -> None:
        if row.state == states.RUNNING:
            self._close_requests(connection, row.run_id, ("pause",))
        elif row.state == states.STOPPING:
            raise RunError(_("the run is just stopping: resume it when it has stopped."))
        elif row.state == states.FINISHED and (row.total_steps is None or row.step >= row.total_steps):
            raise RunError(_("the run has done all its steps: start it over, or choose more steps."))
        elif row.state != states.QUEUED:
            self._close_requests(connection, row.run_id, ("pause", "stop"))
            self._transition(
                connection, row, states.QUEUED, queued_at=time.time(), losses=0, error="", finished_at=None
            )

    def _stop(self, connection: Connection, row: Row[Any]) -> None:
        if row.state in (states.STOPPING, states.FINISHED):
            return
        if row.state == states.RUNNING:
            self._write_down(connection, row.run_id, "stop")
            self._transition(connection, row, states.STOPPING)
            return
        has_model = connection.execute(
            select(checkpoints.c.id).where(checkpoints.c.run_id == row.run_id).limit(1)
        ).first()
        if has_model:
            self._transition(
                connection,
                row,
                states.FINISHED,
                note=N_("Stopped by the learner.")[:],
                error="",
                finished_at=time.time(),
            )
        elif row.state in (states.QUEUED, states.INTERRUPTED):
            self._transition(connection, row, states.PAUSED, note=N_("Taken out of the queue before it began.")[:])
        else:
            raise RunError(_("the run has no model yet, so there is nothing to stop: resume it or delete it."))

    def _scale_learning_rate(self, connection: Connection, row: Row[Any], value: float | None) -> None:
        if value is None or not 0.001 <= value <= 1000:
            raise RunError(_("the learning rate's factor ({value}) must lie between 0.001 and 1000.", value=value))
        if row.state in (states.STOPPING, states.FINISHED):
            raise RunError(_("the run is {state}: its learning rate can no longer change.", state=row.state))
        self._write_down(connection, row.run_id, "learning_rate", value)

    # --- the worker's side ---------------------------------------------------------------------------------

    def claim(self, run_id: str, worker: str) -> Claim | None:
        """Takes a queued run; None when it is no longer queued (somebody else took it, or it was paused)."""
        now = time.time()
        with self.writing.begin() as connection:
            row = self._row(connection, run_id, lock=True)
            if row is None or row.state != states.QUEUED:
                return None
            self._close_requests(connection, run_id, ("interrupt",))
            claim = Claim(run_id, uuid.uuid4().hex, row.attempt + 1, row.config)
            self._transition(
                connection,
                row,
                states.RUNNING,
                token=claim.token,
                attempt=claim.attempt,
                worker=worker,
                heartbeat_at=now,
                started_at=row.started_at or now,
                finished_at=None,
                error="",
            )
        return claim

    def heartbeat(self, claim: Claim) -> None:
        """Says that the worker lives, also while it has nothing to report."""
        with self.writing.begin() as connection:
            self._touch(connection, claim, {})

    def append(self, claim: Claim, batch: Sequence[dict[str, Any]], **summary: Any) -> None:
        """Adds events (dicts with "kind" and "step") in order and brings the run's summary up to date.

        `summary` sets further columns of the run, such as total_steps.
        """
        now = time.time()
        with self.writing.begin() as connection:
            self._touch(connection, claim, {**summary, **_summary(batch)})
            if batch:
                connection.execute(
                    insert(events), [{"run_id": claim.run_id, "at": now, **as_row(event)} for event in batch]
                )

    def settle(self, claim: Claim, state: str, note: str = "", error: str = "") -> None:
        """The worker lets go of the run in the state given; open wishes to pause or stop are thereby fulfilled."""
        now = time.time()
        with self.writing.begin() as connection:
            self._touch(connection, claim, {})
            row = self._locked(connection, claim.run_id)
            if row.state == states.STOPPING and state == states.PAUSED:
                raise RunError(_("a run that is stopping cannot pause."))
            if state != states.INTERRUPTED:  # then they wait for the next worker
                self._close_requests(connection, claim.run_id, ("pause", "stop"))
            ended = {"finished_at": now} if state in (states.FINISHED, states.FAILED) else {}
            self._transition(connection, row, state, note=note or row.note, error=error, token="", worker="", **ended)

    def rewind(self, claim: Claim, step: int) -> None:
        """Takes the record back to what was known after `step`: later steps, evaluations, marks and models go.

        Settings that the learner changed there or later become wishes again, to be fulfilled at the same step.
        With step −1 nothing but the history of states remains.
        """
        run_id = claim.run_id
        with self.writing.begin() as connection:
            later = (events.c.step > step) & events.c.kind.not_in(_HISTORY)
            again = (events.c.step == step) & (events.c.kind == "control")
            self._touch(connection, claim, {})
            connection.execute(delete(events).where(events.c.run_id == run_id, later | again))
            connection.execute(delete(checkpoints).where(checkpoints.c.run_id == run_id, checkpoints.c.step > step))
            connection.execute(
                update(requests)
                .where(requests.c.run_id == run_id, requests.c.kind == "learning_rate", requests.c.step >= step)
                .values(handled_at=None)
            )
            summary = {"step": max(step, 0), "seconds": 0.0, "train_loss": None, "validation_loss": None}
            for kind in ("step", "eval"):
                last = connection.execute(
                    select(events.c.payload)
                    .where(events.c.run_id == run_id, events.c.kind == kind)
                    .order_by(events.c.step.desc(), events.c.seq.desc())
                    .limit(1)
                ).scalar()
                if last is not None:
                    summary.update(_summary([last]))
            self._touch(connection, claim, summary)

    def open_requests(self, run_id: str) -> list[Request]:
        """Wishes that no worker has fulfilled yet, the oldest first."""
        query = (
            select(requests).where(requests.c.run_id == run_id, requests.c.handled_at.is_(None)).order_by(requests.c.id)
        )
        with self.reading.connect() as connection:
            return [Request(row.id, row.kind, row.value, row.step) for row in connection.execute(query)]

    def interrupt_all(self, run_ids: Iterable[str]) -> None:
        """Asks the workers of these runs to save and let go, because their server is about to end."""
        at_work = select(runs.c.run_id).where(runs.c.state.in_(states.AT_WORK), runs.c.run_id.in_(list(run_ids)))
        with self.writing.begin() as connection:
            for run_id in connection.execute(at_work).scalars().all():
                self._write_down(connection, run_id, "interrupt")

    def fulfil(self, claim: Claim, request: Request, event: dict[str, Any] | None = None) -> None:
        """Marks a wish as fulfilled, at the step of the event that shows it."""
        now = time.time()
        with self.writing.begin() as connection:
            self._touch(connection, claim, {})
            step = None if event is None else event["step"]
            connection.execute(update(requests).where(requests.c.id == request.id).values(handled_at=now, step=step))
            if event is not None:
                connection.execute(insert(events).values(run_id=claim.run_id, at=now, **as_row(event)))

    def add_checkpoint(self, claim: Claim, checkpoint: StoredCheckpoint) -> None:
        """Makes a saved checkpoint known; from now on it exists."""
        with self.writing.begin() as connection:
            self._touch(connection, claim, {})
            connection.execute(insert(checkpoints).values(run_id=claim.run_id, **vars(checkpoint)))

    def strip_checkpoint(self, run_id: str, folder: str) -> None:
        """Notes that only the model of a checkpoint is kept: training can no longer go on from it."""
        with self.writing.begin() as connection:
            connection.execute(
                update(checkpoints)
                .where(checkpoints.c.run_id == run_id, checkpoints.c.folder == folder)
                .values(resumable=False)
            )

    def forget_checkpoint(self, run_id: str, folder: str) -> None:
        """Takes a checkpoint out of the list (old or damaged); its files are the caller's business."""
        with self.writing.begin() as connection:
            connection.execute(
                delete(checkpoints).where(checkpoints.c.run_id == run_id, checkpoints.c.folder == folder)
            )

    # --- the server's side ---------------------------------------------------------------------------------

    def lose(self, run_id: str, token: str, why: str, *, counts: bool = True) -> str | None:
        """The worker of a claim is gone: interrupted and queued again, or failed after MAX_LOSSES times.

        Returns the state reached; None when the claim was no longer the valid one. `counts=False` does not hold the
        loss against the run (the server itself had ended).
        """
        with self.writing.begin() as connection:
            row = self._row(connection, run_id, lock=True)
            if row is None or row.token != token or row.state not in states.AT_WORK:
                return None
            losses = row.losses + counts
            if losses >= MAX_LOSSES:
                self._transition(
                    connection,
                    row,
                    states.FAILED,
                    losses=losses,
                    token="",
                    worker="",
                    finished_at=time.time(),
                    error=_(
                        "The worker process was lost {losses} times, the last time near step {step}. Often "
                        "the memory was too small: choose a smaller model or batch, or resume to try again from the "
                        "last checkpoint.",
                        losses=losses,
                        step=row.step,
                    ),
                )
                return states.FAILED
            self._transition(connection, row, states.INTERRUPTED, losses=losses, note=why, token="", worker="")
            row = self._locked(connection, run_id)
            self._transition(connection, row, states.QUEUED, note=why)
            return states.QUEUED

    def requeue(self, run_id: str) -> None:
        """Queues an interrupted run again, in its old place."""
        with self.writing.begin() as connection:
            row = self._row(connection, run_id, lock=True)
            if row is not None and row.state == states.INTERRUPTED:
                self._transition(connection, row, states.QUEUED, note=row.note)

    def fail(self, run_id: str, error: str) -> None:
        """Ends a run that no worker could even begin."""
        with self.writing.begin() as connection:
            row = self._row(connection, run_id, lock=True)
            if row is not None and states.FAILED in states.TRANSITIONS[row.state]:
                self._transition(
                    connection, row, states.FAILED, error=error, token="", worker="", finished_at=time.time()
                )

    # --- inside a transaction ------------------------------------------------------------------------------

    def _row(self, connection: Connection, run_id: str, *, lock: bool = False) -> Row[Any] | None:
        query = select(runs).where(runs.c.run_id == run_id)
        return connection.execute(query.with_for_update() if lock else query).one_or_none()

    def _inserted(self, connection: Connection, row: dict[str, Any]) -> bool:
        """Whether the run was put there; False if it was there, also when another process did it a moment ago."""
        kept = {"preserve_rowcount": True}  # PostgreSQL's driver forgets it otherwise
        return connection.execute(put(connection, runs, row, {}), execution_options=kept).rowcount == 1

    def _locked(self, connection: Connection, run_id: str) -> Row[Any]:
        row = self._row(connection, run_id, lock=True)
        if row is None:
            raise _unknown(run_id)
        return row

    def _touch(self, connection: Connection, claim: Claim, values: dict[str, Any]) -> None:
        """Updates the run if the claim still holds, and raises ClaimLost (undoing all) if it does not."""
        now = time.time()
        changed = connection.execute(
            update(runs)
            .where(runs.c.run_id == claim.run_id, runs.c.token == claim.token)
            .where(runs.c.state.in_(states.AT_WORK))
            .values(heartbeat_at=now, updated_at=now, **values)
        )
        if changed.rowcount != 1:
            raise ClaimLost(
                _(
                    "attempt {attempt} of run {run_id} is no longer the valid one.",
                    attempt=claim.attempt,
                    run_id=claim.run_id,
                )
            )

    def _transition(self, connection: Connection, row: Row[Any], state: str, note: str = "", **values: Any) -> None:
        states.check_transition(row.state, state)
        connection.execute(
            update(runs)
            .where(runs.c.run_id == row.run_id)
            .values(state=state, note=note, updated_at=time.time(), **values)
        )
        self._state_event(connection, row.run_id, state, row.step, values.get("error") or note)

    def _state_event(self, connection: Connection, run_id: str, state: str, step: int, note: str) -> None:
        payload = {"kind": "state", "step": step, "state": state, "note": note}
        connection.execute(insert(events).values(run_id=run_id, at=time.time(), **as_row(payload)))

    def _write_down(self, connection: Connection, run_id: str, kind: str, value: float | None = None) -> None:
        waiting = select(requests.c.id).where(
            requests.c.run_id == run_id, requests.c.kind == kind, requests.c.handled_at.is_(None)
        )
        if connection.execute(waiting).first() is None or value is not None:
            connection.execute(insert(requests).values(run_id=run_id, kind=kind, value=value, created_at=time.time()))

    def _close_requests(self, connection: Connection, run_id: str, kinds: Sequence[str]) -> None:
        connection.execute(
            update(requests)
            .where(requests.c.run_id == run_id, requests.c.kind.in_(kinds), requests.c.handled_at.is_(None))
            .values(handled_at=time.time())
        )


@contextmanager
def opened(url: str) -> Iterator[RunStore]:
    """A store that gives its connections back at the end of the block."""
    store = RunStore(url)
    try:
        yield store
    finally:
        store.close()


def as_row(event: dict[str, Any]) -> dict[str, Any]:
    """The columns of one event dict. JSON knows no infinity: such numbers become null."""
    payload = {key: _finite(value) for key, value in event.items()}
    return {"kind": payload["kind"], "step": payload["step"], "payload": payload}


def _clean(label: str) -> str:
    """A name that every database can store: no lone surrogates, no control characters, at most 200 characters."""
    return "".join(c for c in label.encode("utf-8", "replace").decode("utf-8") if c.isprintable())[:200]


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _summary(batch: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the run's row shows of these events."""
    summary: dict[str, Any] = {}
    for event in batch:
        match event["kind"]:
            case "plan":
                summary["total_steps"] = event["total_steps"]
                summary["seconds_per_step"] = _finite(event["seconds_per_step"])
            case "step":
                summary["step"] = event["step"]
                summary["seconds"] = event["seconds"]
                summary["train_loss"] = _finite(event["loss"])
            case "eval":
                summary["validation_loss"] = _finite(event["validation_loss"])
    return summary


def _record(row: Row[Any]) -> RunRecord:
    values = dict(row._mapping)
    values.pop("token")
    return RunRecord(config_dict=values.pop("config"), **values)


def _unknown(run_id: str) -> RunError:
    return RunError(_("there is no run {run_id!r}: it was deleted, or the address is mistyped.", run_id=run_id))
