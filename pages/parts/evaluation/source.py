"""What the parts share: a model's probabilities of a text, and the training text behind a run as an index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from engine.corpus import load_corpus
from engine.evaluation import token_probabilities
from engine.memorised import WordIndex, documents_of, split_training_text
from engine.offsets import TokenSpans, token_spans
from engine.runs.artifacts import UPLOAD
from engine.runs.config import RunConfig
from engine.runs.preparation import read_corpora
from engine.runs.service import lab
from pages.shared.models import ModelChoice, inference, load
from pages.shared.text_source import source_title

SPINNER = "The model reads …"


@dataclass(frozen=True)
class Read:
    """A text as a model read it: its tokens' places and probabilities (T,), NaN for the first."""

    spans: TokenSpans
    probabilities: np.ndarray


@st.cache_resource(max_entries=32, show_spinner=SPINNER)
def _read(key: str, text: str, _checkpoint: Any) -> Read:
    spans = token_spans(text, _checkpoint.tokenizer)
    with inference():
        return Read(spans, token_probabilities(_checkpoint.model, spans.ids.tolist()))


def read(choice: ModelChoice, text: str) -> Read:
    """What a model makes of a short text, computed once for everybody."""
    return _read(choice.key, text, load(choice))


@dataclass(frozen=True)
class TrainingText:
    """What a run read: an index of its words, the whole sources by name to find places in, and what was held out."""

    index: WordIndex
    sources: dict[str, str]
    held_out: dict[str, str]
    n_chars: int


@st.cache_resource(max_entries=2, show_spinner="Reading what the model was trained on …")
def _run_texts(run_id: str, home: str) -> tuple[str, dict[str, str], dict[str, str]]:
    """The training text, the held-out text and the whole sources, by name."""
    service = lab()
    config = service.run(run_id).config
    assert isinstance(config, RunConfig)
    text = read_corpora(config, service.artifacts)
    train, held_out = text.train, text.held_out
    if not held_out:
        tokenizer = service.load_model(run_id).tokenizer
        train, rest = split_training_text(train, tokenizer, config.validation_fraction)
        held_out = {text.name: rest}
    return train, held_out, {name: _source(name) for name, _ in config.corpora}


def _source(name: str) -> str:
    return lab().artifacts.load_upload(name) if name.startswith(UPLOAD) else load_corpus(name)


@st.cache_resource(max_entries=2, show_spinner="Indexing every run of words in it …")
def _indexed(run_id: str, home: str, _train: str) -> WordIndex:
    return WordIndex(documents_of(_train))


def training_text(run_id: str) -> TrainingText:
    """The training text of a pretraining run, read and indexed once for everybody; some seconds for 20 MB.

    Raises CorpusError where the text is gone or not installed.
    """
    home = str(lab().settings.home)
    train, held_out, sources = _run_texts(run_id, home)
    index = _indexed(run_id, home, train)
    return TrainingText(index, sources, held_out, len(train))


def titles(names: Any) -> list[str]:
    """What a learner calls these sources."""
    return [source_title(name) for name in names]
