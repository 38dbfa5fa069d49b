"""The learner's own sentence, the same in every lesson that looks inside a model, and what the model makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from engine.checkpoint import Checkpoint
from engine.inspection import trace_of
from engine.language import N_, _
from pages.shared.draft import show_bytes
from pages.shared.models import ModelChoice, inference, load

DEFAULT = "The lion is in the forest. The lion sees the"
MAX_CHARS = 2_000


@dataclass(frozen=True)
class Sentence:
    """A text as a model reads it: at least one token, at most what its context holds."""

    text: str
    ids: tuple[int, ...]
    tokens: tuple[str, ...]


def choose_sentence(choice: ModelChoice, *, most: int | None = None) -> Sentence | None:
    """The text box with its tokens by the model's own tokenizer; None, with advice, while it is empty.

    `most` limits the tokens further than the context length does. What is beyond is left out, and said.
    """
    text = st.text_area(
        _("Your sentence"),
        DEFAULT,
        key="sentence",
        persist_state="session",
        max_chars=MAX_CHARS,
        height=80,
        help=_(
            "The text that the model reads. The same sentence stays with you on all pages that look inside a model."
        ),
    )
    checkpoint = load(choice)
    ids = checkpoint.tokenizer.encode(text.encode("utf-8", "replace").decode("utf-8"))
    if not ids:
        st.info(_("Type a sentence: the model needs at least one token to read."))
        return None
    limit = min(checkpoint.model.config.context_length, most or len(ids))
    if len(ids) > limit:
        st.caption(_("The text has {n_ids:,} tokens; the first {limit:,} are read here.", n_ids=len(ids), limit=limit))
    ids = ids[:limit]
    return Sentence(text, tuple(ids), tuple(show_bytes(checkpoint.tokenizer.token_bytes(id)) for id in ids))


@st.cache_resource(max_entries=8, show_spinner=N_("The model reads …"))
def _traced(key: str, ids: tuple[int, ...], _checkpoint: Checkpoint) -> tuple[Any, np.ndarray]:
    with inference():
        return trace_of(_checkpoint.model, ids)


def traced(choice: ModelChoice, ids: tuple[int, ...]) -> tuple[Any, np.ndarray]:
    """What the model computes for a text (`engine.gpt.Trace`) and its logits (T, V), computed once for everybody."""
    return _traced(choice.key, ids, load(choice))
