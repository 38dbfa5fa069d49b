"""One token at a time, as fast as a CPU allows: the forward pass of `engine.gpt` written out for a single vector.

At batch 1 a small model spends its time not on arithmetic but on calling it: modules, reshapes, kernels made for
matrices. Here the whole network is matrix times vector on one residual stream `(C,)`, with the same weights (no copy)
and the same cache. `GPT.forward` is the reference; the tests hold both equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.gpt import GPT, KVCache, NoNorm, rotate


class VectorDecoder:
    """Reads one id and gives the logits `(V,)` float32 of the next token; shares its cache with `GPT.forward`."""

    def __init__(self, model: GPT, cache: KVCache) -> None:
        self.model = model
        self.cache = cache
        self.layers = [
            (
                _norm(block.norm_attention),
                _linear(block.attention.qkv),
                _linear(block.attention.projection),
                _norm(block.norm_mlp),
                _linear(block.mlp.up),
                _linear(block.mlp.down),
            )
            for block in model.layers
        ]
        self.norm = _norm(model.norm)
        self.head = _linear(model.head)
        self.embedding = model.token_embedding.weight.detach()
        self.positions = None if model.position_embedding is None else model.position_embedding.weight.detach()
        self.activation = _activation(model.config.activation)

    def read(self, id: int) -> Tensor:
        """Append one id to the cache, which must have room for it. Call under `torch.inference_mode()`."""
        config, position, activation = self.model.config, self.cache.length, self.activation
        H, D = config.n_heads, config.head_size
        x = self.embedding[id]  # (C,)
        if self.positions is not None:
            x = x + self.positions[position]
        for layer, (norm_attention, qkv, projection, norm_mlp, up, down) in enumerate(self.layers):
            q, k, v = qkv(norm_attention(x)).view(3, 1, H, 1, D)
            if config.positions == "rotary":
                turn = self.model.cosines[position], self.model.sines[position]
                q, k = rotate(q, *turn), rotate(k, *turn)
            keys, values = self.cache.append(layer, k, v)
            attended = projection(F.scaled_dot_product_attention(q, keys, values).view(-1))
            x = x + attended if config.residual else attended
            added = down(activation(up(norm_mlp(x))))
            x = x + added if config.residual else added
        self.cache.length = position + 1
        return self.head(self.norm(x))


def _linear(module: nn.Linear) -> Callable[[Tensor], Tensor]:
    if type(module) is not nn.Linear:  # with a low-rank update beside its weight
        return module
    weight = module.weight.detach()
    if module.bias is None:
        return weight.mv
    bias = module.bias.detach()
    return lambda x: torch.addmv(bias, weight, x)


def _norm(module: nn.LayerNorm) -> Callable[[Tensor], Tensor]:
    if isinstance(module, NoNorm):
        return module
    weight, bias = module.weight.detach(), None if module.bias is None else module.bias.detach()
    shape, epsilon = module.normalized_shape, module.eps
    return lambda x: torch.layer_norm(x, shape, weight, bias, epsilon)


def _activation(name: str) -> Callable[[Tensor], Tensor]:
    if name == "relu2":
        return lambda x: x.relu().square()
    if name == "gelu_tanh":
        return lambda x: F.gelu(x, approximate="tanh")
    # The formula itself: on one short vector PyTorch's GELU spends eight times its arithmetic on dispatch.
    return lambda x: x * (1 + torch.erf(x * math.sqrt(0.5))) * 0.5
