"""Checks of single settings, for configs that also come from web forms and JSON files.

A text, a truth value, NaN or infinity where a number is expected is refused with the setting's name and its value.
"""

from __future__ import annotations

import math
from typing import Any

from engine.errors import ConfigError
from engine.language import _


def require_whole(name: str, value: Any, low: int, high: int | None = None) -> None:
    """ConfigError unless the value is a whole number (an int, no bool) from low to high.

    >>> require_whole("batch_size", 32, 1)
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < low or (high is not None and value > high):
        bounds = (
            _("of at least {low:,}", low=low) if high is None else _("from {low:,} to {high:,}", low=low, high=high)
        )
        raise ConfigError(
            _("{name} ({value!r}) must be a whole number {bounds}.", name=name, value=value, bounds=bounds)
        )


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
        bounds = f"{'above' if above else _('of at least')} {low:g}"
    elif above or below:
        bounds = _(
            "{ending} {low:g} and {ending_2} {high:g}",
            ending="above" if above else _("of at least"),
            low=low,
            ending_2="below" if below else _("at most"),
            high=high,
        )
    else:
        bounds = _("from {low:g} to {high:g}", low=low, high=high)
    raise ConfigError(
        _("{name} ({value!r}) must be a number {bounds}{note}.", name=name, value=value, bounds=bounds, note=note)
    )


def require_flag(name: str, value: Any) -> None:
    """ConfigError unless the value is True or False."""
    if not isinstance(value, bool):
        raise ConfigError(_("{name} ({value!r}) must be true or false.", name=name, value=value))


def require_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """ConfigError unless the value is one of the texts."""
    if not isinstance(value, str) or value not in choices:
        raise ConfigError(
            _("{name} ({value!r}) must be one of {join}.", name=name, value=value, join=", ".join(map(repr, choices)))
        )
