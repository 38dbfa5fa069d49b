"""What the parts that look inside a model begin with: a model, a sentence, and everything the model computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from engine.checkpoint import Checkpoint
from engine.language import N_, _
from pages.shared.draft import show_bytes
from pages.shared.models import ModelChoice, choose_model, load
from pages.shared.sentence import Sentence, choose_sentence, traced


@dataclass(frozen=True)
class Reading:
    """A sentence as a model read it: `trace` is an `engine.gpt.Trace`, logits are (T, V)."""

    choice: ModelChoice
    checkpoint: Checkpoint
    sentence: Sentence
    trace: Any
    logits: np.ndarray

    @property
    def key(self) -> tuple[str, tuple[int, ...]]:
        """Names the reading in caches."""
        return self.choice.key, self.sentence.ids


def read_sentence(most: int) -> Reading | None:
    """The controls for a model and a sentence of at most `most` tokens; None, with advice, while one is missing."""
    model, text = st.columns([1, 1.6], gap="large")
    with model:
        choice = choose_model()
    if choice is None:
        return None
    with text:
        sentence = choose_sentence(choice, most=most)
    if sentence is None:
        return None
    trace, logits = traced(choice, sentence.ids)
    return Reading(choice, load(choice), sentence, trace, logits)


def token_name(checkpoint: Checkpoint, token_id: int) -> str:
    """A token's text; a row of the table that no token uses by its number."""
    tokenizer = checkpoint.tokenizer
    return (
        show_bytes(tokenizer.token_bytes(token_id))
        if token_id < tokenizer.n_vocab
        else _("(unused {token_id})", token_id=token_id)
    )


def choose_layer(n_layers: int, key: str, text: str) -> int:
    """A slider for a layer, counted from 1 on the page and from 0 in what it returns; none for a single layer."""
    if n_layers == 1:
        return 0
    return st.slider(_("Layer"), 1, n_layers, key=f"{key}:{n_layers}", persist_state="session", help=_(text)) - 1


def choose_position(sentence: Sentence, key: str, text: str, *, label: str = N_("Token")) -> int:
    """A list of the sentence's tokens by position; the last one is chosen first."""
    positions = range(len(sentence.tokens))
    key = f"{key}:{len(positions)}"
    if st.session_state.get(key) not in positions:
        st.session_state[key] = positions[-1]
    return st.selectbox(
        _(label),
        positions,
        format_func=lambda at: _(f"{at}: {shown(sentence.tokens[at])}"),
        key=key,
        persist_state="session",
        help=_(text),
    )


def shown(token: str, limit: int = 18) -> str:
    """A token on one line, quoted, spaces as ␣, cut to `limit` characters."""
    text = token.replace("\r", "␍").replace("\n", "↵").replace("\t", "⇥").replace(" ", "␣")
    return f"“{text if len(text) <= limit else text[: limit - 1] + '…'}”"
