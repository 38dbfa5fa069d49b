"""The rhythm every lesson keeps: what you will learn, …, what to notice, an exercise with its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from engine.language import _
from pages.shared import address, guide, scenes
from pages.shared.errors import shown_errors
from pages.shared.glossary import linked


def objective(text: str, minutes: int) -> None:
    """What the learner can do after the lesson, and about how long it takes."""
    with st.container(border=True):
        st.markdown(_("**What you will learn** · about {minutes} minutes", minutes=minutes))
        st.markdown(linked(text))
    with st.container(horizontal=True, vertical_alignment="top"):
        guide.show_steps()
        scenes.show_link()
    scenes.show_state()


def notice(*bullets: str) -> None:
    """What to look for in the figure above."""
    st.markdown(_("**What to notice**\n\n") + linked("\n".join(f"- {bullet}" for bullet in bullets)))


def exercise(text: str, answer: str) -> None:
    """A question to try on the page, with its answer folded away."""
    with st.container(border=True):
        st.markdown(_("**Try it** · {linked}", linked=linked(text)))
        with st.expander(_("Answer")):
            st.markdown(linked(answer))


def choose_part(parts: Mapping[str, Callable[[], None]], key: str = "part") -> None:
    """A lesson in parts: the learner chooses one by its title, and only that one is computed and drawn.

    The choice is in the address, so that a part can be linked to, by its English title in every language.
    """
    scenes.choose_asked_part(list(parts), key)
    bound = address.bind(key, parts)
    first = next(iter(parts))
    chosen = st.segmented_control(
        _("Part of the lesson"),
        list(parts),
        format_func=_,
        default=first,
        required=True,
        key=key,
        bind=bound,
        label_visibility="collapsed",
        help=_("The parts build on each other; each can be opened by itself."),
    )
    address.keep(key, chosen, first)
    with shown_errors(), scenes.or_without():
        parts[chosen]()
