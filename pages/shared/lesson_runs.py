"""The runs of a lesson that trains models of its own kind: which one is looked at, and its live record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from engine.errors import EngineError, StoreUnavailable
from engine.language import N_, _
from engine.runs.records import RunRecord
from pages.shared import held
from pages.shared.errors import said, sentence
from pages.shared.live import kept_current
from pages.shared.run_data import RunView, run_name, view
from pages.shared.run_panel import LOOK_AGAIN_SECONDS, REFRESH_SECONDS, show_controls, show_downloads, show_status
from pages.shared.viewer import lab


@dataclass(frozen=True)
class LessonRuns:
    """How one lesson remembers its run: in the session under `state_key`, in the address as `query`.

    `kind` is what the lesson calls such a run ("translation").
    """

    state_key: str
    query: str
    kind: str

    def look_at(self, run_id: str) -> None:
        """Remember the run, here and in the address."""
        st.session_state[self.state_key] = run_id
        st.query_params[self.query] = run_id

    def wanted(self) -> str | None:
        """The run in the address, else the one this session looked at last."""
        return st.query_params.get(self.query) or st.session_state.get(self.state_key)

    def choose(self, records: Mapping[str, RunRecord]) -> str | None:
        """The run to show where runs are trained: the one asked for, else the first; None while there is none."""
        if not records:
            return None
        ids, wanted = list(records), self.wanted()
        if wanted is not None and wanted not in records:
            st.warning(_("The run in this address is not on this server (any more). This is the newest one."))
        run_id = wanted if wanted in records else ids[0]
        if len(ids) > 1:
            run_id = st.selectbox(
                _("Run"),
                ids,
                index=ids.index(run_id),
                format_func=lambda each: _(run_name(records[each])),
                disabled=held.holds(self.state_key),
                help=_("All {kind} runs on this server, the newest first.", kind=self.kind),
            )
        self.look_at(run_id)
        return run_id

    def choose_trained(self, records: Mapping[str, RunRecord], label: str, place: Any) -> str | None:
        """The run to look into, drawn in `place`: one of those that have a model; None while there is none."""
        ids = [run_id for run_id in records if lab().checkpoints(run_id)]
        if not ids:
            return None
        wanted = self.wanted()
        if len(ids) == 1:
            place.markdown(f"**{label}**")
            place.text(run_name(records[ids[0]]))
            run_id = ids[0]
        else:
            run_id = place.selectbox(
                _(label),
                ids,
                index=ids.index(wanted) if wanted in ids else 0,
                format_func=lambda each: _(run_name(records[each])),
                disabled=held.holds(self.state_key),
                help=_("Every {kind} run that has a checkpoint, the newest first.", kind=self.kind),
            )
        self.look_at(run_id)
        return run_id


def choose_checkpoint(
    run_id: str,
    place: Any,
    *,
    key: str,
    help: str,
    name: Callable[[int], str] = lambda step: _("step {step:,}", step=step),
) -> int:
    """One of the steps at which the run's model was kept, the last one at first; no control where there is only one."""
    steps = [info.step for info in lab().checkpoints(run_id)]
    if len(steps) == 1:
        return steps[0]
    chosen: int = place.select_slider(
        _("Checkpoint"),
        steps,
        value=steps[-1],
        format_func=name,
        key=f"{key}:{run_id}",
        persist_state="session",
        help=_(help),
    )
    return chosen


def stamp_of(record: RunRecord) -> str:
    """Changes whenever the run's record does: the key of what is cached about it."""
    return f"{record.attempt}:{record.step}:{record.state}:{record.updated_at}"


def follow(run_id: str, draw: Callable[[RunRecord, RunView], None]) -> None:
    """State and controls of a run, then what `draw` makes of its record, then its files; kept up to date.

    `draw` is called once there is a loss. One fragment asks the store again while the run is live; when it ends, the
    whole page is drawn once more.
    """
    live = lab().run(run_id).live
    kept_current(_panel, every=REFRESH_SECONDS if live else LOOK_AGAIN_SECONDS)(run_id, draw, live)


@said(N_("show this run"))
def _panel(run_id: str, draw: Callable[[RunRecord, RunView], None], was_live: bool) -> None:
    try:
        record = lab().run(run_id)
    except StoreUnavailable:
        raise
    except EngineError:
        st.rerun()  # deleted by somebody: the page chooses another one
    run = view(record, run_name(record))
    show_status(record)
    show_controls(record, run.marks)
    if not run.losses.empty:
        draw(record, run)
        show_downloads(record)
    elif record.live and record.note:
        st.info(f"{sentence(record.note)} …")
    if was_live != record.live:
        st.rerun()
