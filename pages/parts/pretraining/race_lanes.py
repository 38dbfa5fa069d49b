"""The lanes of a race while it runs: start, watch and stop them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from engine.errors import EngineError
from engine.language import _, number
from engine.runs.config import RunConfig
from engine.runs.races import differing
from engine.runs.records import RunRecord
from pages.parts.pretraining.race_heat import Heat
from pages.parts.pretraining.race_results import points_of, show_results
from pages.shared.errors import sentence
from pages.shared.live import kept_current
from pages.shared.quantities import estimate
from pages.shared.run_panel import LOOK_AGAIN_SECONDS, REFRESH_SECONDS, STATES
from pages.shared.training_form import expected_seconds
from pages.shared.viewer import lab

_PREPARATION_SECONDS = 4


def run_lanes(heat: Heat) -> None:
    """The button that starts what is missing, and the panel beneath."""
    records = {record.run_id: record for record in lab().runs()}
    missing = {name: [config for config in runs if config.run_id not in records] for name, runs in heat.configs.items()}
    waiting = [config for runs in missing.values() for config in runs]
    if heat.configs:
        told = "; ".join(
            f"{name.rpartition('.')[2].replace('_', ' ')} {' / '.join(map(_shown, values))}"
            for name, values in differing(heat.configs).items()
        )
        st.caption(_("The lanes differ in: {told}.", told=told))
    if waiting:
        seconds = sum(expected_seconds(config) + _PREPARATION_SECONDS for config in waiting)
        whole = len(waiting) == len(heat.run_ids)
        st.button(
            _(
                "Start {ending} ({n_waiting} run{ending_2}, about {seconds} of one core)",
                ending=_("the race") if whole else _("what is missing"),
                n_waiting=len(waiting),
                ending_2="s" if len(waiting) > 1 else "",
                seconds=estimate(seconds),
            ),
            type="primary",
            icon=":material/flag:",
            key="race-start",
            on_click=_submit,
            args=(missing,),
            help=_("As many train at a time as the server has places. The clock of each counts its own training only."),
        )
    live = any(records[run_id].live for run_id in heat.run_ids if run_id in records)
    kept_current(_panel, every=REFRESH_SECONDS if live else LOOK_AGAIN_SECONDS)(heat, live)


def _submit(missing: Mapping[str, list[RunConfig]]) -> None:
    most = max(len(runs) for runs in missing.values())
    for n in range(most):  # seed by seed, so that every lane has one early
        for name, runs in missing.items():
            if n < len(runs):
                try:
                    seed = _(" · seed {seed}", seed=runs[n].seed) if runs[n].seed else ""
                    lab().submit(runs[n], _("Race: {name}{seed}", name=name, seed=seed))
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
        st.info(_("Nobody has started yet. Press the button; the curves then grow here side by side."))
        return
    _status(heat, lanes)
    points = points_of(lanes, heat.unit)
    if points.empty:
        st.info(_("The curves begin with the first step."))
    else:
        show_results(heat, lanes, points)
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
            for kind, label, icon, on, help in (
                (
                    "pause",
                    _("Pause all"),
                    ":material/pause:",
                    live,
                    _("Save all lanes and give the cores to somebody else."),
                ),
                (
                    "stop",
                    _("Stop all"),
                    ":material/stop:",
                    live,
                    _("End all lanes here; those that have not begun are paused."),
                ),
                (
                    "resume",
                    _("Resume all"),
                    ":material/play_arrow:",
                    resting,
                    _("Go on from the last checkpoints, exactly."),
                ),
            ):
                st.button(
                    label,
                    key=f"race-{kind}",
                    icon=icon,
                    disabled=not on,
                    on_click=_ask_all,
                    args=(ids, kind),
                    help=help,
                )
            etas = [eta for record in live if (eta := lab().eta_seconds(record.run_id)) is not None]
            if etas:
                st.caption(_("All lanes are done in about {estimate}.", estimate=estimate(max(etas))))
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
        return _(":material/flag: not started")
    icon, word = STATES[records[0].state]
    if len(records) == 1:
        total = records[0].total_steps
        return _("{icon} **{word}** · step {step:,}", icon=icon, word=word, step=records[0].step) + (
            _(" of {total:,}", total=total) if total else ""
        )
    done = sum(record.state == "finished" for record in records)
    running = next((record for record in records if record.state == "running"), None)
    text = _("{done} of {n_records} seeds finished", done=done, n_records=len(records))
    return (
        _("{text} · step {step:,} of {value:,}", text=text, step=running.step, value=running.total_steps or 0)
        if running
        else text
    )


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return number(value) if isinstance(value, int) else str(value)
