"""The original transformer: an encoder reads one sentence, a decoder writes another ("Attention Is All You Need",
Vaswani et al. 2017).

The encoder sees its whole sentence (no causal mask); the decoder sees what it has written so far, and through
cross-attention all of the encoder's output. Sinusoidal positions are added to the embeddings, which are scaled by √C.
As in the paper, source and target share one vocabulary and one table, which also scores the output. The norm stands
before each part (as GPT-2 has it) or after it (as the paper has it; harder to train).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.checks import require_choice, require_number, require_whole
from engine.errors import ConfigError
from engine.language import _
from engine.positions import sinusoidal

PAD, START, END = 0, 1, 2
"""Ids of the three tokens that every vocabulary of a translation begins with."""


@dataclass(frozen=True)
class Seq2SeqConfig:
    """Shape of an encoder–decoder; `n_layers` of each, `d_ff=0` for 4 · d_model. ConfigError if it cannot work."""

    vocab_size: int
    max_length: int = 48
    n_layers: int = 2
    n_heads: int = 4
    d_model: int = 128
    d_ff: int = 0
    dropout: float = 0.0
    norm: Literal["before", "after"] = "before"

    def __post_init__(self) -> None:
        for name in ("vocab_size", "max_length", "n_layers", "n_heads", "d_model"):
            require_whole(name, getattr(self, name), 1)
        if self.d_ff == 0:
            object.__setattr__(self, "d_ff", 4 * self.d_model)
        if self.d_model % self.n_heads or self.d_model % 2:
            raise ConfigError(
                _(
                    "d_model ({d_model}) must be even and a multiple of n_heads ({n_heads}).",
                    d_model=self.d_model,
                    n_heads=self.n_heads,
                )
            )
        require_number("dropout", self.dropout, 0, 1, below=True)
        require_choice("norm", self.norm, ("before", "after"))

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able dict of every field."""
        return dataclasses.asdict(self)


@dataclass
class Seq2SeqTrace:
    """Attention of every layer, each (B, H, T, S): the encoder's, the decoder's own, and from decoder to encoder."""

    encoder: list[Tensor] = field(default_factory=list)
    decoder: list[Tensor] = field(default_factory=list)
    cross: list[Tensor] = field(default_factory=list)


def padding_mask(ids: Tensor) -> Tensor:
    """Which tokens of (B, S) may be looked at, from every position: all but PAD; (B, 1, 1, S) bool."""
    return (ids != PAD)[:, None, None, :]


def causal_mask(n: int) -> Tensor:
    """Row t may look at columns 0 to t: (n, n) bool."""
    return torch.ones(n, n, dtype=torch.bool).tril()


class MultiHeadAttention(nn.Module):
    """Queries from one sequence, keys and values from the same or another: softmax(q kᵀ / √D) v for each head."""

    def __init__(self, d_model: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.query = nn.Linear(d_model, d_model)
        self.key = nn.Linear(d_model, d_model)
        self.value = nn.Linear(d_model, d_model)
        self.projection = nn.Linear(d_model, d_model)

    def forward(self, x: Tensor, memory: Tensor, visible: Tensor, record: list[Tensor] | None = None) -> Tensor:
        """x (B, T, C), memory (B, S, C), visible (B, 1, T or 1, S) bool -> (B, T, C)."""
        q, k, v = (self._heads(part(y)) for part, y in ((self.query, x), (self.key, memory), (self.value, memory)))
        if record is None:
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=visible)
        else:
            scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # (B, H, T, S)
            weights = scores.masked_fill(~visible, -torch.inf).softmax(-1)
            record.append(weights.detach())
            y = weights @ v
        return self.projection(y.transpose(1, 2).flatten(2))  # (B, H, T, D) -> (B, T, C)

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)  # (B, T, C) -> (B, H, T, D)


