"""A run's record played back: curve, sample and numbers come as they came, at the recorded speed or faster."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from engine.language import N_, _, cached_by_language, number
from engine.runs.records import RunRecord
from pages.shared.charts import _READABLE, Figure, _to_spec
from pages.shared.errors import shown_errors
from pages.shared.lesson_runs import stamp_of
from pages.shared.live import kept_current
from pages.shared.run_data import MAX_POINTS
from pages.shared.tables import show_table
from pages.shared.viewer import lab
from pages.shared.wording import slider_form

TICK_SECONDS = 0.5
SPEEDS = (1, 2, 5, 10, 50, 200)
_KEY = "replay"
_SCRUB = "replay-scrub"


@dataclass(frozen=True)
class Player:
    """Where a replay stands: `position` seconds of training at the moment `since` (monotonic), moving while it plays.

    `turn` counts what moved it but the slider, which stood at `anchor` when it was drawn first.
    """

    run_id: str
    position: float = 0.0
    speed: int = 10
    playing: bool = False
    since: float = 0.0
    turn: int = 0
    anchor: float = 0.0

    def held(self, position: float, *, playing: bool) -> Player:
        """At another second, with a new slider."""
        return replace(
            self, position=position, playing=playing, since=time.monotonic(), turn=self.turn + 1, anchor=position
        )

    def now(self, total: float) -> float:
        """The second of training that is shown now, at most the last one."""
        moved = (time.monotonic() - self.since) * self.speed if self.playing else 0.0
        return min(total, self.position + moved)


@dataclass(frozen=True)
class Tape:
    """A record by seconds of training: `points` (series, seconds, loss), `steps` and `samples` in their order."""

    points: pd.DataFrame
    steps: pd.DataFrame
    evaluations: pd.DataFrame
    samples: list[dict[str, Any]]
    total: float


@st.cache_data(max_entries=32, show_spinner=N_("Reading the record …"))
def _tape(run_id: str, stamp: str) -> Tape:
    curve = lab().curve(run_id, MAX_POINTS)
    steps = pd.DataFrame(curve.steps, columns=[N_("step"), N_("seconds"), N_("loss"), N_("tokens"), "learning_rate"])
    evaluations = pd.DataFrame(curve.evaluations, columns=[N_("step"), N_("seconds"), "validation_loss"])
    train = pd.DataFrame({"series": "training", "seconds": steps["seconds"], "loss": steps["loss"]})
    held_out = pd.DataFrame(
        {"series": "validation", "seconds": evaluations["seconds"], "loss": evaluations["validation_loss"]}
    )
    seconds_of = dict(zip(evaluations["step"], evaluations["seconds"], strict=True))
    samples = [
        {**event.payload, "seconds": seconds_of.get(event.payload["step"], 0.0)}
        for event in lab().events(run_id, kinds=("sample",))
    ]
    points = pd.concat([train, held_out], ignore_index=True)
    points = points[np.isfinite(points["loss"].astype(float))].reset_index(drop=True)
    total = float(points["seconds"].max()) if len(points) else 0.0
    return Tape(points, steps, evaluations, samples, total)


def show(record: RunRecord) -> None:
    """The replay of one run."""
    tape = _tape(record.run_id, stamp_of(record))
    if tape.total <= 0 or len(tape.points) < 2:
        st.info(_("Nothing has been recorded of this run yet: there is nothing to play back."))
        return
    player = st.session_state.get(_KEY)
    if player is None or player.run_id != record.run_id:
        st.session_state[_KEY] = player = Player(record.run_id)
    playing = player.playing
    kept_current(_screen, every=TICK_SECONDS if playing else None)(record, playing)


def _screen(record: RunRecord, was_playing: bool) -> None:
    with shown_errors(_("play the run back")):
        tape = _tape(record.run_id, stamp_of(record))
        player: Player = st.session_state[_KEY]
        at = player.now(tape.total)
        if player.playing and at >= tape.total:
            st.session_state[_KEY] = player = player.held(tape.total, playing=False)
        if player.playing != was_playing:
            st.rerun()
        _controls(tape, player, at)
        if not player.playing:  # the slider may have moved
            at = st.session_state[_KEY].now(tape.total)
        _numbers(record, tape, at)
        curve, text = st.columns([1.5, 1], gap="large")
        with curve:
            _curve(tape, at).show()
        with text:
            _sample(tape, at)
        if not player.playing:
            with st.expander(_("As a table"), icon=":material/table:"):
                seen = tape.evaluations[tape.evaluations["seconds"] <= at]
                show_table(seen, hide_index=True, width="stretch")


def _controls(tape: Tape, player: Player, at: float) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        ended = at >= tape.total
        st.button(
            _("Pause") if player.playing else _("Play"),
            key="replay-play",
            type="primary",
            icon=":material/pause:" if player.playing else ":material/play_arrow:",
            on_click=_play,
            args=(tape.total,),
            help=_("Begins again where the training had ended.") if ended else _("Plays the record on, or holds it."),
        )
        st.button(
            _("Restart"), key="replay-restart", icon=":material/replay:", on_click=_restart, help=_("Back to second 0.")
        )
        st.segmented_control(
            _("Speed"),
            SPEEDS,
            default=player.speed,
            required=True,
            format_func=lambda each: _(f"×{each}"),
            key="replay-speed",
            on_change=_set_speed,
            args=(tape.total,),
            help=_("How many seconds of training pass in one second here. ×1 is as slow as it was."),
        )
    clock = _("{clock} of {clock_2} of training", clock=_clock(at), clock_2=_clock(tape.total))
    if player.playing:
        st.progress(at / tape.total, text=clock)
        return
    key = f"{_SCRUB}:{player.run_id}:{player.turn}"
    st.slider(
        _("Second of training"),
        0.0,
        float(tape.total),
        float(min(player.anchor, tape.total)),
        step=max(tape.total / 1000, 0.001),
        format=slider_form("%.1f"),
        key=key,
        on_change=_scrub,
        args=(key,),
        help=_("Moves through the record by hand while it is paused."),
    )


def _play(total: float) -> None:
    player: Player = st.session_state[_KEY]
    at = player.now(total)
    begin = 0.0 if not player.playing and at >= total else at
    st.session_state[_KEY] = player.held(begin, playing=not player.playing)


def _restart() -> None:
    player: Player = st.session_state[_KEY]
    st.session_state[_KEY] = player.held(0.0, playing=player.playing)


def _set_speed(total: float) -> None:
    player: Player = st.session_state[_KEY]
    speed = st.session_state.get("replay-speed")
    if speed in SPEEDS:
        st.session_state[_KEY] = replace(player, position=player.now(total), speed=int(speed), since=time.monotonic())


def _scrub(key: str) -> None:
    st.session_state[_KEY] = replace(st.session_state[_KEY], position=float(st.session_state[key]))


def _clock(seconds: float) -> str:
    """Seconds as a clock: 75 -> "1:15", 8264 -> "2:17:44"."""
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"


def _numbers(record: RunRecord, tape: Tape, at: float) -> None:
    done = tape.steps[tape.steps["seconds"] <= at]
    measured = tape.evaluations[tape.evaluations["seconds"] <= at]
    step = int(done["step"].iloc[-1]) if len(done) else 0
    values = (
        (_("Step"), number(step), _("One step is one update of all weights.")),
        (
            N_("Tokens read"),
            number(int(done["tokens"].iloc[-1]) if len(done) else 0),
            _("All windows of all steps so far."),
        ),
        (
            _("Training loss"),
            number(done["loss"].iloc[-1], ".3f") if len(done) else "–",
            _("Nats per token of one batch."),
        ),
        (
            _("Validation loss"),
            number(measured["validation_loss"].iloc[-1], ".3f") if len(measured) else "–",
            _("Nats per token on text it never trains on, when it was measured last."),
        ),
    )
    with st.container(horizontal=True):
        for label, value, help in values:
            st.metric(
                _(label), value, help=_(help), width=190 if label == "Tokens read" else 150
            )  # tens of millions fit


def _sample(tape: Tape, at: float) -> None:
    st.markdown(_("**What it wrote**"))
    earlier = [sample for sample in tape.samples if sample["seconds"] <= at]
    if not earlier:
        st.caption(
            _("The first sample comes with the first evaluation.") if tape.samples else _("It wrote no samples.")
        )
        return
    newest = [sample for sample in earlier if sample["step"] == earlier[-1]["step"]]
    for sample in newest[:2]:
        with st.container(border=True):
            st.text(sample["prompt"] + sample["text"])
    st.caption(_("At step {step:,}, with the same dice every time.", step=newest[0]["step"]))


def _curve(tape: Tape, at: float) -> Figure:
    scale = 60.0 if tape.total > 600 else 1.0
    unit = _("minutes") if scale > 1 else _("seconds")
    seen = tape.points[tape.points["seconds"] <= at]
    frame = pd.DataFrame({"series": seen["series"], "x": seen["seconds"] / scale, "loss": seen["loss"]})
    frame.loc[len(frame)] = ["now", at / scale, np.nan]
    low, high = float(tape.points["loss"].min()), float(np.quantile(tape.points["loss"], 0.999))
    spec = _curve_spec(round(tape.total / scale, 3), round(low, 2), round(max(high, low + 0.1), 2), unit)
    newest = seen[seen["series"] == "validation"]
    said = (
        _("The validation loss stands at {iloc:.2f} nats per token.", iloc=newest["loss"].iloc[-1])
        if len(newest)
        else ""
    )
    return Figure(frame, spec, _("Line chart: loss against training time, up to this moment of the replay."), said)


@cached_by_language(maxsize=32)
def _curve_spec(until: float, low: float, high: float, unit: str) -> dict[str, Any]:
    """Axes of the whole run, so that nothing jumps while the lines grow."""
    x = alt.X(
        "x:Q",
        title=_("Training time ({unit})", unit=unit),
        scale=alt.Scale(domain=[0, until], nice=False),
        axis=alt.Axis(tickCount=6, labelExpr=_READABLE),
    )
    y = alt.Y("loss:Q", title=_("Loss (nats per token)"), scale=alt.Scale(domain=[low, high], zero=False, nice=True))
    names = ["training", "validation"]
    legend = alt.Legend(orient="top", title=None, symbolType="stroke", symbolSize=500)
    colour = alt.Color("series:N", legend=legend, scale=alt.Scale(domain=names, range=["orange", "blue"]))
    dash = alt.StrokeDash("series:N", legend=legend, scale=alt.Scale(domain=names, range=[[4, 2], [1, 0]]))
    tips = [
        alt.Tooltip("series:N", title=_("Line")),
        alt.Tooltip("x:Q", title=_("Training time ({unit})", unit=unit), format=",.4~r"),
        alt.Tooltip("loss:Q", title=_("Loss (nats per token)"), format=".3f"),
    ]
    base = alt.Chart()
    lines = (
        base.transform_filter("datum.series != 'now'")
        .mark_line(strokeWidth=2, clip=True)
        .encode(x, y, colour, dash, tooltip=tips)
    )
    dots = (
        base.transform_filter("datum.series == 'validation'")
        .mark_point(size=45, filled=True, opacity=1, clip=True)
        .encode(x, y, colour, tooltip=tips)
    )
    now = (
        base.transform_filter("datum.series == 'now'")
        .mark_rule(strokeDash=[6, 3], strokeWidth=1.3, aria=False)
        .encode(x=x, color=alt.value("gray"))
    )
    return _to_spec(alt.layer(now, lines, dots), _("Loss, as it was recorded"), 380)
