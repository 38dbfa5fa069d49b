"""The pipeline: the two stages of building a large language model, each part leading to its lesson."""

import streamlit as st

from engine.language import _
from engine.runs.records import RunRecord
from pages.parts.ticket import show_ticket_reader
from pages.shared import guard, sitemap
from pages.shared.components import lecture_stages, pipeline_map
from pages.shared.errors import shown_errors
from pages.shared.examples import example_foundation, example_run, example_translator
from pages.shared.lesson import objective
from pages.shared.open_weights import show_open_weights
from pages.shared.run_data import run_name
from pages.shared.run_panel import STATES
from pages.shared.viewer import lab

guard.ensure()

# Lesson, what the run makes, and where the lesson looks for the run to show (no string: a page would show it).
LESSONS = {
    "classification": ("classification", _("a classifier"), "classification_run"),
    "instructions": ("instructions", _("an assistant"), "instruction_run"),
    "translation": ("translation", _("a translator"), "translation_run"),
}
SHIPS = _(" · ships with the course")


def open_run(run_id: str, lesson: str) -> None:
    """Go to a lesson with a run chosen."""
    st.session_state["run_id"] = run_id
    sitemap.open_lesson(lesson)


def model_card(record: RunRecord, note: str = "") -> None:
    """One run with its state and the ways into the lessons; `note` says what it is."""
    icon, word = STATES[record.state]
    loss = (
        ""
        if record.validation_loss is None
        else _(" · validation loss {validation_loss:.2f}", validation_loss=record.validation_loss)
    )
    with st.container(border=True):
        st.markdown(f"**{run_name(record)}**" + note)
        st.caption(
            _(
                "{icon} {word} · step {step:,}{loss} · {seconds:.0f} s of training",
                icon=icon,
                word=word,
                step=record.step,
                loss=loss,
                seconds=record.seconds,
            )
        )
        with st.container(horizontal=True):
            if st.button(_("See its training"), key=f"see:{record.run_id}", icon=":material/monitoring:"):
                open_run(record.run_id, "pretraining")
            if record.step and st.button(_("Look inside"), key=f"inside:{record.run_id}", icon=":material/visibility:"):
                open_run(record.run_id, "attention")
            if record.step and st.button(_("Write with it"), key=f"use:{record.run_id}", icon=":material/edit_note:"):
                open_run(record.run_id, "generation")


def lesson_card(record: RunRecord, note: str = "") -> None:
    """A model of another kind with its state and the way to its lesson."""
    icon, word = STATES[record.state]
    lesson, kind, name = LESSONS[record.job]
    with st.container(border=True):
        st.markdown(f"**{run_name(record)}** · {kind}{note}")
        st.caption(
            _(
                "{icon} {word} · step {step:,} · {seconds:.0f} s of training",
                icon=icon,
                word=word,
                step=record.step,
                seconds=record.seconds,
            )
        )
        if st.button(
            _("Open it"), key=f"open:{record.run_id}", icon=":material/open_in_new:", help=_("Opens its lesson.")
        ):
            st.session_state[name] = record.run_id
            sitemap.open_lesson(lesson)


st.title(_("How a large language model is built"), anchor=False)
objective(
    _(
        "Two stages turn raw text into a useful model: pretraining on unlabelled text makes a foundation model, "
        "fine-tuning on labelled data makes a classifier or an assistant. Here you do it yourself, on real models."
    ),
    minutes=3,
)

clicked = pipeline_map(lecture_stages(), key="map")
if clicked is not None:
    sitemap.open_lesson(clicked)

with shown_errors():
    st.header(_("Models and runs"), anchor=False)
    shipped = {
        example_foundation(): _(" · the foundation model{ships}", ships=SHIPS),
        example_run(): _(" · a smaller example{ships}", ships=SHIPS),
    }
    records = {record.run_id: record for record in lab().runs()}
    own = [record for record in records.values() if record.run_id not in shipped]
    if not own:
        st.info(_("You have not trained a model yet. Open **Pretraining** and press **Train**: a minute is enough."))
    with st.container(horizontal=True):
        if st.button(_("Train a model"), type="primary", icon=":material/play_arrow:", help=_("Opens Pretraining.")):
            sitemap.open_lesson("pretraining")
    for record in own[:6]:
        model_card(record)
    if len(own) > 6:
        st.caption(_("{value} older runs can be chosen in Pretraining.", value=len(own) - 6))
    for run_id, note in shipped.items():
        if run_id in records:
            model_card(records[run_id], note)
    for job in LESSONS:
        for record in lab().runs(job=job)[:3]:
            lesson_card(record, SHIPS if record.run_id == example_translator() else "")
    show_ticket_reader()
    st.header(_("Open weights"), anchor=False)
    st.markdown(
        _(
            "GPT-2 is the model of the lectures at full size: trained by others on 8 million web pages, its weights "
            "free for everybody. Every page that looks inside a model or writes with one takes it too."
        )
    )
    show_open_weights()
