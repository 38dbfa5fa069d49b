"""The matrix of a step, of which one cell is chosen."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from engine.language import N_, _
from pages.parts.attention.step_view import STAGES, View, number
from pages.shared.components.matrix_view import Labels, Operand, matrix_view

_PLACE = "steps_place"


def draw_matrix(view: View, stage: int) -> tuple[int, int]:
    """Draw the matrix of a stage; returns the chosen cell."""
    values = view.matrix(stage)
    row, column = _place(view, values.shape)
    T, D = view.n_tokens, view.config.head_size
    tokens = Labels(N_("query"), view.sentence.tokens, view.sentence.ids)
    keys = Labels(N_("key"), view.sentence.tokens, view.sentence.ids)
    columns = keys if stage < 4 else Labels(N_("dimension"), [str(d) for d in range(D)])
    shape = STAGES[stage].shapes
    numbers = shape.replace("T", str(T)).replace("D", str(D))
    left = {0: Operand("q", view.stages.q), 4: Operand(N_("weights"), view.matrix(3))}.get(stage)
    top = {0: Operand("kᵀ", view.stages.k.T), 4: Operand("v", view.stages.v)}.get(stage)
    crossed = None
    if stage == 3 and view.dropped is not None:
        crossed = ~view.dropped.kept & ~view.hidden
    matrix_view(
        values,
        tokens,
        columns,
        key="steps_matrix",
        title=STAGES[stage].title,
        shape=f"{shape} = {numbers}",
        summary=_summary(view, stage, values),
        left=left,
        top=top,
        hatched=view.hidden if stage in (2, 3) else None,
        hatched_means=N_("masked"),
        crossed=crossed,
        changed_row=view.changed_rows[0] if len(view.changed_rows) == 1 else None,
        selected=(row, column),
        share=stage == 3,
        on_click=partial(_choose_place, stage == 4),
    )
    st.caption(_summary(view, stage, values))
    return row, column


def _choose_place(of_output: bool, row: int, column: int) -> None:
    st.session_state[_PLACE] = (row, column, of_output)


def _place(view: View, shape: tuple[int, ...]) -> tuple[int, int]:
    """The cell chosen last, where the matrix has it; a column of keys is not one of dimensions."""
    of_output = shape[1] != view.n_tokens
    row, column, was_output = st.session_state.get(_PLACE, (view.n_tokens - 1, 1, False))
    row = min(int(row), shape[0] - 1)
    if bool(was_output) != of_output:
        column = 0 if of_output else min(1, row)
    return row, min(int(column), shape[1] - 1)


def _summary(view: View, stage: int, values: np.ndarray) -> str:
    finite = np.where(np.isfinite(values), values, -np.inf)
    row, column = (int(each) for each in np.unravel_index(int(finite.argmax()), values.shape))
    if stage < 4:
        what = _("weight") if stage == 3 else _("score")
        return _(
            "The largest {what}, {number}, is where token {row} looks at token {column}{ending}.",
            what=what,
            number=number(values[row, column]),
            row=row,
            column=column,
            ending=_(" (itself)") if row == column else "",
        )
    return _(
        "The largest number, {number}, is written at token {row} in dimension {column}.",
        number=number(values[row, column]),
        row=row,
        column=column,
    )
