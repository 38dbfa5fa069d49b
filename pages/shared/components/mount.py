"""Registers a component from the `.js` and `.css` files that bear its name."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from engine.language import SOURCE, _, cached_by_language, language

_FOLDER = Path(__file__).parent
_MESSAGE = re.compile(r'\bsay\(\s*("(?:[^"\\\n]|\\.)*")')


def register(name: str) -> Any:
    """Register the component `name` once, at import; returns what mounts it.

    For a reader of another language than English the data says under "spoken" which one it is, and what the messages
    of the script are in it.
    """
    mount = st.components.v2.component(
        f"llm_lessons.{name}",
        css=_read("common.css") + _read(f"{name}.css"),
        js=_read("common.js") + _read(f"{name}.js"),
    )
    found = messages(name)

    @cached_by_language(maxsize=None)
    def spoken() -> dict[str, Any]:
        said = {message: _(message) for message in found}
        return {
            "language": language(),
            "words": {message: text for message, text in said.items() if text != message},
        }

    def mounted(*, data: Mapping[str, Any], **options: Any) -> Any:
        return mount(data=data if language() == SOURCE or not found else {**data, "spoken": spoken()}, **options)

    return mounted


def messages(name: str) -> list[str]:
    """What the script of the component `name` says: the first argument of each `say("…")`, and of those it shares."""
    script = _read(f"{name}.js")
    if "speak(" not in script:
        return []
    return list(dict.fromkeys(json.loads(each) for each in _MESSAGE.findall(_read("common.js") + script)))


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
