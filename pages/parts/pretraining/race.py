"""Part "Race": recipes that differ in one thing, on the same text with the same seeds, told apart by one sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import streamlit as st

from engine import masking, racing
from engine.errors import ConfigError, EngineError
from engine.masking import HIDDEN
from engine.racing import Course, Lane
from engine.runs import races
from engine.runs.config import RunConfig
from engine.runs.races import MAX_LANES, MAX_SEEDS, RACES, SETTINGS, differing, race_configs
from engine.runs.records import RunRecord
from pages.parts.pretraining import race_figures
from pages.shared.charts import Axis
from pages.shared.code_panel import show_code
from pages.shared.errors import sentence
from pages.shared.lesson import exercise, notice
from pages.shared.lesson_runs import stamp_of
from pages.shared.quantities import estimate
from pages.shared.run_data import MAX_POINTS, differences, run_name
from pages.shared.run_panel import LOOK_AGAIN_SECONDS, REFRESH_SECONDS, STATES
from pages.shared.text_source import corpora
from pages.shared.training_form import expected_seconds
from pages.shared.viewer import lab

READY, OWN, THERE = "Ready-made", "One setting", "Runs that are there"
STEPS = (100, 200, 400, 800)
SEEDS = (1, 3, 5)
TEXT = "stories"
AXES: dict[str, Axis] = {"steps": "step", "tokens": "tokens", "seconds": "seconds"}
NATS, BITS, PREDICTED = "nats per token", "bits per byte", "nats per predicted token"
_PREPARATION_SECONDS = 4


@dataclass(frozen=True)
class Heat:
    """A race as it is shown: the runs of each lane by the lane's name; `configs` where they can be started here."""

    lanes: dict[str, tuple[str, ...]]
    unit: str
    configs: dict[str, tuple[RunConfig, ...]]
    two_tasks: bool = False

    @property
    def run_ids(self) -> tuple[str, ...]:
        return tuple(run_id for ids in self.lanes.values() for run_id in ids)


def show() -> None:
    """The part of the lesson."""
    st.markdown(
        "Is one recipe better than another? Change **one thing**, keep seed, text and the number of steps, and let "
        "both train. The lanes are ordinary runs: whoever asks for the same race shares it, and all other pages can "
        "look into its models."
    )
    kind = st.segmented_control(
        "Race",
        [READY, OWN, THERE],
        default=READY,
        required=True,
        key="race-kind",
        persist_state="session",
        help="A race that is prepared, one setting of your choice with up to four values, or up to four runs that "
        "exist already.",
    )
    place = st.container()
    with place:
        try:
            heat = {READY: _ready, OWN: _own, THERE: _there}[kind]()
        except ConfigError as error:
            st.error(sentence(error), icon=":material/error:")
            heat = None
        if heat is not None:
            _run(heat)
    notice(
        "A lower curve says little by itself. The sentence asks how much **earlier** the better recipe was at a loss "
        "that both reached, in steps, in tokens and in seconds: the three need not agree.",
        "A few per cent between two single runs may be luck. With three seeds each lane has three lines, and the "
        "sentence an interval: does it leave out 0 %?",
        "Who leads early need not lead late. Race the same lanes over more steps.",
    )
    exercise(
        "Race **Batch size** and read the sentence once for steps and once for tokens. Which batch is best?",
        "All lanes read the same tokens. Small batches make more steps of them and learn more from each token; large "
        "ones need fewer steps, which is worth it where many processors share a step. Past a *critical batch size* "
        "more tokens in a step hardly help (McCandlish et al. 2018).",
    )
    show_code(racing.Course.reached, racing.saving, racing.t_interval, races.race_configs, masking.hide_tokens)


# --- which race ---------------------------------------------------------------------------------------------


