"""Text in tables that a spreadsheet will open: a cell that begins like a formula is run there unless it is defused."""

from __future__ import annotations

from typing import Any

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def harmless_cell(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula, made plain by a leading apostrophe (OWASP, CSV injection).

    Numbers stay as they are.

    >>> harmless_cell("=1+1"), harmless_cell("-"), harmless_cell("fine"), harmless_cell(-3)
    ("'=1+1", "'-", 'fine', -3)
    """
    return "'" + value if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
