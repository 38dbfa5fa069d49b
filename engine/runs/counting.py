"""n-gram models beside a trained model: of the text that it was trained on, in its own tokens.

They are counted once by the process that is asked, from a part of the text, and stay there with its index; losses,
texts and probabilities come back. Open weights have no such text: beside them a text of the engine's own is counted.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from engine.aside_worker import OPEN, HeldOut, ModelOf, held_out_of
from engine.checkpoint import Checkpoint
from engine.corpus import load_corpus
from engine.errors import RunError
from engine.evaluation import window_nats
from engine.generation import SamplingConfig, generate
from engine.language import _
from engine.memorised import Copied, WordIndex, documents_of
from engine.ngram import MAX_ORDER, NGram
from engine.ngram_writer import write
from engine.open_models import OPEN_TEXT
from engine.runs.config import RunConfig
from engine.runs.preparation import read_corpora
from engine.runs.service import RunService
from engine.settings import Settings
from engine.tokenizer import END_OF_TEXT

COUNTED_CHARS = 2_000_000
"""More of a training text is not counted: for 5-grams of 20 MB that would take a minute and a gigabyte."""
SKIPPED = MAX_ORDER - 1
"""So many tokens of each held-out window are context only: the 5-gram needs them."""
HELD_TOKENS = 2048


@dataclass(frozen=True)
class Counts:
    """What was counted: so many of `n_all` characters, in tokens, and the distinct n-grams of order 0 to 5."""

    n_chars: int
    n_all: int
    n_tokens: int
    n_grams: tuple[int, ...]


@dataclass(frozen=True)
class Losses:
    """Nats per token on the same held-out positions: of each order, and of the model. `known` is the share of the
    positions where an order had seen the whole context.
    """

    counts: Counts
    by_order: tuple[float, ...]
    known: tuple[float, ...]
    model: float
    n_scored: int


@dataclass(frozen=True)
class Texts:
    """How n-grams of some orders go on from a text, and how the model does (empty unless asked)."""

    counts: Counts
    by_order: tuple[str, ...]
    model: str
    copied: tuple[Copied, ...] = ()


@dataclass(frozen=True)
class TextBehind:
    """Names the text behind a model; equal for all checkpoints of a run, whichever of them is at hand."""

    settings: Settings
    run_id: str
    checkpoint: Checkpoint = field(compare=False, repr=False)


@dataclass(frozen=True)
class Counted:
    """n-gram models of order 0 to 5, the text that was counted, and its size."""

    models: tuple[NGram, ...]
    text: str
    counts: Counts


def losses(checkpoint: Checkpoint, settings: Settings, run_id: str) -> Losses:
    """The model and the n-grams on the same held-out text; some seconds. Raises CorpusError where the text is gone."""
    behind = TextBehind(settings, run_id, checkpoint)
    counted = counted_behind(behind)
    inputs, targets = held_out_behind(behind, HELD_TOKENS // 2 if run_id.startswith(OPEN) else HELD_TOKENS)
    rows = np.concatenate([inputs[:, :1], targets], axis=1)  # (N, T + 1)
    nats = window_nats(checkpoint.model, inputs, targets)
    by_order = tuple(model.loss(rows, skip=SKIPPED) for model in counted.models)
    known = tuple(
        float(np.mean([model.looks_back(row)[SKIPPED:] >= model.order - 1 for row in rows])) for model in counted.models
    )
    scored = nats[:, SKIPPED - 1 :]  # target t is token t + 1 of its row
    return Losses(counted.counts, by_order, known, float(scored.mean()), scored.size)


def texts_by_counting(
    checkpoint: Checkpoint,
    settings: Settings,
    run_id: str,
    ids: tuple[int, ...],
    orders: tuple[int, ...],
    n_tokens: int,
    sampling: SamplingConfig,
) -> Texts:
    """How n-grams of these orders go on from `ids`, with the model's filters and dice."""
    counted, tokenizer = counted_behind(TextBehind(settings, run_id, checkpoint)), checkpoint.tokenizer
    written = (write(counted.models[order], ids, n_tokens, sampling) for order in orders)
    return Texts(counted.counts, tuple(tokenizer.decode([each.id for each in text]) for text in written), "")


def texts_beside(
    checkpoint: Checkpoint,
    settings: Settings,
    run_id: str,
    ids: tuple[int, ...],
    orders: tuple[int, ...],
    n_tokens: int,
    sampling: SamplingConfig,
) -> Texts:
    """The same, with the model's own text last, and what of each stands in the counted text."""
    found = texts_by_counting(checkpoint, settings, run_id, ids, orders, n_tokens, sampling)
    steps = generate(checkpoint.model, checkpoint.tokenizer, list(ids), n_tokens, sampling)
    own = checkpoint.tokenizer.decode([step.id for step in steps])
    index = _index(TextBehind(settings, run_id, checkpoint))
    return Texts(found.counts, found.by_order, own, tuple(map(index.search, (*found.by_order, own))))


@lru_cache(maxsize=2)
def counted_behind(behind: TextBehind) -> Counted:
    """The n-gram models of a text, counted once."""
    text, n_all = _open_text() if behind.run_id.startswith(OPEN) else _run_text(behind.settings, behind.run_id)
    tokenizer = behind.checkpoint.tokenizer
    ids = tokenizer.encode_array(text, allowed_special=(END_OF_TEXT,))
    models = tuple(NGram.fit_all(ids, tokenizer.n_vocab, MAX_ORDER))
    counts = Counts(len(text), n_all, len(ids), tuple(each.n_grams for each in models))
    return Counted(models, text, counts)


@lru_cache(maxsize=4)
def held_out_behind(behind: TextBehind, n_tokens: int) -> tuple[Any, Any]:
    """Windows that the model never trained on, inputs and targets, (N, T) each."""
    windows: tuple[Any, Any] = held_out_of(HeldOut(ModelOf(behind.settings, behind.run_id, 0, 0.0), n_tokens))
    return windows


@lru_cache(maxsize=2)
def _index(behind: TextBehind) -> WordIndex:
    return WordIndex(documents_of(counted_behind(behind).text))


def _run_text(settings: Settings, run_id: str) -> tuple[str, int]:
    """The part of a run's training text that is counted, and how long all of it is."""
    with closing(RunService(settings, start=False)) as service:
        config = service.run(run_id).config
        if not isinstance(config, RunConfig):
            raise RunError(_("this model was not pretrained on a text: choose a pretraining run."))
        found = read_corpora(config, service.artifacts)
    if found.held_out:  # a mixture keeps its last parts aside before it is mixed
        return found.train[:COUNTED_CHARS], len(found.train)
    # Cut in characters a little before where the run cuts its tokens, so that no held-out token is counted.
    n_train = int(len(found.train) * (1 - config.validation_fraction) * 0.98)
    return found.train[: min(n_train, COUNTED_CHARS)], n_train


def _open_text() -> tuple[str, int]:
    text = load_corpus(OPEN_TEXT)
    n_train = int(len(text) * 0.9)  # its held-out windows are from the end
    return text[: min(n_train, COUNTED_CHARS)], n_train
