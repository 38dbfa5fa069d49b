"""What a race showed: curves, the sentence that tells the recipes apart, and the table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from engine import racing
from engine.language import N_, _
from engine.masking import HIDDEN
from engine.racing import Course, Lane
from engine.runs.records import RunRecord
from pages.parts.pretraining import race_figures
from pages.parts.pretraining.race_heat import BITS, Heat
from pages.shared.charts import Axis
from pages.shared.lesson_runs import stamp_of
from pages.shared.run_data import MAX_POINTS, differences
from pages.shared.tables import show_table
from pages.shared.viewer import lab

AXES: dict[str, Axis] = {"steps": "step", "tokens": "tokens", "seconds": "seconds"}


def points_each(n_runs: int) -> int:
    """So many points of each of several curves over one another: what a browser draws without a wait.

    >>> points_each(2), points_each(8)
    (400, 150)
    """
    return min(MAX_POINTS, 1200 // max(n_runs, 1))


@st.cache_data(max_entries=128, show_spinner=False)
def measured(run_id: str, stamp: str, home: str, unit: str, most: int = MAX_POINTS) -> pd.DataFrame:
    """A run's losses in `unit`: step, tokens, seconds, loss, series. Empty where it has none in that unit."""
    curve = lab().curve(run_id, most)
    rows = []
    factor: float | None = 1.0
    if unit == BITS:
        known = next((e for e in curve.evaluations if e["bits_per_byte"] and e["validation_loss"]), None)
        factor = known["bits_per_byte"] / known["validation_loss"] if known else None
    if factor is not None:
        for p in curve.steps:
            rows.append((p["step"], p["tokens"], p["seconds"], factor * p["loss"], race_figures.TRAIN))
        for p in curve.evaluations:
            loss = factor * p["validation_loss"]
            rows.append((p["step"], p["tokens"], p["seconds"], loss, race_figures.VALIDATION))
    return pd.DataFrame(rows, columns=["step", "tokens", "seconds", "loss", "series"])


def points_of(lanes: Mapping[str, list[RunRecord]], unit: str) -> pd.DataFrame:
    """The losses of all lanes in one frame: those of `measured` with lane and run."""
    home = str(lab().settings.home)
    most = points_each(sum(map(len, lanes.values())))
    frames = [
        measured(record.run_id, stamp_of(record), home, unit, most).assign(lane=name, run=record.run_id)
        for name, records in lanes.items()
        for record in records
    ]
    frames = [frame for frame in frames if not frame.empty]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=race_figures.COLUMNS)


def course_of(points: pd.DataFrame, run_id: str, seed: int) -> Course:
    """The evaluations of one run of the frame."""
    rows = points[(points["run"] == run_id) & (points["series"] == race_figures.VALIDATION)]
    columns = (tuple(map(float, rows[name])) for name in ("step", "tokens", "seconds", "loss"))
    return Course(seed, *columns)


def show_results(heat: Heat, records: Mapping[str, list[RunRecord]], points: pd.DataFrame) -> None:
    """Draw the curves, the sentence and the table."""
    lanes = [
        Lane(
            name,
            tuple(
                course_of(points, record.run_id, record.config_dict.get("seed", 0) if len(each) > 1 else 0)
                for record in each
            ),
        )
        for name, each in records.items()
    ]
    complete = all(len(lane.courses) == len(heat.lanes[lane.name]) for lane in lanes)
    common = racing.common_level(lanes) if complete else None
    choose, axis_place, train_place = st.columns([1.3, 1.4, 1], vertical_alignment="bottom")
    wanted = choose.number_input(
        _("Compare at a loss of ({unit})", unit=heat.unit),
        min_value=0.01,
        max_value=20.0,
        value=None,
        step=0.1,
        placeholder=_("the lowest that all reached: {common:.2f}", common=common)
        if common
        else _("the lowest that all reach"),
        key=f"race-level-{heat.unit}",
        persist_state="session",
        help=_("Empty: the lowest loss that every run reached."),
    )
    chosen = axis_place.segmented_control(
        _("Horizontal axis"),
        list(AXES),
        format_func=_,
        default="steps",
        required=True,
        key="race-axis",
        persist_state="session",
        help=_("Steps compare updates, tokens what was read, seconds the time of one core."),
    )
    with train_place:
        with_train = st.toggle(
            _("Training loss too"),
            False,
            key="race-train",
            persist_state="session",
            help=_("Thin, dashed lines: the loss of each batch. It is noisier than the validation loss."),
        )
        late = st.toggle(
            _("Without the start"),
            False,
            key="race-late",
            persist_state="session",
            help=_("Leaves out the first quarter of each run, where all fall fast, so that the rest fills the chart."),
        )
    x = AXES[chosen]
    goal = common if wanted is None else float(wanted)
    finished = complete and all(not record.live for each in records.values() for record in each)
    said = racing.verdict(lanes, wanted, heat.unit) if complete else _("Some lanes have not started.")
    with st.container(border=True):
        st.markdown(_(":material/flag: **Result**") if finished else _(":material/flag: **So far**"))
        st.text(said)
    names = [lane.name for lane in lanes]
    reached = []
    if goal is not None:
        places = {lane.name: lane.reached(goal, chosen) for lane in lanes}
        reached = [(name, place) for name, place in places.items() if place is not None]
    shown = points if with_train else points[points["series"] == race_figures.VALIDATION]
    if late:
        shown = shown[shown["step"] >= shown.groupby("run")["step"].transform("max") / 4]
    caption = _(
        "Lines: validation loss, one for each run. The dashed rule is the loss that the lanes are compared at; the "
        "large marks show where each first reached it, interpolated between evaluations."
    )
    race_figures.overlay(shown, names, x=x, unit=heat.unit, goal=goal, reached=reached, summary=caption).show()
    with st.expander(_("One chart for each lane, on the same axes"), icon=":material/grid_view:", expanded=True):
        _small_multiples(shown, names, x, heat.unit, goal)
    _table(heat, lanes, records, goal)
    if heat.two_tasks:
        _two_tasks(heat, lanes)


