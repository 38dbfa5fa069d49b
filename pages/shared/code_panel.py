"""Shows the engine's own source beside what it just computed."""

from __future__ import annotations

import inspect
import textwrap
from pathlib import Path
from typing import Any

import streamlit as st

from engine.language import N_, _, cached_by_language
from engine.reference import PARSING

_ROOT = Path(__file__).resolve().parents[2]


def show_code(*objects: Any, label: str = N_("Show the code")) -> None:
    """An expander with the source of engine functions, classes or methods, each with its file and first line."""
    with st.expander(_(label), icon=":material/code:"):
        for each in objects:
            place, source = source_of(each)
            st.caption(place)
            st.code(source, language="python", wrap_lines=True)


@cached_by_language(maxsize=256)
def source_of(each: Any) -> tuple[str, str]:
    """Where an object is defined ("engine/gpt.py, line 42") and its source, without common indentation.

    Raises `TypeError` for an object that Python code did not define.
    """
    plain = inspect.unwrap(each) if callable(each) else each
    with PARSING:  # a class is found by its syntax tree
        lines, first = inspect.getsourcelines(plain)
    file = Path(inspect.getsourcefile(plain) or "").resolve()
    shown = file.relative_to(_ROOT) if file.is_relative_to(_ROOT) else Path(file.name)
    return _("{as_posix}, line {first}", as_posix=shown.as_posix(), first=max(first, 1)), textwrap.dedent(
        "".join(lines)
    )
