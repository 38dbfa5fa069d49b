"""What a model costs before it is built: parameters by component, memory, arithmetic.

Everything follows from a `GPTConfig` by closed forms. Multiplying and adding count as two operations (FLOPs), as the
papers count them; only matrix products are counted, which are all but a few per cent (Kaplan et al. 2020, table 1).
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.checks import require_whole
from engine.gpt import GPTConfig

FLOAT32 = 4
"""Bytes of a number in full precision."""


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
    """Bytes that training holds at once, in float32."""

    weights: int
    gradients: int
    optimizer: int
    activations: int

    @property
    def total(self) -> int:
        """All of them together."""
        return self.weights + self.gradients + self.optimizer + self.activations


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
    norm = C * (1 + bias)
    return ParameterCounts(
        token_embedding=V * C,
        position_embedding=config.context_length * C if config.positions == "learned" else 0,
        attention=L * (4 * C * C + bias * 4 * C),
        mlp=L * (2 * C * hidden + bias * (hidden + C)),
        norms=L * 2 * norm + norm,
        head=0 if config.tie_embeddings else V * C,
    )


def training_memory(config: GPTConfig, batch_size: int, *, states_per_parameter: int = 2) -> MemoryNeeds:
    """What a training step holds: weights, gradients, the optimizer's averages (AdamW: 2) and activations.

    Activations are those that the backward pass needs, without recomputing: for each token and layer about 10 vectors
    of C numbers and 2 of d_ff, and the logits and their gradient once; attention weights are not kept by the fused
    kernel. Raises ConfigError for a batch below 1.
    """
    require_whole("batch_size", batch_size, 1)
    numbers = config.n_parameters
    tokens = batch_size * config.context_length
    per_token = config.n_layers * (10 * config.d_model + 2 * config.d_ff) + 2 * config.vocab_size
    return MemoryNeeds(
        weights=FLOAT32 * numbers,
        gradients=FLOAT32 * numbers,
        optimizer=FLOAT32 * states_per_parameter * numbers,
        activations=FLOAT32 * tokens * per_token,
    )


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
