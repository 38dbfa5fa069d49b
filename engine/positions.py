"""Where a token stands, told to a model that would otherwise see a bag of tokens.

Three ways: a learned vector for each position, added to the token's (GPT-2); a fixed vector of sines and cosines,
added likewise (Vaswani et al. 2017, section 3.5); and rotary positions, which add nothing but turn queries and keys,
so that their product depends on the distance alone (RoPE, Su et al. 2021). `engine.gpt.rotate` is what the model does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from engine.checks import require_whole
from engine.errors import ConfigError
from engine.gpt import GPT, rotate, rotation_table
from engine.language import _

BASE = 10_000.0


def pair_frequencies(width: int, base: float = BASE) -> np.ndarray:
    """How far pair i turns from one position to the next, in radians: base^(−2i/width), (width/2,) float64.

    >>> pair_frequencies(4).tolist()
    [1.0, 0.01]

    Raises ConfigError for a width that is not even.
    """
    require_whole("width", width, 2)
    if width % 2:
        raise ConfigError(_("positions turn pairs of numbers: the width ({width}) must be even.", width=width))
    return base ** (-np.arange(0, width, 2) / width)


def sinusoidal(n_positions: int, width: int, base: float = BASE) -> np.ndarray:
    """The fixed position vectors of Vaswani et al. (2017): (n_positions, width) float64 between −1 and 1.

    Dimension 2i is sin(position · w_i) and dimension 2i + 1 is cos(position · w_i), with the `pair_frequencies` w.
    Raises ConfigError for an odd width or no position.
    """
    require_whole("n_positions", n_positions, 1)
    angles = np.outer(np.arange(n_positions), pair_frequencies(width, base))
    table = np.empty((n_positions, width))
    table[:, 0::2] = np.sin(angles)
    table[:, 1::2] = np.cos(angles)
    return table


def untrained(n_positions: int, width: int, seed: int = 0) -> np.ndarray:
    """A table of learned positions before training: normal numbers of spread 0.02, as a GPT begins with them."""
    require_whole("n_positions", n_positions, 1)
    require_whole("width", width, 1)
    return np.random.default_rng(seed).normal(0, 0.02, (n_positions, width))


def dot_products(table: np.ndarray) -> np.ndarray:
    """The dot product of every two position vectors: (T, d) -> (T, T)."""
    return table @ table.T


def product_by_distance(width: int, distances: np.ndarray, base: float = BASE) -> np.ndarray:
    """The dot product of two sinusoidal position vectors so many positions apart: Σ cos(w_i · distance).

    It is sin a · sin b + cos a · cos b = cos(a − b) for each pair: the positions themselves have gone.
    """
    return np.cos(np.outer(np.asarray(distances, dtype=np.float64), pair_frequencies(width, base))).sum(axis=1)


def turned(vector: np.ndarray, position: int, base: float = BASE) -> np.ndarray:
    """A query or key (D,) as it is after rotary positions have turned it at `position`; by the model's own `rotate`.

    Pair i, which is the numbers i and i + D/2, turns by position · w_i. Raises ConfigError for an odd width.
    """
    pair_frequencies(len(vector), base)
    require_whole("position", position, 0)
    cosines, sines = rotation_table(position + 1, len(vector), base)
    return rotate(torch.as_tensor(vector, dtype=torch.float32), cosines[position], sines[position]).numpy()


def rotary_product(query: np.ndarray, key: np.ndarray, m: int, n: int) -> float:
    """q·k of a query at position m and a key at position n, both turned (Su et al. 2021, equation 16)."""
    return float(turned(query, m).astype(np.float64) @ turned(key, n).astype(np.float64))


def rotary_products_by_distance(query: np.ndarray, key: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """q·k by distance m − n, from pairs alone: Σ |q_i||k_i| cos(angle between them + distance · w_i).

    A closed form of `rotary_product`, without any position in it.
    """
    frequencies = pair_frequencies(len(query))
    q, k = (_as_complex(each) for each in (query, key))
    products = q * k.conj()  # the angle from k to q, the product of their lengths
    turns = np.exp(1j * np.outer(np.asarray(distances, dtype=np.float64), frequencies))
    return (turns * products).real.sum(axis=1)


@dataclass(frozen=True)
class QueryKey:
    """A query and a key of one head, each (D,), before any turn."""

    query: np.ndarray
    key: np.ndarray


def first_layer_query_key(model: GPT, query_id: int, key_id: int, head: int) -> QueryKey:
    """The query of one token and the key of another in a head of the first layer, before rotary positions turn them.

    There they depend on the token alone, as nothing has been mixed in yet. ConfigError unless the model's positions
    are rotary, and for an unknown head or id.
    """
    config = model.config
    if config.positions != "rotary":
        raise ConfigError(
            _("this model's positions are {positions}: choose one with rotary positions.", positions=config.positions)
        )
    require_whole("head", head, 0, config.n_heads - 1)
    for name, token_id in (("query_id", query_id), ("key_id", key_id)):
        require_whole(name, token_id, 0, config.vocab_size - 1)
    with torch.no_grad():
        block = model.layers[0]
        x = block.norm_attention(model.token_embedding(torch.tensor([query_id, key_id])))  # (2, C)
        qkv = block.attention.qkv(x).view(2, 3, config.n_heads, config.head_size)
    return QueryKey(qkv[0, 0, head].numpy(), qkv[1, 1, head].numpy())


def _as_complex(vector: np.ndarray) -> np.ndarray:
    first, second = np.split(np.asarray(vector, dtype=np.float64), 2)
    return first + 1j * second
