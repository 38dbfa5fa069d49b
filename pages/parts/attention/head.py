"""The head that a part looks at, the same in all parts of the lesson, with controls that stand in a narrow column."""

from __future__ import annotations

import streamlit as st

from engine.gpt import GPTConfig
from pages.parts.attention.maps import head_keys


def choose_head(config: GPTConfig) -> tuple[int, int]:
    """A slider for the layer above the buttons of its heads; returns both, counted from 0."""
    layer_key, head_key = head_keys(config)
    layer = 0
    if config.n_layers > 1:
        layer = st.slider(
            "Layer",
            0,
            config.n_layers - 1,
            key=layer_key,
            persist_state="session",
            help="Layers work one after the other; 0 is the first and reads the embeddings.",
        )
    head = 0
    if config.n_heads > 1:
        head = st.segmented_control(
            "Head",
            range(config.n_heads),
            default=0,
            required=True,
            key=head_key,
            persist_state="session",
            wrap=True,
            help="The heads of a layer work side by side, each with queries, keys and values of its own.",
        )
    return layer, int(head)
