"""Answers to many prompts at once, greedily: what a fine-tuned model is measured by while it learns.

Prompts of equal length share a batch and a key–value cache, so nothing is padded and every answer is the one that
`engine.generation.generate` gives at temperature 0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import torch

from engine.checks import require_whole
from engine.errors import ConfigError
from engine.gpt import GPT, KVCache

_AT_ONCE = 64


def answer_greedily(
    model: GPT, prompts: Sequence[Sequence[int]], max_new_tokens: int, end_id: int, *, at_once: int = _AT_ONCE
) -> Iterator[tuple[int, list[int]]]:
    """The place of a prompt and the ids that the model finds most probable after it, in the order they are finished.

    An answer ends before `end_id`, after `max_new_tokens`, or where the context is full. ConfigError for a prompt that
    is empty or leaves no room in the context.
    """
    require_whole("max_new_tokens", max_new_tokens, 1)
    by_length: dict[int, list[int]] = defaultdict(list)
    for place, prompt in enumerate(prompts):
        if not 0 < len(prompt) < model.config.context_length:
            raise ConfigError(
                f"a prompt has {len(prompt)} tokens; the model's context takes 1 to {model.config.context_length - 1}."
            )
        by_length[len(prompt)].append(place)
    for length, places in sorted(by_length.items()):
        for start in range(0, len(places), at_once):
            group = places[start : start + at_once]
            room = min(max_new_tokens, model.config.context_length - length)
            answers = _answers(model, [prompts[place] for place in group], room, end_id)
            yield from zip(group, answers, strict=True)


@torch.inference_mode()
def _answers(model: GPT, prompts: Sequence[Sequence[int]], room: int, end_id: int) -> list[list[int]]:
    """The answers to prompts of one length; rows that have ended leave the batch."""
    model.eval()
    cache = KVCache(model.config, len(prompts))
    rows = torch.arange(len(prompts))
    answers: list[list[int]] = [[] for _ in prompts]
    hidden = model.hidden(torch.tensor([list(prompt) for prompt in prompts]), cache=cache)
    for n in range(room):
        found = model.head(hidden[:, -1]).argmax(-1)  # (rows,)
        stay = found != end_id
        if not stay.all():
            rows, found = rows[stay], found[stay]
            cache.keep_rows(stay)
        if not len(rows):
            break
        for row, id in zip(rows.tolist(), found.tolist(), strict=True):
            answers[row].append(id)
        if n < room - 1:
            hidden = model.hidden(found[:, None], cache=cache)
    return answers
