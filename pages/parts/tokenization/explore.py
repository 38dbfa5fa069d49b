"""Part: type a text and see its tokens."""

from __future__ import annotations

import streamlit as st

from pages.shared.chips import chips_of
from pages.shared.components import token_chips
from pages.shared.tokenizers import choose_tokenizer

DEFAULT = "The lion, a 1.90 m tall king, isn't sleeping: he dreams of 12,345 antelopes 🦁.\nLöwe, lion, أسد, 狮子"


def explore() -> None:
    """Text to tokens: chips, numbers, and one token's details."""
    text = st.text_area("Text", DEFAULT, key="tokens-text", persist_state="session", help="The text to cut.")
    choice = choose_tokenizer("tokens", "stories", default="gpt2")
    whitespace = st.toggle(
        "Show spaces and control characters", key="tokens-whitespace", persist_state="session", help="As symbols."
    )
    show_bytes = st.toggle("Show bytes", key="tokens-bytes", persist_state="session", help="Under every token.")
    chips = chips_of(text, choice.load())
    token_chips(
        chips, key="tokens-chips", label="Tokens of the text", show_whitespace=whitespace, show_bytes=show_bytes
    )
