"""What the inspection says is what transformers computes with the same weights, and what hand-made heads do."""

import numpy as np
import pytest
import torch

from engine.checkpoint import load_gpt2
from engine.errors import ConfigError
from engine.gpt import GPT, GPTConfig
from engine.inspection import (
    HEAD_LABELS,
    attention_entropy,
    attention_maps,
    attention_stages,
    head_damage,
    head_effects,
    head_scores,
    logit_lens,
    loss_without,
    repeated_row,
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
    np.testing.assert_allclose(switched, expected, rtol=1e-5, atol=1e-5)


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


def hand_made(look: str, context_length: int = 16) -> GPT:
    """A one-layer model whose only head looks at one kind of place; its embedding is one-hot, so x tells the token."""
    model = GPT(GPTConfig(vocab_size=40, context_length=context_length, n_layers=1, n_heads=1, d_model=64), seed=0)
    with torch.no_grad():
        model.token_embedding.weight.copy_(torch.eye(40, 64))
        model.position_embedding.weight.zero_()
    model.layers[0].attention.qkv.forward = lambda x: torch.stack([fixed(look, row) for row in x])
    return model


def fixed(look: str, x: torch.Tensor) -> torch.Tensor:
    """q and k so that q_t · k_s is large where the head shall look, and the same everywhere where it shall not."""
    T, C = x.shape
    token = torch.eye(C)[x.argmax(-1)] * 30
    place = torch.eye(C)[:T] * 30
    before = torch.cat([torch.zeros(1, C), token[:-1]])
    own = torch.eye(C)[40 : 40 + T] * 30  # beside the 40 tokens
    q, k = {
        "previous token": (place.roll(1, 0), place),
        "itself": (place, place),
        "first token": (place[:1].expand(T, C), place),
        "same token": (token - own, token + own),
        "induction": (token, before),
        "everywhere": (token * 0, token),
    }[look]
    return torch.cat([q, k, x], dim=-1)


@pytest.mark.parametrize("look", HEAD_LABELS)
def test_a_head_made_to_look_at_one_place_is_labelled_so(look):
    scores = head_scores(hand_made(look), IDS)
    label, score = scores.label(0, 0)
    assert (label, score > 0.8) == (look, True)
    others = np.delete(scores.values[0, 0], HEAD_LABELS.index(look))
    assert others.max() < 0.5


@pytest.mark.parametrize("n_tokens", range(1, 17))
def test_a_head_that_looks_everywhere_alike_scores_chance_and_bears_no_label(n_tokens):
    ids = (IDS * 2)[:n_tokens]
    scores = head_scores(hand_made("everywhere"), ids)
    np.testing.assert_allclose(scores.values[0, 0], scores.chance, atol=1e-6)
    np.testing.assert_allclose(scores.above_chance, 0, atol=1e-5)
    assert scores.label(0, 0)[0] == "mixed"


def test_chance_is_the_mean_of_one_over_the_places_that_can_be_seen():
    scores = head_scores(hand_made("everywhere"), IDS)
    seen = np.arange(1, 11)
    expected = (1 / seen[1:]).mean(), (1 / seen[2:]).mean(), (1 / seen[1:]).mean()
    np.testing.assert_allclose(scores.chance[:3], expected, rtol=1e-6)
    copies = {3: 1, 4: 1, 7: 2, 8: 2, 9: 1}  # 9 5 . 9 5 7 of IDS, and how often each was there before
    np.testing.assert_allclose(scores.chance[3], np.mean([n / (t + 1) for t, n in copies.items()]), rtol=1e-6)
    np.testing.assert_allclose(scores.chance[4], (1 / np.arange(9, 17)).mean(), rtol=1e-6)
    assert scores.counts.tolist() == [9, 8, 9, 5, 4 * 8]


def test_a_text_that_does_not_show_a_habit_gives_no_score_for_it():
    scores = head_scores(hand_made("same token"), [1, 2, 3, 4])
    assert scores.counts[3] == 0 and scores.values[0, 0, 3] == 0
    assert scores.label(0, 0)[0] == "mixed"
    assert head_scores(hand_made("itself", context_length=3), [1, 2, 3]).counts[4] == 0  # no room to repeat anything


def test_the_scores_of_several_texts_are_the_mean_over_all_positions(pair):
    ours = pair[1]
    texts = np.array([IDS, IDS[::-1]])
    both, one, other = (head_scores(ours, each) for each in (texts, texts[0], texts[1]))
    np.testing.assert_allclose(both.values[..., :3], (one.values[..., :3] + other.values[..., :3]) / 2, atol=1e-6)
    weights = one.counts[3], other.counts[3]
    expected = np.average([one.values[..., 3], other.values[..., 3]], axis=0, weights=weights)
    np.testing.assert_allclose(both.values[..., 3], expected, atol=1e-6)


def test_without_a_mask_chance_counts_the_places_ahead_as_well():
    model = GPT(GPTConfig(vocab_size=40, context_length=16, n_layers=1, n_heads=1, d_model=64, causal=False))
    model.layers[0].attention.qkv.forward = lambda x: x.repeat(1, 1, 3) * 0
    scores = head_scores(model, IDS)
    np.testing.assert_allclose(scores.chance[:3], 0.1, rtol=1e-6)
    np.testing.assert_allclose(scores.values[0, 0], scores.chance, rtol=1e-5)


def test_the_repeated_row_is_two_equal_halves_without_copies_inside():
    config = GPTConfig(vocab_size=500, context_length=100, n_layers=1, n_heads=1, d_model=8)
    row = repeated_row(config, seed=3)
    assert len(row) == 64 and row[:32] == row[32:] and len(set(row)) == 32
    assert row == repeated_row(config, seed=3) != repeated_row(config, seed=4)


@pytest.mark.parametrize("changes", [{}, {"positions": "rotary", "bias": False}, {"positions": "none"}])
def test_each_effect_is_that_of_the_whole_model_with_the_head_switched_off(changes):
    config = GPTConfig(vocab_size=60, context_length=16, n_layers=3, n_heads=2, d_model=16, **changes)
    model = GPT(config, seed=1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2)) * 0.2)
    inputs = torch.randint(60, (3, 12), generator=torch.Generator().manual_seed(0))
    targets = inputs.roll(-1, 1)
    base, *effects = head_effects(model, inputs, targets, IDS)
    assert base == pytest.approx(model.loss(inputs, targets).item(), rel=1e-5)
    assert [(e.layer, e.head) for e in effects] == [(layer, head) for layer in range(3) for head in range(2)]
    before = torch.tensor(trace_of(model, IDS)[1][-1]).softmax(-1)
    for effect in effects:
        scale = torch.ones(3, 2)
        scale[effect.layer, effect.head] = 0
        rise = model.loss(inputs, targets, head_scale=scale).item() - base
        assert effect.damage == pytest.approx(rise, abs=1e-5)
        assert loss_without(model, inputs, targets, scale.numpy()) == pytest.approx(base + rise, abs=1e-5)
        after = torch.tensor(trace_of(model, IDS, head_scale=scale.numpy())[1][-1]).softmax(-1)
        assert effect.shift == pytest.approx(0.5 * (after - before).abs().sum().item(), abs=1e-5)
    assert model.training  # as it was before


def test_without_a_text_of_ones_own_the_shift_is_unknown(pair):
    inputs = torch.tensor([IDS])
    effects = list(head_effects(pair[1], inputs, inputs))
    assert np.isnan(effects[1].shift)


def test_switching_a_head_off_in_transformers_gives_the_same_logits(pair, tmp_path):
    theirs, ours = pair
    theirs.save_pretrained(tmp_path)
    cut = type(theirs).from_pretrained(tmp_path, attn_implementation="eager").eval()
    scale = np.ones((3, 4))
    for layer, head in ((0, 3), (2, 1)):
        scale[layer, head] = 0
        with torch.no_grad():  # their projection has its inputs in rows
            cut.transformer.h[layer].attn.c_proj.weight[6 * head : 6 * head + 6] = 0
    _, switched = trace_of(ours, IDS, head_scale=scale)
    with torch.no_grad():
        expected = cut(torch.tensor([IDS])).logits[0].numpy()
    np.testing.assert_allclose(switched, expected, atol=1e-5)
    assert np.abs(switched - trace_of(ours, IDS)[1]).max() > 1e-2


def test_nothing_to_look_at_is_said(pair):
    with pytest.raises(ConfigError, match="no token"):
        trace_of(pair[1], [])
