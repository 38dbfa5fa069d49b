"""The range test on curves whose answer is known, and on a tiny real training."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from engine import training
from engine.errors import ConfigError
from engine.events import CheckpointEvent, EvalEvent, PlanEvent, StepEvent
from engine.gpt import GPT, GPTConfig
from engine.rate_finder import range_test, smooth, suggest, with_rate
from engine.training import LOST, LOWEST_SHARE, Trainer, TrainingConfig, TrainingDiverged, learning_rate_at
from engine.windows import WindowSampler

RATES = np.geomspace(1e-5, 1, 200)
IDS = np.tile(np.arange(12), 60)
SHAPE = GPTConfig(vocab_size=12, context_length=8, n_layers=1, n_heads=2, d_model=16, positions="rotary", bias=False)


def logistic(centre: float, steepness: float = 3.0) -> np.ndarray:
    return 7 - 4 / (1 + np.exp(-steepness * (np.log10(RATES) - math.log10(centre))))


@pytest.mark.parametrize("centre", [3e-4, 1e-3, 1e-2])
def test_the_steepest_descent_of_a_logistic_fall_is_its_centre(centre):
    found = suggest(RATES, logistic(centre))
    assert found.steepest == pytest.approx(centre, rel=0.1)
    assert not found.bounded  # it falls to the end


def test_noise_moves_it_by_less_than_a_third_of_a_decade():
    noise = np.random.default_rng(0).normal(0, 0.15, (20, 200))
    found = [math.log10(suggest(RATES, logistic(1e-3) + each).steepest / 1e-3) for each in noise]
    assert max(map(abs, found)) < 1 / 3


def test_the_lowest_point_of_a_parabola_and_a_tenth_of_it():
    found = suggest(RATES, 3 + (np.log10(RATES) + 2) ** 2)
    assert found.lowest == pytest.approx(1e-2, rel=0.1)
    assert found.tenth == found.lowest / 10
    assert found.bounded


def test_what_comes_after_a_number_that_is_none_does_not_count():
    losses = 3 + (np.log10(RATES) + 2) ** 2
    whole = suggest(RATES, losses)
    broken = np.append(losses[:180], [math.nan, *losses[181:]])
    cut = suggest(RATES, broken)
    assert len(cut.rates) == 180
    assert cut.lowest == pytest.approx(whole.lowest, rel=0.1)


@pytest.mark.parametrize(
    ("rates", "losses", "says"),
    [
        (RATES, np.full(200, 7.0), "never fell"),
        (RATES[:10], np.ones(10), "too little"),
        (RATES[::-1], logistic(1e-3), "rise"),
        (RATES, np.ones(3), "belong together"),
    ],
)
def test_records_that_say_nothing_are_refused_with_the_reason(rates, losses, says):
    with pytest.raises(ConfigError, match=says):
        suggest(rates, losses)


def test_smoothing_keeps_a_straight_line_and_does_not_shift_a_step():
    line = np.linspace(5, 1, 101)
    assert smooth(line, 3)[20:80] == pytest.approx(line[20:80])
    edge = smooth(np.repeat([1.0, 0.0], 50), 4)
    assert edge[49] + edge[50] == pytest.approx(1)
    assert len(smooth([], 2)) == 0


def test_a_rising_rate_grows_by_the_same_factor_each_step():
    config = TrainingConfig(steps=51, decay="rising", warmup=0.5)
    shares = [learning_rate_at(step, 51, config) for step in range(51)]
    assert shares[0] == pytest.approx(LOWEST_SHARE) and shares[-1] == 1
    assert np.diff(np.log(shares)) == pytest.approx(-math.log(LOWEST_SHARE) / 50)


def test_other_trainings_keep_their_settings_and_ids():
    config = TrainingConfig(steps=10, optimizer="muon", learning_rate=0.01, matrix_learning_rate=0.02)
    test = range_test(config, 1.0, 100)
    assert (test.learning_rate, test.matrix_learning_rate, test.decay, test.steps) == (1.0, 2.0, "rising", 100)
    assert dataclasses.replace(with_rate(config, 0.01)) == config
    assert TrainingConfig.from_dict(test.to_dict()) == test
    with pytest.raises(ConfigError, match="range test"):
        range_test(config, 1.0, 5)
    with pytest.raises(ConfigError, match="learning rate"):
        with_rate(config, 0.0)


def trainer(top: float, **changes) -> Trainer:
    config = range_test(TrainingConfig(steps=1, batch_size=8, optimizer="adamw"), top, 120)
    sampler = WindowSampler(IDS, 8, 8, seed=0)
    config = dataclasses.replace(config, **changes)
    return Trainer(GPT(SHAPE, seed=0), sampler, config, validation=sampler.batch(99))


def test_a_real_test_ends_calmly_where_the_loss_goes_up_and_suggests_a_rate_that_learns():
    events = list(trainer(100.0, evaluations=3).events())
    steps = [event for event in events if isinstance(event, StepEvent)]
    assert len(steps) < 120
    assert steps[-1].loss > LOST * steps[0].loss or any(isinstance(each, PlanEvent) for each in events[-4:])
    plan = next(event for event in events if isinstance(event, PlanEvent))
    assert plan.total_steps == steps[-1].step
    assert events[-1] == CheckpointEvent(steps[-1].step, "end")
    assert [event.step for event in events if isinstance(event, EvalEvent)][-1] == steps[-1].step
    found = suggest([each.learning_rate for each in steps], [each.loss for each in steps])
    assert 1e-4 < found.steepest < 1
    assert found.bounded

    def loss_at(rate: float) -> float:
        config = with_rate(TrainingConfig(steps=60, batch_size=8, optimizer="adamw", prompts=(), evaluations=0), rate)
        told = list(training.train(GPT(SHAPE, seed=0), WindowSampler(IDS, 8, 8, seed=0), config))
        return [event.loss for event in told if isinstance(event, StepEvent)][-1]

    assert loss_at(found.steepest) < loss_at(found.steepest / 100)


def test_a_loss_that_is_no_number_ends_the_test_and_not_the_run():
    test = trainer(1.0)
    plain = Trainer(test.model, test.sampler, dataclasses.replace(test.config, decay="constant"))
    for each in (test, plain):
        gradients, seen = each._gradients, []

        def broken(model, step, gradients=gradients, seen=seen):
            seen.append(step)
            loss, norm, n = gradients(model, step)
            return (math.nan if len(seen) == 30 else loss), norm, n

        each._gradients = broken
    events = list(test.events())
    assert test.step == test.total_steps == 29
    assert events[-1] == CheckpointEvent(29, "end")
    assert all(torch.isfinite(parameter).all() for parameter in test.model.parameters())
    with pytest.raises(TrainingDiverged):
        list(plain.events())


def test_a_resumed_test_remembers_its_first_loss():
    first = trainer(100.0)
    told = first.events()
    losses = [event.loss for _, event in zip(range(40), told, strict=False) if isinstance(event, StepEvent)]
    second = trainer(100.0)
    second.model.load_state_dict(first.model.state_dict())
    second.load_state(*first.state())
    rest = [event.step for event in second.events() if isinstance(event, StepEvent)]
    whole = [event.step for event in trainer(100.0).events() if isinstance(event, StepEvent)]
    assert len(losses) + len(rest) == len(whole)
