import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.windows import (
    WindowSampler,
    count_windows,
    evaluation_windows,
    sliding_windows,
    split_ids,
    times_seen,
)

IDS = np.arange(103)


def test_targets_are_the_inputs_one_token_later():
    inputs, targets = sliding_windows(IDS, 8, 3)
    assert inputs.shape == targets.shape == (32, 8)
    np.testing.assert_array_equal(targets, inputs + 1)
    np.testing.assert_array_equal(inputs[:, 0], np.arange(0, 96, 3))


def test_windows_are_views_and_cost_no_memory():
    inputs, _ = sliding_windows(np.arange(100_000), 256, 1)
    assert inputs.shape == (99_744, 256)
    assert not inputs.flags.owndata


def test_the_split_keeps_every_token_once():
    train, validation = split_ids(IDS, 0.1)
    np.testing.assert_array_equal(np.concatenate([train, validation]), IDS)
    assert len(validation) == 10


def test_every_window_comes_once_an_epoch():
    sampler = WindowSampler(IDS, 8, batch_size=11, seed=0)
    assert sampler.windows_per_epoch == 11
    for epoch in range(3):
        starts = np.sort(sampler.starts(epoch).numpy())
        assert len(set(starts.tolist())) == 11
        assert set(np.diff(starts).tolist()) == {8}


def test_a_batch_depends_on_its_step_alone():
    once, again = (WindowSampler(IDS, 8, batch_size=7, seed=4) for _ in range(2))
    in_order = [once.batch(step) for step in range(9)]
    for step in (8, 0, 5, 3):
        x, y = again.batch(step)
        assert (x == in_order[step][0]).all()
        assert (y == x + 1).all()


def test_another_seed_gives_another_order():
    one, two = (WindowSampler(np.arange(5_000), 8, 16, seed=s).starts(0) for s in (0, 1))
    assert not (one == two).all()


def test_a_text_of_exactly_one_window_can_be_sampled():
    x, y = WindowSampler(np.arange(9), 8, batch_size=4, seed=0).batch(3)
    assert x.shape == (4, 8)
    assert (y[:, -1] == 8).all()


def test_evaluation_windows_do_not_overlap_and_are_spread_over_the_text():
    inputs, targets = evaluation_windows(np.arange(10_001), 10, max_tokens=100)
    assert inputs.shape == targets.shape == (10, 10)
    assert inputs[0, 0] == 0
    assert inputs[-1, 0] == 9_990


@pytest.mark.parametrize("n", [0, 1, 8])
def test_too_short_a_text_is_refused_with_advice(n):
    with pytest.raises(ConfigError, match=f"{n} tokens, too few"):
        WindowSampler(np.arange(n), 8, 4, 0)
    with pytest.raises(ConfigError, match="longer text"):
        sliding_windows(np.arange(n), 8, 1)


def test_absurd_settings_are_refused():
    with pytest.raises(ConfigError, match="stride"):
        sliding_windows(IDS, 8, 0)
    with pytest.raises(ConfigError, match="batch_size"):
        WindowSampler(IDS, 8, 0, 0)
    with pytest.raises(ConfigError, match="between 0 and 1"):
        split_ids(IDS, 1.0)


@given(st.integers(0, 60), st.integers(1, 12), st.integers(1, 20))
def test_times_seen_counts_what_the_windows_hold(n_ids, context_length, stride):
    inputs, targets = np.zeros(n_ids, np.int64), np.zeros(n_ids, np.int64)
    if n_ids > context_length:
        x, y = sliding_windows(np.arange(n_ids), context_length, stride)
        np.add.at(inputs, x.ravel(), 1)
        np.add.at(targets, y.ravel(), 1)
        assert count_windows(n_ids, context_length, stride) == len(x)
    else:
        assert count_windows(n_ids, context_length, stride) == 0
    counted = times_seen(n_ids, context_length, stride)
    np.testing.assert_array_equal(counted[0], inputs)
    np.testing.assert_array_equal(counted[1], targets)


def test_a_stride_of_the_context_reads_every_target_once_and_half_of_it_twice():
    _, once = times_seen(641, 64, 64)
    assert once.tolist() == [0] + [1] * 640
    _, twice = times_seen(641, 64, 32)
    assert set(twice[33:-32].tolist()) == {2}
    with pytest.raises(ConfigError, match="at least 1"):
        times_seen(10, 4, 0)
