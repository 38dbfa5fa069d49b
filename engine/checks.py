"""Checks of single settings, for configs that also come from web forms and JSON files.

A text, a truth value, NaN or infinity where a number is expected is refused with the setting's name and its value.
"""

from __future__ import annotations

import math
from typing import Any

from engine.errors import ConfigError


def require_whole(name: str, value: Any, low: int, high: int | None = None) -> None:
    """ConfigError unless the value is a whole number (an int, no bool) from low to high.

    >>> require_whole("batch_size", 32, 1)
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < low or (high is not None and value > high):
        bounds = f"of at least {low:,}" if high is None else f"from {low:,} to {high:,}"
        raise ConfigError(f"{name} ({value!r}) must be a whole number {bounds}.")


def require_number(
    name: str,
    value: Any,
    low: float,
    high: float = math.inf,
    *,
    above: bool = False,
    below: bool = False,
    note: str = "",
) -> None:
    """ConfigError unless the value is a finite number from low to high; `above` and `below` exclude the ends.

    `note` is added to the message: what the setting means, or what to do.
    """
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and value != math.inf
    if is_number and (low < value < high or (value == low and not above) or (value == high and not below)):
        return
    if high == math.inf:
        bounds = f"{'above' if above else 'of at least'} {low:g}"
    elif above or below:
        bounds = f"{'above' if above else 'of at least'} {low:g} and {'below' if below else 'at most'} {high:g}"
    else:
        bounds = f"from {low:g} to {high:g}"
    raise ConfigError(f"{name} ({value!r}) must be a number {bounds}{note}.")


def require_flag(name: str, value: Any) -> None:
    """ConfigError unless the value is True or False."""
    if not isinstance(value, bool):
        raise ConfigError(f"{name} ({value!r}) must be true or false.")


def require_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """ConfigError unless the value is one of the texts."""
    if not isinstance(value, str) or value not in choices:
        raise ConfigError(f"{name} ({value!r}) must be one of {', '.join(map(repr, choices))}.")
