"""Text as the model sees it: one button per token, tinted by how surprising the model found it.

Surprise is -log2 p, in bits (Shannon 1948): a token of probability 1/8 carries 3 bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.language import N_, _
from pages.shared.components.mount import clicked, ignore, probability, register

MAX_TOKENS = 20_000
_mount = register("token_strip")


def token_strip(
    tokens: Sequence[Mapping[str, Any]],
    key: str,
    selected: int | None = None,
    *,
    legend: bool = True,
    by_id: bool = False,
    label: str = N_("Text, one button per token"),
) -> int | None:
    """Show tokens as running text; returns the index of the token that was just clicked, once, else None.

    Each token has text (str, already escaped if its bytes are no UTF-8 of their own), id (int), probability
    (0 to 1, or None where the model was not asked), forced (bool: chosen by hand) and prompt (bool).
    `selected` marks one token. With `by_id` the colour is the token's own, as in the tokenization lesson, and
    not its probability. Raises `ValueError` for a probability outside 0 to 1, a missing text or too many tokens.
    """
    if len(tokens) > MAX_TOKENS:
        raise ValueError(f"{len(tokens):,} tokens are too many to show at once; the limit is {MAX_TOKENS:,}.")
    # Short rows instead of objects: 5,000 tokens travel as about 150 kB.
    rows = [_row(index, token) for index, token in enumerate(tokens)]
    chosen = selected if selected is not None and 0 <= selected < len(rows) else None
    result = _mount(
        key=key,
        data={"tokens": rows, "selected": chosen, "legend": legend and not by_id, "byId": by_id, "label": _(label)},
        on_clicked_change=ignore,
    )
    index = clicked(result)
    return index if isinstance(index, int) and 0 <= index < len(rows) else None


def _row(index: int, token: Mapping[str, Any]) -> list[Any]:
    if "text" not in token or "id" not in token:
        raise ValueError(f"Token {index} needs a text and an id; it has {', '.join(token)}.")
    value = token.get("probability")
    shown = None if value is None else round(probability(value, _("Token {index}'s probability", index=index)), 7)
    flags = int(bool(token.get("prompt"))) + 2 * int(bool(token.get("forced")))
    return [str(token["text"]), int(token["id"]), shown, flags]