def _ready() -> Heat:
    names = list(RACES)
    left, right = st.columns([1, 1])
    name = left.selectbox(
        "What differs",
        names,
        format_func=lambda each: RACES[each].title,
        key="race-name",
        persist_state="session",
        help="Everything else is the same in all lanes.",
    )
    race = RACES[name]
    with right:
        corpus = _choose_text()
    st.markdown(f"*{race.question}*")
    configs = race_configs(race.entries, corpus, *_choose_length())
    if race.two_tasks:
        return replace(_heat(configs, PREDICTED), two_tasks=True)
    return _heat(configs, BITS if race.in_bits else NATS)


def _own() -> Heat | None:
    left, right = st.columns([1, 1])
    name = left.selectbox(
        "Setting",
        list(SETTINGS),
        format_func=lambda each: SETTINGS[each].title,
        key="race-setting",
        persist_state="session",
        help="The lanes differ in this alone; the rest is the recipe for half a minute.",
    )
    with right:
        corpus = _choose_text()
    setting = SETTINGS[name]
    chosen = st.pills(
        f"Up to {MAX_LANES} values",
        list(setting.values),
        selection_mode="multi",
        default=list(setting.values[:2]),
        format_func=lambda value: f"{value:,}" if isinstance(value, int) else str(value),
        key=f"race-values-{name}",
        persist_state="session",
        help="One lane for each.",
    )
    values = [value for value in setting.values if value in (chosen or [])]
    length = _choose_length()
    if not 2 <= len(values) <= MAX_LANES:
        st.info(f"Choose two to {MAX_LANES} values: {len(values)} chosen.")
        return None
    configs = race_configs(tuple(setting.entry(value) for value in values), corpus, *length)
    return _heat(configs, BITS if name == "vocab_size" else NATS)


def _there() -> Heat | None:
    records = {record.run_id: record for record in lab().runs() if record.step > 0}
    chosen = st.multiselect(
        f"Up to {MAX_LANES} runs",
        list(records),
        max_selections=MAX_LANES,
        format_func=lambda run_id: run_name(records[run_id]),
        key="race-runs",
        persist_state="session",
        help="The first one is what the others are compared with.",
    )
    chosen = [run_id for run_id in chosen if run_id in records]
    if len(chosen) < 2:
        st.info("Choose at least two runs. If there are none, train some in **Train**, or start a ready-made race.")
        return None
    settings = [records[run_id].config_dict for run_id in chosen]
    same_tokens = len({str([each.get(n) for n in _TOKENS]) for each in settings}) == 1
    if len({str([each.get(n) for n in _TEXTS]) for each in settings}) > 1:
        st.warning("These runs read different texts or are checked on different parts: their losses do not compare.")
    elif not same_tokens:
        st.caption("These runs cut the text into different tokens, so they are compared in bits per byte.")
    names = {run_name(records[run_id]).replace("'", "’"): (run_id,) for run_id in chosen}
    return Heat(names, NATS if same_tokens else BITS, {})


_TEXTS = ("corpora", "n_chars", "validation_fraction")
_TOKENS = (*_TEXTS, "tokenizer_kind", "vocab_size")


def _heat(configs: dict[str, tuple[RunConfig, ...]], unit: str) -> Heat:
    return Heat({name: tuple(run.run_id for run in runs) for name, runs in configs.items()}, unit, configs)


def _choose_text() -> str:
    names = [name for name, info in corpora().items() if info.available]
    text: str = st.selectbox(
        "Text",
        names,
        index=names.index(TEXT) if TEXT in names else 0,
        format_func=lambda name: corpora()[name].title,
        key="race-text",
        persist_state="session",
        help="All lanes read the same million characters of it, in the same order for the same seed.",
    )
    return text


