"""LoRA against its formula: zero at first, mergeable, thin, and nothing else moves."""

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from engine.errors import ConfigError
from engine.gpt import GPT, GPTConfig
from engine.lora import (
    LoRALinear,
    adapter_weights,
    adapters,
    add_lora,
    load_adapters,
    merge_lora,
    set_strength,
)

IDS = torch.arange(20).view(2, 10)


def small(bias: bool = False) -> GPT:
    config = GPTConfig(vocab_size=30, context_length=16, n_layers=2, n_heads=2, d_model=16, bias=bias)
    return GPT(config, seed=1).eval()


def adapted(rank: int = 3, alpha: float = 6.0, **options) -> GPT:
    """An adapted model whose B is no longer zero."""
    model = small()
    add_lora(model, rank, alpha, **options)
    torch.manual_seed(5)
    with torch.no_grad():
        for _, adapter in adapters(model):
            adapter.lora_B.normal_(std=0.1)
    return model


@pytest.mark.parametrize("bias", [False, True])
def test_the_formula_holds_and_the_first_update_is_zero(bias):
    linear = nn.Linear(7, 5, bias=bias)
    layer = LoRALinear(linear, rank=2, alpha=8.0)
    x = torch.randn(3, 4, 7)
    assert torch.equal(layer(x), linear(x))
    with torch.no_grad():
        layer.lora_B.normal_()
    expected = linear(x) + (8.0 / 2) * x @ layer.lora_A.T @ layer.lora_B.T
    torch.testing.assert_close(layer(x), expected)
    torch.testing.assert_close(layer.merged()(x), expected)
    assert torch.linalg.matrix_rank(layer.update()) == 2


def test_an_adapted_model_begins_as_it_was_and_a_merged_one_ends_as_it_became():
    before = small()(IDS)
    model = small()
    add_lora(model, 4, 8.0)
    assert torch.equal(model(IDS), before)
    model = adapted()
    changed = model(IDS)
    assert not torch.allclose(changed, before, atol=1e-3)
    set_strength(model, 0.0)
    torch.testing.assert_close(model(IDS), before, atol=1e-6, rtol=1e-5)
    set_strength(model, 1.0)
    merge_lora(model)
    assert not list(adapters(model)) and all(parameter.requires_grad for parameter in model.parameters())
    torch.testing.assert_close(model(IDS), changed, atol=1e-5, rtol=1e-5)
    assert [name for name, _ in model.named_parameters()] == [name for name, _ in small().named_parameters()]


def test_only_adapters_get_gradients_and_their_number_is_r_times_in_plus_out():
    model = small()
    add_lora(model, 3, 6.0, ("qkv", "down"))
    model.loss(IDS, IDS).backward()
    learned = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert learned == set(adapter_weights(model))
    n_learned = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert n_learned == 2 * 3 * ((16 + 48) + (64 + 16))


def test_adapters_are_saved_apart_and_fit_only_their_own_shape(tmp_path):
    model = adapted()
    save_file(adapter_weights(model), tmp_path / "adapter.safetensors")
    other = small()
    add_lora(other, 3, 6.0, seed=9)
    load_adapters(other, load_file(tmp_path / "adapter.safetensors"))
    assert torch.equal(other(IDS), model(IDS))
    for rank, targets in ((2, ("qkv", "projection", "up", "down")), (3, ("qkv",))):
        wrong = small()
        add_lora(wrong, rank, 6.0, targets)
        with pytest.raises(ConfigError, match="another shape"):
            load_adapters(wrong, adapter_weights(model))


def test_what_cannot_be_adapted_is_refused():
    for rank, alpha, targets, message in (
        (0, 1.0, ("qkv",), "rank"),
        (17, 1.0, ("qkv",), "rank"),
        (2, 0.0, ("qkv",), "alpha"),
        (2, 1.0, ("head",), "head"),
        (2, 1.0, (), "targets"),
    ):
        with pytest.raises(ConfigError, match=message):
            add_lora(small(), rank, alpha, targets)
    with pytest.raises(ConfigError, match="already"):
        add_lora(adapted(), 2, 1.0)
    with pytest.raises(ConfigError, match="strength"):
        set_strength(adapted(), -1.0)
