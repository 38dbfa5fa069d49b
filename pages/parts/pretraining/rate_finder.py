"""Part "Learning-rate finder": a range test as a run of its own, what it suggests, and whether that holds."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from engine import rate_finder as finder
from engine.errors import ConfigError, RunError
from engine.language import N_, _, cached_by_language, number, retold
from engine.rate_finder import Suggestion, range_test, suggest, with_rate
from engine.runs.config import RunConfig
from engine.runs.names import STATES
from engine.runs.recipes import recipe_config
from engine.runs.records import RunRecord
from engine.training import LOST, LOWEST_SHARE, TrainingLoop, learning_rate_at
from pages.shared import charts
from pages.shared.charts import _QUIET, Figure, _to_spec
from pages.shared.code_panel import show_code
from pages.shared.errors import sentence, shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.lesson_runs import stamp_of
from pages.shared.live import kept_current
from pages.shared.run_data import differences, run_name, view
from pages.shared.run_panel import LOOK_AGAIN_SECONDS, REFRESH_SECONDS, show_controls, show_status
from pages.shared.tables import show_table
from pages.shared.viewer import lab

MUON, ADAMW = N_("Small model, Muon"), N_("Small model, AdamW")
STANDARD = {MUON: "muon", ADAMW: "adamw"}
TOPS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
STEPS = (60, 100, 150, 200, 300)
COMPARED_STEPS = (100, 200, 400)
RULES = (N_("Steepest descent"), N_("A tenth of the lowest"))
_MAX_OTHERS = 12


def show() -> None:
    """The part of the lesson."""
    st.markdown(
        _(
            "Which learning rate suits a model? One short run can ask: its rate **rises** from far too small to far "
            "too large, the same factor at every step, and the loss tells when it begins to fall and when it breaks "
            "(Smith 2017)."
        )
    )
    base = _choose_base()
    controls = st.columns([1, 1, 1], gap="medium", vertical_alignment="bottom")
    with controls[0]:
        top = st.select_slider(
            _("Highest rate tried"),
            TOPS,
            1.0,
            format_func=lambda each: number(each, "g"),
            key="finder-top",
            persist_state="session",
            help=_(
                "The test begins at {lowest_share:g} of it. With Muon it is the rate of embeddings and norms; that "
                "of the matrices rises in proportion.",
                lowest_share=LOWEST_SHARE,
            ),
        )
    with controls[1]:
        steps = st.select_slider(
            _("Steps"),
            STEPS,
            150,
            format_func=_,
            key="finder-steps",
            persist_state="session",
            help=_("More steps make the curve smoother. Each is one update of the model."),
        )
    try:
        config = dataclasses.replace(base, training=range_test(base.training, top, steps))
    except ConfigError as error:
        st.warning(sentence(error))
        return
    with controls[2]:
        if st.button(
            _("Run the range test"),
            key="finder-run",
            type="primary",
            icon=":material/play_arrow:",
            width="stretch",
            help=_("A run of the training service, or the one with exactly these settings if there is one already."),
        ):
            lab().submit(config, _("Range test to {top:g}", top=top))
    record = _found(config.run_id)
    if record is None:
        st.info(_("No range test with these settings yet. Press **Run the range test**; it takes less than a minute."))
    else:
        live = record.live or any(run.live for run in _compared(record, base))
        clock = REFRESH_SECONDS if live else LOOK_AGAIN_SECONDS
        kept_current(_panel, every=clock)(record.run_id, base, live)
    notice(
        _(
            "On the left the rate is so small that nothing moves. Then the loss falls ever faster; at the end the "
            "updates overshoot and it goes up. At {lost:g} times its first value the test ends by itself.",
            lost=LOST,
        ),
        _(
            "The lowest point is **not** the rate to take: the model was just about to break there. Where the loss "
            "falls fastest, or a tenth of the lowest point, leaves room."
        ),
        _(
            "The test looks at a few hundred steps only. What is best over a long training is often lower, and warmup "
            "and decay allow higher peaks: a hint to begin with, not an answer."
        ),
    )
    exercise(
        _("Run the test twice, with Muon and with AdamW. Do the two suggest the same rate, and why need they not?"),
        _(
            "The number means another thing: AdamW divides every weight's gradient by its own size, so the rate is "
            "about the change of a weight; Muon gives each matrix an update of a fixed shape, so its rate is about the "
            "change of the whole matrix. A rate is good for one optimizer, model and batch size."
        ),
    )
    show_code(learning_rate_at, finder.suggest, finder.smooth, TrainingLoop._is_lost)


def _choose_base() -> RunConfig:
    """The settings whose rate is looked for: a small standard model, or those of a run."""
    records = {record.run_id: record for record in lab().runs() if _readable(record)}
    others = list(records)[:_MAX_OTHERS]
    chosen = st.selectbox(
        _("Settings"),
        [*STANDARD, *others],
        format_func=lambda each: _(
            each if each in STANDARD else _("as in {run_name}", run_name=run_name(records[each]))
        ),
        key="finder-settings",
        help=_("A small model on the stories, or text, model and optimizer of a run of yours. Only the rate changes."),
    )
    if chosen in STANDARD:
        return recipe_config("30s", "stories", n_chars=500_000, training={"optimizer": STANDARD[chosen]})
    found: RunConfig = records[chosen].config
    return found


def _readable(record: RunRecord) -> bool:
    """Whether a run's settings can be a start: those of a pretraining, written by this version, and no range test."""
    try:
        config = record.config
    except ConfigError:
        return False
    return isinstance(config, RunConfig) and config.training.decay != "rising"