class _Sublayer(nn.Module):
    """Residual, dropout and norm around one part: x + f(norm(x)), or norm(x + f(x)) as in the paper."""

    def __init__(self, config: Seq2SeqConfig, part: nn.Module) -> None:
        super().__init__()
        self.part = part
        self.norm = nn.LayerNorm(config.d_model)
        self.dropout = config.dropout
        self.before = config.norm == "before"

    def forward(self, x: Tensor, *context: Any) -> Tensor:
        y = self.norm(x) if self.before else x
        attends_itself = isinstance(self.part, MultiHeadAttention) and context[0] is None
        y = self.part(y, y, *context[1:]) if attends_itself else self.part(y, *context)
        x = x + F.dropout(y, self.dropout, self.training)
        return x if self.before else self.norm(x)


def _feed_forward(config: Seq2SeqConfig) -> nn.Module:
    return nn.Sequential(nn.Linear(config.d_model, config.d_ff), nn.ReLU(), nn.Linear(config.d_ff, config.d_model))


class EncoderBlock(nn.Module):
    """Self-attention over the whole source, then the feed-forward part."""

    def __init__(self, config: Seq2SeqConfig) -> None:
        super().__init__()
        self.attention = _Sublayer(config, MultiHeadAttention(config.d_model, config.n_heads))
        self.feed_forward = _Sublayer(config, _feed_forward(config))

    def forward(self, x: Tensor, visible: Tensor, trace: Seq2SeqTrace | None) -> Tensor:
        x = self.attention(x, None, visible, trace.encoder if trace else None)
        return self.feed_forward(x)


class DecoderBlock(nn.Module):
    """Causal self-attention, cross-attention to the encoder's output, then the feed-forward part."""

    def __init__(self, config: Seq2SeqConfig) -> None:
        super().__init__()
        self.attention = _Sublayer(config, MultiHeadAttention(config.d_model, config.n_heads))
        self.cross = _Sublayer(config, MultiHeadAttention(config.d_model, config.n_heads))
        self.feed_forward = _Sublayer(config, _feed_forward(config))

    def forward(
        self, y: Tensor, memory: Tensor, visible: Tensor, memory_visible: Tensor, trace: Seq2SeqTrace | None
    ) -> Tensor:
        y = self.attention(y, None, visible, trace.decoder if trace else None)
        y = self.cross(y, memory, memory_visible, trace.cross if trace else None)
        return self.feed_forward(y)


