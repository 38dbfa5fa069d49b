"""A decoder-only transformer, the shape of GPT-2 and GPT-3: token ids in, next-token logits out.

Pre-norm blocks as in GPT-2 (Radford et al. 2019) of causal self-attention (Vaswani et al. 2017) and an MLP,
added to one residual stream; the output layer may share its weights with the embedding (Press & Wolf 2017).
Positions are learned vectors, rotary (RoPE, Su et al. 2021) or absent. A `Trace` passed to `forward` receives
every intermediate; without one the fused attention kernel runs.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any, Literal, Self, cast, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.checks import require_choice, require_flag, require_number, require_whole
from engine.errors import ConfigError
from engine.language import _

Positions = Literal["learned", "rotary", "none"]
Activation = Literal["gelu", "gelu_tanh", "relu2"]
Norm = Literal["layer", "none"]

# (n_layers, n_heads, d_model) of the papers; GPT-3's rows are its table 2.1, with its two rows whose heads do not
# fill the vector set right (XL: 24 heads of 128 for 2048, here 16; 13B: d_model 5140, here 5120).
_GPT2_SHAPES = {
    "gpt2": (12, 12, 768),
    "gpt2-medium": (24, 16, 1024),
    "gpt2-large": (36, 20, 1280),
    "gpt2-xl": (48, 25, 1600),
}
_GPT3_SHAPES = {
    "gpt3-small": (12, 12, 768),
    "gpt3-medium": (24, 16, 1024),
    "gpt3-large": (24, 16, 1536),
    "gpt3-xl": (24, 16, 2048),
    "gpt3-2.7b": (32, 32, 2560),
    "gpt3-6.7b": (32, 32, 4096),
    "gpt3-13b": (40, 40, 5120),
    "gpt3": (96, 96, 12288),
}


_USUAL = {"residual": True, "norm": "layer"}


@dataclass(frozen=True)
class GPTConfig:
    """Shape of a GPT. `d_ff=0` stands for the usual 4 · d_model.

    `causal=False` (every token sees the whole window), `residual=False` (what a layer gives replaces the stream instead
    of being added) and `norm="none"` take out what holds a GPT together, to see what it is for.
    Raises ConfigError where the numbers cannot work together.
    """

    vocab_size: int
    context_length: int
    n_layers: int
    n_heads: int
    d_model: int
    d_ff: int = 0
    positions: Positions = "learned"
    activation: Activation = "gelu"
    bias: bool = True
    tie_embeddings: bool = True
    dropout: float = 0.0
    embedding_std: float = 0.02
    norm_epsilon: float = 1e-5
    causal: bool = True
    residual: bool = True
    norm: Norm = "layer"

    def __post_init__(self) -> None:
        for name in ("vocab_size", "context_length", "n_layers", "n_heads", "d_model"):
            require_whole(name, getattr(self, name), 1)
        if self.d_ff == 0:
            object.__setattr__(self, "d_ff", 4 * self.d_model)
        require_whole("d_ff", self.d_ff, 1)
        if self.d_model % self.n_heads:
            raise ConfigError(
                _(
                    "d_model ({d_model}) must be a multiple of n_heads ({n_heads}): "
                    "each head gets an equal slice of the vector.",
                    d_model=self.d_model,
                    n_heads=self.n_heads,
                )
            )
        require_choice("positions", self.positions, get_args(Positions))
        require_choice("activation", self.activation, get_args(Activation))
        if self.positions == "rotary" and self.head_size % 2:
            raise ConfigError(
                _(
                    "rotary positions turn pairs of numbers: head size {head_size} must be even.",
                    head_size=self.head_size,
                )
            )
        require_choice("norm", self.norm, get_args(Norm))
        for name in ("bias", "tie_embeddings", "causal", "residual"):
            require_flag(name, getattr(self, name))
        require_number("dropout", self.dropout, 0, 1, below=True)
        for name in ("embedding_std", "norm_epsilon"):
            require_number(name, getattr(self, name), 0, above=True)

    @property
    def whole(self) -> bool:
        """Whether nothing that holds a GPT together was taken out: mask, residual stream, norms."""
        return self.causal and self.residual and self.norm == "layer"

    @property
    def head_size(self) -> int:
        """D, the width of one head: d_model / n_heads."""
        return self.d_model // self.n_heads

    @property
    def n_parameters(self) -> int:
        """Exact count of trainable numbers, without building the model.

        >>> GPTConfig.preset("gpt2").n_parameters
        124439808
        """
        V, C, hidden = self.vocab_size, self.d_model, self.d_ff
        norm = C * (2 if self.bias else 1) if self.norm == "layer" else 0
        attention = 4 * C * C + (4 * C if self.bias else 0)
        mlp = 2 * C * hidden + (hidden + C if self.bias else 0)
        positions = self.context_length * C if self.positions == "learned" else 0
        head = 0 if self.tie_embeddings else V * C
        return V * C + positions + self.n_layers * (2 * norm + attention + mlp) + norm + head

    @classmethod
    def preset(cls, name: str) -> GPTConfig:
        """A published shape: "gpt2" … "gpt2-xl", "gpt3-small" … "gpt3" (175 billion)."""
        if name in _GPT2_SHAPES:
            n_layers, n_heads, d_model = _GPT2_SHAPES[name]
            context_length = 1024
        elif name in _GPT3_SHAPES:
            n_layers, n_heads, d_model = _GPT3_SHAPES[name]
            context_length = 2048
        else:
            known = ", ".join([*_GPT2_SHAPES, *_GPT3_SHAPES])
            raise ConfigError(_("there is no preset called {name!r}; choose one of {known}.", name=name, known=known))
        return cls(
            vocab_size=50257,
            context_length=context_length,
            n_layers=n_layers,
            n_heads=n_heads,
            d_model=d_model,
            activation="gelu_tanh",
        )

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able dict of every field; of `residual` and `norm` only what is unusual, as in older files."""
        values = dataclasses.asdict(self)
        return {name: value for name, value in values.items() if name not in _USUAL or value != _USUAL[name]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The inverse of `to_dict`; ConfigError names a field that is unknown or missing."""
        known = {f.name for f in dataclasses.fields(cls)}
        unknown = sorted(set(data) - known)
        if unknown:
            raise ConfigError(_("the model config has unknown settings: {join}.", join=", ".join(unknown)))
        try:
            return cls(**data)
        except TypeError as error:
            raise ConfigError(_("the model config is incomplete: {error}.", error=error)) from error


@dataclass
class LayerTrace:
    """What one block computed for a batch; every tensor is detached."""

    norm_attention: Tensor  # (B, T, C), the normalised stream that attention reads
    qkv: Tensor  # (B, T, 3C), queries, keys and values side by side, before any rotation
    q: Tensor  # (B, H, T, D), after rotation where positions are rotary
    k: Tensor  # (B, H, S, D)
    v: Tensor  # (B, H, S, D)
    attention: Tensor  # (B, H, T, S), rows sum to 1
    heads: Tensor  # (B, H, T, D), what each head read: attention v
    attention_output: Tensor  # (B, T, C), what attention adds to the stream
    residual_middle: Tensor  # (B, T, C), after attention was added
    norm_mlp: Tensor  # (B, T, C), the normalised stream that the MLP reads
    pre_activations: Tensor  # (B, T, d_ff), before the MLP's nonlinearity
    activations: Tensor  # (B, T, d_ff), behind it
    mlp_output: Tensor  # (B, T, C), what the MLP adds to the stream
    residual: Tensor  # (B, T, C), after the MLP was added


@dataclass
class Trace:
    """Filled by `GPT.forward(ids, trace=Trace())`: the embedding, one `LayerTrace` a layer, the final norm."""

    token_embedding: Tensor | None = None  # (B, T, C), rows of the table alone
    embedding: Tensor | None = None  # (B, T, C), the residual stream before the first block: with positions
    layers: list[LayerTrace] = field(default_factory=list)
    final_norm: Tensor | None = None  # (B, T, C), what the head reads


class KVCache:
    """Keys and values of the tokens already read, so that one new token costs one row of attention.

    Preallocated `(L, B, H, context_length, D)` float32; `length` positions are in use.
    """

    def __init__(self, config: GPTConfig, batch_size: int = 1) -> None:
        shape = (config.n_layers, batch_size, config.n_heads, config.context_length, config.head_size)
        self.keys = torch.empty(shape)
        self.values = torch.empty(shape)
        self.layers = list(zip(self.keys.unbind(0), self.values.unbind(0), strict=True))
        self.length = 0

    def append(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Store k, v `(B, H, T, D)` behind the used positions of one layer; return all of them `(B, H, S, D)`."""
        end = self.length + k.shape[2]
        keys, values = self.layers[layer]
        keys[:, :, self.length : end] = k
        values[:, :, self.length : end] = v
        return keys[:, :, :end], values[:, :, :end]

    def keep_rows(self, rows: Tensor) -> None:
        """Forget the other rows of the batch: `rows` are indices or a mask `(B,)`."""
        self.keys, self.values = self.keys[:, rows], self.values[:, rows]
        self.layers = list(zip(self.keys.unbind(0), self.values.unbind(0), strict=True))


def rotation_table(context_length: int, head_size: int, base: float = 10_000.0) -> tuple[Tensor, Tensor]:
    """Cosines and sines `(T, D/2)` of RoPE: pair i at position t turns by t · base^(−2i/D)."""
    frequencies = base ** (-torch.arange(0, head_size, 2, dtype=torch.float32) / head_size)
    angles = torch.outer(torch.arange(context_length, dtype=torch.float32), frequencies)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Turn the pairs (x[i], x[i + D/2]) of queries or keys `(…, T, D)` by their position's angles `(T, D/2)`."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cosines - second * sines, first * sines + second * cosines), dim=-1)


def attention_mask(n_queries: int, n_keys: int) -> Tensor:
    """True where query i may look: at the keys up to its own position. `(T, S)` bool, the last query sees all."""
    return torch.ones(n_queries, n_keys, dtype=torch.bool).tril(n_keys - n_queries)


class Attention(nn.Module):
    """Multi-head self-attention: softmax(q kᵀ / √D) v for each head, heads joined and projected."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.n_heads = config.n_heads
        self.head_size = config.head_size
        self.causal = config.causal
        self.dropout = config.dropout
        self.qkv = nn.Linear(config.d_model, 3 * config.d_model, bias=config.bias)
        self.projection = nn.Linear(config.d_model, config.d_model, bias=config.bias)

    def forward(
        self,
        x: Tensor,
        rotation: tuple[Tensor, Tensor] | None,
        cache: KVCache | None,
        layer: int,
        record: dict[str, Tensor] | None,
        head_scale: Tensor | None = None,
    ) -> Tensor:
        B, T, C = x.shape
        # (B, T, 3C) -> (B, T, 3, H, D) -> (B, H, 3, T, D) -> three of (B, H, T, D)
        joined = self.qkv(x)
        qkv = joined.view(B, T, 3, self.n_heads, self.head_size).transpose(1, 3)
        q, k, v = qkv.unbind(2)
        if rotation is not None:
            q, k = rotate(qkv[:, :, :2], *rotation).unbind(2)
        if cache is not None:
            k, v = cache.append(layer, k, v)
        dropout = self.dropout if self.training else 0.0
        masked = self.causal and T > 1
        if record is None:
            aligned = k.shape[2] == T
            mask = attention_mask(T, k.shape[2]) if masked and not aligned else None
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout, is_causal=masked and aligned)
        else:
            scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_size)  # (B, H, T, S)
            if masked:
                scores = scores.masked_fill(~attention_mask(T, k.shape[2]), -torch.inf)
            weights = scores.softmax(-1)
            y = F.dropout(weights, dropout) @ v
            record.update(qkv=joined, q=q, k=k, v=v, attention=weights, heads=y)
        if head_scale is not None:
            y = y * head_scale[layer][:, None, None]  # (H, 1, 1)
        return self.projection(y.transpose(1, 2).reshape(B, T, C))  # (B, H, T, D) -> (B, T, C)


class MLP(nn.Module):
    """Two linear maps with a nonlinearity between, applied to each position alone."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.activation = config.activation
        self.up = nn.Linear(config.d_model, config.d_ff, bias=config.bias)
        self.down = nn.Linear(config.d_ff, config.d_model, bias=config.bias)

    def forward(self, x: Tensor, record: dict[str, Tensor] | None) -> Tensor:
        hidden = self.up(x)
        if record is not None:
            record["pre_activations"] = hidden
        if self.activation == "relu2":  # Primer (So et al. 2021)
            hidden = F.relu(hidden).square()
        else:
            hidden = F.gelu(hidden, approximate="tanh" if self.activation == "gelu_tanh" else "none")
        if record is not None:
            record["activations"] = hidden
        return self.down(hidden)


class NoNorm(nn.LayerNorm):
    """Leaves the stream as it is: a LayerNorm without numbers to learn, which does nothing."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__(config.d_model, elementwise_affine=False)

    def forward(self, x: Tensor) -> Tensor:
        return x


def _norm(config: GPTConfig) -> nn.LayerNorm:
    if config.norm == "none":
        return NoNorm(config)
    return nn.LayerNorm(config.d_model, eps=config.norm_epsilon, bias=config.bias)


class Block(nn.Module):
    """One layer: x + attention(norm(x)), then x + MLP(norm(x))."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.norm_attention = _norm(config)
        self.attention = Attention(config)
        self.norm_mlp = _norm(config)
        self.mlp = MLP(config)
        self.dropout = config.dropout
        self.residual = config.residual

    def forward(
        self,
        x: Tensor,
        rotation: tuple[Tensor, Tensor] | None,
        cache: KVCache | None,
        layer: int,
        trace: Trace | None,
        head_scale: Tensor | None = None,
    ) -> Tensor:
        record: dict[str, Tensor] | None = None if trace is None else {}
        for_attention = self.norm_attention(x)
        attended = self._drop(self.attention(for_attention, rotation, cache, layer, record, head_scale))
        middle = x + attended if self.residual else attended
        for_mlp = self.norm_mlp(middle)
        added = self._drop(self.mlp(for_mlp, record))
        x = middle + added if self.residual else added
        if trace is not None and record is not None:
            record.update(norm_attention=for_attention, attention_output=attended, residual_middle=middle)
            record.update(norm_mlp=for_mlp, mlp_output=added, residual=x)
            trace.layers.append(LayerTrace(**{name: tensor.detach() for name, tensor in record.items()}))
        return x

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training) if self.dropout else x


