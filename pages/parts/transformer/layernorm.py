"""Part: LayerNorm. One token's vector before it, normalised, and after scale and shift."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from engine import anatomy
from engine.anatomy import Norm, NormSteps
from pages.parts.transformer.figures import distributions
from pages.parts.transformer.reading import Reading, choose_layer, choose_position, read_sentence
from pages.shared.code_panel import show_code
from pages.shared.components.vector_strips import Strip, StripGroup, vector_strips
from pages.shared.lesson import exercise, notice

MAX_TOKENS = 48
DRAWN = 128  # dimensions in the strips
NORMS: dict[str, Norm] = {"Attention": "attention", "MLP": "mlp", "Head": "final"}


def show() -> None:
    """Draw the part."""
    st.markdown(
        "Every block reads the residual stream through a **LayerNorm**: each token's vector is moved to mean 0, "
        "divided by its standard deviation, then scaled and shifted by learned numbers (Ba et al. 2016)."
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
                "The norm before",
                list(NORMS),
                default="Attention",
                required=True,
                key="norm_which",
                persist_state="session",
                help="Each layer has two; a last one stands before the head.",
            )
        ]
        layer = 0
        if which != "final":
            layer = choose_layer(model.config.n_layers, "norm_layer", "Each layer has norms of its own.")
        position = choose_position(
            sentence, "norm_token", "The norm treats each token by itself: it never looks at the others."
        )
        steps = anatomy.norm_steps(model, reading.trace, which, position, layer)
        dimension = st.number_input(
            "Dimension to work out",
            0,
            model.config.d_model - 1,
            0,
            key=f"norm_dimension:{model.config.d_model}",
            persist_state="session",
            help="One number of the vector, computed step by step below.",
        )
        _by_hand(steps, int(dimension))
    with figure:
        distributions(
            {"before": steps.before, "normalised": steps.normalised, "after γ and β": steps.after},
            title="How the vector's numbers are spread",
            x="Value",
            summary=f"Before: mean {steps.mean:.3f}, standard deviation {steps.variance**0.5:.3f}. "
            f"Normalised: 0 and 1. After: mean {steps.after.mean():.3f}, standard deviation {steps.after.std():.3f}.",
        ).show()
        _numbers(steps)
        _strips(steps, sentence.ids[position], sentence.tokens[position])
    _check(reading, which, layer, position, steps)
    _every_norm(reading, position)
    notice(
        "Normalised, every token's vector has mean 0 and standard deviation 1, whatever it was before. What remains is "
        "its direction.",
        "The learned scale γ then makes some dimensions loud and others quiet"
        + (", and the shift β moves them." if model.config.bias else "; this model has no shift β."),
        "The stream itself is not normalised: it grows from layer to layer, while what the blocks read stays at one "
        "scale. This is pre-norm, as in GPT-2; the transformer of 2017 normalised after each addition.",
    )
    exercise(
        "Compare the standard deviation before the first norm and before the last one. Why does the model work at all "
        "if they differ so much?",
        "Because nothing reads the raw stream: each block gets it normalised. A block late in the model must write "
        "longer vectors to change the direction of a stream that has grown.",
    )
    show_code(anatomy.norm_steps, anatomy.norm_output)


def _by_hand(steps: NormSteps, i: int) -> None:
    st.markdown("**Worked out**")
    deviation = (steps.variance + steps.epsilon) ** 0.5
    st.code(
        f"x − μ      = {_n(steps.before[i])} − {_n(steps.mean)}\n"
        f"√(σ² + ε)  = {deviation:.4f}\n"
        f"normalised = {_n(steps.normalised[i])}\n"
        f"· γ        = · {_n(steps.scale[i])}\n"
        f"+ β        = + {_n(steps.shift[i])}\n"
        f"y          = {_n(steps.after[i])}",
        language=None,
        wrap_lines=True,
    )


def _n(value: float) -> str:
    """A number with a true minus sign, in parentheses where it is negative."""
    return f"{value:.4f}" if value >= 0 else f"(−{-value:.4f})"


def _numbers(steps: NormSteps) -> None:
    rows = []
    for name, vector in (
        ("before", steps.before),
        ("normalised", steps.normalised),
        ("after γ and β", steps.after),
        ("γ, the learned scale", steps.scale),
        ("β, the learned shift", steps.shift),
    ):
        rows.append(
            {
                "vector": name,
                "mean": float(vector.mean()),
                "standard deviation": float(vector.std()),
                "smallest": float(vector.min()),
                "largest": float(vector.max()),
                "length": float(np.linalg.norm(vector)),
            }
        )
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        width="stretch",
        column_config={name: st.column_config.NumberColumn(format="%.3f") for name in rows[0] if name != "vector"},
    )


def _strips(steps: NormSteps, token_id: int, token: str) -> None:
    n = min(DRAWN, len(steps.before))
    st.markdown("**The vector, number by number**")
    vector_strips(
        [
            StripGroup(
                token,
                [
                    Strip("before", steps.before[:n]),
                    Strip("normalised", steps.normalised[:n]),
                    Strip("after γ and β", steps.after[:n]),
                ],
                token_id=token_id,
            )
        ],
        "norm_strips",
        label="The token's vector before, normalised and after",
    )
    if n < len(steps.before):
        st.caption(f"The first {n} of {len(steps.before):,} dimensions, on one scale.")


def _check(reading: Reading, which: Norm, layer: int, position: int, steps: NormSteps) -> None:
    own = anatomy.norm_output(reading.trace, which, layer)[position]
    difference = float(np.abs(own - steps.after).max())
    st.caption(
        f"Worked out step by step and by the model's own LayerNorm, the {len(own):,} numbers differ by "
        f"{difference:.1g} at most, which is rounding."
    )


def _every_norm(reading: Reading, position: int) -> None:
    with st.expander("Every norm of the model for this token", icon=":material/table:"):
        model, rows = reading.checkpoint.model, []
        places: list[tuple[str, Norm, int]] = []
        for layer in range(model.config.n_layers):
            places.append((f"layer {layer + 1}, before attention", "attention", layer))
            places.append((f"layer {layer + 1}, before the MLP", "mlp", layer))
        for name, norm, layer in [*places, ("final", "final", 0)]:
            steps = anatomy.norm_steps(model, reading.trace, norm, position, layer)
            rows.append(
                {
                    "norm": name,
                    "mean before": steps.mean,
                    "standard deviation before": steps.variance**0.5,
                    "mean after": float(steps.after.mean()),
                    "standard deviation after": float(steps.after.std()),
                }
            )
        st.dataframe(
            pd.DataFrame(rows),
            hide_index=True,
            width="stretch",
            column_config={name: st.column_config.NumberColumn(format="%.3f") for name in rows[0] if name != "norm"},
        )
