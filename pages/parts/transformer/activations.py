"""Part: the MLP's nonlinearity, with the sentence's own values on its curve."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from engine import anatomy
from engine.gpt import MLP
from engine.language import N_, _, number
from pages.parts.transformer.figures import curve_with_points, lines, named_bars
from pages.parts.transformer.reading import Reading, choose_layer, choose_position, read_sentence, shown
from pages.parts.transformer.words import ACTIVATIONS
from pages.shared.code_panel import show_code
from pages.shared.lesson import exercise, notice
from pages.shared.tables import show_table

MAX_TOKENS = 48
MAX_POINTS = 600
TOP = 10
VIEWS = (N_("On the curve"), N_("Who fires"), N_("Layer by layer"))


def show() -> None:
    """Draw the part."""
    st.markdown(
        _(
            "Between its two matrices the MLP bends every number by a fixed function. Here is that function, with the "
            "numbers that your sentence sends through it."
        )
    )
    reading = read_sentence(MAX_TOKENS)
    if reading is None:
        return
    view = st.segmented_control(
        _("Look at"),
        VIEWS,
        format_func=_,
        default=VIEWS[0],
        required=True,
        key="activation_view",
        persist_state="session",
        help=_("The function with its values; which neurons and tokens go together; how many neurons are off."),
    )
    {N_("On the curve"): _curve, N_("Who fires"): _who, N_("Layer by layer"): _layers}[view](reading)
    relu = reading.checkpoint.model.config.activation == "relu2"
    notice(
        _(
            "In a trained model most values before the nonlinearity are negative, and behind it nearly nothing is left "
            "of them: a neuron that is off writes nothing into the stream."
        ),
        _(
            "ReLU² cuts to exactly 0 and squares the rest; GELU is smooth and lets a little of small negative values "
            "through, −0.17 at most. Its tanh form is within 0.0005 of it."
        )
        if not relu
        else _(
            "This model's ReLU² cuts to exactly 0 and squares the rest: large values become larger still. GELU would "
            "let a little of small negative values through, −0.17 at most."
        ),
        _(
            "A neuron that fires for few tokens can stand for something: a word, a place in the sentence, an ending. "
            "Many mean nothing that we could name."
        ),
    )
    exercise(
        _(
            "Choose a neuron that fires strongly for one token under **Who fires**, then change that word. Does the "
            "neuron follow the word or the place?"
        ),
        _(
            "If its bar moves with the word it reads the token; if it stays at the place it reads the position or what "
            "stands around it. In the first layer most follow the token."
        ),
    )
    show_code(anatomy.nonlinearity, anatomy.activity_by_layer, MLP)


def _curve(reading: Reading) -> None:
    config, sentence = reading.checkpoint.model.config, reading.sentence
    controls, figure = st.columns([1, 2.4], gap="large")
    with controls:
        layer = choose_layer(config.n_layers, "activation_layer", _("Each layer has an MLP of its own."))
        only = st.toggle(
            _("One token only"),
            False,
            key="activation_one",
            persist_state="session",
            help=_("The values of one token instead of a sample of all."),
        )
        position = choose_position(sentence, "activation_token", _("Whose values are drawn.")) if only else None
    recorded = reading.trace.layers[layer]
    before, behind = recorded.pre_activations[0].numpy(), recorded.activations[0].numpy()
    points = _points(before, behind, sentence.tokens, position)
    own = _(ACTIVATIONS[config.activation])
    reach = float(np.clip(np.abs(before).max(), 2.0, 12.0))
    x = np.linspace(-reach, reach, 161)
    names = [own, *(_(name) for key, name in ACTIVATIONS.items() if key != config.activation)]
    keys = {_(name): key for key, name in ACTIVATIONS.items()}
    # Where another function leaves the range of the model's own values, its line would squeeze them.
    top = max(2.0, float(behind.max()) * 1.1)
    curves = [pd.DataFrame({"x": x, "y": anatomy.nonlinearity(keys[name], x), "series": name}) for name in names]
    drawn = pd.concat(curves, ignore_index=True)
    drawn = drawn[drawn["y"] <= top]
    negative = float((before < 0).mean())
    which = _("a sample of all") if position is None else _("those of one token")
    with controls:
        st.metric(
            _("Below zero"), number(negative, ".0%"), help=_("Share of the values that the nonlinearity switches off.")
        )
        st.metric(
            _("Largest behind it"),
            number(behind.max(), ".2f"),
            help=_("The strongest neuron of the sentence in this layer."),
        )
    with figure:
        curve_with_points(
            drawn,
            points,
            title=_("The nonlinearity, with values of the sentence"),
            own=own,
            names=names,
            summary=_(
                "{n_points:,} of {size:,} values ({which}) lie on the solid curve; {negative:.0%} of "
                "all are below zero, and {float:.0%} come out closer to 0 than 0.05.",
                n_points=len(points),
                size=before.size,
                which=which,
                negative=negative,
                float=float((np.abs(behind) < 0.05).mean()),
            ),
        ).show()
        with st.expander(_("As a table"), icon=":material/table:"):
            show_table(
                points.rename(columns={"x": "before", "y": "behind"})[["token", "neuron", "before", "behind"]],
                hide_index=True,
                width="stretch",
                height=260,
            )
            st.caption(_("Values of {ending}.", ending=_("all tokens") if position is None else _("one token")))


def _points(before: np.ndarray, behind: np.ndarray, tokens: tuple[str, ...], position: int | None) -> pd.DataFrame:
    """At most 600 values, spread evenly over the sorted ones, so that both ends are there."""
    rows = np.arange(len(tokens)) if position is None else np.array([position])
    flat = before[rows].ravel()
    order = np.argsort(flat, kind="stable")
    kept = order[np.unique(np.linspace(0, len(order) - 1, min(MAX_POINTS, len(order))).astype(int))]
    row, neuron = rows[kept // before.shape[1]], kept % before.shape[1]
    return pd.DataFrame(
        {
            "x": before[row, neuron],
            "y": behind[row, neuron],
            "token": [shown(tokens[each]) for each in row],
            "neuron": neuron,
        }
    )


def _who(reading: Reading) -> None:
    config, sentence = reading.checkpoint.model.config, reading.sentence
    controls, figure = st.columns([1, 2.4], gap="large")
    with controls:
        layer = choose_layer(config.n_layers, "activation_layer", _("Each layer has an MLP of its own."))
        position = choose_position(sentence, "activation_token", _("Its strongest neurons are listed."))
    behind = reading.trace.layers[layer].activations[0].numpy()  # (T, F)
    strongest = np.argsort(-np.abs(behind[position]), kind="stable")[:TOP]
    with controls:
        neuron = st.selectbox(
            _("Neuron"),
            [int(each) for each in strongest],
            format_func=lambda n: _("neuron {n:,}: {behind:.2f}", n=n, behind=behind[position, n]),
            key=f"activation_neuron:{layer}:{position}:{config.d_ff}",
            help=_("The ten that fire most strongly for the token; the strongest is chosen first."),
        )
    with figure:
        values = behind[:, neuron]
        loudest = int(np.argmax(values))
        named_bars(
            pd.DataFrame(
                {
                    "name": [f"{at}: {shown(token)}" for at, token in enumerate(sentence.tokens)],
                    "value": values,
                    "shown": [number(value, ".2f") for value in values],
                }
            ),
            title=_("One neuron over the sentence"),
            x=_("Activation, behind the nonlinearity"),
            y=_("Token"),
            alt_text=_("Bar chart: the activation of one neuron for every token of the sentence."),
            summary=_(
                "Neuron {neuron:,} of layer {layer} fires most ({values:.2f}) at position {loudest}, "
                "above half of that for {int} of {n_values} tokens.",
                neuron=neuron,
                layer=layer + 1,
                values=values[loudest],
                loudest=loudest,
                int=int((values > values[loudest] / 2).sum()),
                n_values=len(values),
            ),
        ).show()
        with st.expander(_("The strongest neurons of the chosen token as a table"), icon=":material/table:"):
            rows = [
                {
                    N_("neuron"): int(each),
                    N_("activation"): float(behind[position, each]),
                    N_("fires most for"): shown(sentence.tokens[int(np.argmax(behind[:, each]))]),
                    N_("its largest"): float(behind[:, each].max()),
                    N_("mean over the sentence"): float(behind[:, each].mean()),
                }
                for each in strongest
            ]
            show_table(
                pd.DataFrame(rows),
                hide_index=True,
                width="stretch",
                column_config={
                    name: st.column_config.NumberColumn(format="%.3f")
                    for name in ("activation", _("its largest"), _("mean over the sentence"))
                },
            )


def _layers(reading: Reading) -> None:
    report = anatomy.activity_by_layer(reading.trace)
    names = {
        N_("below zero before"): report.negative,
        N_("near zero behind"): report.near_zero,
        N_("near zero for every token"): report.never,
    }
    frame = pd.concat(
        [
            pd.DataFrame(
                {
                    "x": np.arange(1, len(values) + 1),
                    "y": values,
                    "series": name,
                    "place": [_("layer {n}", n=n) for n in range(1, len(values) + 1)],
                }
            )
            for name, values in names.items()
        ],
        ignore_index=True,
    )
    lines(
        frame,
        title=_("How many neurons are off"),
        x=_("Layer"),
        y=_("Share (%)"),
        series=list(names),
        percent=True,
        alt_text=_("Line chart: share of neurons that are off, by layer."),
        summary=_(
            "On average {mean:.0%} of the activations are near zero, and "
            "{mean_2:.0%} of the neurons are so for every token of this sentence.",
            mean=report.near_zero.mean(),
            mean_2=report.never.mean(),
        ),
    ).show()
    st.caption(_("Near zero: at most 1 % of the largest activation of the layer."))
    with st.expander(_("As a table"), icon=":material/table:"):
        table = pd.DataFrame({"layer": np.arange(1, len(report.negative) + 1)})
        for name, values in names.items():
            table[f"{name} (%)"] = np.round(100 * values, 1)
        table["largest activation"] = np.round(report.largest, 2)
        show_table(table, hide_index=True, width="stretch")
