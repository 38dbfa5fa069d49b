"""A mixture of texts: chosen with sliders, carried from one lesson to another."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from engine.corpus import CorpusInfo
from engine.language import _
from engine.runs.recipes import RECIPES
from pages.shared import sitemap

MIX = "mix"
_CARRIED = "mix:carried"
_VERSION = "mix:version"
DEFAULT_WEIGHT = 50


def train_on(weights: Mapping[str, float], n_chars: int | None = None) -> None:
    """Open Pretraining with a mixture of about `n_chars`; `weights` maps corpus names to shares of any scale."""
    total = sum(weights.values())
    st.session_state[_CARRIED] = {name: round(100 * weight / total) for name, weight in weights.items() if weight > 0}
    st.session_state[_VERSION] = st.session_state.get(_VERSION, 0) + 1
    st.session_state["corpus"] = MIX
    if n_chars is not None:
        for recipe in RECIPES:  # the form keeps a length for each
            st.session_state[f"{recipe}:n_chars"] = max(100_000, round(n_chars, -5))
    sitemap.open_lesson("pretraining")


def choose_weights(known: Mapping[str, CorpusInfo]) -> dict[str, float]:
    """A slider for each corpus that is installed; returns the shares of those above 0, which sum to 1."""
    carried: dict[str, int] = st.session_state.get(_CARRIED, {})
    version = st.session_state.get(_VERSION, 0)  # a mixture brought along fills the sliders anew
    available = [info for info in known.values() if info.available]
    values = {
        info.name: st.slider(
            _(info.title),
            0,
            100,
            carried.get(info.name, 0) if carried else DEFAULT_WEIGHT,
            key=f"mix:{version}:{info.name}",
            persist_state="session",
            help=_("Weight of this text in the mixture; 0 leaves it out. {description}", description=info.description),
        )
        for info in available
    }
    total = sum(values.values())
    return {name: value / total for name, value in values.items() if value} if total else {}


def mix_title(weights: Mapping[str, float], known: Mapping[str, CorpusInfo]) -> str:
    """Shares and titles, the largest first: "60 % Stories + 40 % Shakespeare"."""
    ordered = sorted(weights.items(), key=lambda pair: -pair[1])
    return " + ".join(_("{share:.0f} % {title}", share=100 * share, title=known[name].title) for name, share in ordered)
