"""Rows of tokens, one row a state: how a text is encoded, merge by merge."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pages.shared.components.mount import register

MAX_TOKENS = 20_000
_mount = register("merge_steps")


@dataclass(frozen=True)
class StepRow:
    """One state: a name for it, its tokens as (id, readable text), and the places of those a merge has just made.

    `next_pairs` are the places where a pair begins that the next merge will join.
    """

    name: str
    tokens: Sequence[tuple[int, str]]
    made: Collection[int] = ()
    next_pairs: Collection[int] = ()


def merge_steps(rows: Sequence[StepRow], key: str, *, label: str) -> None:
    """Draw rows of tokens under each other; a token that was just made is framed, a pair that is next underlined.

    Raises `ValueError` for more than 20,000 tokens.
    """
    n_tokens = sum(len(row.tokens) for row in rows)
    if n_tokens > MAX_TOKENS:
        raise ValueError(f"{n_tokens:,} tokens are too many to show at once; the limit is {MAX_TOKENS:,}.")
    _mount(
        key=key,
        data={
            "label": label,
            "rows": [
                {
                    "name": row.name,
                    "ids": [token_id for token_id, _ in row.tokens],
                    "texts": [text for _, text in row.tokens],
                    "made": sorted(row.made),
                    "next": sorted({place + side for place in row.next_pairs for side in (0, 1)}),
                }
                for row in rows
            ],
        },
    )