def _small_multiples(points: pd.DataFrame, names: list[str], x: Axis, unit: str, goal: float | None) -> None:
    measured_in = set(points["lane"])
    for first in range(0, len(names), 2):
        columns = st.columns(2)
        for column, name in zip(columns, names[first : first + 2], strict=False):
            with column:
                if name in measured_in:
                    race_figures.single(points, names, name, x=x, unit=unit, goal=goal).show(caption=False)
                else:
                    st.caption(_("Not started yet."))


def _table(heat: Heat, lanes: list[Lane], records: Mapping[str, list[RunRecord]], goal: float | None) -> None:
    rows = []
    for lane in lanes:
        row: dict[str, Any] = {N_("lane"): lane.name, N_("runs"): len(lane.courses)}
        lows = [course.lowest for course in lane.courses if math.isfinite(course.lowest)]
        low = racing.t_interval(lows) if lows else None
        row[f"lowest loss ({heat.unit})"] = None if low is None else round(low.mean, 3)
        if low is not None and low.low is not None and low.high is not None:
            row["95 % t interval"] = _("{low:.3f} to {high:.3f}", low=low.low, high=low.high)
        for axis in racing.AXES:
            place = None if goal is None or not lane.courses else lane.reached(goal, axis)
            row[_("{axis} to {goal:.2f}", axis=axis, goal=goal) if goal is not None else axis] = (
                None if place is None else round(place, 0 if axis == "tokens" else 1)
            )
        if goal is not None:
            saved = racing.saving(lanes[0], lane, goal) if lane is not lanes[0] else None
            row[f"steps against {lanes[0].name}"] = (
                "–" if saved is None else _("{value:+.0f} %", value=0.0 - round(100 * saved.mean))
            )
            if saved is not None and saved.low is not None and saved.high is not None:
                row["interval"] = _("{high:+.0f} to {low:+.0f} %", high=-100 * saved.high, low=-100 * saved.low)
        rows.append(row)
    with st.expander(_("As a table"), icon=":material/table:"):
        show_table(pd.DataFrame(rows), hide_index=True, width="stretch")
        if heat.run_ids and not heat.configs:
            st.caption(_("What differs between the runs"))
            show_table(differences([each[0] for each in records.values()]), width="stretch")


def _two_tasks(heat: Heat, lanes: list[Lane]) -> None:
    """What the losses of an encoder and a decoder mean, and what they do not."""
    st.header(_("Two tasks, not one"), anchor=False)
    rows = []
    for lane in lanes:
        config = heat.configs[lane.name][0]
        masked = config.training.objective == "masked"
        tokens = config.training.batch_size * config.model.context_length
        share = HIDDEN if masked else 1.0
        rows.append(
            {
                N_("lane"): lane.name,
                N_("is asked for"): _("hidden tokens") if masked else _("the next token, everywhere"),
                N_("sees"): _("both sides, with gaps") if masked else _("what stands before"),
                N_("tokens read a step"): tokens,
                N_("targets a step"): round(share * tokens),
                N_("nats per predicted token"): round(lane.lowest, 3) if math.isfinite(lane.lowest) else None,
                N_("can write"): _("no") if masked else _("yes"),
            }
        )
    show_table(pd.DataFrame(rows), hide_index=True, width="stretch")
    st.markdown(
        _(
            "The losses are both nats per predicted token, but of **different questions**: a gap with text on both "
            "sides is easier than an open end, while the encoder gets a target from only 15 % of what it reads, so it "
            "learns more slowly. Who is lower here is not the better model.\n\nThe encoder has **no samples**: each of "
            "its guesses uses the tokens that come after, and while writing there are none yet. What it is good for is "
            "reading: classification, search, tagging."
        )
    )
