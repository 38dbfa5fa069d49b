"""The run service as one learner may use it.

On a computer of one's own everything is allowed, as before. In a class (a teacher's key is set) learners see the runs
that they asked for, those that were shown to all, and those that nobody asked for; they steer and delete their own.
A link to a run lets others look at it, but not touch it. Limits on what one learner may have trained hold for all but
the teacher.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from engine.errors import RunError
from engine.language import _
from engine.runs import states
from engine.runs.jobs import JobConfig
from engine.runs.records import PRETRAINING, CheckpointInfo, RunRecord
from engine.runs.service import RunService

BUDGET_WINDOW_SECONDS = 3600.0


class AccessError(RunError):
    """What was asked for is another learner's, or more than one learner may have."""


class LearnerLab:
    """The run service for one learner; what is not limited here is the service's own.

    The id of a run that several learners asked for belongs to the first of them, who steers it; the others can leave
    it. `teacher` may do everything. `linked`: runs that a link led this learner to, which they see as well.

    What is asked more than once within `remember` seconds is read from the store once, and again after each change that
    was made here.
    """

    def __init__(
        self,
        service: RunService,
        learner: str,
        *,
        teacher: bool = False,
        linked: Collection[str] = (),
        remember: float = 0.0,
    ) -> None:
        self.service, self.learner, self.teacher, self.linked = service, learner, teacher, linked
        self._known: dict[tuple[str, ...], Any] = {}
        self._known_at = float("-inf")
        self._remember = remember

    def __getattr__(self, name: str) -> Any:
        return getattr(self.service, name)

    @property
    def limited(self) -> bool:
        """Whether rules for a class hold for this learner."""
        return self.service.settings.in_class and not self.teacher

    # --- see -----------------------------------------------------------------------------------------------

    def runs(self, job: str | None = PRETRAINING) -> list[RunRecord]:
        """The runs that this learner sees of one job (of every job with None), the newest first."""
        found: list[RunRecord] = self._once("runs", job or "", read=lambda: self._runs(job))
        return found.copy()

    def _runs(self, job: str | None) -> list[RunRecord]:
        found = self.service.runs(job)
        if not self.limited:
            return found
        askers = self.service.store.all_askers()
        shown = {*self.service.store.shared_runs(), *self.linked}
        return [
            record
            for record in found
            if record.run_id in shown or record.run_id not in askers or self.learner in askers[record.run_id]
        ]

    def run(self, run_id: str) -> RunRecord:
        """As `RunService.run`."""
        found: RunRecord = self._once("run", run_id, read=lambda: self.service.run(run_id))
        return found

    def checkpoints(self, run_id: str) -> list[CheckpointInfo]:
        """As `RunService.checkpoints`."""
        found: list[CheckpointInfo] = self._once("checkpoints", run_id, read=lambda: self.service.checkpoints(run_id))
        return found.copy()

    def is_mine(self, run_id: str) -> bool:
        """Whether this learner asked for the run."""
        return self.learner in self._askers(run_id)

    def _askers(self, run_id: str) -> list[str]:
        found: list[str] = self._once("askers", run_id, read=lambda: self.service.store.askers(run_id))
        return found

    def may_steer(self, run_id: str) -> bool:
        """Whether this learner may pause, stop, rename or delete the run."""
        if not self.limited:
            return True
        askers = self._askers(run_id)
        return bool(askers) and askers[0] == self.learner

    def _once(self, *name: str, read: Callable[[], Any]) -> Any:
        now = time.monotonic()
        if now - self._known_at >= self._remember:
            self._known_at = now
            self._known.clear()
        if name not in self._known:
            self._known[name] = read()
        return self._known[name]

    def _forget(self) -> None:
        self._known.clear()

    # --- do ------------------------------------------------------------------------------------------------

    def submit(self, config: JobConfig, label: str = "") -> str:
        """As `RunService.submit`; AccessError where a limit for learners is reached."""
        if self.limited and self.service.store.find(config.run_id) is None:
            self._check_budget(config)
        run_id = self.service.submit(config, label, self.learner)
        self._forget()
        return run_id

    def import_run(self, folder: str | Path) -> str:
        """As `RunService.import_run`."""
        run_id = self.service.import_run(folder)
        self._forget()
        return run_id

    def request(self, run_id: str, kind: str, value: float | None = None) -> None:
        """As `RunService.request`, for whom the run belongs to."""
        if kind == "delete":
            self.delete(run_id)
            return
        self._check_mine(run_id)
        if kind in ("resume", "restart") and self.limited:
            self._check_room(self._own())
        self.service.request(run_id, kind, value)
        self._forget()

    def delete(self, run_id: str) -> None:
        """Removes a run; where others asked for it as well, this learner only leaves it to them."""
        if self.limited and len(self.service.store.askers(run_id)) > 1 and self.is_mine(run_id):
            self.service.store.leave(run_id, self.learner)
            self._forget()
            return
        self._check_mine(run_id)
        self.service.delete(run_id)
        self._forget()

    def rename(self, run_id: str, label: str) -> None:
        """As `RunService.rename`, for whom the run belongs to."""
        self._check_mine(run_id)
        self.service.rename(run_id, label)
        self._forget()

    def share(self, run_id: str, *, on: bool = True) -> None:
        """Shows a run of one's own to everybody, or no longer."""
        self._check_mine(run_id)
        self.service.store.share(run_id, self.learner, on=on)
        self._forget()

    def _check_mine(self, run_id: str) -> None:
        if not self.may_steer(run_id):
            raise AccessError(
                _(
                    "this run is another learner's: you can look at it, but only they or the teacher can change it. "
                    "Train one of your own with the same settings; what is computed already is not computed twice."
                )
            )

    def _own(self) -> list[RunRecord]:
        mine = self.service.store.asked_by(self.learner)
        return [record for record in self.service.runs(None) if record.run_id in mine]

    def _check_room(self, own: list[RunRecord]) -> None:
        most = self.service.settings.runs_per_learner
        unfinished = sum(record.state in (states.QUEUED, *states.AT_WORK) for record in own)
        if unfinished >= most:
            raise AccessError(
                _(
                    "you have {unfinished} runs that wait or train, and {most} are the most for one learner: let one "
                    "finish, or stop one.",
                    unfinished=unfinished,
                    most=most,
                )
            )

    def _check_budget(self, config: JobConfig) -> None:
        limits = self.service.settings
        records = self._own()
        self._check_room(records)
        planned = config.to_dict().get("training", {}).get("seconds")
        if planned is not None and planned > limits.seconds_per_run:
            raise AccessError(
                _(
                    "in a class a run may train for at most {seconds_per_run:,} seconds: choose a shorter time.",
                    seconds_per_run=limits.seconds_per_run,
                )
            )
        since = time.time() - BUDGET_WINDOW_SECONDS
        spent = sum(record.seconds for record in records if (record.started_at or 0.0) > since)
        if spent >= limits.seconds_per_hour:
            raise AccessError(
                _(
                    "your runs of the last hour have trained for {spent:,.0f} seconds, and {seconds_per_hour:,} "
                    "are the most for one learner: look into what you have, or try again later.",
                    spent=spent,
                    seconds_per_hour=limits.seconds_per_hour,
                )
            )
