"""What is asked of several checkpoints at once, against the functions that answer for one."""

import numpy as np
import pytest
import torch

from engine.checkpoint import Checkpoint
from engine.gpt import GPT, GPTConfig
from engine.inspection import trace_of
from engine.parts_over_time import activations_over, lengths_at, moved_between, weights_over
from engine.tokenizer import ByteTokenizer
from engine.weight_statistics import (
    activations_of,
    gradient_lengths,
    histograms,
    movement,
    part_names,
    part_weights,
)

IDS = tuple(b"the lion")


def made(seed: int) -> Checkpoint:
    torch.manual_seed(seed)
    config = GPTConfig(vocab_size=256, context_length=8, n_layers=2, n_heads=2, d_model=16)
    return Checkpoint(GPT(config).eval(), ByteTokenizer())


@pytest.fixture(scope="module")
def two() -> tuple[Checkpoint, Checkpoint]:
    return made(0), made(1)


def test_gradients_are_measured_on_windows_from_all_over(two):
    rows = torch.randint(0, 256, (9, 9), generator=torch.Generator().manual_seed(1))
    inputs, targets = rows[:, :-1], rows[:, 1:]
    keep = [0, 4, 8]
    expected = gradient_lengths(two[0].model, inputs[keep], targets[keep])
    assert lengths_at(two[0], (inputs, targets), 24) == expected


def test_ways_and_spreads_are_those_of_the_models(two):
    models = [each.model for each in two]
    assert moved_between(*two, 4) == movement(*models, 4)
    part = part_names(models[0])[1]
    weights = histograms([part_weights(each, part) for each in models])
    np.testing.assert_array_equal(weights_over(part, *two).shares, weights.shares)
    stream = histograms([activations_of(trace_of(each, IDS)[0], "stream", 1) for each in models])
    np.testing.assert_array_equal(activations_over(IDS, "stream", 1, *two).shares, stream.shares)
