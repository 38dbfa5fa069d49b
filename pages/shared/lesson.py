"""The rhythm every lesson keeps: what you will learn, …, what to notice, an exercise with its answer."""

from __future__ import annotations

import streamlit as st


def objective(text: str, minutes: int) -> None:
    """What the learner can do after the lesson, and about how long it takes."""
    with st.container(border=True):
        st.markdown(f"**What you will learn** · about {minutes} minutes")
        st.markdown(text)


def notice(*bullets: str) -> None:
    """What to look for in the figure above."""
    st.markdown("**What to notice**\n\n" + "\n".join(f"- {bullet}" for bullet in bullets))


def exercise(text: str, answer: str) -> None:
    """A question to try on the page, with its answer folded away."""
    with st.container(border=True):
        st.markdown(f"**Try it** · {text}")
        with st.expander("Answer"):
            st.markdown(answer)
