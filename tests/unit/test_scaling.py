"""Costs against models that are really built, PyTorch's own FLOP counter, and published figures."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from engine.gpt import GPT, GPTConfig, KVCache
from engine.scaling import cache_memory, count_parameters, flops_per_token, training_flops, training_memory

SHAPES = [
    GPTConfig(100, 16, 2, 2, 32),
    GPTConfig(100, 16, 3, 4, 32, positions="rotary", bias=False, tie_embeddings=False),
    GPTConfig(77, 8, 1, 1, 24, d_ff=50, positions="none", activation="relu2"),
]


@pytest.mark.parametrize("config", SHAPES)
def test_the_parts_are_those_of_a_model_that_is_built(config):
    counts, model = count_parameters(config), GPT(config)
    of = {name: parameter.numel() for name, parameter in model.named_parameters()}
    assert counts.total == config.n_parameters == model.n_parameters
    assert counts.attention == sum(n for name, n in of.items() if ".attention." in name and "norm" not in name)
    assert counts.mlp == sum(n for name, n in of.items() if ".mlp." in name)
    assert counts.norms == sum(n for name, n in of.items() if "norm" in name)
    assert counts.position_embedding == of.get("position_embedding.weight", 0)
    assert counts.head == of.get("head.weight", 0)


@pytest.mark.parametrize(
    ("name", "published"),
    [("gpt2", 124e6), ("gpt2-medium", 355e6), ("gpt2-large", 774e6), ("gpt2-xl", 1.558e9), ("gpt3", 175e9)],
)
def test_published_sizes_are_met(name, published):
    assert count_parameters(GPTConfig.preset(name)).total == pytest.approx(published, rel=0.005)


@pytest.mark.parametrize("config", SHAPES)
def test_operations_are_those_that_torch_counts(config):
    model, T = GPT(config), config.context_length
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, T, dtype=torch.int64))
    counted = counter.get_total_flops()
    ours = flops_per_token(config)
    scores = 2 * config.n_layers * 2 * config.d_model * T  # torch counts the masked half too, where it counts it at all
    without_scores = (ours.forward - ours.attention_scores) * T
    assert counted in (without_scores, without_scores + scores * T)


def test_training_takes_three_times_the_forward_pass_and_nearly_six_per_parameter():
    config = GPTConfig.preset("gpt3")
    flops = flops_per_token(config)
    assert flops.training == 3 * flops.forward
    assert flops.training == pytest.approx(6 * config.n_parameters, rel=0.05)
    assert training_flops(174.6e9, 300e9) == pytest.approx(3.14e23, rel=0.01)  # Brown et al. 2020, table D.1


def test_memory_counts_what_is_there():
    config = SHAPES[0]
    needs = training_memory(config, 4)
    assert needs.weights == needs.gradients == needs.optimizer // 2 == 4 * config.n_parameters
    assert training_memory(config, 8).activations == 2 * needs.activations
    cache = KVCache(config)
    assert cache_memory(config, config.context_length) == 4 * (cache.keys.numel() + cache.values.numel())


def test_gpt3s_cache_for_one_full_context_in_half_precision_is_about_ten_gigabytes():
    assert cache_memory(GPTConfig.preset("gpt3"), 2048, bytes_per_number=2) == pytest.approx(9.66e9, rel=0.01)
