"""A text written in parts, which can be asked for one by one; together they are what `generate` writes at once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from itertools import islice

from engine.checkpoint import Checkpoint
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
