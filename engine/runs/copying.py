"""What a run's models copy: texts that they write, searched in what they were trained on.

The training text, up to 20 MB, and its index are read by the process that is asked and stay there; what comes back is
small. Real text that was held out is searched in the same way, for only beside it does a share mean anything.
"""

from __future__ import annotations

import random
import re
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engine.checkpoint import Checkpoint
from engine.corpus import load_corpus
from engine.errors import RunError
from engine.generation import SamplingConfig
from engine.language import _
from engine.memorised import (
    LEAST_WORDS,
    Copied,
    Place,
    Span,
    WordIndex,
    documents_of,
    find_place,
    samples_of,
    split_training_text,
    write_words,
)
from engine.runs.artifacts import UPLOAD
from engine.runs.config import RunConfig
from engine.runs.preparation import read_corpora
from engine.runs.service import RunService
from engine.settings import Settings

N_SAMPLES = 20
"""So many stretches of each held-out text make the baseline."""
ROUND_TO = 25
LEASTS = range(LEAST_WORDS, 21)
"""The lengths, in words, from which on a span can be made to count."""
CONTEXT = 450  # characters of the source on each side of a passage
PROMPT_WORDS = 24
GOING_ON = 2_000  # characters that follow a prompt in the training text
OWN, HELD_OUT, TRAINING = "own", "held out", "training"


@dataclass(frozen=True)
class Prompt:
    """What a model goes on from: a text of one's `own`, or words drawn from a `source` (OWN, HELD_OUT or TRAINING)."""

    source: str
    own: str = ""


@dataclass(frozen=True)
class Passage:
    """Where a span stands: a `text` around it, it itself from `start` to `end` there, and its place in a source.

    `place` is None where the span crosses from one source into another; `share` is how far into the source it stands.
    """

    text: str
    start: int
    end: int
    place: Place | None
    share: float


@dataclass(frozen=True)
class Written:
    """What a model wrote after a prompt, and what of it stands in its training text: a passage for every span.

    `going_on` is what follows a prompt in the training text, empty for other prompts.
    """

    prompt: str
    going_on: str
    text: str
    copied: Copied
    passages: tuple[Passage, ...]


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


@dataclass(frozen=True)
class Measured:
    """Texts of a model, the baseline for them, and how much was searched, in words and in characters."""

    written: tuple[Written, ...]
    usual: Normal
    n_words: int
    n_chars: int


def write_and_search(
    checkpoint: Checkpoint,
    settings: Settings,
    run_id: str,
    prompts: tuple[tuple[Prompt, int], ...],
    n_words: int,
    temperature: float,
) -> Measured:
    """One text of about `n_words` after each prompt, with the seed beside it, searched in the run's training text.

    Some seconds for the first text of a run, for all of it is read. Raises CorpusError where it is gone.
    """
    known = _training_text(settings, run_id)
    written = tuple(_written(checkpoint, known, *each, n_words, temperature) for each in prompts)
    usual = _normal(settings, run_id, _rounded(max(each.copied.n_words for each in written)))
    return Measured(written, usual, known.index.n_words, known.n_chars)


@dataclass(frozen=True)
class _TrainingText:
    """What a run read: an index of its words, the whole sources by name to find places in, and what was held out."""

    index: WordIndex
    sources: dict[str, str]
    held_out: dict[str, str]
    n_chars: int


@lru_cache(maxsize=1)
def _training_text(settings: Settings, run_id: str) -> _TrainingText:
    with closing(RunService(settings, start=False)) as service:
        config = service.run(run_id).config
        if not isinstance(config, RunConfig):
            raise RunError(_("this model was not pretrained on a text: choose a pretraining run."))
        text = read_corpora(config, service.artifacts)
        train, held_out = text.train, text.held_out
        if not held_out:
            train, rest = split_training_text(train, service.load_model(run_id).tokenizer, config.validation_fraction)
            held_out = {text.name: rest}
        sources = {
            name: service.artifacts.load_upload(name) if name.startswith(UPLOAD) else load_corpus(name)
            for name, _share in config.corpora
        }
    return _TrainingText(WordIndex(documents_of(train)), sources, held_out, len(train))


@lru_cache(maxsize=16)
def _normal(settings: Settings, run_id: str, n_words: int) -> Normal:
    known = _training_text(settings, run_id)
    samples = {
        name: [known.index.search(each) for each in samples_of([held_out], n_words, N_SAMPLES)]
        for name, held_out in known.held_out.items()
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


def _rounded(n_words: int) -> int:
    return max(ROUND_TO, ROUND_TO * round(n_words / ROUND_TO))


def _written(
    checkpoint: Checkpoint, known: _TrainingText, prompt: Prompt, seed: int, n_words: int, temperature: float
) -> Written:
    start, going_on = _start(known, prompt, random.Random(seed))
    text = ""
    if start.strip():
        sampling = SamplingConfig(temperature=temperature, seed=seed)
        text = write_words(checkpoint.model, checkpoint.tokenizer, start, n_words, sampling)
    copied = known.index.search(text)
    return Written(start, going_on, text, copied, tuple(_passage(known, each) for each in copied.spans))


def _start(known: _TrainingText, prompt: Prompt, dice: random.Random) -> tuple[str, str]:
    if prompt.source == OWN:
        return prompt.own, ""
    if prompt.source == TRAINING:
        return _some_words(known.index.documents, dice)
    name = dice.choice(sorted(known.held_out))
    return _some_words(tuple(documents_of(known.held_out[name])), dice)[0], ""


def _some_words(documents: tuple[str, ...], dice: random.Random) -> tuple[str, str]:
    """Words in a row from somewhere in the documents, and what follows them there."""
    if not documents:
        return "", ""
    document = dice.choice(documents)
    for _unused in range(20):
        if len(document.split()) >= 2 * PROMPT_WORDS:
            break
        document = dice.choice(documents)
    words = [each.span() for each in re.finditer(r"\S+", document)]
    if not words:
        return "", ""
    first = dice.randrange(max(1, len(words) - 2 * PROMPT_WORDS))
    last = min(first + PROMPT_WORDS, len(words)) - 1
    return document[words[first][0] : words[last][1]], document[words[last][1] :][:GOING_ON]


def _passage(known: _TrainingText, span: Span) -> Passage:
    whole, (start, end) = known.index.documents[span.document], known.index.passage(span)
    place = find_place(known.sources, whole, (start, end))
    if place is not None:
        whole, start, end = known.sources[place.source], place.start, place.end
    begin = max(0, start - CONTEXT)
    return Passage(whole[begin : end + CONTEXT], start - begin, end - begin, place, start / max(len(whole), 1))
