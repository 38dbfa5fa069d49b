"""The candidates for the next token, before and after the sampling filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.language import N_, _
from pages.shared.components.mount import clicked, ignore, probability, register

MAX_CANDIDATES = 200
_mount = register("candidate_bars")


def candidate_bars(
    candidates: Sequence[Mapping[str, Any]],
    key: str,
    chosen_id: int | None = None,
    *,
    label: str = N_("Candidates for the next token"),
) -> int | None:
    """Show candidates as rows; returns the id of the token that was just clicked, once, else None.

    Each candidate has id (int), text (str), base_probability (before the filters), final_probability (after them)
    and cut_by (the filter's name, or None). `chosen_id` marks the token that was drawn.
    Raises `ValueError` for a missing field, a probability outside 0 to 1, or more than 200 candidates.
    """
    if len(candidates) > MAX_CANDIDATES:
        raise ValueError(f"{len(candidates)} candidates are too many to show; the limit is {MAX_CANDIDATES}.")
    rows = [_row(candidate) for candidate in candidates]
    result = _mount(
        key=key,
        data={"candidates": rows, "chosen": chosen_id, "label": _(label)},
        on_clicked_change=ignore,
    )
    token_id = clicked(result)
    return token_id if any(row["id"] == token_id for row in rows) else None


def _row(candidate: Mapping[str, Any]) -> dict[str, Any]:
    missing = {"id", "text", "base_probability", "final_probability"} - set(candidate)
    if missing:
        raise ValueError(f"A candidate has no {', '.join(sorted(missing))}; it has {', '.join(candidate)}.")
    cut_by = candidate.get("cut_by")
    return {
        "id": int(candidate["id"]),
        "text": str(candidate["text"]),
        "base": probability(candidate["base_probability"], "base_probability"),
        "final": probability(candidate["final_probability"], "final_probability"),
        "cut": None if cut_by is None else _(cut_by),
    }