class GPT(nn.Module):
    """The whole model. `GPT(config, seed)` draws the same weights for the same seed.

    Raises ConfigError for ids longer than the context.
    """

    cosines: Tensor  # (context_length, D/2), with rotary positions only
    sines: Tensor

    def __init__(self, config: GPTConfig, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        with torch.random.fork_rng(devices=[]):
            self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
            self.position_embedding = (
                nn.Embedding(config.context_length, config.d_model) if config.positions == "learned" else None
            )
            self.blocks = nn.ModuleList(Block(config) for _unused in range(config.n_layers))
            self.norm = _norm(config)
            self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        if config.tie_embeddings:
            self.head.weight = self.token_embedding.weight
        if config.positions == "rotary":
            cosines, sines = rotation_table(config.context_length, config.head_size)
            self.register_buffer("cosines", cosines, persistent=False)
            self.register_buffer("sines", sines, persistent=False)
        self._initialise(torch.Generator().manual_seed(seed))

    def _initialise(self, generator: torch.Generator) -> None:
        residual_std = 0.02 / math.sqrt(2 * self.config.n_layers)  # GPT-2: the stream's variance stays level
        for name, parameter in self.named_parameters():
            if "norm" in name:
                continue
            if parameter.dim() == 1:
                nn.init.zeros_(parameter)
            elif name.endswith(("projection.weight", "down.weight")):
                nn.init.normal_(parameter, std=residual_std, generator=generator)
            elif name == "token_embedding.weight":
                nn.init.normal_(parameter, std=self.config.embedding_std, generator=generator)
            else:
                nn.init.normal_(parameter, std=0.02, generator=generator)

    @property
    def layers(self) -> list[Block]:
        """The blocks from first to last, as a typed list."""
        return cast(list[Block], list(self.blocks))

    @property
    def n_parameters(self) -> int:
        """Number of trainable numbers; tied weights count once."""
        return sum(parameter.numel() for parameter in self.parameters())

    def forward(
        self,
        ids: Tensor,
        *,
        cache: KVCache | None = None,
        trace: Trace | None = None,
        head_scale: Tensor | None = None,
    ) -> Tensor:
        """Logits `(B, T, V)` float32 for ids `(B, T)` int64.

        With a cache the ids continue what the cache has read. `head_scale` `(L, H)` multiplies what each head writes,
        before the projection that joins them: 0 switches a head off. Raises ConfigError past the context length.
        """
        return self.head(self.hidden(ids, cache=cache, trace=trace, head_scale=head_scale))

    def hidden(
        self,
        ids: Tensor,
        *,
        cache: KVCache | None = None,
        trace: Trace | None = None,
        head_scale: Tensor | None = None,
    ) -> Tensor:
        """The normalised residual stream `(B, T, C)` that the head reads; arguments as in `forward`."""
        start = cache.length if cache is not None else 0
        end = start + ids.shape[1]
        if end > self.config.context_length:
            raise ConfigError(
                _(
                    "{end} tokens do not fit the context of {context_length}: "
                    "pass fewer tokens or a window of the last ones.",
                    end=end,
                    context_length=self.config.context_length,
                )
            )
        x = self.token_embedding(ids)  # (B, T) -> (B, T, C)
        if trace is not None:
            trace.token_embedding = x.detach()
        if self.position_embedding is not None:
            x = x + self.position_embedding.weight[start:end]
        if self.config.dropout:
            x = F.dropout(x, self.config.dropout, self.training)
        if trace is not None:
            trace.embedding = x.detach()
        rotation = (self.cosines[start:end], self.sines[start:end]) if self.config.positions == "rotary" else None
        for layer, block in enumerate(self.layers):
            x = block(x, rotation, cache, layer, trace, head_scale)
        if cache is not None:
            cache.length = end
        x = self.norm(x)
        if trace is not None:
            trace.final_norm = x.detach()
        return x

    def loss(
        self, ids: Tensor, targets: Tensor, *, reduction: str = "mean", head_scale: Tensor | None = None
    ) -> Tensor:
        """Cross-entropy in nats between logits and targets `(B, T)`; targets of −100 are ignored."""
        logits = self(ids, head_scale=head_scale)
        return F.cross_entropy(
            logits.view(-1, logits.shape[-1]), targets.reshape(-1), ignore_index=-100, reduction=reduction
        )
