"""Choices kept in the address, always by their English names, so that a link opens in every language."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Literal

import streamlit as st

from engine.language import SOURCE, language

_SEEN = "address:"


def _plain(option: str) -> str:
    return option[:]


def bind(key: str, options: Collection[str], english: Callable[[str], str] = _plain) -> Literal["query-params"] | None:
    """What a widget of this `key` is to be given as `bind`; before it is drawn.

    Streamlit writes the shown words of an option into the address and reads them from there. In another language than
    English the choice is therefore taken from the address here, and written there by `keep`. `english`: what an option
    is called in English, if not by itself.
    """
    if language() == SOURCE:
        return "query-params"
    asked = st.query_params.get(key)
    found = next((each for each in options if english(each) == asked), None)
    if found is not None and asked != st.session_state.get(_SEEN + key):
        st.session_state[key] = found
    return None


def keep(key: str, chosen: str, default: str, english: Callable[[str], str] = _plain) -> None:
    """Write what was chosen into the address, in another language than English; after the widget is drawn."""
    if language() == SOURCE:
        return
    plain = english(chosen)
    if chosen == default:
        st.query_params.pop(key, None)
    elif st.query_params.get(key) != plain:
        st.query_params[key] = plain
    st.session_state[_SEEN + key] = None if chosen == default else plain
