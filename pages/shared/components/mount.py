"""Registers a component from the `.js` and `.css` files that bear its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

_FOLDER = Path(__file__).parent


def register(name: str) -> Any:
    """Register the component `name` once, at import; returns what mounts it."""
    return st.components.v2.component(
        f"llm_lessons.{name}",
        css=_read("common.css") + _read(f"{name}.css"),
        js=_read("common.js") + _read(f"{name}.js"),
    )


def _read(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")


def clicked(result: Any) -> Any:
    """The trigger's value in this run, or None."""
    return getattr(result, "clicked", None)


def ignore() -> None:
    """A trigger needs a callback to be part of the result."""


def probability(value: Any, name: str) -> float:
    """A probability as a float; raises `ValueError` with the name and value if it is not between 0 and 1."""
    number = float(value)
    if not -1e-9 <= number <= 1 + 1e-6:
        raise ValueError(f"{name} is {value!r}; a probability lies between 0 and 1.")
    return min(max(number, 0.0), 1.0)
