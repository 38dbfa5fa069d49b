"""The forward pass taken apart: every operation in order, with its shape, its parameters and its values.

The list of operations follows from a `GPTConfig` alone; the values are those a `Trace` recorded while the model read,
never a second computation. LayerNorm (Ba et al. 2016), GELU (Hendrycks & Gimpel 2016), ReLU² (So et al. 2021) and the
logit lens (nostalgebraist 2020) are looked at more closely. Ids go in as one row (T,), arrays come out as NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.errors import ConfigError
from engine.gpt import GPT, Activation, GPTConfig, LayerTrace, Trace, attention_mask

Norm = Literal["attention", "mlp", "final"]

BEFORE_BLOCKS = ("ids", "token_embedding", "position_embedding")
IN_BLOCK = (
    "norm_attention",
    "qkv",
    "rotation",
    "scores",
    "weights",
    "heads",
    "attention_output",
    "residual_middle",
    "norm_mlp",
    "up",
    "activation",
    "down",
    "residual",
)
AFTER_BLOCKS = ("final_norm", "head", "softmax")


@dataclass(frozen=True)
class Operation:
    """One step of the forward pass on T tokens of one text.

    kind: one of BEFORE_BLOCKS, IN_BLOCK or AFTER_BLOCKS. layer: counted from 0, None outside the blocks.
    axes and shape: names and lengths of what comes out, ("T", "C") and (9, 128). n_parameters: trainable numbers that
    the step alone owns (a head that shares the embedding's table owns none).
    """

    kind: str
    layer: int | None
    axes: tuple[str, ...]
    shape: tuple[int, ...]
    n_parameters: int


def operations(config: GPTConfig, n_tokens: int) -> list[Operation]:
    """Every operation in the order in which the model computes them, for a text of `n_tokens` tokens.

    Their parameters add up to `config.n_parameters`. Raises ConfigError unless 1 ≤ n_tokens ≤ the context length.
    """
    if not 1 <= n_tokens <= config.context_length:
        raise ConfigError(f"{n_tokens} tokens do not fit: the context holds 1 to {config.context_length}.")
    lengths = {
        "T": n_tokens,
        "S": n_tokens,
        "C": config.d_model,
        "3C": 3 * config.d_model,
        "2": 2,
        "H": config.n_heads,
        "D": config.head_size,
        "F": config.d_ff,
        "V": config.vocab_size,
    }
    parameters = _parameters(config)
    kinds: list[tuple[str, int | None]] = [(kind, None) for kind in BEFORE_BLOCKS]
    kinds += [(kind, layer) for layer in range(config.n_layers) for kind in IN_BLOCK]
    kinds += [(kind, None) for kind in AFTER_BLOCKS]
    absent = {"position_embedding" if config.positions != "learned" else "", "rotation" if not _rotary(config) else ""}
    return [
        Operation(kind, layer, _AXES[kind], tuple(lengths[axis] for axis in _AXES[kind]), parameters.get(kind, 0))
        for kind, layer in kinds
        if kind not in absent
    ]


_AXES: dict[str, tuple[str, ...]] = {
    "ids": ("T",),
    "token_embedding": ("T", "C"),
    "position_embedding": ("T", "C"),
    "norm_attention": ("T", "C"),
    "qkv": ("T", "3C"),
    "rotation": ("2", "H", "T", "D"),
    "scores": ("H", "T", "S"),
    "weights": ("H", "T", "S"),
    "heads": ("H", "T", "D"),
    "attention_output": ("T", "C"),
    "residual_middle": ("T", "C"),
    "norm_mlp": ("T", "C"),
    "up": ("T", "F"),
    "activation": ("T", "F"),
    "down": ("T", "C"),
    "residual": ("T", "C"),
    "final_norm": ("T", "C"),
    "head": ("T", "V"),
    "softmax": ("T", "V"),
}


def _rotary(config: GPTConfig) -> bool:
    return config.positions == "rotary"


def _parameters(config: GPTConfig) -> dict[str, int]:
    V, C, hidden, bias = config.vocab_size, config.d_model, config.d_ff, int(config.bias)
    norm = C * (1 + bias) if config.norm == "layer" else 0
    return {
        "token_embedding": V * C,
        "position_embedding": config.context_length * C,
        "norm_attention": norm,
        "qkv": 3 * C * (C + bias),
        "attention_output": C * (C + bias),
        "norm_mlp": norm,
        "up": hidden * (C + bias),
        "down": C * (hidden + bias),
        "final_norm": norm,
        "head": 0 if config.tie_embeddings else V * C,
    }


def operation_values(
    config: GPTConfig, trace: Trace, logits: np.ndarray, ids: Sequence[int], operation: Operation
) -> np.ndarray:
    """What an operation gave for a traced text, of the operation's shape.

    float32; ids are int64. Scores of tokens that the causal mask hides are −inf.
    """
    kind = operation.kind
    if operation.layer is not None:
        return _block_values(config, trace.layers[operation.layer], kind).numpy()
    if kind == "ids":
        return np.asarray(ids, dtype=np.int64)
    if kind in ("head", "softmax"):
        return logits if kind == "head" else F.softmax(torch.from_numpy(logits), dim=-1).numpy()
    of = {
        "token_embedding": trace.token_embedding,
        "position_embedding": trace.embedding,
        "final_norm": trace.final_norm,
    }
    tensor = of[kind]
    assert tensor is not None
    return tensor[0].numpy()


def _block_values(config: GPTConfig, layer: LayerTrace, kind: str) -> Tensor:
    if kind == "rotation":
        return torch.stack([layer.q[0], layer.k[0]])
    if kind == "scores":
        scores = layer.q[0] @ layer.k[0].transpose(-2, -1) / math.sqrt(config.head_size)
        return scores.masked_fill(~attention_mask(*scores.shape[1:]), -torch.inf) if config.causal else scores
    of = {
        "norm_attention": layer.norm_attention,
        "qkv": layer.qkv,
        "weights": layer.attention,
        "heads": layer.heads,
        "attention_output": layer.attention_output,
        "residual_middle": layer.residual_middle,
        "norm_mlp": layer.norm_mlp,
        "up": layer.pre_activations,
        "activation": layer.activations,
        "down": layer.mlp_output,
        "residual": layer.residual,
    }
    return of[kind][0]


@dataclass(frozen=True)
class NormSteps:
    """LayerNorm of one vector x of C numbers, step by step; arrays are (C,).

    mean = Σx / C, variance = Σ(x − mean)² / C, normalised = (x − mean) / √(variance + epsilon),
    after = scale · normalised + shift. shift is all 0 in a model without biases.
    """

    before: np.ndarray
    mean: float
    variance: float
    epsilon: float
    normalised: np.ndarray
    scale: np.ndarray
    shift: np.ndarray
    after: np.ndarray


def norm_steps(model: GPT, trace: Trace, norm: Norm, position: int, layer: int = 0) -> NormSteps:
    """One LayerNorm of the model at one position of a traced text (Ba, Kiros & Hinton 2016, eq. 3 and 4).

    `norm` names the one before attention, before the MLP, or behind the last block, where `layer` has no meaning.
    """
    x, module = norm_input(trace, norm, layer)[position], _norm_module(model, norm, layer)
    mean, variance = x.mean(), x.var(unbiased=False)
    normalised = (x - mean) / torch.sqrt(variance + module.eps)
    scale = module.weight.detach()
    shift = torch.zeros_like(scale) if module.bias is None else module.bias.detach()
    return NormSteps(
        before=x.numpy(),
        mean=float(mean),
        variance=float(variance),
        epsilon=module.eps,
        normalised=normalised.numpy(),
        scale=scale.numpy(),
        shift=shift.numpy(),
        after=(scale * normalised + shift).numpy(),
    )


def norm_input(trace: Trace, norm: Norm, layer: int = 0) -> Tensor:
    """The residual stream (T, C) that a LayerNorm reads."""
    if norm == "mlp":
        return trace.layers[layer].residual_middle[0]
    n_before = len(trace.layers) if norm == "final" else layer
    assert trace.embedding is not None
    return trace.embedding[0] if n_before == 0 else trace.layers[n_before - 1].residual[0]


def norm_output(trace: Trace, norm: Norm, layer: int = 0) -> np.ndarray:
    """What the model's own LayerNorm gave for the text, (T, C)."""
    if norm == "final":
        assert trace.final_norm is not None
        return trace.final_norm[0].numpy()
    recorded = trace.layers[layer]
    return (recorded.norm_attention if norm == "attention" else recorded.norm_mlp)[0].numpy()


def _norm_module(model: GPT, norm: Norm, layer: int) -> torch.nn.LayerNorm:
    if norm == "final":
        return model.norm
    block = model.layers[layer]
    return block.norm_attention if norm == "attention" else block.norm_mlp


def nonlinearity(name: Activation, x: np.ndarray) -> np.ndarray:
    """The function between the MLP's two layers, float64.

    gelu: x Φ(x) with the normal distribution's Φ; gelu_tanh: GPT-2's approximation of it (Hendrycks & Gimpel 2016);
    relu2: max(0, x)² (So et al. 2021).
    """
    tensor = torch.as_tensor(np.asarray(x, dtype=np.float64))
    if name == "relu2":
        return F.relu(tensor).square().numpy()
    return F.gelu(tensor, approximate="tanh" if name == "gelu_tanh" else "none").numpy()


@dataclass(frozen=True)
class ActivityByLayer:
    """How many of the MLP's neurons are at work in each layer, (L,) each, shares from 0 to 1.

    negative: values before the nonlinearity below 0. near_zero: values behind it of at most 1 % of the largest in the
    layer. never: neurons that are near zero for every token of the text. largest: that largest value (not a share).
    """

    negative: np.ndarray
    near_zero: np.ndarray
    never: np.ndarray
    largest: np.ndarray


def activity_by_layer(trace: Trace, *, share: float = 0.01) -> ActivityByLayer:
    """Which share of the neurons is off, for every layer of a traced text."""
    rows = []
    for layer in trace.layers:
        values = layer.activations[0].abs()  # (T, F)
        largest = values.max()
        off = values <= share * largest
        negative = (layer.pre_activations[0] < 0).float().mean()
        rows.append((float(negative), float(off.float().mean()), float(off.all(0).float().mean()), float(largest)))
    return ActivityByLayer(*np.array(rows).T)


@dataclass(frozen=True)
class StreamReport:
    """The residual stream of a traced text. L layers, T tokens.

    norms: (2L + 1, T), length of each token's vector before the first block, after each attention and each MLP.
    attention, mlp: (L, T), length of what they add. attention_cosine, mlp_cosine: (L, T), −1 to 1, cosine between what
    is added and the stream it is added to; 0 where one of them is a zero vector.
    """

    norms: np.ndarray
    attention: np.ndarray
    mlp: np.ndarray
    attention_cosine: np.ndarray
    mlp_cosine: np.ndarray


def stream_report(trace: Trace) -> StreamReport:
    """Lengths along the residual stream and what every attention and MLP contributes to it."""
    assert trace.embedding is not None
    stream, norms, added, cosines = trace.embedding[0], [], [], []
    norms.append(stream.norm(dim=-1))
    for layer in trace.layers:
        for addition, after in (
            (layer.attention_output[0], layer.residual_middle[0]),
            (layer.mlp_output[0], layer.residual[0]),
        ):
            added.append(addition.norm(dim=-1))
            cosines.append(F.cosine_similarity(addition, stream, dim=-1))
            stream = after
            norms.append(stream.norm(dim=-1))
    lengths, angles = torch.stack(added).numpy(), torch.stack(cosines).numpy()
    return StreamReport(torch.stack(norms).numpy(), lengths[0::2], lengths[1::2], angles[0::2], angles[1::2])


@dataclass(frozen=True)
class Lens:
    """The logit lens in short: the k most probable tokens before the first block and after each, L + 1 rows.

    ids: (L + 1, T, k) int64 and probabilities: (L + 1, T, k) float32, highest first. final_ids: (T,), the model's own
    first choice. final_probability, final_rank: (L + 1, T), what each row gives that token and its place, 1 the first.
    divergence: (L + 1, T), KL divergence in bits of the model's prediction from that layer's; 0 in the last row.
    """

    ids: np.ndarray
    probabilities: np.ndarray
    final_ids: np.ndarray
    final_probability: np.ndarray
    final_rank: np.ndarray
    divergence: np.ndarray


def logit_lens_top(model: GPT, trace: Trace, k: int = 5, *, numbers_at_once: int = 1 << 22) -> Lens:
    """What the model would predict if it stopped after each layer (nostalgebraist 2020), without keeping (L, T, V).

    `numbers_at_once` bounds the logits held at a time; k is cut to the vocabulary. ConfigError for k below 1.
    """
    if k < 1:
        raise ConfigError(f"k is {k}; ask for at least one token.")
    assert trace.embedding is not None
    streams = [trace.embedding[0], *(layer.residual[0] for layer in trace.layers)]
    T, V = len(streams[0]), model.config.vocab_size
    k = min(k, V)
    chunk = max(1, numbers_at_once // V)
    pieces: list[list[list[np.ndarray]]] = [[] for _ in streams]
    finals = []
    with torch.inference_mode():
        for start in range(0, T, chunk):
            positions = slice(start, start + chunk)
            final = F.log_softmax(model.head(model.norm(streams[-1][positions])), dim=-1)
            best = final.argmax(-1, keepdim=True)  # (t, 1)
            finals.append(best[:, 0].numpy())
            for depth, stream in enumerate(streams):
                last = depth == len(streams) - 1
                logs = final if last else F.log_softmax(model.head(model.norm(stream[positions])), dim=-1)
                top = logs.topk(k, dim=-1)
                own = logs.gather(-1, best)
                place = (logs > own).sum(-1) + 1
                bits = (final.exp() * (final - logs)).sum(-1) / math.log(2)
                found = (top.indices, top.values.exp(), own[:, 0].exp(), place, bits.clamp_min(0))
                pieces[depth].append([each.numpy() for each in found])
    fields = [np.stack([np.concatenate([piece[field] for piece in depth]) for depth in pieces]) for field in range(5)]
    ids, probabilities, probability, rank, divergence = fields
    return Lens(ids, probabilities, np.concatenate(finals), probability, rank, divergence)


def lens_probabilities(model: GPT, trace: Trace, position: int, ids: Sequence[int]) -> np.ndarray:
    """The probability of chosen tokens after each layer at one position, (L + 1, len(ids)) float32."""
    assert trace.embedding is not None
    with torch.inference_mode():
        stream = torch.stack([trace.embedding[0, position], *(layer.residual[0, position] for layer in trace.layers)])
        return F.softmax(model.head(model.norm(stream)), dim=-1)[:, list(ids)].numpy()
