"""Opens a run from its ticket: shows what is there already, or trains it again."""

from __future__ import annotations

import streamlit as st

from engine.errors import EngineError
from engine.language import _
from engine.take_home import Ticket, read_ticket
from pages.shared import sitemap
from pages.shared.errors import sentence
from pages.shared.viewer import lab

_LESSONS = {
    "pretraining": ("pretraining", "run_id"),
    "classification": ("classification", "classification_run"),
    "instructions": ("instructions", "instruction_run"),
    "translation": ("translation", "translation_run"),
}
"""Lesson of each kind of run, and where it looks for the run to show."""


def show_ticket_reader() -> None:
    """The way in for a ticket."""
    with st.expander(_("Open a run ticket"), icon=":material/confirmation_number:"):
        st.markdown(_("A run's **Take it home** saves a ticket. Opened here, it shows that run, or trains it again."))
        file = st.file_uploader(
            _("Ticket"), type=["json"], key="ticket", help=_("The .json file that the run's page saved.")
        )
        if file is None:
            return
        try:
            ticket = read_ticket(file.getvalue())
        except EngineError as error:
            st.error(sentence(error), icon=":material/error:")
            return
        _show(ticket)


def _show(ticket: Ticket) -> None:
    run_id = ticket.config.run_id
    known = lab().store.find(run_id)
    job = str(ticket.config.to_dict().get("job", "pretraining"))
    st.text(f"{ticket.label or run_id} · {job}")
    loss = ticket.reached.get("validation_loss")
    if isinstance(loss, float):
        st.caption(
            _("It reached a validation loss of {loss:.3f} after step {get}.", loss=loss, get=ticket.reached.get("step"))
        )
    if ticket.other_versions:
        changed = ", ".join(f"{name} {there} → {here}" for name, (there, here) in ticket.other_versions.items())
        st.text(_("Other versions than then: {changed}. Losses may differ in the last digits.", changed=changed))
    if st.button(
        _("Train it again") if known is None else _("Open it"),
        key="ticket-open",
        type="primary",
        help=_("The same settings are the same run: what is there is shown, what is not is trained."),
    ):
        try:
            lab().submit(ticket.config, ticket.label)
        except EngineError as error:
            st.error(sentence(error), icon=":material/error:")
            return
        lesson, name = _LESSONS[job]
        st.session_state[name] = run_id
        sitemap.open_lesson(lesson)
