"""Open weights on the page: what is here, how to get more, and how a download stands."""

from __future__ import annotations

import streamlit as st

from engine.errors import EngineError
from engine.language import N_, _
from engine.open_models import (
    KNOWN,
    FetchState,
    OpenModel,
    cancel_fetch,
    fetch_state,
    forget_fetch,
    list_open_models,
    models_folder,
    start_fetch,
)
from pages.shared import sitemap
from pages.shared.errors import sentence
from pages.shared.live import kept_current
from pages.shared.models import OPEN
from pages.shared.quantities import estimate
from pages.shared.viewer import lab

REFRESH_SECONDS = 0.7
OTHER = N_("Another model of GPT-2's layout …")


def show_open_weights() -> None:
    """The open models that are here and a way to get another one; kept up to date while one is being fetched."""
    state = fetch_state(lab().settings)
    running = state is not None and state.state == "running"
    kept_current(_panel, every=REFRESH_SECONDS if running else None)(running)


def _panel(was_running: bool) -> None:
    settings = lab().settings
    state = fetch_state(settings)
    running = state is not None and state.state == "running"
    for model in list_open_models(models_folder(settings)):
        _card(model)
    if state is not None:
        _progress(state)
    if not running:
        _form()
    if running != was_running:
        st.rerun()


def _card(model: OpenModel) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.text(_("{value} · {n_bytes:,.0f} MB", value=model.hub_id or model.name, n_bytes=model.n_bytes / 1e6))
        if model.problem:
            st.text(model.problem)
            return
        for label, lesson, icon in (
            (_("Look inside"), "attention", ":material/visibility:"),
            (_("Write with it"), "generation", ":material/edit_note:"),
        ):
            if st.button(
                _(label), key=f"{lesson}:{model.name}", icon=icon, help=_("Opens the lesson with this model.")
            ):
                st.session_state["run_id"] = OPEN + model.name
                sitemap.open_lesson(lesson)


def _progress(state: FetchState) -> None:
    settings = lab().settings
    if state.state == "running":
        eta = state.eta_seconds
        here = (
            _("{done:,.0f} of {total:,.0f} MB", done=state.done / 1e6, total=state.total / 1e6)
            if state.total
            else _("asking the hub")
        )
        left = "" if eta is None else _(" · about {eta} left", eta=estimate(eta))
        share = state.done / state.total if state.total else 0.0
        st.progress(
            min(share, 1.0),
            text=_("Fetching {sentence} · {here}{left}", sentence=sentence(state.hub_id), here=here, left=left),
        )
        if st.button(_("Cancel"), icon=":material/close:", help=_("End the download."), key="open-cancel"):
            cancel_fetch(settings)
            st.rerun()
    elif state.state == "failed":
        st.error(sentence(state.error))
        if st.button(_("Understood"), key="open-forget", help=_("Puts this message away.")):
            forget_fetch(settings)
            st.rerun()


def _form() -> None:
    with st.expander(_("Get open weights"), icon=":material/download:"):
        picked = st.selectbox(
            _("Model"),
            [*KNOWN, OTHER],
            format_func=lambda hub_id: _(KNOWN.get(hub_id, hub_id)),
            key="open-model",
            persist_state="session",
            help=_("Published by their authors for everybody. Four bytes a parameter: the small one is about 0.5 GB."),
        )
        hub_id = picked
        if picked == OTHER:
            hub_id = st.text_input(
                _("Hub id"),
                key="open-hub-id",
                persist_state="session",
                max_chars=200,
                placeholder="owner/name",
                help=_("A model on the Hugging Face hub that transformers saved as GPT-2, with safetensors weights."),
            ).strip()
        st.caption(
            _(
                "It is downloaded once, checked against the hub's checksum, and works without a network from then on. "
                "Pickle files are never read: loading one can run any program hidden in it."
            )
        )
        if st.button(
            _("Fetch"), icon=":material/download:", key="open-fetch", help=_("Begins the download."), type="primary"
        ):
            try:
                start_fetch(lab().settings, hub_id)
            except (EngineError, OSError) as error:
                st.error(sentence(error))
            else:
                st.rerun()
        st.caption(_("Without a network: bring the folder of a GPT-2 that transformers saved, and take it over with"))
        st.code("python -m engine fetch FOLDER", language="bash", wrap_lines=True)
