"""The pipeline: the two stages of building a large language model, each part leading to its lesson."""

import streamlit as st

from engine.runs.records import RunRecord
from engine.runs.service import lab
from pages.shared import guard, sitemap
from pages.shared.components import lecture_stages, pipeline_map
from pages.shared.errors import shown_errors
from pages.shared.examples import example_run, example_translator
from pages.shared.lesson import objective
from pages.shared.open_weights import show_open_weights
from pages.shared.run_data import run_name
from pages.shared.run_panel import STATES

guard.ensure()


def open_run(run_id: str, lesson: str) -> None:
    """Go to a lesson with a run chosen."""
    st.session_state["run_id"] = run_id
    sitemap.open_lesson(lesson)


def model_card(record: RunRecord, *, example: bool = False) -> None:
    """One run with its state and the ways into the lessons."""
    icon, word = STATES[record.state]
    loss = "" if record.validation_loss is None else f" · validation loss {record.validation_loss:.2f}"
    with st.container(border=True):
        st.markdown(f"**{run_name(record)}**" + (" · the example that ships with the course" if example else ""))
        st.caption(f"{icon} {word} · step {record.step:,}{loss} · {record.seconds:.0f} s of training")
        with st.container(horizontal=True):
            if st.button("See its training", key=f"see:{record.run_id}", icon=":material/monitoring:"):
                open_run(record.run_id, "pretraining")
            if record.step and st.button("Look inside", key=f"inside:{record.run_id}", icon=":material/visibility:"):
                open_run(record.run_id, "attention")
            if record.step and st.button("Write with it", key=f"use:{record.run_id}", icon=":material/edit_note:"):
                open_run(record.run_id, "generation")


def translation_card(record: RunRecord, *, example: bool = False) -> None:
    """A translator with its state and the way to its lesson."""
    icon, word = STATES[record.state]
    with st.container(border=True):
        st.markdown(
            f"**{run_name(record)}** · a translator" + (" · the example that ships with the course" if example else "")
        )
        st.caption(f"{icon} {word} · step {record.step:,} · {record.seconds:.0f} s of training")
        if st.button(
            "Open it", key=f"translator:{record.run_id}", icon=":material/translate:", help="The original transformer."
        ):
            st.session_state["translation_run"] = record.run_id
            sitemap.open_lesson("translation")


st.title("How a large language model is built", anchor=False)
objective(
    "Two stages turn raw text into a useful model: pretraining on unlabelled text makes a foundation model, "
    "fine-tuning on labelled data makes a classifier or an assistant. Here you do it yourself, on real models.",
    minutes=3,
)

clicked = pipeline_map(lecture_stages(), key="map")
if clicked is not None:
    sitemap.open_lesson(clicked)

with shown_errors():
    st.header("Models and runs", anchor=False)
    records = lab().runs()
    example = example_run()
    own = [record for record in records if record.run_id != example]
    if not own:
        st.info("You have not trained a model yet. Open **Pretraining** and press **Train**: a minute is enough.")
    with st.container(horizontal=True):
        if st.button("Train a model", type="primary", icon=":material/play_arrow:", help="Opens Pretraining."):
            sitemap.open_lesson("pretraining")
    for record in own[:6]:
        model_card(record)
    for record in records:
        if record.run_id == example:
            model_card(record, example=True)
    if len(own) > 6:
        st.caption(f"{len(own) - 6} older runs can be chosen in Pretraining.")
    for record in lab().runs(job="translation")[:3]:
        translation_card(record, example=record.run_id == example_translator())
    st.header("Open weights", anchor=False)
    st.markdown(
        "GPT-2 is the model of the lectures at full size: trained by others on 8 million web pages, its weights free "
        "for everybody. Every page that looks inside a model or writes with one takes it too."
    )
    show_open_weights()
