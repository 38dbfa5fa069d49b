"""What a run read at a step, worked out again from its config."""

import numpy as np
import pytest

from engine.errors import RunError
from engine.runs.batches import batch_read
from engine.runs.preparation import read_corpora
from engine.runs.service import RunService
from engine.windows import WindowSampler

from .helpers import tiny_config


@pytest.fixture
def run(bench):
    return bench.run(tiny_config(bench.upload(), steps=12, accumulation=2))


def test_the_windows_of_a_step_are_those_that_the_run_read(bench, run):
    service = RunService(bench.settings, start=False)
    config, tokenizer = service.run(run).config, service.load_model(run).tokenizer
    ids, _unused = read_corpora(config, service.artifacts).encode(tokenizer, config.validation_fraction)
    sampler = WindowSampler(ids, config.model.context_length, config.training.batch_size, config.seed)
    found = batch_read(bench.settings, run, 5)
    own = np.concatenate([sampler.batch(step)[0].numpy() for step in (8, 9)])
    np.testing.assert_array_equal(found.ids, own)
    assert found.n_tokens == len(ids)
    assert sum(times * n for times, n in found.tokens_by_times) == 5 * own.size
    np.testing.assert_array_equal([ids[start] for start in found.starts], own[:, 0])


def test_before_the_first_step_nothing_had_been_read(bench, run):
    found = batch_read(bench.settings, run, 1)
    assert not found.read_before.any()
    assert found.epochs == 0
    assert batch_read(bench.settings, run, 12).epochs > 0


def test_a_run_that_is_not_there_is_said(bench):
    with pytest.raises(RunError):
        batch_read(bench.settings, "0" * 16, 1)
