"""The teacher's board: join, learners, runs, results."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd
import segno
import streamlit as st

from engine.classroom.board import Place, best_within, places
from engine.errors import EngineError
from engine.language import N_, _
from engine.runs.names import JOBS
from engine.runs.records import RunRecord
from pages.guides import GUIDES
from pages.shared import sitemap, viewer
from pages.shared.errors import said, sentence
from pages.shared.live import kept_current
from pages.shared.network import join_address
from pages.shared.run_data import run_name
from pages.shared.run_panel import STATES
from pages.shared.tables import show_table
from pages.shared.text_source import english_title
from pages.shared.viewer import lab

REFRESH_SECONDS = 3.0
BUDGETS = (15, 30, 60, 180, 600)


def show_board() -> None:
    """Everything, kept up to date."""
    _join()
    kept_current(_live, every=REFRESH_SECONDS)()
    _results()
    st.button(
        _("Leave the board"),
        icon=":material/logout:",
        key="board-leave",
        on_click=viewer.become_teacher,
        kwargs={"on": False},
        help=_("This browser is then a learner's like any other, until the key is given again."),
    )


# --- join -------------------------------------------------------------------------------------------------------


@st.cache_data(max_entries=8, show_spinner=False)
def _qr(address: str) -> bytes:
    out = io.BytesIO()
    segno.make(address, error="m").save(out, kind="png", scale=8, border=3)
    return out.getvalue()


def _join() -> None:
    address = join_address(str(st.context.url or "http://localhost:8501/"))
    code, text = st.columns([1, 3], vertical_alignment="center")
    code.image(_qr(address), width=190, caption=_("Scan to join"))
    text.markdown(_("**Join**"))
    text.code(address, language=None)
    text.caption(
        _(
            "The address of this computer on its network. If it does not open, the server listens to this computer "
            "only: start it with `make class`, and look at the firewall."
        )
    )


# --- live -------------------------------------------------------------------------------------------------------


@said(N_("show the board"))
def _live() -> None:
    learners = viewer.learners()
    known = places(learners.all(), learners.marks())
    found = [place for place in known if place.learner.learner != viewer.learner()]  # the teacher looks on
    here = [place for place in found if place.present]
    records = lab().runs(None)
    live = [record for record in records if record.live]
    askers = lab().store.all_askers()
    names = {place.learner.learner: place.learner.shown for place in known}
    first, second, third = st.columns(3)
    first.metric(_("Here now"), len(here), help=_("Seen within the last minute and a half."))
    second.metric(_("Training"), sum(record.state in ("running", "stopping") for record in live))
    third.metric(_("Waiting"), sum(record.state == "queued" for record in live))
    st.header(_("Learners"), anchor=False)
    if found:
        show_table(_learner_rows(found), hide_index=True, width="stretch")
        st.caption(
            _(
                "{n_here} of {n_found} learners are here. A learner without a name shows the first digits of a hash.",
                n_here=len(here),
                n_found=len(found),
            )
        )
    else:
        st.info(_("Nobody has joined yet. Show the code above."))
    st.header(_("Runs"), anchor=False)
    if not live:
        st.caption(_("Nothing trains and nothing waits."))
    queue = [record.run_id for record in lab().store.queued()]
    order = {run_id: place for place, run_id in enumerate(queue, start=1)}
    for record in sorted(live, key=lambda each: (each.state == "queued", order.get(each.run_id, 0)))[:40]:
        _run_row(record, [names.get(each, each[:4]) for each in askers.get(record.run_id, [])], order)


def _learner_rows(found: list[Place]) -> pd.DataFrame:
    titles = {lesson.url_path: _(lesson.title) for lesson in sitemap.lessons()}
    n_steps = sum(len(guide.steps) for guide in GUIDES.values())
    return pd.DataFrame(
        [
            {
                N_("Learner"): place.learner.shown,
                N_("Lesson"): titles.get(place.learner.lesson, place.learner.lesson),
                N_("Part"): place.learner.part,
                N_("Here"): _("now") if place.present else _ago(place.ago),
                N_("Steps done"): _("{n_steps} of {n_steps_2}", n_steps=place.n_steps, n_steps_2=n_steps),
                N_("Answers right"): _("{n_right} of {n_answered}", n_right=place.n_right, n_answered=place.n_answered),
            }
            for place in found
        ]
    )


def _ago(seconds: float) -> str:
    minutes = round(seconds / 60)
    return _("{minutes} min ago", minutes=minutes) if minutes < 120 else _("{round} h ago", round=round(minutes / 60))


def _run_row(record: RunRecord, names: list[str], order: dict[str, int]) -> None:
    icon, word = STATES[record.state]
    total = _(" of {total_steps:,}", total_steps=record.total_steps) if record.total_steps else ""
    what = (
        _("number {order} in the queue", order=order[record.run_id])
        if record.run_id in order
        else _("step {step:,}{total}", step=record.step, total=total)
    )
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(icon, width="content")
        with st.container():
            whose = ", ".join(names) or _("nobody in particular")
            st.text(f"{run_name(record)} · {whose}")
            st.caption(f"{word} · {what} · {_(JOBS.get(record.job, record.job))}")
        st.button(
            _("Stop"),
            key=f"board-stop:{record.run_id}",
            icon=":material/stop:",
            on_click=_steer,
            args=(record.run_id, "stop"),
            help=_("Ends this run; what it has learned is kept, and it can be resumed."),
        )


def _steer(run_id: str, kind: str) -> None:
    try:
        lab().request(run_id, kind)
    except EngineError as error:
        st.toast(sentence(error), icon=":material/info:")


# --- results ----------------------------------------------------------------------------------------------------


def _results() -> None:
    st.header(_("Results"), anchor=False)
    _best()
    st.download_button(
        _("All results as CSV"),
        viewer.learners().csv,
        "class-results.csv",
        "text/csv",
        icon=":material/download:",
        key="board-csv",
        on_click="ignore",
        help=_("A line for every step and answer of every learner, with the time."),
    )
    records = [record for record in lab().runs(None) if record.state == "finished"]
    if records:
        _share(records)


def _best() -> None:
    st.markdown(_("**Best model within the same training time**"))
    records = [record for record in lab().runs() if record.step > 0 and "corpora" in record.config_dict]
    texts: dict[str, list[RunRecord]] = {}
    for record in records:
        key = " + ".join(sorted(english_title(str(name)) for name, _unused in record.config_dict["corpora"]))
        texts.setdefault(key, []).append(record)
    if not texts:
        st.caption(_("No pretraining run has been measured yet."))
        return
    left, right = st.columns(2)
    most = max(texts, key=lambda key: len(texts[key]))
    text = left.selectbox(
        _("Text"),
        list(texts),
        index=list(texts).index(most),
        format_func=lambda key: " + ".join(map(_, key.split(" + "))),
        key="board-text",
        help=_("Losses on different texts cannot be compared."),
    )
    seconds = right.select_slider(
        _("Seconds of training"),
        BUDGETS,
        60,
        format_func=_,
        key="board-seconds",
        help=_("What a run had reached by then counts, also of runs that trained on."),
    )
    rows = _best_rows(texts[text], seconds)
    if not rows:
        st.caption(_("No learner's run on this text was measured within that time."))
        return
    show_table(pd.DataFrame(rows), hide_index=True, width="stretch")
    st.caption(
        _(
            "{learner} leads with {bits_per_byte:.3f} bits per byte after "
            "{seconds:.0f} s. Bits per byte compare models of different vocabularies.",
            learner=rows[0]["Learner"],
            bits_per_byte=rows[0]["Bits per byte"],
            seconds=rows[0]["Seconds"],
        )
    )


def _best_rows(records: list[RunRecord], seconds: float) -> list[dict[str, Any]]:
    askers = lab().store.all_askers()
    by_learner: dict[str, list[RunRecord]] = {}
    for record in records:
        for learner in askers.get(record.run_id, []):
            by_learner.setdefault(learner, []).append(record)
    names = {each.learner: each.shown for each in viewer.learners().all()}
    labels = {record.run_id: run_name(record) for record in records}
    rows = []
    for learner, own in by_learner.items():
        evaluations = {
            record.run_id: [event.payload for event in lab().events(record.run_id, kinds=["eval"])] for record in own
        }
        best = best_within(evaluations, seconds)
        if best is not None:
            rows.append(
                {
                    N_("Learner"): names.get(learner, _("Learner {digits}", digits=learner[:4])),
                    N_("Bits per byte"): best.bits_per_byte,
                    N_("Seconds"): best.seconds,
                    N_("Step"): best.step,
                    N_("Run"): labels[best.run_id],
                }
            )
    return sorted(rows, key=lambda row: row["Bits per byte"])


def _share(records: list[RunRecord]) -> None:
    names = {record.run_id: run_name(record) for record in records}
    shown = lab().store.shared_runs()
    wanted = st.multiselect(
        _("Models for the whole class"),
        list(names),
        default=[run_id for run_id in names if run_id in shown],
        format_func=lambda each: _(names[each]),
        key="board-shared",
        help=_("Every learner finds these among the models and runs to choose from."),
    )
    for run_id in names:
        if (run_id in wanted) != (run_id in shown):
            lab().share(run_id, on=run_id in wanted)
