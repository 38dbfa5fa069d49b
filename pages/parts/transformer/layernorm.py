"""Part: LayerNorm. One token's vector before it, normalised, and after scale and shift."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from engine import anatomy
from engine.anatomy import Norm, NormSteps
from engine.language import N_, _, number
from pages.parts.transformer.figures import distributions
from pages.parts.transformer.reading import Reading, choose_layer, choose_position, read_sentence
from pages.shared.code_panel import show_code
from pages.shared.components.vector_strips import Strip, StripGroup, vector_strips
from pages.shared.lesson import exercise, notice
from pages.shared.tables import show_table

MAX_TOKENS = 48
DRAWN = 128  # dimensions in the strips
NORMS: dict[str, Norm] = {N_("Attention"): "attention", "MLP": "mlp", N_("Head"): "final"}


def show() -> None:
    """Draw the part."""
    st.markdown(
        _(
            "Every block reads the residual stream through a **LayerNorm**: each token's vector is moved to mean 0, "
            "divided by its standard deviation, then scaled and shifted by learned numbers (Ba et al. 2016)."
        )
    )
    st.latex(r"y = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} \cdot \gamma + \beta")
    reading = read_sentence(MAX_TOKENS)
    if reading is None:
        return
    model, sentence = reading.checkpoint.model, reading.sentence
    controls, figure = st.columns([1, 2.4], gap="large")
    with controls:
        which = NORMS[
            st.segmented_control(
                _("The norm before"),
                list(NORMS),
                format_func=_,
                default="Attention",
                required=True,
                key="norm_which",
                persist_state="session",
                help=_("Each layer has two; a last one stands before the head."),
            )
        ]
        layer = 0
        if which != "final":
            layer = choose_layer(model.config.n_layers, "norm_layer", _("Each layer has norms of its own."))
        position = choose_position(
            sentence, "norm_token", _("The norm treats each token by itself: it never looks at the others.")
        )
        steps = anatomy.norm_steps(model, reading.trace, which, position, layer)
        dimension = st.number_input(
            _("Dimension to work out"),
            0,
            model.config.d_model - 1,
            0,
            key=f"norm_dimension:{model.config.d_model}",
            persist_state="session",
            help=_("One number of the vector, computed step by step below."),
        )
        _by_hand(steps, int(dimension))
    with figure:
        distributions(
            {_("before"): steps.before, _("normalised"): steps.normalised, _("after γ and β"): steps.after},
            title=_("How the vector's numbers are spread"),
            x=_("Value"),
            summary=_(
                "Before: mean {mean:.3f}, standard deviation {variance:.3f}. "
                "Normalised: 0 and 1. After: mean {mean_2:.3f}, standard deviation {std:.3f}.",
                mean=steps.mean,
                variance=steps.variance**0.5,
                mean_2=steps.after.mean(),
                std=steps.after.std(),
            ),
        ).show()
        _numbers(steps)
        _strips(steps, sentence.ids[position], sentence.tokens[position])
    _check(reading, which, layer, position, steps)
    _every_norm(reading, position)
    notice(
        _(
            "Normalised, every token's vector has mean 0 and standard deviation 1, whatever it was before. What "
            "remains is its direction."
        ),
        _("The learned scale γ then makes some dimensions loud and others quiet")
        + (_(", and the shift β moves them.") if model.config.bias else _("; this model has no shift β.")),
        _(
            "The stream itself is not normalised: it grows from layer to layer, while what the blocks read stays at "
            "one scale. This is pre-norm, as in GPT-2; the transformer of 2017 normalised after each addition."
        ),
    )
    exercise(
        _(
            "Compare the standard deviation before the first norm and before the last one. Why does the model work at "
            "all if they differ so much?"
        ),
        _(
            "Because nothing reads the raw stream: each block gets it normalised. A block late in the model must write "
            "longer vectors to change the direction of a stream that has grown."
        ),
    )
    show_code(anatomy.norm_steps, anatomy.norm_output)


def _by_hand(steps: NormSteps, i: int) -> None:
    st.markdown(_("**Worked out**"))
    deviation = (steps.variance + steps.epsilon) ** 0.5
    st.code(
        f"x − μ      = {_n(steps.before[i])} − {_n(steps.mean)}\n"
        f"√(σ² + ε)  = {number(deviation, '.4f')}\n"
        f"{_('normalised'):<10} = {_n(steps.normalised[i])}\n"
        f"· γ        = · {_n(steps.scale[i])}\n"
        f"+ β        = + {_n(steps.shift[i])}\n"
        f"y          = {_n(steps.after[i])}",
        language=None,
        wrap_lines=True,
    )


def _n(value: float) -> str:
    """A number with a true minus sign, in parentheses where it is negative."""
    return number(value, ".4f") if value >= 0 else f"(−{number(-value, '.4f')})"


def _numbers(steps: NormSteps) -> None:
    rows = []
    for name, vector in (
        (_("before"), steps.before),
        (_("normalised"), steps.normalised),
        (_("after γ and β"), steps.after),
        (_("γ, the learned scale"), steps.scale),
        (_("β, the learned shift"), steps.shift),
    ):
        rows.append(
            {
                N_("vector"): name,
                N_("mean"): float(vector.mean()),
                N_("standard deviation"): float(vector.std()),
                N_("smallest"): float(vector.min()),
                N_("largest"): float(vector.max()),
                N_("length"): float(np.linalg.norm(vector)),
            }
        )
    show_table(
        pd.DataFrame(rows),
        hide_index=True,
        width="stretch",
        column_config={name: st.column_config.NumberColumn(format="%.3f") for name in rows[0] if name != "vector"},
    )


def _strips(steps: NormSteps, token_id: int, token: str) -> None:
    n = min(DRAWN, len(steps.before))
    st.markdown(_("**The vector, number by number**"))
    vector_strips(
        [
            StripGroup(
                token,
                [
                    Strip(_("before"), steps.before[:n]),
                    Strip(_("normalised"), steps.normalised[:n]),
                    Strip(_("after γ and β"), steps.after[:n]),
                ],
                token_id=token_id,
            )
        ],
        "norm_strips",
        label=_("The token's vector before, normalised and after"),
    )
    if n < len(steps.before):
        st.caption(_("The first {n} of {n_before:,} dimensions, on one scale.", n=n, n_before=len(steps.before)))


def _check(reading: Reading, which: Norm, layer: int, position: int, steps: NormSteps) -> None:
    own = anatomy.norm_output(reading.trace, which, layer)[position]
    difference = float(np.abs(own - steps.after).max())
    st.caption(
        _(
            "Worked out step by step and by the model's own LayerNorm, the {n_own:,} numbers differ by "
            "{difference:.1g} at most, which is rounding.",
            n_own=len(own),
            difference=difference,
        )
    )


def _every_norm(reading: Reading, position: int) -> None:
    with st.expander(_("Every norm of the model for this token"), icon=":material/table:"):
        model, rows = reading.checkpoint.model, []
        places: list[tuple[str, Norm, int]] = []
        for layer in range(model.config.n_layers):
            places.append((_("layer {layer}, before attention", layer=layer + 1), "attention", layer))
            places.append((_("layer {layer}, before the MLP", layer=layer + 1), "mlp", layer))
        for name, norm, layer in [*places, (_("final"), "final", 0)]:
            steps = anatomy.norm_steps(model, reading.trace, norm, position, layer)
            rows.append(
                {
                    N_("norm"): name,
                    N_("mean before"): steps.mean,
                    N_("standard deviation before"): steps.variance**0.5,
                    N_("mean after"): float(steps.after.mean()),
                    N_("standard deviation after"): float(steps.after.std()),
                }
            )
        show_table(
            pd.DataFrame(rows),
            hide_index=True,
            width="stretch",
            column_config={name: st.column_config.NumberColumn(format="%.3f") for name in rows[0] if name != "norm"},
        )