def _choose_length() -> tuple[int, tuple[int, ...]]:
    left, right = st.columns([1, 1])
    steps = left.segmented_control(
        "Steps of each lane",
        list(STEPS),
        default=STEPS[1],
        required=True,
        key="race-steps",
        persist_state="session",
        help="Fixed, so that the result is the same on every machine. The learning rate falls towards the last step, "
        "so 200 steps are not the beginning of 800.",
    )
    n_seeds = right.segmented_control(
        "Seeds",
        list(SEEDS),
        default=SEEDS[0],
        required=True,
        key="race-seeds",
        persist_state="session",
        help=f"How often each lane runs, with other weights and batches each time; at most {MAX_SEEDS}. Only several "
        "seeds tell a better recipe from luck.",
    )
    return int(steps), tuple(range(int(n_seeds)))


# --- start, watch, stop -------------------------------------------------------------------------------------


def _run(heat: Heat) -> None:
    records = {record.run_id: record for record in lab().runs()}
    missing = {name: [config for config in runs if config.run_id not in records] for name, runs in heat.configs.items()}
    waiting = [config for runs in missing.values() for config in runs]
    if heat.configs:
        told = "; ".join(
            f"{name.rpartition('.')[2]} {' / '.join(map(_shown, values))}"
            for name, values in differing(heat.configs).items()
        )
        st.caption(f"The lanes differ in: {told}.")
    if waiting:
        seconds = sum(expected_seconds(config) + _PREPARATION_SECONDS for config in waiting)
        whole = len(waiting) == len(heat.run_ids)
        st.button(
            f"Start {'the race' if whole else 'what is missing'} ({len(waiting)} "
            f"run{'s' if len(waiting) > 1 else ''}, about {estimate(seconds)} of one core)",
            type="primary",
            icon=":material/flag:",
            key="race-start",
            on_click=_submit,
            args=(missing,),
            help="As many train at a time as the server has places. The clock of each counts its own training only.",
        )
    live = any(records[run_id].live for run_id in heat.run_ids if run_id in records)
    st.fragment(_panel, run_every=REFRESH_SECONDS if live else LOOK_AGAIN_SECONDS)(heat, live)


def _submit(missing: Mapping[str, list[RunConfig]]) -> None:
    most = max(len(runs) for runs in missing.values())
    for n in range(most):  # seed by seed, so that every lane has one early
        for name, runs in missing.items():
            if n < len(runs):
                try:
                    seed = f" · seed {runs[n].seed}" if runs[n].seed else ""
                    lab().submit(runs[n], f"Race: {name}{seed}")
                except EngineError as error:
                    st.toast(sentence(error), icon=":material/info:")
                    return


def _ask_all(run_ids: tuple[str, ...], kind: str) -> None:
    """Stop (those that have begun; the others are paused) or resume all of a race."""
    for run_id in run_ids:
        try:
            record = lab().run(run_id)
            if kind == "resume" and record.state in ("paused", "failed", "interrupted"):
                lab().request(run_id, "resume")
            elif kind == "pause" and record.state in ("queued", "running"):
                lab().request(run_id, "pause")
            elif kind == "stop" and record.live:
                lab().request(run_id, "stop" if record.step > 0 else "pause")
        except EngineError as error:
            st.toast(sentence(error), icon=":material/info:")


def _panel(heat: Heat, was_live: bool) -> None:
    records = {record.run_id: record for record in lab().runs()}
    lanes = {name: [records[i] for i in ids if i in records] for name, ids in heat.lanes.items()}
    ours = [record for each in lanes.values() for record in each]
    if not ours:
        st.info("Nobody has started yet. Press the button; the curves then grow here side by side.")
        return
    _status(heat, lanes)
    points = _points(lanes, heat.unit)
    if points.empty:
        st.info("The curves begin with the first step.")
    else:
        _results(heat, lanes, points)
    if was_live != any(record.live for record in ours):
        st.rerun()


