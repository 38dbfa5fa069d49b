"""A text whose words speak for a class or against it: tinted, underlined and numbered by how much."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pages.shared.components.mount import register

MAX_WORDS = 400
_mount = register("word_marks")


def word_marks(
    words: Sequence[str],
    values: Sequence[float],
    *,
    key: str,
    title: str,
    unit: str,
    summary: str,
    percent: bool = False,
) -> None:
    """Draw words with a signed value each: above 0 speaks for the class, in orange; below against it, in blue.

    `unit` names what the values are; with `percent` they are shares. Raises `ValueError` for too many words, numbers
    that do not fit them or are not finite.
    """
    numbers = np.asarray(values, dtype=float)
    if numbers.shape != (len(words),) or not len(words) or len(words) > MAX_WORDS or not np.isfinite(numbers).all():
        raise ValueError(f"{numbers.shape} finite numbers are needed for 1 to {MAX_WORDS} words, not {len(words)}.")
    data: dict[str, Any] = {
        "words": [[str(word), round(float(value), 5)] for word, value in zip(words, numbers, strict=True)],
        "scale": float(np.abs(numbers).max()) or 1.0,
        "title": title,
        "unit": unit,
        "summary": summary,
        "percent": bool(percent),
    }
    _mount(key=key, data=data)
