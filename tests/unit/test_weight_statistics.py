"""Gradients, movement, histograms and energy against what can be worked out another way."""

import math

import numpy as np
import pytest
import torch

from engine import training
from engine.energy import Energy, training_energy
from engine.errors import ConfigError
from engine.events import LayersEvent
from engine.gpt import GPT, GPTConfig, Trace
from engine.training import TrainingConfig
from engine.weight_statistics import (
    activations_of,
    gradient_lengths,
    histograms,
    movement,
    part_names,
    part_weights,
)
from engine.windows import WindowSampler

SHAPE = GPTConfig(vocab_size=30, context_length=8, n_layers=2, n_heads=2, d_model=16, positions="learned", bias=True)
IDS = np.random.default_rng(0).integers(0, 30, 400)


@pytest.fixture
def model() -> GPT:
    return GPT(SHAPE, seed=1)


@pytest.fixture
def windows() -> tuple[torch.Tensor, torch.Tensor]:
    return WindowSampler(IDS, 8, 11, seed=0).batch(0)


def test_gradients_are_those_of_an_ordinary_backward_pass_and_leave_the_model_alone(model, windows):
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    found = {each.name: each for each in gradient_lengths(model, *windows, windows_at_once=4)}
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(torch.equal(before[name], parameter) for name, parameter in model.named_parameters())
    model.loss(*windows).backward()
    whole = torch.sqrt(sum(p.grad.square().sum() for p in model.parameters()))
    assert math.sqrt(sum(each.gradient**2 for each in found.values())) == pytest.approx(float(whole), rel=1e-5)
    mlp = [p for name, p in model.named_parameters() if name.startswith(("blocks.1.mlp", "blocks.1.norm_mlp"))]
    assert found["layer 2 MLP"].gradient == pytest.approx(math.sqrt(sum(float(p.grad.norm()) ** 2 for p in mlp)))
    assert found["layer 2 MLP"].size == sum(p.numel() for p in mlp)
    assert sum(each.size for each in found.values()) == model.n_parameters


def test_on_the_batch_of_a_step_they_are_what_the_training_records():
    config = TrainingConfig(steps=5, batch_size=4, evaluations=1, prompts=(), clip_norm=0.1)
    sampler = WindowSampler(IDS, 8, 4, seed=0)
    model, events = GPT(SHAPE, seed=1), []
    for event in training.train(model, sampler, config, validation=sampler.batch(9)):
        if isinstance(event, LayersEvent):
            events.append(event)
        if getattr(event, "step", 5) == 4:  # the events are pulled: the fifth step is still to come
            before = gradient_lengths(model, *sampler.batch(4))
    assert [each.name for each in events[0].layers] == [each.name for each in before]
    for recorded, computed in zip(events[0].layers, before, strict=True):
        assert recorded.gradient == pytest.approx(computed.gradient, rel=1e-3)


def test_windows_without_a_target_have_no_gradient(model, windows):
    with pytest.raises(ConfigError, match="no target"):
        gradient_lengths(model, windows[0], torch.full_like(windows[1], -100))


def test_movement_is_the_straight_way_per_step_as_a_share_of_the_length():
    config = TrainingConfig(steps=6, batch_size=4, evaluations=0, prompts=(), optimizer="adamw", warmup=0.0)
    model = GPT(SHAPE, seed=1)
    start = GPT(SHAPE, seed=1)
    list(training.train(model, WindowSampler(IDS, 8, 4, seed=0), config))
    moved = movement(start, model, 6)
    assert set(moved) == set(part_names(model))
    one = (model.token_embedding.weight - start.token_embedding.weight).detach()
    two = (model.position_embedding.weight - start.position_embedding.weight).detach()
    way = math.sqrt(float(one.norm()) ** 2 + float(two.norm()) ** 2)
    tables = start.token_embedding.weight, start.position_embedding.weight
    length = math.sqrt(sum(float(each.detach().norm()) ** 2 for each in tables))
    assert moved["embedding"] == pytest.approx(way / 6 / length, rel=1e-5)
    with pytest.raises(ConfigError, match="steps"):
        movement(start, model, 0)
    with pytest.raises(ConfigError, match="not of one run"):
        movement(start, GPT(GPTConfig(vocab_size=31, context_length=8, n_layers=2, n_heads=2, d_model=16)), 1)


def test_the_weights_of_a_part_are_its_matrices(model):
    found = part_weights(model, "layer 1 MLP")
    block = model.layers[0]
    assert len(found) == block.mlp.up.weight.numel() + block.mlp.down.weight.numel()
    assert len(part_weights(model, "final norm")) == 2 * 16  # gains and biases: there is no matrix
    with pytest.raises(ConfigError, match="choose one of embedding"):
        part_weights(model, "layer 9 MLP")


def test_activations_are_the_traces_own(model):
    trace = Trace()
    model(torch.tensor([[1, 2, 3]]), trace=trace)
    assert np.array_equal(activations_of(trace, "behind", 1), trace.layers[1].activations.reshape(-1).numpy())
    with pytest.raises(ConfigError, match="layer 3"):
        activations_of(trace, "stream", 2)


def test_histograms_share_their_bins_and_lose_nothing():
    narrow, wide = np.random.default_rng(0).normal(0, [[0.1], [1.0]], (2, 5000)).astype(np.float32)
    wide[0], wide[1:11] = np.inf, 0
    found = histograms([narrow, wide], 40)
    assert found.edges[0] == -found.edges[-1] and len(found.edges) == 41
    expected = np.histogram(narrow, found.edges)[0] / 5000
    assert np.allclose(found.shares[0], expected)
    assert np.allclose(found.shares.sum(axis=1) + found.outside, 1)
    assert found.spreads == pytest.approx([0.1, 1.0], rel=0.05)
    assert found.zeros == pytest.approx([0, 10 / 5000])
    with pytest.raises(ConfigError, match="no numbers"):
        histograms([])


def test_all_zeros_have_a_histogram_too():
    assert histograms([np.zeros(4, np.float32)], 3).shares[0].tolist() == [0, 1, 0]


@pytest.mark.parametrize("steps", [0, 1, 12, 30])
def test_times_read_counts_the_tokens_of_every_window(steps):
    sampler = WindowSampler(IDS, 8, 5, seed=3)
    slowly = np.zeros(len(IDS), dtype=int)
    for step in range(steps):  # 30 steps are several epochs
        for start in sampler.starts(step).tolist():
            slowly[start : start + 8] += 1
    assert np.array_equal(sampler.times_read(steps), slowly)


def test_a_kilowatt_for_an_hour_is_a_kilowatt_hour():
    used = training_energy(3600, 1000)
    assert used.kilowatt_hours == 1
    assert used.cost(0.25) == 0.25
    assert Energy(4186 * 80).litres_boiled(20) == pytest.approx(1)
    for wrong in (lambda: training_energy(-1, 5), lambda: training_energy(1, math.nan), lambda: used.cost(-1)):
        with pytest.raises(ConfigError):
            wrong()
