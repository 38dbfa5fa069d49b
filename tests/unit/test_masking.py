"""Masked language modelling: which tokens are hidden, what is asked for, and that an encoder learns from both sides."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.errors import ConfigError
from engine.events import EvalEvent, SampleEvent, StepEvent
from engine.gpt import GPT, GPTConfig
from engine.masking import IGNORED, hide_tokens
from engine.runs.config import RunConfig
from engine.training import Trainer, TrainingConfig, mean_loss
from engine.windows import WindowSampler, evaluation_windows

V = 50


def test_of_the_tokens_15_per_cent_are_asked_for_80_10_10_masked_replaced_or_left() -> None:
    ids = torch.randint(V, (400, 250), generator=torch.Generator().manual_seed(0))
    x, y = hide_tokens(ids, V, (0, 0))
    asked = y != IGNORED
    assert asked.float().mean() == pytest.approx(0.15, abs=0.005)
    assert torch.equal(y[asked], ids[asked]) and torch.equal(x[~asked], ids[~asked])
    masked = x[asked] == V
    assert masked.float().mean() == pytest.approx(0.8, abs=0.01)
    same = (x[asked] == ids[asked]).float().mean()
    assert same == pytest.approx(0.1 + 0.1 / V, abs=0.01)  # another token is now and then the same one


def test_the_same_seed_hides_the_same_tokens_and_every_batch_others() -> None:
    ids = torch.arange(40)[None].repeat(8, 1)
    first, again, next_batch, other = (hide_tokens(ids, V, seed)[0] for seed in ((1, 4), (1, 4), (1, 5), (2, 4)))
    assert torch.equal(first, again)
    assert not torch.equal(first, next_batch) and not torch.equal(first, other)
    with pytest.raises(ConfigError, match="the tokens end before the mask"):
        hide_tokens(torch.tensor([[V]]), V, (0, 0))


def trainer(*, objective: str = "masked", causal: bool = False, steps: int = 250) -> Trainer:
    """On a text where a token follows from those on its two sides, and from neither alone."""
    rng = np.random.default_rng(0)
    free = rng.integers(0, 8, 6000)
    ids = np.stack([free, 8 + (free + np.roll(free, -1)) % 8], axis=1).ravel()
    config = TrainingConfig(
        steps=steps, batch_size=16, evaluations=2, objective=objective, optimizer="adamw", learning_rate=0.004
    )
    model = GPT(GPTConfig(16 + (objective == "masked"), 16, 2, 2, 32, causal=causal), seed=0)
    windows = evaluation_windows(ids[11_000:], 16)
    return Trainer(model, WindowSampler(ids[:11_000], 16, 16, 0), config, validation=windows)


def test_an_encoder_fills_gaps_that_need_both_sides_and_is_scored_on_them_alone() -> None:
    training = trainer()
    x, y = training.validation
    assert 0.1 < float((y != IGNORED).float().mean()) < 0.2
    events = list(training.events())
    assert not [event for event in events if isinstance(event, SampleEvent)]
    measured = [event for event in events if isinstance(event, EvalEvent)]
    assert measured[-1].validation_loss == pytest.approx(mean_loss(training.model, x, y))
    assert measured[-1].bits_per_byte is None
    assert measured[-1].validation_loss < measured[0].validation_loss
    first = next(event for event in events if isinstance(event, StepEvent))
    assert first.tokens == 16 * 16  # read, not asked for


def test_a_masked_training_goes_on_bit_for_bit() -> None:
    whole = [e.loss for e in trainer(steps=12).events() if isinstance(e, StepEvent)]
    first = trainer(steps=12)
    losses = []
    for event in first.events():
        if isinstance(event, StepEvent):
            losses.append(event.loss)
            if event.step == 6:
                break
    second = trainer(steps=12)
    second.model.load_state_dict(first.model.state_dict())
    second.load_state(*first.state())
    losses += [e.loss for e in second.events() if isinstance(e, StepEvent)]
    assert losses == whole


def test_runs_keep_their_ids_and_a_masked_one_must_see_both_sides() -> None:
    assert "objective" not in TrainingConfig(steps=1).to_dict()
    masked = TrainingConfig(steps=1, objective="masked")
    assert TrainingConfig.from_dict(masked.to_dict()) == masked
    model = GPTConfig(100, 16, 1, 2, 32, causal=False)
    RunConfig((("stories", 1.0),), model, masked)
    with pytest.raises(ConfigError, match="both sides"):
        RunConfig((("stories", 1.0),), GPTConfig(100, 16, 1, 2, 32), masked)
    with pytest.raises(ConfigError, match="objective"):
        TrainingConfig(steps=1, objective="both")
