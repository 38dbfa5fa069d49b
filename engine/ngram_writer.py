"""An n-gram model writes as a GPT does: the same filters on its probabilities, the same dice at the same place."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from engine.generation import SamplingConfig, draw, next_token_distribution
from engine.ngram import NGram


@dataclass(frozen=True)
class Counted:
    """A token that an n-gram model wrote: its probability, and on how many tokens before it that rests."""

    id: int
    probability: float
    looked_back: int


def write(
    model: NGram, ids: Sequence[int], n_tokens: int, sampling: SamplingConfig, *, stop_ids: Collection[int] = ()
) -> list[Counted]:
    """Continues `ids` by `n_tokens`; a token of `stop_ids` ends it and is the last.

    With the same `sampling` and place in the text, `engine.generation.generate` throws the same dice.
    """
    written = list(ids)
    found: list[Counted] = []
    for _ in range(n_tokens):
        context = written[-model.order :] if model.order else []
        probabilities = model.next_probabilities(context)
        final = next_token_distribution(np.log(probabilities), sampling, written).final
        chosen = draw(final, sampling.seed, len(written))
        found.append(Counted(chosen, float(probabilities[chosen]), model.back_off(context)))
        written.append(chosen)
        if chosen in stop_ids:
            break
    return found
