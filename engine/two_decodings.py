"""Greedy decoding beside beam search, on one sentence and on many, and what a translator's own mistakes cost it.

Each function takes a checkpoint and plain values, so that another process can be asked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.seq2seq import (
    BeamStep,
    Hypothesis,
    Seq2Seq,
    beam_search,
    beam_steps,
    sequence_log_probability,
    trace_of,
    translate_greedily,
)
from engine.translation import (
    Encoded,
    Exposure,
    FedPosition,
    Pair,
    TranslationCheckpoint,
    free_running,
    measure_exposure,
    teacher_forced,
)


@dataclass(frozen=True)
class Searched:
    """The steps of a beam search for a sentence, and the greedy translation of it."""

    steps: tuple[BeamStep, ...]
    greedy: Hypothesis


@dataclass(frozen=True)
class Looked:
    """A translation, and the cross-attention of its decoder, (layers, H, T, S) float32; the last row wrote END."""

    translation: Hypothesis
    cross: np.ndarray


@dataclass(frozen=True)
class Decoded:
    """A sentence translated greedily and by a beam, and by how many nats the beam's translation is more probable."""

    pair: Pair
    by_greedy: str
    by_beam: str
    gain: float


def greedy_translation(model: Seq2Seq, source: tuple[int, ...]) -> Hypothesis:
    """The greedy translation of source ids, with its log-probability."""
    most = model.config.max_length - 1
    (own,) = translate_greedily(model, [source], most)
    return Hypothesis(tuple(own), sequence_log_probability(model, source, own[:most]), True)


def translate_and_look(checkpoint: TranslationCheckpoint, source: tuple[int, ...]) -> Looked:
    """The greedy translation of source ids, and which of them its decoder looked at."""
    model = checkpoint.model
    found = greedy_translation(model, source)
    trace = trace_of(model, source, found.ids[: model.config.max_length - 1])
    return Looked(found, np.stack([layer[0].numpy() for layer in trace.cross]))


def search_beams(checkpoint: TranslationCheckpoint, source: tuple[int, ...], width: int, penalty: float) -> Searched:
    """How a beam search for source ids goes, and what greedy decoding makes of them."""
    model = checkpoint.model
    steps = tuple(beam_steps(model, source, width, length_penalty=penalty))
    return Searched(steps, greedy_translation(model, source))


def decode_both(
    checkpoint: TranslationCheckpoint, pairs: tuple[Pair, ...], width: int, penalty: float, only_mistakes: bool = False
) -> tuple[Decoded, ...]:
    """Each pair translated both ways; with `only_mistakes` only those that greedy decoding gets wrong."""
    model, vocabulary = checkpoint.model, checkpoint.tokenizer
    found = []
    for pair in pairs:
        source = tuple(vocabulary.encode(pair.english))
        own = greedy_translation(model, source)
        by_greedy = vocabulary.decode(own.ids)
        if only_mistakes and by_greedy == pair.foreign:
            continue
        best = beam_search(model, source, width, length_penalty=penalty)[0]
        gain = best.log_probability - own.log_probability
        found.append(Decoded(pair, by_greedy, vocabulary.decode(best.ids), gain))
    return tuple(found)


def feed_both(
    checkpoint: TranslationCheckpoint, source: tuple[int, ...], reference: tuple[int, ...]
) -> tuple[list[FedPosition], list[FedPosition]]:
    """What the model writes with the reference fed, and with its own words fed."""
    model = checkpoint.model
    free = free_running(model, source, reference, model.config.max_length - 1)
    return teacher_forced(model, source, reference), free


def exposure_of(checkpoint: TranslationCheckpoint, pairs: tuple[Pair, ...]) -> Exposure:
    """What a mistake costs the translator on these pairs."""
    return measure_exposure(checkpoint.model, Encoded.of(pairs, checkpoint.tokenizer))
