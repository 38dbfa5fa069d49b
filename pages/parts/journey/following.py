"""Which model the prompt goes through: the one that is training now, which is followed, or one that is chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from engine.errors import EngineError, StoreUnavailable
from engine.language import N_, _, number, retold
from engine.runs import states
from engine.runs.recipes import RECIPES, recipe_config
from engine.runs.records import RunRecord
from pages.parts.journey.seen import checkpoints_of
from pages.shared.errors import sentence
from pages.shared.live import kept_current
from pages.shared.models import ModelChoice, choose_model
from pages.shared.quantities import estimate
from pages.shared.run_data import run_name
from pages.shared.run_panel import STATES
from pages.shared.viewer import lab

TICK_SECONDS = 1.5
LOOK_AGAIN_SECONDS = 3.0  # nothing trains: somebody may start
FILL_SECONDS = 0.5  # nothing trains, but checkpoints were not all read yet
FOLLOW = N_("Follow the training")
CHOOSE = N_("Choose a model")
RECIPE, CORPUS = "60s", "stories"
MODE = "journey_mode"
_INLINE = "journey:inline"


@dataclass(frozen=True)
class Followed:
    """The model that is shown and, where it belongs to one, its run; `live` while a run is followed that trains.

    `run` may be ahead of `choice`: a run that has just been started has no model of its own yet.
    """

    choice: ModelChoice | None
    run: RunRecord | None
    following: bool

    @property
    def live(self) -> bool:
        """Whether something will change without anybody asking."""
        return self.following and self.run is not None and self.run.live


def choose() -> Followed:
    """The controls: follow what trains, or choose a run and a checkpoint."""
    if MODE not in st.session_state:
        # An address that names a run is about that run, not about whichever trains now.
        st.session_state[MODE] = CHOOSE if "run" in st.query_params else FOLLOW
    mode = st.segmented_control(
        _("Model"),
        [FOLLOW, CHOOSE],
        required=True,
        key=MODE,
        persist_state="session",
        width="stretch",
        help=_("Follow: the newest checkpoint of the run that is training now. Choose: any run at any checkpoint."),
    )
    with st.container():  # there also when it is empty, so that the prompt below it keeps its place
        if mode == CHOOSE:
            choice = choose_model()
            return Followed(choice, _record(choice), False)
        st.query_params.pop("run", None)
        return _follow()


def _record(choice: ModelChoice | None) -> RunRecord | None:
    try:
        return None if choice is None else lab().run(choice.run_id)
    except EngineError:  # a model without a run
        return None


def _follow() -> Followed:
    records = lab().runs()
    run = _to_follow(records)
    if run is not None and run.live:
        st.session_state["run_id"] = run.run_id
        choice = _newest(run)
        if choice is None:  # its first checkpoint is some seconds away
            choice = next(filter(None, map(_newest, (other for other in records if other != run))), None)
        return Followed(choice, run, True)
    models = {record.run_id: record for record in records if checkpoints_of(record.run_id)}
    wanted = str(st.session_state.get("run_id"))
    run = models.get(wanted) or next(iter(models.values()), None)
    st.caption(
        _("Nothing is training now. ") + (_("This is the last checkpoint of a finished run.") if run else "")
        if run is None or run.state == states.FINISHED
        else _("Nothing is training now. This is the newest checkpoint of a run at rest.")
    )
    st.button(
        _("Train one now, {replace}", replace=RECIPES[RECIPE].title.replace("1 min", "1 minute")),
        key="journey_train",
        type="primary",
        icon=":material/play_arrow:",
        on_click=_train,
        width="stretch",
        help=_("Trains a small model on simple stories from nothing, and follows it here."),
    )
    return Followed(None if run is None else _newest(run), run, True)


def _to_follow(records: list[RunRecord]) -> RunRecord | None:
    """The live run this session looks at, else the newest that is at work, else the newest in the queue."""
    live = [record for record in records if record.live]
    mine = [record for record in live if record.run_id == st.session_state.get("run_id")]
    at_work = [record for record in live if record.state in states.AT_WORK]
    return next(iter([*mine, *at_work, *live]), None)


def _newest(record: RunRecord) -> ModelChoice | None:
    steps = [info.step for info in checkpoints_of(record.run_id)]
    return ModelChoice(record.run_id, steps[-1], run_name(record)) if steps else None


def _train() -> None:
    """Start a run of a minute that nobody has trained yet; twice in a row starts the same one."""
    try:
        finished = {record.run_id for record in lab().runs() if record.state == states.FINISHED}
        for seed in range(1000):
            config = recipe_config(RECIPE, CORPUS, seed=seed)
            if config.run_id not in finished:
                label = _("Stories · {title}", title=RECIPES[RECIPE].title) + (
                    _(" · seed {seed}", seed=seed) if seed else ""
                )
                st.session_state["run_id"] = lab().submit(config, label)
                return
    except EngineError as error:
        st.toast(sentence(error), icon=":material/info:")


# --- the clock -------------------------------------------------------------------------------------------------------


def keep_up(followed: Followed, look: Callable[[], bool], *, complete: bool) -> None:
    """Show how the training stands, and draw the page again when `look` has found something new.

    A tick at which nothing happened writes one line and computes nothing. `complete` tells that every checkpoint there
    is has been read.
    """
    every = TICK_SECONDS if followed.live else LOOK_AGAIN_SECONDS if followed.following else None
    if not complete:
        every = min(every or FILL_SECONDS, TICK_SECONDS if followed.live else FILL_SECONDS)
    st.session_state[_INLINE] = True  # the page's own run draws the line; only the clock's runs look for news
    kept_current(_tick, every=every)(followed, look)


def _tick(followed: Followed, look: Callable[[], bool]) -> None:
    by_the_clock = not st.session_state.pop(_INLINE, False)
    record = followed.run
    try:
        if record is not None:
            record = lab().run(record.run_id)
            _status(record)
    except StoreUnavailable:
        raise
    except EngineError:  # deleted by somebody: the page looks for another one
        st.rerun()
    if not by_the_clock:
        return
    news = look()
    if followed.following:
        now = _to_follow(lab().runs())
        before = followed.run if followed.live else None
        news = news or (now and now.run_id) != (before and before.run_id)
    if news:
        st.rerun()


def _status(record: RunRecord) -> None:
    icon, word = STATES[record.state]
    total = number(record.total_steps) if record.total_steps else "?"
    line = _(
        "{icon} **{word}** · {run_name} · step {step:,} of {total}",
        icon=icon,
        word=word,
        run_name=run_name(record),
        step=record.step,
        total=total,
    )
    if record.state == states.QUEUED:
        line = _(
            "{icon} **{word}** · {run_name} · number {value} in the queue",
            icon=icon,
            word=word,
            run_name=run_name(record),
            value=lab().queue_position(record.run_id) or 1,
        )
    elif record.live and record.note and record.note != "training":
        line += f" · {retold(record.note)}"
    left = lab().eta_seconds(record.run_id) if record.live else None
    if left is not None:
        line += _(" · about {left} left", left=estimate(left))
    st.progress(record.progress, text=line)
    if record.error:
        st.error(sentence(record.error))
    problem = lab().server_problem() if record.live else ""
    if problem:
        st.warning(problem)
