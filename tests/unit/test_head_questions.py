"""What is asked of a model's heads from outside, against the functions that answer."""

import numpy as np
import pytest
import torch

from engine import inspection
from engine.attention_steps import loss_by_position
from engine.checkpoint import Checkpoint
from engine.gpt import GPT, GPTConfig
from engine.head_questions import (
    effects_on,
    effects_on_text,
    habits_on,
    heads_reading,
    loss_with_off,
    position_losses,
    shape_of,
)
from engine.tokenizer import ByteTokenizer

IDS = tuple(b"the lion is in")


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=256, context_length=16, n_layers=2, n_heads=2, d_model=16)).eval()
    return Checkpoint(model, ByteTokenizer())


@pytest.fixture(scope="module")
def windows() -> tuple[torch.Tensor, torch.Tensor]:
    rows = torch.randint(0, 256, (6, 17), generator=torch.Generator().manual_seed(1))
    return rows[:, :-1], rows[:, 1:]


def test_the_effects_of_the_layers_are_those_of_all_heads_in_one_go(checkpoint, windows):
    base, *every = inspection.head_effects(checkpoint.model, *windows)
    layers = [effects_on(checkpoint, windows, layer) for layer in range(2)]
    assert {each.base for each in layers} == {base}
    found = [effect for each in layers for effect in each.heads]
    assert [(each.layer, each.head) for each in found] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert [each.damage for each in found] == pytest.approx([each.damage for each in every], abs=1e-6)


def test_on_a_text_the_shift_of_the_token_after_it_is_measured_as_well(checkpoint):
    (effects,) = (effects_on_text(checkpoint, IDS, 1).heads,)
    assert len(effects) == 2
    assert all(0 < each.shift < 1 for each in effects)


def test_habits_are_measured_on_no_more_windows_than_asked_for(checkpoint, windows):
    scores, shape = habits_on(checkpoint, windows, 40)
    assert (shape_of(windows), shape) == ((6, 16), (2, 16))
    np.testing.assert_array_equal(
        scores.values, inspection.head_scores(checkpoint.model, windows[0][:2].numpy()).values
    )
    assert habits_on(checkpoint, windows, 3)[1] == (1, 16)


def test_switched_off_heads_raise_the_loss_as_the_scale_says(checkpoint, windows):
    scale = np.array([[1, 0], [1, 1]], dtype=np.float32)
    assert loss_with_off(checkpoint, windows, ((0, 1),)) == inspection.loss_without(checkpoint.model, *windows, scale)
    assert loss_with_off(checkpoint, windows, ()) == pytest.approx(checkpoint.model.loss(*windows).item(), abs=1e-5)


def test_a_moment_holds_the_maps_and_what_follows_from_them(checkpoint):
    moment = heads_reading(checkpoint, IDS)
    maps = inspection.attention_maps(inspection.trace_of(checkpoint.model, IDS)[0])
    np.testing.assert_array_equal(moment.maps, maps)
    np.testing.assert_allclose(moment.scores, inspection.head_scores(checkpoint.model, IDS).values, atol=1e-6)


def test_losses_by_position_are_those_of_the_windows(checkpoint, windows):
    np.testing.assert_array_equal(position_losses(checkpoint, windows), loss_by_position(checkpoint.model, *windows))