def _found(run_id: str) -> RunRecord | None:
    try:
        return lab().run(run_id)
    except RunError:
        return None


def _panel(run_id: str, base: RunConfig, was_live: bool) -> None:
    with shown_errors(_("show the range test")):
        record = _found(run_id)
        if record is None:
            st.rerun()
        show_status(record)
        if record.live or record.state in ("paused", "failed", "interrupted"):
            show_controls(record, [])
        rates, losses = _record(run_id, stamp_of(record))
        if len(rates) < 2:
            return
        found, problem = _suggested(rates, losses)
        # While the rate rises every point is new; what it suggests can be said at the end.
        said = found if not record.live else None
        top = record.config.training.learning_rate
        _curve(rates, losses, said, top).show(caption=False)
        live = record.live
        if not live:
            with st.expander(_("The test as a table"), icon=":material/table:"):
                show_table(
                    pd.DataFrame({N_("rate"): rates, N_("loss"): losses}),
                    hide_index=True,
                    width="stretch",
                    column_config={N_("rate"): st.column_config.NumberColumn(format="%.3g")},
                )
        if said is not None:
            _words(said, len(rates), record)
            live = _use(record, base, said) or live
        elif not record.live:
            st.warning(problem)
        if live != was_live:
            st.rerun()


@st.cache_data(max_entries=32, show_spinner=False)
def _record(run_id: str, stamp: str) -> tuple[np.ndarray, np.ndarray]:
    steps = lab().curve(run_id, 2000).steps
    rates = np.array([point["learning_rate"] for point in steps], dtype=float)
    return rates, np.array([math.nan if p["loss"] is None else p["loss"] for p in steps], dtype=float)


def _suggested(rates: np.ndarray, losses: np.ndarray) -> tuple[Suggestion | None, str]:
    try:
        return suggest(rates, losses), ""
    except ConfigError as error:
        return None, sentence(error)


def _words(found: Suggestion, n: int, record: RunRecord) -> None:
    ended = _("The test ended after {n} steps, at a rate of {rates:.2g}.", n=n, rates=found.rates[-1])
    if found.bounded:
        ended += _(" The smoothed loss was lowest at {lowest:.2g} and went up behind it.", lowest=found.lowest)
    else:
        ended += _(" The loss had not yet gone up: try a higher rate as well, or take the steepest descent only.")
    st.caption(ended)
    first, second = st.columns(2, gap="medium")
    with first, st.container(border=True):
        st.metric(
            f"◆ {RULES[0]}",
            number(found.steepest, ".2g"),
            help=_("Where the smoothed loss falls most for the same factor on the rate: every update helps most here."),
        )
        st.caption(_("Learning is fastest at this rate, now, for this batch size."))
    with second, st.container(border=True):
        st.metric(
            f"▲ {RULES[1]}",
            number(found.tenth, ".2g"),
            help=_("The rate with the lowest smoothed loss, divided by ten: as near to the edge as is wise."),
        )
        st.caption(_("A rule of thumb: the lowest point is the edge of what still works."))


