"""What the parts share: a model's probabilities of a text, and the training text behind a run as an index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from engine.corpus import load_corpus
from engine.evaluation import token_probabilities
from engine.generation import SamplingConfig
from engine.language import N_
from engine.memorised import (
    LEAST_WORDS,
    Copied,
    Place,
    WordIndex,
    documents_of,
    find_place,
    samples_of,
    split_training_text,
    write_words,
)
from engine.offsets import TokenSpans, token_spans
from engine.runs.artifacts import UPLOAD
from engine.runs.config import RunConfig
from engine.runs.preparation import read_corpora
from pages.shared.models import ModelChoice, inference, load
from pages.shared.viewer import lab

SPINNER = N_("The model reads …")
N_SAMPLES = 20
"""So many stretches of each held-out text make the baseline."""
ROUND_TO = 25
LEASTS = range(LEAST_WORDS, 21)
"""The lengths, in words, from which on a span can be made to count."""


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


@st.cache_resource(max_entries=2, show_spinner=N_("Reading what the model was trained on …"))
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
    return train, held_out, {name: _source(name) for name, _unused in config.corpora}


def _source(name: str) -> str:
    return lab().artifacts.load_upload(name) if name.startswith(UPLOAD) else load_corpus(name)


@st.cache_resource(max_entries=2, show_spinner=N_("Indexing every run of words in it …"))
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


@dataclass(frozen=True)
class Normal:
    """What real text that the model never read shares with its training text, by source, in stretches of `n_words`.

    `shares`: by the least words of a span, the mean share of the words inside such spans. `longest`: the median of the
    longest spans, in words. `n_searched`: the words of all stretches.
    """

    n_words: int
    shares: dict[str, dict[int, float]]
    longest: dict[str, int]
    n_searched: dict[str, int]


@st.cache_resource(max_entries=16, show_spinner=N_("Searching held-out text in the same way …"))
def _normal(run_id: str, home: str, n_words: int, _text: TrainingText) -> Normal:
    samples = {
        name: [_text.index.search(each) for each in samples_of([held_out], n_words, N_SAMPLES)]
        for name, held_out in _text.held_out.items()
    }
    samples = {name: found for name, found in samples.items() if found}
    return Normal(
        n_words,
        {
            name: {least: float(np.mean([each.share(least) for each in found])) for least in LEASTS}
            for name, found in samples.items()
        },
        {name: int(np.median([each.longest for each in found])) for name, found in samples.items()},
        {name: sum(each.n_words for each in found) for name, found in samples.items()},
    )


def normal(run_id: str, n_words: int) -> Normal:
    """The baseline for texts of about `n_words` words, measured once for everybody."""
    rounded = max(ROUND_TO, ROUND_TO * round(n_words / ROUND_TO))
    return _normal(run_id, str(lab().settings.home), rounded, training_text(run_id))


@dataclass(frozen=True)
class Written:
    """What a model wrote after a prompt, and what of it stands in its training text."""

    prompt: str
    text: str
    copied: Copied


@st.cache_resource(max_entries=64, show_spinner=N_("The model writes …"))
def _write(
    key: str, home: str, prompt: str, n_words: int, temperature: float, seed: int, _checkpoint: Any, _index: WordIndex
) -> Written:
    with inference():
        sampling = SamplingConfig(temperature=temperature, seed=seed)
        text = write_words(_checkpoint.model, _checkpoint.tokenizer, prompt, n_words, sampling)
    return Written(prompt, text, _index.search(text))


def write(choice: ModelChoice, prompt: str, n_words: int, temperature: float, seed: int) -> Written:
    """Let the model write and search what it wrote, once for everybody who asks for the same."""
    index = training_text(choice.run_id).index
    home = str(lab().settings.home)
    return _write(choice.key, home, prompt, n_words, temperature, seed, load(choice), index)


@st.cache_resource(max_entries=64, show_spinner=False)
def _places(run_id: str, home: str, text: str, _copied: Copied, _text: TrainingText) -> list[Place | None]:
    index = _text.index
    return [find_place(_text.sources, index.documents[each.document], index.passage(each)) for each in _copied.spans]


def places_of(run_id: str, written: Written, text: TrainingText) -> list[Place | None]:
    """Where each span stands in the sources of a run's training text; None where it crosses from one into another."""
    return _places(run_id, str(lab().settings.home), written.text, written.copied, text)
