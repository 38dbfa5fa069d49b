"""Recorded BPE trainings, one for everybody who asks for the same text, and tokens counted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st

from engine.bpe_replay import Replay, record_training
from engine.language import N_
from engine.readable import readable
from engine.runs.named_texts import LEARN_CHARS, TextOf
from engine.runs.tokenizers_learned import merges_recorded, pairs_counted, tokens_counted
from pages.shared.aside import computed
from pages.shared.models import settings_aside
from pages.shared.tokenizers import TokenizerChoice

MAX_LINE = 2_000


def recorded(source: str, n_chars: int, n_merges: int) -> Replay:
    """The training on the first `n_chars` characters of a corpus or an upload; raises NotYet while it is recorded."""
    return computed(N_("Learning the merges …"), merges_recorded, TextOf(settings_aside(), source, n_chars), n_merges)


@st.cache_resource(max_entries=64, show_spinner=False)
def recorded_line(text: str, n_merges: int) -> Replay:
    """The training on a short text, at most 2,000 characters of it."""
    return record_training(text[:MAX_LINE], n_merges)


def quoted(data: bytes, limit: int = 60) -> str:
    """A readable token between quotation marks, for running text."""
    return f"“{readable(data, limit)}”"


def learned_counts(choice: TokenizerChoice) -> Mapping[int, int]:
    """How often the pair of each token of a BPE stood in its text when it was merged: id → count; raises NotYet."""
    return computed(N_("Counting pairs …"), pairs_counted, choice.named)


def sample_counts(choice: TokenizerChoice, source: str) -> np.ndarray:
    """How often each token occurs in the first million characters of a text, (n_vocab,) int64; raises NotYet."""
    text = TextOf(settings_aside(), source, LEARN_CHARS)
    return computed(N_("Encoding the sample …"), tokens_counted, choice.named, text)
