"""How the weights of a part, or its activations on the learner's sentence, are spread at each checkpoint."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from engine import weight_statistics
from engine.aside_worker import Call
from engine.language import N_, _
from engine.parts_over_time import activations_over, weights_over
from engine.runs.records import RunRecord
from engine.weight_statistics import Histograms, part_names
from pages.parts.pretraining.beyond_figures import histogram_map
from pages.parts.pretraining.moments import moments_of
from pages.shared.aside import found_by
from pages.shared.code_panel import show_code
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.models import load, model_named
from pages.shared.sentence import choose_sentence
from pages.shared.tables import show_table

MAX_SENTENCE = 64
STREAM, BEFORE, BEHIND = N_("The stream after a layer"), N_("The MLP before its nonlinearity"), N_("The MLP behind it")
KINDS = {N_("Weights of a part"): None, STREAM: "stream", BEFORE: "before", BEHIND: "behind"}


def show_spread(record: RunRecord) -> None:
    """Draw the view."""
    moments = moments_of(record.run_id)
    last = moments[-1]
    model = load(last.choice).model
    kind_place, part_place = st.columns(2, gap="large")
    with kind_place:
        kind = st.selectbox(
            _("Numbers"),
            list(KINDS),
            format_func=_,
            key="beyond-kind",
            persist_state="session",
            help=_(
                "Weights are what training moves. Activations are what they make of a text: of your sentence, here."
            ),
        )
    place = KINDS.get(kind)
    with part_place:
        if place is None:
            names = part_names(model)
            part = st.selectbox(
                _("Part"),
                names,
                index=min(1, len(names) - 1),
                format_func=_,
                key=f"beyond-part:{len(names)}",
                persist_state="session",
                help=_("A part of the model; of attention and MLP the matrices, without gains and biases."),
            )
        else:
            n = model.config.n_layers
            layer = 1
            if n > 1:
                layer = st.slider(
                    _("Layer"),
                    1,
                    n,
                    n,
                    key=f"beyond-layer:{n}",
                    persist_state="session",
                    help=_("Whose numbers are drawn."),
                )
            part = _("layer {layer}", layer=layer)
    models = tuple(model_named(each.choice) for each in moments)
    if place is None:
        title, value = _("Weights: {part}", part=part), _("Weight")
        call, text = Call(weights_over, (part, *models)), N_("Sorting the weights of every checkpoint …")
    else:
        own = choose_sentence(last.choice, most=MAX_SENTENCE)
        if own is None:
            return
        title, value = f"{kind}: {part}", _("Activation")
        call = Call(activations_over, (own.ids, place, layer - 1, *models))
        text = N_("Reading the sentence at every checkpoint …")
    with shown_errors():
        _figure([each.info.step for each in moments], found_by(call, text), title, value)
    notice(
        _(
            "Weights begin as a narrow bell of normal noise and widen as they learn; a few grow far beyond the rest. "
            "In a long run weight decay draws them in again while learning slows. The colour is logarithmic, or the "
            "tails could not be seen."
        ),
        _("Behind the MLP's nonlinearity most numbers are near zero: a neuron speaks up for few tokens."),
        _(
            "The residual stream grows from layer to layer, since every block adds to it; the norm before each block "
            "takes the length out again."
        ),
    )
    exercise(
        _("How would the histogram of the weights look in a run whose learning rate was far too high?"),
        _(
            "It widens within a few steps, to weights many times as long as at the start, and does not come back: with "
            "weights that large each further step changes little. Compare update ÷ weights of such a run."
        ),
    )
    show_code(weight_statistics.histograms, weight_statistics.part_weights, weight_statistics.activations_of)


def _figure(steps: list[int], found: Histograms, title: str, value: str) -> None:
    widest = int(np.argmax(found.spreads))
    between = (
        _(" through {spreads:.3g} at step {steps:,}", spreads=found.spreads[widest], steps=steps[widest])
        if 0 < widest < len(steps) - 1
        else ""
    )
    summary = _(
        "The standard deviation goes from {spreads:.3g}{between} to {spreads_2:.3g}.",
        spreads=found.spreads[0],
        between=between,
        spreads_2=found.spreads[-1],
    )
    if found.outside.max() > 0.0005:
        summary += _(" Up to {max:.1%} of the numbers lie beyond what is drawn.", max=found.outside.max())
    histogram_map(steps, found.edges, found.shares, title=title, value=value, summary=summary).show()
    with st.expander(_("As a table"), icon=":material/table:"):
        table = {
            N_("step"): steps,
            N_("standard deviation"): found.spreads,
            N_("exactly 0"): found.zeros,
            N_("beyond"): found.outside.round(6),
        }
        show_table(pd.DataFrame(table), hide_index=True, width="stretch")
