"""A text that a model writes: in parts, which together are what `generate` writes at once, or to its first empty line,
with the probability of each token.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from engine.checkpoint import Checkpoint
from engine.evaluation import token_probabilities
from engine.generation import GenerationStep, SamplingConfig, generate

_KEPT = 16
_begun: OrderedDict[tuple[object, ...], tuple[int, Iterator[GenerationStep]]] = OrderedDict()
_lock = threading.Lock()


def write_part(
    checkpoint: Checkpoint, ids: tuple[int, ...], sampling: SamplingConfig, total: int, start: int, n: int
) -> list[GenerationStep]:
    """Steps `start` to `start + n` of the `total` that follow `ids`; fewer where the model ends its text.

    A process that has written the part before goes on from there; another one writes the beginning again.
    """
    key = (id(checkpoint.model), ids, sampling, total)
    with _lock:
        at, steps = _begun.pop(key, (-1, iter(())))
    if at != start:
        tokenizer = checkpoint.tokenizer
        stop = [] if tokenizer.end_of_text_id is None else [tokenizer.end_of_text_id]
        steps = islice(generate(checkpoint.model, tokenizer, ids, total, sampling, stop_ids=stop), start, None)
    part = list(islice(steps, n))
    if len(part) == n and start + n < total:
        with _lock:
            _begun[key] = (start + n, steps)
            while len(_begun) > _KEPT:
                _begun.popitem(last=False)
    return part


@dataclass(frozen=True)
class Continued:
    """A prompt and what a model wrote behind it: ids, and the probability of each (None for the first)."""

    ids: tuple[int, ...]
    probabilities: tuple[float | None, ...]
    n_prompt: int


def go_on(checkpoint: Checkpoint, prompt: str, sampling: SamplingConfig, n: int) -> Continued:
    """At most `n` tokens after a prompt, up to the model's sign for the end or an empty line.

    Where the prompt has an empty line it is verse: there such lines stand between the speakers and end nothing.
    """
    model, tokenizer = checkpoint.model, checkpoint.tokenizer
    ids = tokenizer.encode(prompt)[-model.config.context_length :]
    known = [None if np.isnan(each) else float(each) for each in token_probabilities(model, ids)]
    stop = [] if tokenizer.end_of_text_id is None else [tokenizer.end_of_text_id]
    steps = generate(model, tokenizer, ids, n, sampling, stop_ids=stop)
    new = [step for step in _until_empty_line(steps, verse="\n\n" in prompt) if step.id not in stop]
    all_ids = (*ids, *(step.id for step in new))
    return Continued(all_ids, (*known, *(step.base_probability for step in new)), len(ids))


def _until_empty_line(steps: Iterator[GenerationStep], *, verse: bool) -> Iterator[GenerationStep]:
    """The steps, without those from an empty line on."""
    text = ""
    for step in steps:
        text += step.text
        if "\n\n" in text and not verse:
            return
        yield step