def _status(heat: Heat, lanes: Mapping[str, list[RunRecord]]) -> None:
    columns = st.columns(len(lanes))
    for column, (name, records) in zip(columns, lanes.items(), strict=True):
        share = sum(record.progress for record in records) / max(1, len(heat.lanes[name]))
        column.text(name)
        column.progress(share, text=_lane_line(records))
    ours = [record for each in lanes.values() for record in each]
    live = [record for record in ours if record.live]
    resting = [r for r in ours if r.state in ("paused", "failed", "interrupted")]
    if live or resting:
        with st.container(horizontal=True, vertical_alignment="center"):
            ids = heat.run_ids
            for kind, icon, on, help in (
                ("pause", ":material/pause:", live, "Save all lanes and give the cores to somebody else."),
                ("stop", ":material/stop:", live, "End all lanes here; those that have not begun are paused."),
                ("resume", ":material/play_arrow:", resting, "Go on from the last checkpoints, exactly."),
            ):
                st.button(
                    f"{kind.capitalize()} all",
                    key=f"race-{kind}",
                    icon=icon,
                    disabled=not on,
                    on_click=_ask_all,
                    args=(ids, kind),
                    help=help,
                )
            etas = [eta for record in live if (eta := lab().eta_seconds(record.run_id)) is not None]
            if etas:
                st.caption(f"All lanes are done in about {estimate(max(etas))}.")
    for name, records in lanes.items():
        for record in records:
            if record.error:
                st.text(f"{name}: {sentence(record.error)}")
    problem = lab().server_problem() if live else ""
    if problem:
        st.warning(problem)


def _lane_line(records: list[RunRecord]) -> str:
    """State of a lane: of its run, or of how many of its seeds."""
    if not records:
        return ":material/flag: not started"
    icon, word = STATES[records[0].state]
    if len(records) == 1:
        total = records[0].total_steps
        return f"{icon} **{word}** · step {records[0].step:,}" + (f" of {total:,}" if total else "")
    done = sum(record.state == "finished" for record in records)
    running = next((record for record in records if record.state == "running"), None)
    text = f"{done} of {len(records)} seeds finished"
    return f"{text} · step {running.step:,} of {running.total_steps or 0:,}" if running else text


# --- what came out ------------------------------------------------------------------------------------------


@st.cache_data(max_entries=128, show_spinner=False)
def measured(run_id: str, stamp: str, home: str, unit: str) -> pd.DataFrame:
    """A run's losses in `unit`: step, tokens, seconds, loss, series. Empty where it has none in that unit."""
    curve = lab().curve(run_id, MAX_POINTS)
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


def _points(lanes: Mapping[str, list[RunRecord]], unit: str) -> pd.DataFrame:
    home = str(lab().settings.home)
    frames = [
        measured(record.run_id, stamp_of(record), home, unit).assign(lane=name, run=record.run_id)
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


def _results(heat: Heat, records: Mapping[str, list[RunRecord]], points: pd.DataFrame) -> None:
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
        f"Compare at a loss of ({heat.unit})",
        min_value=0.01,
        max_value=20.0,
        value=None,
        step=0.1,
        placeholder=f"the lowest that all reached: {common:.2f}" if common else "the lowest that all reach",
        key=f"race-level-{heat.unit}",
        persist_state="session",
        help="Empty: the lowest loss that every run reached.",
    )
    chosen = axis_place.segmented_control(
        "Horizontal axis",
        list(AXES),
        default="steps",
        required=True,
        key="race-axis",
        persist_state="session",
        help="Steps compare updates, tokens what was read, seconds the time of one core.",
    )
    with train_place:
        with_train = st.toggle(
            "Training loss too",
            False,
            key="race-train",
            persist_state="session",
            help="Thin, dashed lines: the loss of each batch. It is noisier than the validation loss.",
        )
        late = st.toggle(
            "Without the start",
            False,
            key="race-late",
            persist_state="session",
            help="Leaves out the first quarter of each run, where all fall fast, so that the rest fills the chart.",
        )
    x = AXES[chosen]
    goal = common if wanted is None else float(wanted)
    finished = complete and all(not record.live for each in records.values() for record in each)
    said = racing.verdict(lanes, wanted, heat.unit) if complete else "Some lanes have not started."
    with st.container(border=True):
        st.markdown(":material/flag: **Result**" if finished else ":material/flag: **So far**")
        st.text(said)
    names = [lane.name for lane in lanes]
    reached = []
    if goal is not None:
        places = {lane.name: lane.reached(goal, chosen) for lane in lanes}
        reached = [(name, place) for name, place in places.items() if place is not None]
    shown = points if with_train else points[points["series"] == race_figures.VALIDATION]
    if late:
        shown = shown[shown["step"] >= shown.groupby("run")["step"].transform("max") / 4]
    caption = (
        "Lines: validation loss, one for each run. The dashed rule is the loss that the lanes are compared at; the "
        "large marks show where each first reached it, interpolated between evaluations."
    )
    race_figures.overlay(shown, names, x=x, unit=heat.unit, goal=goal, reached=reached, summary=caption).show()
    with st.expander("One chart for each lane, on the same axes", icon=":material/grid_view:", expanded=True):
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
                    st.caption("Not started yet.")


