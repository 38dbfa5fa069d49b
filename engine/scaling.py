"""What a model costs before it is built: parameters by component, memory, arithmetic.

Everything follows from a `GPTConfig` by closed forms. Multiplying and adding count as two operations (FLOPs), as the
papers count them; only matrix products are counted, which are all but a few per cent (Kaplan et al. 2020, table 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from engine.checks import require_choice, require_whole
from engine.gpt import GPTConfig

FLOAT32 = 4
"""Bytes of a number in full precision."""

BFLOAT16 = 2
"""Bytes of a number in half precision."""

Optimizer = Literal["sgd", "momentum", "adamw", "muon"]
Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class PublishedShape:
    """A row of a paper's table of model sizes, as printed; n_heads and head_size are None where it names none."""

    preset: str
    name: str
    source: str
    n_parameters: float
    n_layers: int
    d_model: int
    n_heads: int | None = None
    head_size: int | None = None

    @property
    def heads_fill_the_vector(self) -> bool | None:
        """Whether n_heads · head_size = d_model, as it must be in this architecture; None where it cannot be told."""
        if self.n_heads is None or self.head_size is None:
            return None
        return self.n_heads * self.head_size == self.d_model


GPT2_TABLE = "Radford et al. 2019, table 2"
GPT3_TABLE = "Brown et al. 2020, table 2.1"
PUBLISHED_SHAPES = (
    # The first three counts were too low; the authors corrected them to 124M, 355M and 774M when they released weights.
    PublishedShape("gpt2", "GPT-2 small", GPT2_TABLE, 117e6, 12, 768),
    PublishedShape("gpt2-medium", "GPT-2 medium", GPT2_TABLE, 345e6, 24, 1024),
    PublishedShape("gpt2-large", "GPT-2 large", GPT2_TABLE, 762e6, 36, 1280),
    PublishedShape("gpt2-xl", "GPT-2 XL", GPT2_TABLE, 1542e6, 48, 1600),
    PublishedShape("gpt3-small", "GPT-3 Small", GPT3_TABLE, 125e6, 12, 768, 12, 64),
    PublishedShape("gpt3-medium", "GPT-3 Medium", GPT3_TABLE, 350e6, 24, 1024, 16, 64),
    PublishedShape("gpt3-large", "GPT-3 Large", GPT3_TABLE, 760e6, 24, 1536, 16, 96),
    PublishedShape("gpt3-xl", "GPT-3 XL", GPT3_TABLE, 1.3e9, 24, 2048, 24, 128),
    PublishedShape("gpt3-2.7b", "GPT-3 2.7B", GPT3_TABLE, 2.7e9, 32, 2560, 32, 80),
    PublishedShape("gpt3-6.7b", "GPT-3 6.7B", GPT3_TABLE, 6.7e9, 32, 4096, 32, 128),
    PublishedShape("gpt3-13b", "GPT-3 13B", GPT3_TABLE, 13.0e9, 40, 5140, 40, 128),
    PublishedShape("gpt3", "GPT-3 175B", GPT3_TABLE, 175.0e9, 96, 12288, 96, 128),
)
"""The papers' own numbers, beside which `count_parameters` of the preset can be laid."""


@dataclass(frozen=True)
class ParameterCounts:
    """Trainable numbers by component. `head` is 0 where it shares the table of the token embedding."""

    token_embedding: int
    position_embedding: int
    attention: int
    mlp: int
    norms: int
    head: int

    @property
    def total(self) -> int:
        """All of them; equal to `GPTConfig.n_parameters`."""
        return self.token_embedding + self.position_embedding + self.non_embedding + self.head

    @property
    def non_embedding(self) -> int:
        """What the blocks hold, with the final norm: N in the scaling laws of Kaplan et al. (2020)."""
        return self.attention + self.mlp + self.norms


@dataclass(frozen=True)
class MemoryNeeds:
    """Bytes that training holds at once. `master` are the float32 copies of weights that are kept in half precision."""

    weights: int
    gradients: int
    optimizer: int
    activations: int
    master: int = 0

    @property
    def total(self) -> int:
        """All of them together."""
        return self.weights + self.gradients + self.optimizer + self.activations + self.master


@dataclass(frozen=True)
class FlopsPerToken:
    """Operations for one token in a context of T tokens, forward; a training step takes three times as many."""

    attention_projections: int
    attention_scores: int
    mlp: int
    head: int

    @property
    def forward(self) -> int:
        """All of them together."""
        return self.attention_projections + self.attention_scores + self.mlp + self.head

    @property
    def training(self) -> int:
        """Forward, and backward, which is a product for the gradient of the input and one for that of the weight."""
        return 3 * self.forward


