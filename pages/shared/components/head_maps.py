"""All heads of a model at once: a small attention map for each, or only what is known of it, in a grid of buttons.

The maps travel by themselves, one byte a weight and without what a causal mask hides, in a message that stays the same
while heads are sorted, marked and switched: Streamlit sends an unchanged message as a reference. What changes is small.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import streamlit as st

from engine.language import N_
from pages.shared.components.mount import clicked, register

MAX_BYTES = 24_000_000  # 12 x 12 heads of 256 tokens without a mask are 9.4 million
KINDS = (N_("previous token"), N_("first token"), N_("itself"), N_("same token"), N_("induction"), N_("mixed"))
_mount = register("head_maps")


@dataclass(frozen=True)
class PackedMaps:
    """The maps of all heads, ready to send; `causal` says that only the lower triangles are in it."""

    n_layers: int
    n_heads: int
    n_tokens: int
    causal: bool
    values: str
    digest: str


@dataclass(frozen=True)
class HeadTile:
    """One head as it is shown. kind: one of `KINDS`, which gives the colour; lines: short texts beneath its name.

    name: all of it in words. bar: a share between 0 and 1, drawn as a bar; off: switched off.
    """

    layer: int
    head: int
    kind: str
    lines: tuple[str, ...]
    name: str
    bar: float | None = None
    off: bool = False


def pack_maps(maps: np.ndarray, *, causal: bool = True) -> PackedMaps:
    """Weights (L, H, T, T) between 0 and 1 in steps of 1/255. `ValueError` for what is no such thing."""
    if maps.ndim != 4 or not maps.size or maps.shape[2] != maps.shape[3]:
        raise ValueError(f"Maps are (layers, heads, tokens, tokens), not {maps.shape}.")
    if not np.isfinite(maps).all() or maps.min() < -1e-6 or maps.max() > 1 + 1e-4:
        raise ValueError("The maps hold a number that is not between 0 and 1.")
    n_layers, n_heads, n_tokens, _unused = maps.shape
    if causal:
        if np.triu(maps, k=1).any():
            raise ValueError("A cell above a diagonal is not 0: pass causal=False for maps without a mask.")
        maps = maps[:, :, *np.tril_indices(n_tokens)]
    if maps.size > MAX_BYTES:
        raise ValueError(f"{maps.size:,} weights are too many to send at once; the limit is {MAX_BYTES:,}.")
    packed = np.rint(np.clip(maps, 0, 1) * 255).astype(np.uint8).tobytes()
    digest = hashlib.sha256(packed).hexdigest()[:16]
    return PackedMaps(n_layers, n_heads, n_tokens, causal, base64.b64encode(packed).decode("ascii"), digest)


def head_maps(
    tiles: Sequence[HeadTile],
    *,
    key: str,
    maps: PackedMaps | None = None,
    columns: int | None = None,
    selected: tuple[int, int] | None = None,
    size: Literal["small", "large"] = "large",
    summary: str,
    on_click: Callable[[int, int], None] | None = None,
) -> tuple[int, int] | None:
    """Draw the heads in the order given; returns (layer, head) of the one just clicked, once, else None.

    With `columns` (the number of heads) each layer has a row of its own where the page is wide enough. Without `maps`
    the tiles show words only. `on_click` is called before the script runs again. Raises `ValueError` for a head that
    the maps do not hold, an unknown kind or a bar outside 0 to 1.
    """
    rows = [_row(tile, maps) for tile in tiles]
    heads = {(tile.layer, tile.head) for tile in tiles}

    def chosen(found: Any) -> tuple[int, int] | None:
        pair = tuple(found) if isinstance(found, (list, tuple)) and len(found) == 2 else None
        return pair if pair in heads else None

    def changed() -> None:
        pair = chosen(clicked(st.session_state.get(key)))
        if on_click is not None and pair is not None:
            on_click(*pair)

    with st.container(gap=None):
        if maps is not None:
            _mount(key=f"{key}-maps", data={"store": maps.digest, "values": maps.values})
        result = _mount(
            key=key,
            data={
                "tiles": rows,
                "maps": maps and {key: getattr(maps, key) for key in ("digest", "n_heads", "n_tokens", "causal")},
                "columns": columns,
                "selected": list(selected) if selected else None,
                "size": size,
                "summary": summary,
            },
            on_clicked_change=changed,
        )
    return chosen(clicked(result))


def _row(tile: HeadTile, maps: PackedMaps | None) -> list[Any]:
    if tile.kind not in KINDS:
        raise ValueError(f"{tile.kind!r} is no kind of head; they are {', '.join(KINDS)}.")
    if tile.bar is not None and not 0 <= tile.bar <= 1:
        raise ValueError(f"The bar of a head is {tile.bar}; it must be between 0 and 1.")
    if maps is not None and not (0 <= tile.layer < maps.n_layers and 0 <= tile.head < maps.n_heads):
        raise ValueError(f"Layer {tile.layer}, head {tile.head} is not among the maps.")
    bar = None if tile.bar is None else round(tile.bar, 4)
    return [tile.layer, tile.head, KINDS.index(tile.kind), list(tile.lines), tile.name, bar, int(tile.off)]
