"""Races: where a loss was reached, what was saved, and sentences that say no more than the numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from engine.errors import ConfigError
from engine.racing import Course, Lane, common_level, mean_course, ranking, saving, t_interval, verdict
from engine.runs.races import RACES, SETTINGS, differing, race_configs


def course(losses: list[float], *, every: int = 10, seconds: float = 0.1, seed: int = 0) -> Course:
    steps = tuple(every * n for n in range(len(losses)))
    return Course(seed, steps, tuple(32 * s for s in steps), tuple(seconds * s for s in steps), tuple(losses))


SLOW = Lane("A", (course([6, 5, 4, 3.5, 3]),))
FAST = Lane("B", (course([6, 4, 3, 2.5, 2]),))


@settings(deadline=None)
@given(st.lists(st.floats(0.1, 9), min_size=1, max_size=12), st.floats(0.1, 9))
def test_a_level_is_reached_between_the_evaluations_around_it(losses: list[float], level: float) -> None:
    run = course(losses)
    place = run.reached(level)
    if min(losses) > level:
        assert place is None
    else:
        first = next(n for n, loss in enumerate(losses) if loss <= level)
        assert place is not None and max(0, first - 1) * 10 <= place <= first * 10
        assert np.interp(place, run.steps, losses) == pytest.approx(level if first else losses[0], abs=1e-6)


def test_the_sentence_tells_steps_and_time_saved_at_the_loss_that_both_reached() -> None:
    assert common_level([SLOW, FAST]) == 3
    assert verdict([SLOW, FAST]) == (
        "B reached 3.00 nats per token in 50 % fewer steps than A (20 against 40) and 50 % less training time."
    )
    assert verdict([FAST, SLOW]).startswith("B reached 3.00 nats per token in 50 % fewer steps than A")


def test_tokens_are_told_where_they_are_not_the_steps_once_more() -> None:
    large = Course(0, (0, 10, 20), (0, 1280, 2560), (0, 4, 8), (6, 4, 3))
    assert verdict([SLOW, Lane("Large", (large,))]) == (
        "Large reached 3.00 nats per token in 50 % fewer steps than A (20 against 40), 100 % more tokens and 100 % "
        "more training time."
    )


def test_who_never_reached_a_level_is_named_with_the_lowest_loss() -> None:
    assert verdict([SLOW, FAST], 2.5) == (
        "Only B reached 2.50 nats per token, after 30 steps. A never reached it: its lowest was 3.00."
    )
    assert verdict([SLOW, FAST], 1.0).startswith("Nobody reached 1.00")


def test_a_race_without_measurements_says_so() -> None:
    assert verdict([SLOW, Lane("C", (course([]),))]) == "No loss of C has been measured yet."
    assert common_level([SLOW, Lane("C", ())]) is None
    assert "at least two" in verdict([SLOW])


def test_a_loss_that_is_no_number_reaches_nothing() -> None:
    broken = course([6, math.nan, 4])
    assert broken.lowest == 4
    assert broken.reached(4.5) == 20
    assert course([math.nan, math.inf]).reached(3) is None


def test_the_interval_is_students(seeds: int = 4) -> None:
    values = np.random.default_rng(0).normal(size=seeds).tolist()
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    ours = t_interval(values)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))
    assert t_interval([2.0]).low is None
    with pytest.raises(ConfigError):
        t_interval([])


def test_seeds_are_compared_in_pairs_and_a_doubtful_saving_is_called_so() -> None:
    slow = Lane("A", tuple(course([6, 5, 4, 3 - 0.01 * seed], seed=seed) for seed in range(3)))
    fast = Lane("B", tuple(course([6, 4, 3 - 0.01 * seed, 2], seed=seed) for seed in range(3)))
    saved = saving(slow, fast, 3.0)
    assert saved is not None and saved.n == 3
    ratios = [f.reached(3.0) / s.reached(3.0) for s, f in zip(slow.courses, fast.courses, strict=True)]
    assert saved.mean == pytest.approx(1 - np.exp(np.mean(np.log(ratios))))
    assert saved.low < saved.mean < saved.high
    text = verdict([slow, fast])
    assert "95 % t interval of the steps saved over 3 seeds" in text and "chance" not in text
    mixed = Lane("C", tuple(course([6, 5, 4 - seed, 2.9], seed=seed) for seed in range(3)))
    assert "chance may have decided" in verdict([slow, mixed])
    assert saving(slow, Lane("D", (course([6, 3], seed=9),)), 4.0) is None


def test_ranking_is_by_steps_then_by_how_low_they_came() -> None:
    near, far = Lane("near", (course([6, 4]),)), Lane("far", (course([6, 5]),))
    assert [lane.name for lane in ranking([far, SLOW, near, FAST], 3.0)] == ["B", "A", "near", "far"]


def test_the_mean_course_takes_the_evaluations_that_all_seeds_have() -> None:
    lane = Lane("A", (course([6, 4, 2]), course([8, 6], seed=1)))
    mean = mean_course(lane)
    assert mean is not None and mean.losses == (7, 5) and mean.steps == (0, 10)


@pytest.mark.parametrize("name", RACES)
def test_the_lanes_of_a_ready_race_differ_in_what_its_title_says_alone(name: str) -> None:
    race = RACES[name]
    configs = race_configs(race.entries, "stories", 300, (0, 1))
    ids = [config.run_id for runs in configs.values() for config in runs]
    assert len(set(ids)) == 2 * len(race.entries)
    assert all(config.training.steps for runs in configs.values() for config in runs)
    expected = {
        "positions": {"model.positions"},
        "residual": {"model.residual"},
        "warmup": {"training.warmup"},
        "tying": {"model.tie_embeddings"},
        "optimizer": {"training.optimizer", "training.learning_rate"},
        "batch": {"training.batch_size", "training.steps"},
        "vocabulary": {"vocab_size", "model.vocab_size"},
        "objective": {"training.objective", "model.causal"},
    }
    assert set(differing(configs)) == expected[name]


def test_batches_of_every_size_read_the_same_tokens() -> None:
    configs = race_configs(RACES["batch"].entries, "stories", 400)
    assert {runs[0].training.steps * runs[0].training.batch_size for runs in configs.values()} == {400 * 32}


@pytest.mark.parametrize("name", SETTINGS)
def test_every_value_of_every_setting_makes_a_run(name: str) -> None:
    setting = SETTINGS[name]
    entries = [setting.entry(value) for value in setting.values]
    for entry in entries:
        assert race_configs((entry,), "stories", 100)
    assert len({race_configs((e,), "stories", 100)[e.name][0].run_id for e in entries}) == len(setting.values)


def test_too_many_lanes_or_seeds_are_refused() -> None:
    entries = RACES["vocabulary"].entries
    with pytest.raises(ConfigError, match="one to 4 lanes"):
        race_configs((*entries, entries[0]), "stories", 10)
    with pytest.raises(ConfigError, match="one to 4 lanes"):
        race_configs((), "stories", 10)
    with pytest.raises(ConfigError, match="seeds"):
        race_configs(entries, "stories", 10, ())
