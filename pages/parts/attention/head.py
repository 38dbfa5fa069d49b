"""The head that is looked at, chosen once for the parts of the lesson that look at one."""

from __future__ import annotations

import streamlit as st

from engine.gpt import GPTConfig


def choose_head(config: GPTConfig) -> tuple[int, int]:
    """Controls for a layer (a slider) and one of its heads (buttons); returns both, counted from 0."""
    layer_key, head_key = "attention_layer", "attention_head"
    for key, n in ((layer_key, config.n_layers), (head_key, config.n_heads)):
        value = st.session_state.get(key)
        if value is not None and not 0 <= value < n:
            del st.session_state[key]  # left from a model with more of them
    layer = 0
    if config.n_layers > 1:
        layer = st.slider(
            "Layer",
            0,
            config.n_layers - 1,
            key=layer_key,
            persist_state="session",
            help="Blocks from the first, 0, that reads the embeddings, to the last, that the prediction is made from.",
        )
    head = 0
    if config.n_heads > 1:
        head = st.segmented_control(
            "Head",
            list(range(config.n_heads)),
            default=0,
            required=True,
            key=head_key,
            persist_state="session",
            help="Each layer has several heads; each computes its own q, k and v, and its own attention.",
        )
    return layer, head
