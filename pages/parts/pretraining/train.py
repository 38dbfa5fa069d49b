"""Part "Train": the settings, the live record of a run, and runs side by side."""

from __future__ import annotations

import streamlit as st

from engine import training
from engine.errors import EngineError
from engine.gpt import GPT
from engine.language import N_, _
from engine.windows import WindowSampler
from pages.shared import held
from pages.shared.code_panel import show_code
from pages.shared.errors import said, sentence, shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.models import OPEN
from pages.shared.run_data import run_name
from pages.shared.run_panel import show_run
from pages.shared.training_form import training_form
from pages.shared.viewer import lab


def chosen_run() -> str | None:
    """The run in the address, else the one this session looked at last, else the newest."""
    wanted = st.query_params.get("run") or st.session_state.get("run_id") or ""
    if wanted.startswith(OPEN):
        wanted = ""  # open weights were chosen on another page; they have no run
    ids = [record.run_id for record in lab().runs()]
    if ids and wanted and wanted not in ids:
        st.warning(_("The run in this address is not on this server (any more). This is the newest one."))
    return wanted if wanted in ids else next(iter(ids), None)


def look_at(run_id: str) -> None:
    st.session_state["run_id"] = run_id
    st.query_params["run"] = run_id


@st.fragment
@said(N_("show the settings"))
def _form() -> None:
    """The settings and the button; what is moved here leaves the record beside it as it is."""
    held.put_back_in_fragment()
    order = training_form()
    if order.problem:
        st.warning(order.problem)
    if st.button(
        _("Train"),
        type="primary",
        icon=":material/play_arrow:",
        disabled=order.config is None,
        width="stretch",
        help=_("Starts the run, or shows the one with exactly these settings if somebody has trained it already."),
    ):
        try:
            look_at(lab().submit(order.config, order.label))
        except EngineError as error:
            st.error(sentence(error))
        else:
            st.rerun()


def show() -> None:
    """The part of the lesson."""
    controls, record = st.columns([1, 2], gap="large")
    with controls:
        _form()
    with record, shown_errors():
        run_id = chosen_run()
        if run_id is None:
            st.info(_("No run yet. The settings on the left are ready: press **Train**."))
        else:
            look_at(run_id)
            names = {r.run_id: run_name(r) for r in lab().runs()}
            others = len(names) > 1
            picker, beside = st.columns(2) if others else (st.container(), st.container())
            picked = picker.selectbox(
                _("Run"),
                list(names),
                index=list(names).index(run_id),
                format_func=lambda each: _(names[each]),
                disabled=held.holds("run_id"),
                help=_("All runs on this server, the newest first. The address of this page names the run: share it."),
            )
            compare = []
            if others:  # a disabled box says less than none
                compare = beside.multiselect(
                    _("Compare with"),
                    [other for other in names if other != picked],
                    max_selections=3,
                    placeholder=_("none"),
                    format_func=lambda each: _(names[each]),
                    key=f"compare:{picked}",
                    persist_state="session",
                    help=_("Draws up to three more runs into the same chart and lists what differs."),
                )
            if picked != run_id:
                look_at(picked)
                st.rerun()
            show_run(run_id, compare)

    notice(
        _("Before the first step the loss is about ln V: the model guesses among V tokens as if they were all alike."),
        _(
            "It first learns which tokens are frequent (the *unigram* line), then which follow each other (*bigram*, "
            "*trigram*). Below the trigram line it uses more than the last two tokens."
        ),
        _("Training loss falls below validation loss when the model begins to know its text by heart."),
        _("Losses of different tokenizers are not comparable: a longer token is harder to guess. Bits per byte are."),
    )
    exercise(
        _(
            "Train the same text twice, once with a learning rate ten times as high. Compare the curves, then explain "
            "why the faster one is worse."
        ),
        _(
            "With too large steps each update overshoots: it undoes what other batches taught, so the loss stalls high "
            "or jumps. Warmup and clipping soften this, decay ends it."
        ),
    )
    show_code(training.Trainer.events, training.Trainer._train_step, GPT.loss, WindowSampler.batch)
