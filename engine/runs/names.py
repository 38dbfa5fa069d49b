"""What learners call the jobs and the states of runs."""

from __future__ import annotations

from engine.language import N_
from engine.runs import states
from engine.runs.records import PRETRAINING

JOBS = {
    PRETRAINING: N_("pretraining"),
    "translation": N_("translation"),
    "classification": N_("classification"),
    "instructions": N_("instructions"),
}
STATES = {
    states.QUEUED: N_("queued"),
    states.RUNNING: N_("running"),
    states.PAUSED: N_("paused"),
    states.STOPPING: N_("stopping"),
    states.FINISHED: N_("finished"),
    states.FAILED: N_("failed"),
    states.INTERRUPTED: N_("interrupted"),
}
