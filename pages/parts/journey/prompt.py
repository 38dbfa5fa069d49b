"""The pinned prompt: typed, in the address, longer by one token at a press, and one step back."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from engine.checkpoint import Checkpoint
from engine.language import N_, _
from pages.shared.chips import Chip, chips_of

DEFAULT = N_("The lion is in the")
MAX_CHARS = 1_000
MAX_TOKENS = 64
MAX_UNDO = 50
KEY = "journey_prompt"
ADDRESS = "prompt"
_PAST = "journey:past"


@dataclass(frozen=True)
class Prompt:
    """A text as one model reads it: the tokens of its end that are followed, at least one."""

    text: str
    chips: tuple[Chip, ...]
    n_tokens: int

    @property
    def ids(self) -> tuple[int, ...]:
        """The ids that the model reads."""
        return tuple(chip.id for chip in self.chips)

    @property
    def read_text(self) -> str:
        """The characters from the first token that is read to the end."""
        return self.text[self.chips[0].start :]


def pinned_prompt() -> str:
    """The text box; begins with what the address says, and writes there what is in it."""
    if KEY not in st.session_state:
        st.session_state[KEY] = st.query_params.get(ADDRESS, DEFAULT)[:MAX_CHARS]
    text = st.text_area(
        _("Pinned prompt"),
        key=KEY,
        persist_state="session",
        max_chars=MAX_CHARS,
        height=80,
        help=_(
            "The text that is followed. It stays pinned while the model learns, and is part of this page's address."
        ),
    )
    text = clean(text)
    if text == DEFAULT:
        st.query_params.pop(ADDRESS, None)
    elif st.query_params.get(ADDRESS) != text:
        st.query_params[ADDRESS] = text
    return text


def clean(text: object) -> str:
    """What can be encoded as UTF-8, at most `MAX_CHARS` characters; half surrogates become question marks."""
    return str(text or "")[:MAX_CHARS].encode("utf-8", "replace").decode("utf-8")


def read_by(text: str, checkpoint: Checkpoint) -> Prompt | None:
    """The prompt in the model's own tokens; of a long one the last that fit. None for an empty text."""
    chips = chips_of(text, checkpoint.tokenizer)
    if not chips:
        return None
    limit = min(checkpoint.model.config.context_length, MAX_TOKENS)
    return Prompt(text, tuple(chips[-limit:]), len(chips))


def appended_text(token: bytes) -> str | None:
    """What a token adds to the text; None where its bytes are no characters by themselves."""
    try:
        return token.decode("utf-8") or None
    except UnicodeDecodeError:
        return None


def past() -> list[str]:
    """The prompts before each token that was appended, the newest last."""
    kept = st.session_state.get(_PAST)
    return kept if isinstance(kept, list) else []


def change_to(text: str, before: list[str]) -> None:
    """For `on_click`: make `text` the prompt and `before` its past. Twice is the same as once."""
    st.session_state[KEY] = text[:MAX_CHARS]
    st.session_state[_PAST] = before[-MAX_UNDO:]
