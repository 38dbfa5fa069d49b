"""The head that a part looks at, the same in all parts of the lesson: its controls, its place, its name.

On the page layers and heads are counted from 1, as in the other lessons; in arrays from 0.
"""

from __future__ import annotations

import streamlit as st

from engine.gpt import GPTConfig
from engine.language import _


def choose_head(config: GPTConfig, *, wide: bool = False) -> tuple[int, int]:
    """A slider for the layer and buttons for its heads, beside each other if `wide`; returns both, counted from 0."""
    layer_key, head_key = _keys(config)
    above, below = st.columns([1, 1.4], gap="medium") if wide else (st.container(), st.container())
    layer, head = 1, 1
    if config.n_layers > 1:
        layer = above.slider(
            _("Layer"),
            1,
            config.n_layers,
            key=layer_key,
            persist_state="session",
            help=_("Layers work one after the other; the first reads the embeddings."),
        )
    else:
        above.caption(_("This model has one layer."))
    if config.n_heads > 1:
        head = below.segmented_control(
            _("Head"),
            range(1, config.n_heads + 1),
            default=1,
            required=True,
            key=head_key,
            persist_state="session",
            wrap=True,
            help=_("The heads of a layer work side by side, each with queries, keys and values of its own."),
        )
    return layer - 1, int(head) - 1


def chosen_head(config: GPTConfig) -> tuple[int, int]:
    """Layer and head, counted from 0, that the controls stand at, wherever they are drawn."""
    layer_key, head_key = _keys(config)
    return st.session_state.get(layer_key, 1) - 1, st.session_state.get(head_key, 1) - 1


def set_head(config: GPTConfig, layer: int, head: int) -> None:
    """Make this the chosen head, counted from 0; in a callback, before the controls are drawn."""
    layer_key, head_key = _keys(config)
    st.session_state[layer_key], st.session_state[head_key] = layer + 1, head + 1


def head_name(layer: int, head: int) -> str:
    """A head, counted from 0, as the page names it.

    >>> head_name(0, 2)
    'layer 1, head 3'
    """
    return _("layer {layer}, head {head}", layer=layer + 1, head=head + 1)


def _keys(config: GPTConfig) -> tuple[str, str]:
    return f"attention_layer:{config.n_layers}", f"attention_head:{config.n_heads}"
