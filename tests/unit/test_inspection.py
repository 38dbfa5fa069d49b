"""What the inspection says is what transformers computes with the same weights, and what hand-made heads do."""

import numpy as np
import pytest
import torch

from engine.checkpoint import load_gpt2
from engine.errors import ConfigError
from engine.gpt import GPT, GPTConfig
from engine.inspection import (
    attention_entropy,
    attention_maps,
    attention_stages,
    head_damage,
    head_scores,
    logit_lens,
    residual_norms,
    trace_of,
)

IDS = [5, 9, 2, 9, 5, 7, 1, 9, 5, 7]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A GPT-2 of transformers with random weights, and ours with the same ones."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=50,
        n_positions=32,
        n_embd=24,
        n_layer=3,
        n_head=4,
        attn_implementation="eager",
        initializer_range=0.4,
    )
    theirs = GPT2LMHeadModel(config).eval()
    folder = tmp_path_factory.mktemp("gpt2")
    theirs.save_pretrained(folder)
    return theirs, load_gpt2(folder)


def test_attention_logits_and_hidden_states_are_those_of_transformers(pair):
    theirs, ours = pair
    with torch.no_grad():
        expected = theirs(torch.tensor([IDS]), output_attentions=True, output_hidden_states=True)
    trace, logits = trace_of(ours, IDS)
    np.testing.assert_allclose(logits, expected.logits[0].numpy(), atol=1e-5)
    maps = attention_maps(trace)
    np.testing.assert_allclose(maps, torch.cat(expected.attentions).numpy(), atol=1e-5)
    np.testing.assert_allclose(trace.embedding[0], expected.hidden_states[0][0], atol=1e-5)
    for layer, hidden in zip(trace.layers[:-1], expected.hidden_states[1:-1], strict=True):
        np.testing.assert_allclose(layer.residual[0], hidden[0], atol=1e-5)
    with torch.no_grad():
        last = ours.norm(trace.layers[-1].residual[0])  # transformers normalises its last hidden state
    np.testing.assert_allclose(last, expected.hidden_states[-1][0], atol=1e-5)


def test_rows_of_a_map_sum_to_one_and_nothing_looks_ahead(pair):
    maps = attention_maps(trace_of(pair[1], IDS)[0])
    np.testing.assert_allclose(maps.sum(-1), 1, atol=1e-6)
    assert (np.triu(maps, k=1) == 0).all()


def test_the_stages_lead_from_q_and_k_to_the_recorded_attention(pair):
    trace, _ = trace_of(pair[1], IDS)
    stages = attention_stages(trace, 1, 2)
    np.testing.assert_allclose(stages.scores[3, 1], stages.q[3] @ stages.k[1], rtol=1e-5)
    np.testing.assert_allclose(stages.scaled, stages.scores / np.sqrt(6), rtol=1e-6)
    assert np.isneginf(stages.masked[np.triu_indices(len(IDS), 1)]).all()
    np.testing.assert_allclose(stages.weights, trace.layers[1].attention[0, 2], atol=1e-6)
    np.testing.assert_allclose(stages.output[2], stages.weights[2, :3] @ stages.v[:3], atol=1e-5)


def test_an_edited_query_moves_its_own_row_only(pair):
    trace, _ = trace_of(pair[1], IDS)
    before = attention_stages(trace, 0, 0)
    q = before.q.copy()
    q[4] = -q[4]
    after = attention_stages(trace, 0, 0, q=q)
    moved = np.abs(after.weights - before.weights).max(-1) > 1e-6
    assert moved.tolist() == [row == 4 for row in range(len(IDS))]


def test_switching_a_head_off_is_removing_its_slice_of_the_output_projection(pair):
    ours = pair[1]
    scale = np.ones((3, 4))
    scale[1, 2] = 0
    _, switched = trace_of(ours, IDS, head_scale=scale)
    cut = GPT(ours.config)
    cut.load_state_dict(ours.state_dict())
    with torch.no_grad():
        cut.layers[1].attention.projection.weight[:, 12:18] = 0
    _, expected = trace_of(cut, IDS)
    np.testing.assert_allclose(switched, expected, atol=1e-6)


def test_damage_is_the_rise_of_the_loss_without_the_head(pair):
    ours = pair[1]
    inputs, targets = torch.tensor([IDS[:-1]]), torch.tensor([IDS[1:]])
    base, damage = head_damage(ours, inputs, targets)
    assert base == pytest.approx(ours.loss(inputs, targets).item(), rel=1e-6)
    scale = torch.ones(3, 4)
    scale[2, 1] = 0
    assert damage[2, 1] == pytest.approx(ours.loss(inputs, targets, head_scale=scale).item() - base, abs=1e-6)
    assert damage.shape == (3, 4)


def test_the_lens_after_the_last_layer_is_the_models_own_prediction(pair):
    ours = pair[1]
    trace, logits = trace_of(ours, IDS)
    lens = logit_lens(ours, trace)
    assert lens.shape == (4, len(IDS), 50)
    np.testing.assert_allclose(lens[-1], torch.tensor(logits).softmax(-1), atol=1e-6)
    assert residual_norms(trace).shape == (4, len(IDS))
    np.testing.assert_allclose(residual_norms(trace)[0], np.linalg.norm(trace.embedding[0], axis=-1), rtol=1e-5)


def test_entropy_is_zero_for_one_place_and_log_n_for_n():
    maps = np.stack([np.eye(8), np.full((8, 8), 1 / 8)])[None]
    np.testing.assert_allclose(attention_entropy(maps), [[0, 3]], atol=1e-6)


def hand_made(look: str) -> GPT:
    """A one-layer model without norm effects whose only head looks at one kind of place."""
    T = 16
    model = GPT(GPTConfig(vocab_size=40, context_length=T, n_layers=1, n_heads=1, d_model=64), seed=0)
    attention = model.layers[0].attention
    attention.qkv.forward = lambda x: fixed(look, x)
    return model


def fixed(look: str, x: torch.Tensor) -> torch.Tensor:
    """q and k as one-hot positions, so that q_t · k_s is large where the head shall look."""
    _, T, C = x.shape
    place = torch.eye(C)[:T] * 30
    target = {"previous token": place.roll(1, 0), "itself": place, "first token": place[:1].expand(T, C)}[look]
    return torch.cat([target, place, x[0]], dim=-1)[None]


@pytest.mark.parametrize("look", ["previous token", "itself", "first token"])
def test_a_head_made_to_look_at_one_place_is_labelled_so(look):
    model = hand_made(look)
    label, score = head_scores(model, IDS).label(0, 0)
    assert (label, score > 0.8) == (look, True)


def test_nothing_to_look_at_is_said(pair):
    with pytest.raises(ConfigError, match="no token"):
        trace_of(pair[1], [])