def _table(heat: Heat, lanes: list[Lane], records: Mapping[str, list[RunRecord]], goal: float | None) -> None:
    rows = []
    for lane in lanes:
        row: dict[str, Any] = {"lane": lane.name, "runs": len(lane.courses)}
        lows = [course.lowest for course in lane.courses if math.isfinite(course.lowest)]
        low = racing.t_interval(lows) if lows else None
        row[f"lowest loss ({heat.unit})"] = None if low is None else round(low.mean, 3)
        if low is not None and low.low is not None and low.high is not None:
            row["95 % t interval"] = f"{low.low:.3f} to {low.high:.3f}"
        for axis in racing.AXES:
            place = None if goal is None or not lane.courses else lane.reached(goal, axis)
            row[f"{axis} to {goal:.2f}" if goal is not None else axis] = None if place is None else round(place, 1)
        if goal is not None:
            saved = racing.saving(lanes[0], lane, goal) if lane is not lanes[0] else None
            row[f"steps against {lanes[0].name}"] = None if saved is None else f"{-100 * saved.mean:+.0f} %"
            if saved is not None and saved.low is not None and saved.high is not None:
                row["interval"] = f"{-100 * saved.high:+.0f} to {-100 * saved.low:+.0f} %"
        rows.append(row)
    with st.expander("As a table", icon=":material/table:"):
        st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")
        if heat.run_ids and not heat.configs:
            st.caption("What differs between the runs")
            st.dataframe(differences([each[0] for each in records.values()]), width="stretch")


def _two_tasks(heat: Heat, lanes: list[Lane]) -> None:
    """What the losses of an encoder and a decoder mean, and what they do not."""
    st.header("Two tasks, not one", anchor=False)
    rows = []
    for lane in lanes:
        config = heat.configs[lane.name][0]
        masked = config.training.objective == "masked"
        tokens = config.training.batch_size * config.model.context_length
        share = HIDDEN if masked else 1.0
        rows.append(
            {
                "lane": lane.name,
                "is asked for": "hidden tokens" if masked else "the next token, everywhere",
                "sees": "both sides, with gaps" if masked else "what stands before",
                "tokens read a step": tokens,
                "targets a step": round(share * tokens),
                "nats per predicted token": round(lane.lowest, 3) if math.isfinite(lane.lowest) else None,
                "can write": "no" if masked else "yes",
            }
        )
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")
    st.markdown(
        "The losses are both nats per predicted token, but of **different questions**: a gap with text on both sides "
        "is easier than an open end, while the encoder gets a target from only 15 % of what it reads, so it learns "
        "more slowly. Who is lower here is not the better model.\n\n"
        "The encoder has **no samples**: each of its guesses uses the tokens that come after, and while writing there "
        "are none yet. What it is good for is reading: classification, search, tagging."
    )


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
