"""Costs against models that are really built, PyTorch's own FLOP counter, and published figures."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from engine.errors import ConfigError
from engine.gpt import GPT, GPTConfig, KVCache
from engine.optimizers import AdamW, Muon
from engine.scaling import (
    PUBLISHED_SHAPES,
    activation_numbers,
    cache_memory,
    count_parameters,
    flops_per_token,
    optimizer_numbers,
    training_flops,
    training_memory,
)
from engine.training import TrainingConfig, _optimizers

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


@pytest.mark.parametrize("shape", PUBLISHED_SHAPES, ids=lambda shape: shape.preset)
def test_every_published_row_is_met_as_closely_as_its_own_numbers_allow(shape):
    config = GPTConfig.preset(shape.preset)
    ours = count_parameters(config).total
    first_count = shape.preset in ("gpt2", "gpt2-medium", "gpt2-large")  # corrected later by its authors
    assert ours == pytest.approx(shape.n_parameters, rel=0.07 if first_count else 0.02)
    assert config.n_layers == shape.n_layers
    fits = shape.heads_fill_the_vector
    assert (fits is False) == (shape.preset in ("gpt3-xl", "gpt3-13b"))
    if fits:
        assert (config.d_model, config.n_heads, config.head_size) == (shape.d_model, shape.n_heads, shape.head_size)


@pytest.mark.parametrize("config", [*SHAPES, GPTConfig(50, 32, 2, 4, 48, positions="rotary")])
def test_activations_are_those_that_autograd_keeps(config):
    model, batch_size = GPT(config), 3
    own = {each.data_ptr() for each in [*model.parameters(), *model.buffers()]}
    kept: dict[int, torch.UntypedStorage] = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if tensor.is_floating_point() and storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage
        return tensor

    ids = torch.zeros(batch_size, config.context_length, dtype=torch.int64)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = model.loss(ids, ids)
    per_token = sum(storage.nbytes() for storage in kept.values()) / 4 / ids.numel()
    # Not counted are a few numbers of both norms and each head; the gradient of the logits comes in the backward pass.
    small = config.n_layers * (4 + config.n_heads) + 2 + 1
    assert loss.requires_grad
    assert 0 <= per_token - (activation_numbers(config) - config.vocab_size) <= small


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_the_optimizers_numbers_are_those_it_keeps(optimizer):
    config = SHAPES[0]
    muon, adamw = _optimizers(GPT(config), TrainingConfig(steps=2, optimizer=optimizer))
    assert (isinstance(muon, Muon), isinstance(adamw, AdamW)) == (optimizer == "muon", True)
    tensors = {**adamw.state(), **(muon.state() if muon else {})}
    kept = sum(tensor.numel() for name, tensor in tensors.items() if not name.startswith("step."))
    assert optimizer_numbers(config, optimizer) == kept


def test_mixed_precision_with_adamw_takes_sixteen_bytes_a_parameter():
    config = GPTConfig.preset("gpt2-xl")  # Rajbhandari et al. 2020: 1.5 billion parameters, at least 24 GB
    needs = training_memory(config, 1, precision="bfloat16")
    assert needs.total - needs.activations == 16 * config.n_parameters
    assert training_memory(config, 1).activations == 2 * needs.activations
    assert training_memory(config, 1, optimizer="sgd").optimizer == 0
    assert training_memory(config, 1, optimizer="momentum").optimizer == needs.optimizer // 2


@pytest.mark.parametrize(
    "wrong", [{"batch_size": 0}, {"batch_size": 1, "optimizer": "lion"}, {"batch_size": 1, "precision": "int8"}]
)
def test_a_training_that_cannot_be_is_refused(wrong):
    with pytest.raises(ConfigError, match=r"batch_size|optimizer|precision"):
        training_memory(SHAPES[0], **wrong)
