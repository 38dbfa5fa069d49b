"""One number of a query, changed by the learner, and the row before and after."""

from __future__ import annotations

import numpy as np
import streamlit as st

from engine.language import N_, _
from pages.parts.attention.step_view import Changes, View, number
from pages.shared.components.matrix_view import Labels, matrix_view
from pages.shared.wording import slider_form

_CHANGES = "steps_changes"


def changes_of(context: tuple[object, ...]) -> Changes:
    """This session's changes; another model, sentence or head begins without any."""
    changes = st.session_state.get(_CHANGES)
    if changes is None or changes.context != context:
        changes = Changes(context)
        st.session_state[_CHANGES] = changes
    return changes


def change_a_query(view: View, stage: int, row: int) -> None:
    """The slider of one number, undo and reset, and what they did to the row."""
    with st.container(border=True):
        st.markdown(_("**Change one number of a query** · and watch its row move"))
        st.text(
            _(
                "The query of {token} (token {row}); choose a cell in another row to change another one.",
                token=view.token(row),
                row=row,
            )
        )
        D = view.config.head_size
        chosen, value_place = st.columns([1, 1.6])
        dimension = chosen.slider(
            _("Dimension"),
            0,
            D - 1,
            0,
            key="steps_dimension",
            persist_state="session",
            help=_("Which of the D numbers of the query is changed."),
        )
        place = (row, dimension)
        most = 3 * float(np.abs(view.own.q).max()) or 1.0
        own = float(view.own.q[place])
        # The slider of each number is a widget of its own; undo and reset make a new one, which begins at what holds.
        key = f"steps_value:{hash(view.changes.context)}:{place}:{len(view.changes.past)}:{len(view.changes.now)}"
        value_place.slider(
            _("q[{row}, {dimension}], the model's own is {number}", row=row, dimension=dimension, number=number(own)),
            -most,
            most,
            view.changes.now.get(place, own),
            most / 300,
            format=slider_form("%.3f"),
            key=key,
            on_change=_put,
            args=(place, key),
            help=_("Up to three times the largest number in any query of this head, in both directions."),
        )
        with st.container(horizontal=True):
            st.button(
                _("Undo"),
                icon=":material/undo:",
                key="steps_undo",
                disabled=not view.changes.past,
                on_click=view.changes.undo,
                help=_("Take the last change back."),
            )
            st.button(
                _("Reset"),
                icon=":material/restart_alt:",
                key="steps_reset",
                disabled=not view.changes.now,
                on_click=view.changes.reset,
                help=_("The model's own queries again."),
            )
        if row in view.changed_rows:
            _before_and_after(view, stage, row)
        elif view.changes.now:
            rows = ", ".join(str(each) for each in view.changed_rows)
            st.caption(_("This row is unchanged. Changed so far: token {rows}.", rows=rows))


def _put(place: tuple[int, int], key: str) -> None:
    changes = st.session_state.get(_CHANGES)
    if changes is not None and key in st.session_state:
        changes.put(place, float(st.session_state[key]))


def _before_and_after(view: View, stage: int, row: int) -> None:
    before, after = view.matrix(stage, view.own), view.matrix(stage)
    n_columns = before.shape[1]
    columns = (
        Labels(N_("key"), view.sentence.tokens, view.sentence.ids)
        if stage < 4
        else Labels(N_("dimension"), [str(d) for d in range(n_columns)])
    )
    with np.errstate(invalid="ignore"):
        moved = np.nan_to_num(after - before, nan=0.0)
    largest = int(np.abs(moved[row]).argmax())
    others = np.delete(moved, view.changed_rows, axis=0)
    what = _("token {largest}", largest=largest) if stage < 4 else _("dimension {largest}", largest=largest)
    summary = _("Largest change: {number} at {what}.", number=number(moved[row, largest]), what=what)
    hidden = np.stack([view.hidden[row], view.hidden[row]]) if stage in (2, 3) else None
    matrix_view(
        np.stack([before[row], after[row]]),
        Labels(N_("row"), [_("before"), _("after")]),
        columns,
        key="steps_before_after",
        title=_("Row {row} of step {stage}", row=row, stage=stage + 1),
        shape=f"(2, {n_columns})",
        summary=summary,
        hatched=hidden,
        share=stage == 3,
    )
    same = _("are the same to the bit") if not np.abs(others).max(initial=0) else _("changed as well")
    st.caption(_("{summary} The other {n_others} rows {same}.", summary=summary, n_others=len(others), same=same))