def _compared(record: RunRecord, base: RunConfig) -> list[RunRecord]:
    """The runs at the suggestion, and ten times above and below it, as far as somebody has asked for them."""
    rates, losses = _record(record.run_id, stamp_of(record))
    found = _suggested(rates, losses)[0] if len(rates) >= finder.LEAST_STEPS and not record.live else None
    if found is None:
        return []
    runs = (_found(config.run_id) for _unused, config in _configs(base, _chosen_rate(found), _chosen_steps()))
    return [run for run in runs if run is not None]


def _chosen_rate(found: Suggestion) -> float:
    rule = st.session_state.get("finder-rule", RULES[0])
    return float(f"{found.tenth if rule == RULES[1] else found.steepest:.2g}")


def _chosen_steps() -> int:
    steps = st.session_state.get("finder-compared", COMPARED_STEPS[1])
    return int(steps) if steps in COMPARED_STEPS else COMPARED_STEPS[1]


def _configs(base: RunConfig, rate: float, steps: int) -> list[tuple[str, RunConfig]]:
    """The base settings at a rate, ten times it and a tenth of it, for so many steps."""
    found = []
    for name, factor in ((N_("suggested"), 1.0), ("× 10", 10.0), ("÷ 10", 0.1)):
        training = dataclasses.replace(
            with_rate(base.training, float(f"{rate * factor:.6g}")),
            steps=steps,
            seconds=None,
            evaluations=10,
            sample_tokens=0,
            prompts=(),
        )
        found.append((name, dataclasses.replace(base, training=training)))
    return found


def _use(record: RunRecord, base: RunConfig, found: Suggestion) -> bool:
    """Controls for runs at the suggested rate, and their curves; whether one of them is in training."""
    st.header(_("Does it hold?"), anchor=False)
    left, middle, right = st.columns([1.5, 1, 1.7], gap="medium", vertical_alignment="bottom")
    with left:
        st.segmented_control(
            _("Rate to use"),
            RULES,
            format_func=_,
            default=RULES[0],
            required=True,
            key="finder-rule",
            persist_state="session",
            help=_("Which of the two suggestions is tried."),
        )
    with middle:
        st.select_slider(
            _("Steps of each run"),
            COMPARED_STEPS,
            COMPARED_STEPS[1],
            format_func=_,
            key="finder-compared",
            persist_state="session",
            help=_("The rate then follows the settings' own schedule, with warmup and decay."),
        )
    rate, steps = _chosen_rate(found), _chosen_steps()
    configs = _configs(base, rate, steps)
    with right, st.container(horizontal=True):
        st.button(
            _("Use {rate:g}", rate=rate),
            key="finder-use",
            type="primary",
            icon=":material/play_arrow:",
            on_click=_submit,
            args=(configs[:1],),
            help=_("Trains the settings above with this rate; the run is in the part **Train** as well."),
        )
        st.button(
            _("Compare with × 10 and ÷ 10"),
            key="finder-compare",
            icon=":material/stacked_line_chart:",
            on_click=_submit,
            args=(configs,),
            help=_("Three runs that differ in nothing but the rate."),
        )
    runs = [(name, _found(config.run_id)) for name, config in configs]
    views = [
        (name, run, view(run, f"{name}: {number(run.config.training.learning_rate, 'g')}")) for name, run in runs if run
    ]
    drawn = [each for _unused, _unused, each in views if not each.losses.empty]
    waiting = [f"{_(name)}: {retold(run.note) or _(STATES[run.state])}" for name, run, _unused in views if run.live]
    if waiting:
        st.caption(_("In training · ") + " · ".join(waiting))
    for name, run, _unused in views:
        if run.error:
            st.warning(f"{_(name)} · {sentence(run.error)}")
    if drawn:
        # Losses of a rate ten times too high may be many times the others': the start is enough to say so.
        points = pd.concat([each.losses for each in drawn], ignore_index=True)
        ceiling = 1.15 * float(points.groupby("run")["loss"].first().max())
        charts.loss_curves(points[points["loss"] <= ceiling]).show()
        with st.expander(_("As a table"), icon=":material/table:"):
            show_table(differences([each.record for each in drawn]), width="stretch")
    return any(run.live for _unused, run, _unused in views)