def count_parameters(config: GPTConfig) -> ParameterCounts:
    """Every trainable number of a model, by component.

    >>> count_parameters(GPTConfig.preset("gpt2")).total
    124439808
    """
    V, C, hidden, L = config.vocab_size, config.d_model, config.d_ff, config.n_layers
    bias = int(config.bias)
    norm = C * (1 + bias) if config.norm == "layer" else 0
    return ParameterCounts(
        token_embedding=V * C,
        position_embedding=config.context_length * C if config.positions == "learned" else 0,
        attention=L * (4 * C * C + bias * 4 * C),
        mlp=L * (2 * C * hidden + bias * (hidden + C)),
        norms=L * 2 * norm + norm,
        head=0 if config.tie_embeddings else V * C,
    )


def training_memory(
    config: GPTConfig, batch_size: int, *, optimizer: Optimizer = "adamw", precision: Precision = "float32"
) -> MemoryNeeds:
    """What a training step holds: weights, gradients, the optimizer's averages and activations.

    The optimizer keeps for each parameter nothing (sgd), one average (momentum), two (adamw), or one for the matrices
    inside the blocks and two for the rest (muon), in float32. With precision "bfloat16" weights, gradients and
    activations take 2 bytes a number and a float32 master copy of the weights is kept, 16 bytes a parameter with AdamW
    (Rajbhandari et al. 2020, section 3.1). Activations are those the backward pass needs, see `activation_numbers`.
    Raises ConfigError for a batch below 1, an unknown optimizer or precision.
    """
    require_whole("batch_size", batch_size, 1)
    require_choice("optimizer", optimizer, get_args(Optimizer))
    require_choice("precision", precision, get_args(Precision))
    numbers = config.n_parameters
    width = bytes_of(precision)
    return MemoryNeeds(
        weights=width * numbers,
        gradients=width * numbers,
        optimizer=FLOAT32 * optimizer_numbers(config, optimizer),
        activations=width * batch_size * config.context_length * activation_numbers(config),
        master=FLOAT32 * numbers if precision == "bfloat16" else 0,
    )


def bytes_of(precision: Precision) -> int:
    """Bytes of one number."""
    return FLOAT32 if precision == "float32" else BFLOAT16


def optimizer_numbers(config: GPTConfig, optimizer: Optimizer) -> int:
    """How many numbers an optimizer keeps beside the weights."""
    n = config.n_parameters
    if optimizer == "muon":
        C = config.d_model
        matrices = config.n_layers * (4 * C * C + 2 * C * config.d_ff)
        return 2 * n - matrices
    return {"sgd": 0, "momentum": n, "adamw": 2 * n}[optimizer]


def activation_numbers(config: GPTConfig) -> int:
    """Numbers that one token leaves behind for the backward pass, without recomputing and with fused attention.

    In each layer 8 vectors of C numbers (what both norms read and give, q, k, v and the joined heads) and 2 of d_ff
    (before and behind the nonlinearity); with rotary positions 3 more of C (q and k turned, and a copy of the heads).
    Behind the blocks what the last norm reads and gives, and 2 of V numbers: logarithms of the probabilities, and their
    gradient.
    """
    C = config.d_model
    layer = (11 if config.positions == "rotary" else 8) * C + 2 * config.d_ff
    return config.n_layers * layer + 2 * C + 2 * config.vocab_size


def cache_memory(config: GPTConfig, n_tokens: int, batch_size: int = 1, *, bytes_per_number: int = FLOAT32) -> int:
    """Bytes of keys and values of `n_tokens` tokens already read: 2 · L · C numbers for each."""
    return 2 * config.n_layers * config.d_model * n_tokens * batch_size * bytes_per_number


def flops_per_token(config: GPTConfig, n_context: int | None = None) -> FlopsPerToken:
    """Operations of the forward pass for one token, on average over a context of `n_context` tokens (the model's own).

    A product with a matrix of n numbers takes 2n. Scores and weighted sums take 2 · C for each visible token, of which
    a causal model sees (T + 1) / 2 on average.
    """
    T = config.context_length if n_context is None else n_context
    require_whole("n_context", T, 1)
    C, L = config.d_model, config.n_layers
    visible = (T + 1) / 2 if config.causal else T
    return FlopsPerToken(
        attention_projections=2 * L * 4 * C * C,
        attention_scores=round(2 * L * 2 * C * visible),
        mlp=2 * L * 2 * C * config.d_ff,
        head=2 * C * config.vocab_size,
    )


def training_flops(n_parameters: float, n_tokens: float) -> float:
    """The usual estimate C = 6 N D (Kaplan et al. 2020): 2 N forward and 4 N backward for each of D tokens.

    >>> f"{training_flops(175e9, 300e9):.2e}"
    '3.15e+23'
    """
    return 6.0 * n_parameters * n_tokens
