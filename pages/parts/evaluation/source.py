"""What the parts share: a model's probabilities of a text, and what it copies from the text that it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from engine.aside_worker import Call
from engine.language import N_, _
from engine.moments import Read, read_text
from engine.runs.copying import Measured, Prompt, write_and_search
from pages.shared.aside import all_computed, computed
from pages.shared.models import ModelChoice, inference, load, model_named, settings_aside

READ_AT_ONCE = 600
"""Texts of so many characters are read while one waits; longer ones beside the server."""


@st.cache_resource(max_entries=32, show_spinner=N_("The model reads …"))
def _read(key: str, text: str, _checkpoint: Any) -> Read:
    with inference():
        return read_text(_checkpoint, text)


def read(choices: Sequence[ModelChoice], text: str) -> list[Read]:
    """What each model makes of a text, computed once for everybody; NotYet while a long one is read."""
    if len(text) <= READ_AT_ONCE:
        return [_read(choice.key, text, load(choice)) for choice in choices]
    return all_computed(_("The model reads …"), [Call(read_text, (model_named(choice), text)) for choice in choices])


def copies(choice: ModelChoice, prompts: tuple[tuple[Prompt, int], ...], n_words: int, temperature: float) -> Measured:
    """Let the model write after each prompt, with its seed, and search that in its training text; NotYet meanwhile.

    Raises CorpusError where the training text is gone or not installed.
    """
    return computed(
        _("The model writes, and what it was trained on is searched for it"),
        write_and_search,
        model_named(choice),
        settings_aside(),
        choice.run_id,
        prompts,
        n_words,
        temperature,
    )
