"""Recorded BPE trainings, one for everybody who asks for the same text, and tokens as they can be read."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Mapping

import numpy as np
import streamlit as st

from engine.bpe import train_steps
from engine.bpe_replay import Replay, record_training
from engine.language import N_
from engine.runs.named_texts import LEARN_CHARS
from pages.shared.texts import text_of
from pages.shared.tokenizers import TokenizerChoice

MAX_LINE = 2_000
_LEARNING = threading.BoundedSemaphore(1)  # pure Python: two at a time would only halve each other's speed
_SIGNS = {" ": "␣", "\n": "↵", "\t": "⇥"}


@st.cache_resource(max_entries=24, show_spinner=N_("Learning the merges …"))
def recorded(source: str, n_chars: int, n_merges: int) -> Replay:
    """The training on the first `n_chars` characters of a corpus or an upload, with every step."""
    with _LEARNING:
        return record_training(text_of(source, n_chars), n_merges)


@st.cache_resource(max_entries=64, show_spinner=False)
def recorded_line(text: str, n_merges: int) -> Replay:
    """The training on a short text, at most 2,000 characters of it."""
    return record_training(text[:MAX_LINE], n_merges)


def readable(data: bytes, limit: int = 60) -> str:
    """A token as it can be read on one line: spaces as ␣, line ends as ↵, what cannot be seen by its number.

    Bytes that are no character by themselves stand as \\xNN; a mark that sits on another character gets a circle.

    >>> readable(b" the\\n"), readable(b"\\xe6\\x97"), readable("\\u202e".encode())
    ('␣the↵', '\\\\xe6\\\\x97', 'U+202E')
    """
    text = data.decode("utf-8", "backslashreplace")
    if text.isprintable() and not unicodedata.combining(text[:1] or " "):
        shown = text.replace(" ", "␣")
    else:
        shown = "".join(map(_sign, text[: limit + 1]))
        if text and unicodedata.category(text[0]).startswith("M"):
            shown = "◌" + shown
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _sign(character: str) -> str:
    if character in _SIGNS:
        return _SIGNS[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x80 else f"U+{code:04X}"


def quoted(data: bytes, limit: int = 60) -> str:
    """A readable token between quotation marks, for running text."""
    return f"“{readable(data, limit)}”"


@st.cache_resource(max_entries=16, show_spinner=N_("Counting pairs …"))
def learned_counts(source: str, vocab_size: int) -> Mapping[int, int]:
    """How often the pair of each learned token stood in the text when it was merged: id → count."""
    with _LEARNING:
        steps = train_steps(text_of(source, LEARN_CHARS), vocab_size, runners_up=0)
        return {step.new_id: step.count for step in steps}


@st.cache_resource(max_entries=24, show_spinner=N_("Encoding the sample …"))
def sample_counts(choice: TokenizerChoice, source: str) -> np.ndarray:
    """How often each token occurs in the first million characters of a text: (n_vocab,) int64."""
    tokenizer = choice.load()
    ids = tokenizer.encode_array(text_of(source, LEARN_CHARS), allowed_special="all")
    return np.bincount(ids, minlength=tokenizer.n_vocab)