def _submit(configs: list[tuple[str, RunConfig]]) -> None:
    for name, config in configs:
        lab().submit(
            config, _("Rate {learning_rate:g} ({name})", learning_rate=config.training.learning_rate, name=name)
        )


def _curve(rates: np.ndarray, losses: np.ndarray, found: Suggestion | None, top: float) -> Figure:
    known = np.isfinite(losses)
    frame = pd.DataFrame({"rate": rates[known], "loss": losses[known], "layer": _("one batch"), "label": ""})
    smoothed = finder.smooth(losses[known], max(2.0, known.sum() / 40))
    frame = pd.concat(
        [frame, pd.DataFrame({"rate": rates[known], "loss": smoothed, "layer": _("smoothed"), "label": ""})]
    )
    if found is not None:
        marks = ((found.steepest, RULES[0]), (found.tenth, RULES[1]), (found.lowest, N_("lowest")))
        for rate, name in marks:
            at = float(np.interp(math.log(rate), np.log(found.rates), found.smoothed))
            frame.loc[len(frame) + 1_000_000] = [rate, at, "mark", _(name)]
    summary = _("The loss of every batch and its smoothed course against the rate.")
    spec = _curve_spec(LOWEST_SHARE * top, top)
    return Figure(frame.reset_index(drop=True), spec, _("Line chart: loss against a rising learning rate."), summary)


_PLACES = "round(-log(datum.value) / LN10)"
# Small rates as powers of ten: with all their zeros they run into each other on a narrow screen.
_DECADE = (
    "datum.label == '' ? '' : datum.value > 0.0005 ? format(datum.value, '~g') : "
    f"'10⁻' + slice('⁰¹²³⁴⁵⁶⁷⁸⁹', {_PLACES}, {_PLACES} + 1)"
)


@cached_by_language(maxsize=16)
def _curve_spec(low: float, high: float) -> dict[str, Any]:
    x = alt.X(
        "rate:Q",
        title=_("Learning rate (logarithmic)"),
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=alt.Axis(labelExpr=_DECADE, tickCount=6),
    )
    y = alt.Y("loss:Q", title=_("Loss (nats per token)"), scale=alt.Scale(zero=False))
    names = [_("one batch"), _("smoothed")]
    legend = alt.Legend(orient="top", title=None, symbolType="stroke", symbolSize=500)
    colour = alt.Color("layer:N", legend=legend, scale=alt.Scale(domain=names, range=["orange", "blue"]))
    dash = alt.StrokeDash("layer:N", legend=legend, scale=alt.Scale(domain=names, range=[[4, 2], [1, 0]]))
    base = alt.Chart()
    tips = [
        alt.Tooltip("layer:N", title=_("Line")),
        alt.Tooltip("rate:Q", title=_("Learning rate"), format=".3~g"),
        alt.Tooltip("loss:Q", title=_("Loss (nats per token)"), format=".3f"),
    ]
    raw = (
        base.transform_filter(alt.FieldEqualPredicate(field="layer", equal=_("one batch")))
        .mark_line(strokeWidth=1.2, opacity=0.75, clip=True)
        .encode(x, y, colour, dash, tooltip=tips)
    )
    smooth = (
        base.transform_filter(alt.FieldEqualPredicate(field="layer", equal=_("smoothed")))
        .mark_line(strokeWidth=3, clip=True)
        .encode(x, y, colour, dash, tooltip=tips)
    )
    marks = base.transform_filter("datum.layer == 'mark'")
    shape = alt.Shape(
        "label:N",
        legend=None,
        scale=alt.Scale(domain=[*RULES, "lowest"], range=["diamond", "triangle-up", "circle"]),
    )
    points = marks.mark_point(size=190, filled=True, opacity=1).encode(
        x,
        y,
        shape,
        color=alt.value("green"),
        tooltip=[
            alt.Tooltip("label:N", title=_("Mark")),
            alt.Tooltip("rate:Q", title=_("Learning rate"), format=".3~g"),
        ],
    )
    words = marks.mark_text(align="right", dx=-10, dy=14, fontSize=13).encode(
        x, y, text="label:N", color=alt.value(_QUIET)
    )
    return _to_spec(alt.layer(raw, smooth, points, words), _("Loss while the rate rises"), 400)
