"""Places and kinds of some tokens, against the same by hand."""

import numpy as np
import pytest

from engine import embedding
from engine.checkpoint import Checkpoint
from engine.gpt import GPT, GPTConfig
from engine.moments import places_of
from engine.runs.token_use import own_kind_nearby
from engine.tokenizer import ByteTokenizer

IDS = tuple(range(60, 90))


def checkpoint(seed: int) -> Checkpoint:
    return Checkpoint(GPT(GPTConfig(257, 8, 1, 2, 16), seed=seed), ByteTokenizer())


def test_places_lie_on_the_axes_of_the_last_checkpoint():
    first, last = checkpoint(1), checkpoint(2)
    points, share = places_of(first, last, IDS, 3)
    frame, vectors = (embedding.token_directions(each.model, IDS) for each in (last, first))
    assert points == pytest.approx(embedding.fit_pca(frame, 3).project(vectors), abs=1e-6)
    assert 0 < share < places_of(last, last, IDS, 3)[1] < 1


def test_kinds_gather_where_neighbours_are_of_the_same_kind():
    kinds = tuple(each % 2 for each in IDS)
    vectors = embedding.token_directions(checkpoint(1).model, IDS)
    expected = embedding.same_kind_nearby(vectors, np.array(kinds), 5)
    assert list(own_kind_nearby(checkpoint(1), IDS, kinds, 5)) == list(expected)
    assert list(own_kind_nearby(checkpoint(1), IDS[:2], (0, 0), 5)) == [1, 1]
