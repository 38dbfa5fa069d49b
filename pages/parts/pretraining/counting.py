"""n-gram models of the text that a chosen model was trained on: counted once for everybody, from a part of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from engine.corpus import load_corpus
from engine.errors import RunError
from engine.evaluation import window_nats
from engine.generation import SamplingConfig, generate
from engine.language import N_, _
from engine.memorised import WordIndex, documents_of
from engine.ngram import MAX_ORDER, NGram
from engine.ngram_writer import Counted as Drawn
from engine.ngram_writer import write
from engine.open_models import OPEN_TEXT
from engine.runs.config import RunConfig
from engine.runs.preparation import read_corpora
from engine.tokenizer import END_OF_TEXT
from pages.shared.models import ModelChoice, held_out, inference, load
from pages.shared.viewer import lab

COUNTED_CHARS = 2_000_000
"""More of a training text is not counted in the page: for 5-grams of 20 MB that would take a minute and a gigabyte."""

SKIPPED = MAX_ORDER - 1
"""So many tokens of each held-out window are context only: the 5-gram needs them."""

HELD_TOKENS = 2048
NAMES = (N_("uniform"), "1-gram", "2-gram", "3-gram", "4-gram", "5-gram")


@dataclass(frozen=True)
class Text:
    """The part of a training text that is counted. `n_all` are the characters of all of it."""

    text: str
    n_all: int
    title: str


@dataclass(frozen=True)
class CountedText:
    """n-gram models of order 0 to 5, and what they were counted from."""

    models: tuple[NGram, ...]
    n_chars: int
    n_all: int
    n_tokens: int
    title: str


@st.cache_resource(max_entries=3, show_spinner=N_("Reading the training text …"))
def _text(run_id: str, home: str) -> Text:
    service = lab()
    config = service.run(run_id).config
    if not isinstance(config, RunConfig):
        raise RunError(_("this model was not pretrained on a text: choose a pretraining run."))
    found = read_corpora(config, service.artifacts)
    if found.held_out:  # a mixture keeps its last parts aside before it is mixed
        return Text(found.train[:COUNTED_CHARS], len(found.train), _("its training text"))
    # Cut in characters a little before where the run cuts its tokens, so that no held-out token is counted.
    n_train = int(len(found.train) * (1 - config.validation_fraction) * 0.98)
    return Text(found.train[: min(n_train, COUNTED_CHARS)], n_train, _("its training text"))


@st.cache_resource(max_entries=1, show_spinner=False)
def _open_text() -> Text:
    text = load_corpus(OPEN_TEXT)
    n_train = int(len(text) * 0.9)  # its held-out windows are from the end
    return Text(
        text[: min(n_train, COUNTED_CHARS)],
        n_train,
        _("the corpus “{open_text}”, which it never read", open_text=OPEN_TEXT),
    )


def text_of(choice: ModelChoice) -> Text:
    """The counted part of what the model was trained on; of open weights, a text of the engine's own instead."""
    return _open_text() if choice.is_open else _text(choice.run_id, str(lab().settings.home))


@st.cache_resource(max_entries=3, show_spinner=N_("Counting every run of one to five tokens …"))
def _counted(run_id: str, home: str, _tokenizer: Any, _text: Text) -> CountedText:
    ids = _tokenizer.encode_array(_text.text, allowed_special=(END_OF_TEXT,))
    models = NGram.fit_all(ids, _tokenizer.n_vocab, MAX_ORDER)
    return CountedText(tuple(models), len(_text.text), _text.n_all, len(ids), _text.title)


def counted(choice: ModelChoice) -> CountedText:
    """The n-gram models beside a model, in its own tokens; some seconds for the first who asks.

    Raises CorpusError where the text is gone.
    """
    text = text_of(choice)
    return _counted(choice.run_id, str(lab().settings.home), load(choice).tokenizer, text)


@st.cache_resource(max_entries=3, show_spinner=N_("Indexing every run of words in it …"))
def _index(run_id: str, home: str, _text: Text) -> WordIndex:
    return WordIndex(documents_of(_text.text))


def index_of(choice: ModelChoice) -> WordIndex:
    """Where every run of words of the counted text stands."""
    return _index(choice.run_id, str(lab().settings.home), text_of(choice))


@dataclass(frozen=True)
class Losses:
    """Nats per token on the same held-out positions: of each order, and of the model. `known` is the share of the
    positions where an order had seen the whole context.
    """

    by_order: tuple[float, ...]
    known: tuple[float, ...]
    model: float
    n_scored: int


@st.cache_resource(max_entries=12, show_spinner=N_("Measuring all of them on the same held-out text …"))
def _losses(key: str, home: str, _choice: ModelChoice, _counted: CountedText) -> Losses:
    inputs, targets = held_out(_choice, HELD_TOKENS // 2 if _choice.is_open else HELD_TOKENS)
    rows = np.concatenate([inputs[:, :1], targets], axis=1)  # (N, T + 1)
    with inference():
        nats = window_nats(load(_choice).model, inputs, targets)
    by_order = [model.loss(rows, skip=SKIPPED) for model in _counted.models]
    known = [
        float(np.mean([model.looks_back(row)[SKIPPED:] >= model.order - 1 for row in rows]))
        for model in _counted.models
    ]
    scored = nats[:, SKIPPED - 1 :]  # target t is token t + 1 of its row
    return Losses(tuple(by_order), tuple(known), float(scored.mean()), scored.size)


def losses(choice: ModelChoice) -> Losses:
    """The model and the n-grams, measured once for everybody."""
    return _losses(choice.key, str(lab().settings.home), choice, counted(choice))


@st.cache_resource(max_entries=64, show_spinner=N_("They write …"))
def _ngram_text(
    run_id: str, home: str, ids: tuple[int, ...], order: int, n_tokens: int, sampling: SamplingConfig, _model: NGram
) -> list[Drawn]:
    return write(_model, ids, n_tokens, sampling)


def ngram_tokens(
    choice: ModelChoice, ids: tuple[int, ...], order: int, n_tokens: int, sampling: SamplingConfig
) -> list[Drawn]:
    """What the n-gram of an order writes after `ids`."""
    model = counted(choice).models[order]
    return _ngram_text(choice.run_id, str(lab().settings.home), ids, order, n_tokens, sampling, model)


@st.cache_resource(max_entries=64, show_spinner=N_("They write …"))
def _model_text(
    key: str, home: str, ids: tuple[int, ...], n_tokens: int, sampling: SamplingConfig, _checkpoint: Any
) -> list[int]:
    with inference():
        return [step.id for step in generate(_checkpoint.model, _checkpoint.tokenizer, list(ids), n_tokens, sampling)]


def model_tokens(choice: ModelChoice, ids: tuple[int, ...], n_tokens: int, sampling: SamplingConfig) -> list[int]:
    """What the model writes after `ids`, with the same dice."""
    return _model_text(choice.key, str(lab().settings.home), ids, n_tokens, sampling, load(choice))


def count_note(text: CountedText) -> str:
    """What was counted, in a sentence."""
    whole = text.n_chars >= 0.99 * text.n_all
    of_all = (
        _("all")
        if whole
        else _(
            "the first {n_chars:.1f} of {n_all:.1f} million characters",
            n_chars=text.n_chars / 1e6,
            n_all=text.n_all / 1e6,
        )
    )
    return _(
        "The n-grams count {of_all} of {title}: {n_tokens:,} tokens.",
        of_all=of_all,
        title=text.title,
        n_tokens=text.n_tokens,
    )
