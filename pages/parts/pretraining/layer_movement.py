"""How long every part's gradient is and how far it moves, as recorded or measured at the checkpoints."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import streamlit as st

from engine.aside_worker import Call
from engine.language import N_, _
from engine.layer_watch import LayerWatch
from engine.parts_over_time import lengths_at, moved_between
from engine.runs.records import RunRecord
from engine.weight_statistics import (
    RULE_OF_THUMB,
    gradient_lengths,
    movement,
)
from pages.parts.pretraining.beyond_figures import MAX_LINES, log_lines, over_parts
from pages.parts.pretraining.long_text import may_read
from pages.parts.pretraining.moments import moments_of
from pages.shared.aside import all_computed
from pages.shared.code_panel import show_code
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.lesson_runs import stamp_of
from pages.shared.models import held_out_named, model_named
from pages.shared.tables import show_table
from pages.shared.viewer import lab

GRADIENT_TOKENS = 1024
QUANTITIES = (N_("Gradient"), N_("Update ÷ weights"), N_("Weights"))


def show_movement(record: RunRecord) -> None:
    """Draw the view."""
    quantity = st.segmented_control(
        _("Quantity"),
        QUANTITIES,
        format_func=_,
        default=QUANTITIES[0],
        required=True,
        key="beyond-quantity",
        persist_state="session",
        help=_(
            "Gradient: its length before clipping. Update ÷ weights: how far a step moved a part, for its own length. "
            "Weights: how long they are."
        ),
    )
    with shown_errors():
        _figures(record, quantity)
    notice(
        _(
            "At the start the parts' gradients can differ by a factor of a hundred. AdamW and Muon divide that out: "
            "each moves by its rate, whatever the length of its gradient."
        ),
        _("Warmup shows as a rise of update ÷ weights, decay as its fall: the rate is in every update."),
        _(
            "A part whose gradient is zero has died or is not used; one whose update is as long as its weights is "
            "thrown about. Both show here long before the samples tell."
        ),
    )
    exercise(
        _("Why can the whole model's gradient look healthy while one part learns nothing?"),
        _(
            "The length of the whole is the root of the sum of squares, so the largest part decides it. Ten parts, one "
            "of them silent, have almost the same norm as before."
        ),
    )
    show_code(LayerWatch, gradient_lengths, movement)


def _figures(record: RunRecord, quantity: str) -> None:
    frame = _recorded(record.run_id, stamp_of(record))
    recorded = not frame.empty
    if not recorded:
        found = _measured(record)
        if found is None:
            return
        frame = found
    unit = {
        QUANTITIES[0]: _("Length of the gradient"),
        QUANTITIES[1]: _("Length of the update ÷ length of the weights"),
        QUANTITIES[2]: _("Length of the weights"),
    }[quantity]
    column = {QUANTITIES[0]: "gradient", QUANTITIES[1]: "ratio", QUANTITIES[2]: "weights"}[quantity]
    values = frame.assign(value=frame[column])[["step", "part", "value"]]
    values = values[np.isfinite(values["value"]) & (values["value"] > 0)]
    if values.empty:
        st.info(_("This run has none of these numbers yet: they come with its first evaluations."))
        return
    last = values[values["step"] == values["step"].max()].set_index("part")["value"]
    said = _(
        "At step {int:,} the {idxmax} has the largest value, {max:.2g}; ",
        int=int(values["step"].max()),
        idxmax=last.idxmax(),
        max=last.max(),
    )
    said += _("the {idxmin} the smallest, {min:.2g}.", idxmin=last.idxmin(), min=last.min())
    over_parts(values, title=_("{quantity} of every part", quantity=quantity), unit=unit, summary=said).show()
    parts = list(dict.fromkeys(values["part"]))
    few = [parts[0], *parts[1:3], *[part for part in parts if part.startswith("layer")][-2:]]
    shown = st.multiselect(
        _("Parts as lines"),
        parts,
        format_func=_,
        default=list(dict.fromkeys(few)),
        max_selections=MAX_LINES,
        key=f"beyond-parts:{len(parts)}",
        persist_state="session",
        help=_("At most {max_lines} parts, drawn as lines below.", max_lines=MAX_LINES),
    )
    if shown:
        level = RULE_OF_THUMB if quantity == QUANTITIES[1] else None
        near = _("The dotted line is the rule of thumb, 0.001 (CS231n): far above it a part is torn about, far below ")
        near += _("it hardly learns. It was found with other optimizers; Muon's steps are larger by design.")
        summary = near if level else _("Logarithmic: one mark up is ten times as long, or a part of that.")
        log_lines(
            values[values["part"].isin(shown)],
            title=_("{quantity} over training", quantity=quantity),
            unit=unit,
            summary=summary,
            level=level,
        ).show()
    if recorded:
        st.caption(_("Recorded by the training itself in the step before each evaluation, on that step's batch."))
    else:
        st.caption(
            _(
                "This run is older than the record of its layers. Gradients are computed here at its checkpoints, on "
                "about {gradient_tokens:,} held-out tokens. Update ÷ weights is the way from one checkpoint to the "
                "next, divided by the steps between: a lower bound, since steps that undo each other do not count.",
                gradient_tokens=GRADIENT_TOKENS,
            )
        )
    with st.expander(_("As a table"), icon=":material/table:"):
        show_table(frame, hide_index=True, width="stretch")


@st.cache_data(max_entries=32, show_spinner=False)
def _recorded(run_id: str, stamp: str) -> pd.DataFrame:
    """Step, part, gradient, weights, update and their ratio, as the training recorded them; empty for older runs."""
    rows = []
    for event in lab().events(run_id, kinds=("layers",)):
        for each in event.payload["layers"]:
            weights = float(each["weights"])
            rows.append(
                {
                    "step": int(event.payload["step"]),
                    "part": each["name"],
                    "gradient": float(each["gradient"]),
                    "weights": weights,
                    "update": float(each["update"]),
                    "ratio": float(each["update"]) / weights if weights > 0 else math.nan,
                }
            )
    return pd.DataFrame(
        rows, columns=[N_("step"), N_("part"), N_("gradient"), N_("weights"), N_("update"), N_("ratio")]
    )


def _measured(record: RunRecord) -> pd.DataFrame | None:
    """The same at the checkpoints of a run without such a record; None until the learner asks for a long one."""
    if not may_read(
        record, "beyond-measure", _("Measure at the checkpoints"), _("Its text has to be read first, which takes")
    ):
        return None
    moments = moments_of(record.run_id)
    models = [model_named(each.choice) for each in moments]
    windows = held_out_named(moments[-1].choice, GRADIENT_TOKENS)
    pairs = list(itertools.pairwise(range(len(moments))))
    lengths = [Call(lengths_at, (model, windows, GRADIENT_TOKENS)) for model in models]
    ways = [Call(moved_between, (models[i], models[j], moments[j].info.step - moments[i].info.step)) for i, j in pairs]
    found = all_computed(_("A backward pass at each checkpoint …"), [*lengths, *ways])
    moved = [{}, *found[len(lengths) :]]
    rows = [
        {
            "part": each.name,
            "gradient": each.gradient,
            "weights": each.weights,
            "step": moment.info.step,
            "ratio": way.get(each.name, math.nan),
        }
        for moment, parts, way in zip(moments, found, moved, strict=False)
        for each in parts
    ]
    return pd.DataFrame(rows, columns=[N_("step"), N_("part"), N_("gradient"), N_("weights"), N_("ratio")])