class Seq2Seq(nn.Module):
    """The whole model. `Seq2Seq(config, seed)` draws the same weights for the same seed."""

    positions: Tensor  # (max_length, C)

    def __init__(self, config: Seq2SeqConfig, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.embedding = nn.Embedding(config.vocab_size, config.d_model, padding_idx=PAD)
            self.encoder = nn.ModuleList(EncoderBlock(config) for _unused in range(config.n_layers))
            self.decoder = nn.ModuleList(DecoderBlock(config) for _unused in range(config.n_layers))
            self.encoder_norm = nn.LayerNorm(config.d_model) if config.norm == "before" else nn.Identity()
            self.decoder_norm = nn.LayerNorm(config.d_model) if config.norm == "before" else nn.Identity()
            for name, parameter in self.named_parameters():
                if name == "embedding.weight":
                    nn.init.normal_(parameter, std=config.d_model**-0.5)
                elif parameter.dim() > 1:
                    nn.init.xavier_uniform_(parameter)
        positions = torch.from_numpy(sinusoidal(config.max_length, config.d_model)).float()
        self.register_buffer("positions", positions, persistent=False)

    def forward(self, source: Tensor, target: Tensor, *, trace: Seq2SeqTrace | None = None) -> Tensor:
        """Logits (B, T, V) of the token after each of `target` (B, T), given `source` (B, S); PAD fills both."""
        memory = self.encode(source, trace=trace)
        return self.decode(memory, source, target, trace=trace)

    def encode(self, source: Tensor, *, trace: Seq2SeqTrace | None = None) -> Tensor:
        """The encoder's output (B, S, C) for source ids (B, S)."""
        x = self._embed(source)
        visible = padding_mask(source)  # (B, 1, 1, S)
        for block in cast(list[EncoderBlock], list(self.encoder)):
            x = block(x, visible, trace)
        return self.encoder_norm(x)

    def decode(
        self,
        memory: Tensor,
        source: Tensor,
        target: Tensor,
        *,
        trace: Seq2SeqTrace | None = None,
        last_only: bool = False,
    ) -> Tensor:
        """Logits (B, T, V) for target ids (B, T) beside the encoder's output for `source`; with `last_only` those of
        the last token alone, (B, 1, V).
        """
        y = self._embed(target)
        T = target.shape[1]
        visible = causal_mask(T) & padding_mask(target)  # (B, 1, T, T); START is never PAD
        memory_visible = padding_mask(source)
        for block in cast(list[DecoderBlock], list(self.decoder)):
            y = block(y, memory, visible, memory_visible, trace)
        return self.decoder_norm(y[:, -1:] if last_only else y) @ self.embedding.weight.T

    def loss(self, source: Tensor, target: Tensor, *, smoothing: float = 0.0) -> Tensor:
        """Mean cross-entropy (nats) of target (B, T + 1), from START to END, each token from those before it."""
        logits = self(source, target[:, :-1])
        return F.cross_entropy(
            logits.flatten(0, 1), target[:, 1:].flatten(), ignore_index=PAD, label_smoothing=smoothing
        )

    def _embed(self, ids: Tensor) -> Tensor:
        if ids.shape[1] > self.config.max_length:
            raise ConfigError(
                _(
                    "a sentence of {shape} tokens is longer than the {max_length} the model has "
                    "positions for: use a shorter sentence.",
                    shape=ids.shape[1],
                    max_length=self.config.max_length,
                )
            )
        x = self.embedding(ids) * math.sqrt(self.config.d_model) + self.positions[: ids.shape[1]]
        return F.dropout(x, self.config.dropout, self.training)

    @property
    def n_parameters(self) -> int:
        """Number of trainable numbers."""
        return sum(parameter.numel() for parameter in self.parameters())


def pad(rows: Sequence[Sequence[int]]) -> Tensor:
    """Rows of different lengths as one tensor (B, longest) int64, filled up with PAD."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[PAD] * (longest - len(row))] for row in rows])


@torch.inference_mode()
def translate_greedily(model: Seq2Seq, sources: Sequence[Sequence[int]], max_new_tokens: int = 47) -> list[list[int]]:
    """The most probable next token, again and again, for many sentences at once; START and END are left out."""
    model.eval()
    source = pad(sources)
    memory = model.encode(source)
    target = torch.full((len(sources), 1), START)
    open_rows = torch.arange(len(sources))  # which sentences are still being written: only they are computed
    written: list[list[int]] = [[] for _unused in sources]
    for _unused in range(min(max_new_tokens, model.config.max_length - 1)):
        following = model.decode(memory, source, target, last_only=True)[:, -1].argmax(-1)
        for row, token in zip(open_rows.tolist(), following.tolist(), strict=True):
            written[row].append(token)
        goes_on = following != END
        if not goes_on.any():
            break
        target = torch.cat([target, following[:, None]], dim=1)[goes_on]
        open_rows, source, memory = open_rows[goes_on], source[goes_on], memory[goes_on]
    return [[i for i in row if i not in (PAD, START, END)] for row in written]


@dataclass(frozen=True)
class Hypothesis:
    """One translation that beam search kept: its ids without START and END, and its log-probability (nats)."""

    ids: tuple[int, ...]
    log_probability: float
    finished: bool

    def score(self, length_penalty: float) -> float:
        """Log-probability over ((5 + length) / 6)^α (Wu et al. 2016), so that longer ones are not always worse."""
        return self.log_probability / ((5 + len(self.ids) + 1) / 6) ** length_penalty


@dataclass(frozen=True)
class BeamStep:
    """One step of a beam search, each part the most probable first: what stays open, what has just ended, and the best
    candidates that had to go.
    """

    open: tuple[Hypothesis, ...]
    finished: tuple[Hypothesis, ...]
    dropped: tuple[Hypothesis, ...]


@torch.inference_mode()
def beam_steps(
    model: Seq2Seq, source_ids: Sequence[int], beam_size: int = 4, *, length_penalty: float = 0.6
) -> Iterator[BeamStep]:
    """The steps of a search with `beam_size` open hypotheses, until no open one can still win (Wu et al. 2016)."""
    model.eval()
    source = pad([source_ids])
    memory = model.encode(source)
    beams = [Hypothesis((), 0.0, False)]
    done: list[Hypothesis] = []
    for _unused in range(model.config.max_length - 1):
        targets = torch.tensor([[START, *beam.ids] for beam in beams])
        n = len(beams)
        logits = model.decode(memory.expand(n, -1, -1), source.expand(n, -1), targets, last_only=True)[:, -1]
        log_probabilities = logits.log_softmax(-1)  # (n, V)
        values, places = log_probabilities.topk(min(beam_size + 1, logits.shape[-1]), dim=-1)
        candidates = [
            Hypothesis(
                beam.ids if token == END else (*beam.ids, token), beam.log_probability + value, finished=token == END
            )
            for beam, row, tokens in zip(beams, values.tolist(), places.tolist(), strict=True)
            for value, token in zip(row, tokens, strict=True)
        ]
        candidates.sort(key=lambda each: each.log_probability, reverse=True)
        ended = [each for each in candidates[: 2 * beam_size] if each.finished][:beam_size]
        done += ended
        still_open = [each for each in candidates if not each.finished]
        beams = still_open[:beam_size]
        yield BeamStep(tuple(beams), tuple(ended), tuple(still_open[beam_size : 2 * beam_size]))
        best_done = max((each.score(length_penalty) for each in done), default=-math.inf)
        if not beams or (len(done) >= beam_size and beams[0].score(length_penalty) < best_done):
            break


def beam_search(
    model: Seq2Seq, source_ids: Sequence[int], beam_size: int = 4, *, length_penalty: float = 0.6
) -> list[Hypothesis]:
    """The best translations that a search of `beam_size` open hypotheses finds, the best first."""
    steps = list(beam_steps(model, source_ids, beam_size, length_penalty=length_penalty))
    done = [each for step in steps for each in step.finished] or list(steps[-1].open)
    return sorted(done, key=lambda each: each.score(length_penalty), reverse=True)[:beam_size]


def sequence_log_probability(model: Seq2Seq, source_ids: Sequence[int], target_ids: Sequence[int]) -> float:
    """Log-probability (nats) of a whole translation, its END included."""
    return float(target_log_probabilities(model, source_ids, target_ids).sum())


@torch.inference_mode()
def target_log_probabilities(model: Seq2Seq, source_ids: Sequence[int], target_ids: Sequence[int]) -> Tensor:
    """Log-probability (nats) of each token of a translation and of its END, those before it given: (T + 1,)."""
    model.eval()
    logits = model(pad([source_ids]), pad([[START, *target_ids]]))[0]
    right = torch.tensor([*target_ids, END])
    return logits.log_softmax(-1)[torch.arange(len(right)), right]


@torch.inference_mode()
def trace_of(model: Seq2Seq, source_ids: Sequence[int], target_ids: Sequence[int]) -> Seq2SeqTrace:
    """All attention of one sentence pair: row t of decoder and cross is where token t of the target (the last one:
    END) was predicted from.
    """
    model.eval()
    trace = Seq2SeqTrace()
    model(pad([source_ids]), pad([[START, *target_ids]]), trace=trace)
    return trace


@torch.inference_mode()
def measured_visibility(run: Callable[[Tensor], Tensor], ids: Sequence[int], replacement: int) -> Tensor:
    """Which tokens an output depends on, found by trying: token j is replaced, and every output i that changes saw it.

    `run` takes ids (1, T) and gives outputs (1, T', C). Returns (T', T) bool. `replacement` must not be among the ids.
    """
    before = run(torch.tensor([list(ids)]))[0]
    columns = []
    for place in range(len(ids)):
        changed = list(ids)
        changed[place] = replacement
        after = run(torch.tensor([changed]))[0]
        columns.append((after - before).abs().amax(-1) > 1e-6)
    return torch.stack(columns, dim=1)
