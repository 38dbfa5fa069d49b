"""The text and its token ids, chosen once for the parts on windows and batches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import streamlit as st

from engine.language import _
from engine.runs.named_texts import TextOf
from engine.runs.tokenizers_learned import encoded
from engine.tokenizer import Tokenizer
from pages.shared.aside import computed
from pages.shared.draft import show_bytes
from pages.shared.models import settings_aside
from pages.shared.text_source import choose_text
from pages.shared.tokenizers import TokenizerChoice, choose_tokenizer

READ_CHARS = 1_000_000
LONGEST_SHOWN = 24


@dataclass(frozen=True)
class ChosenText:
    """The name of a text, and a tokenizer for it."""

    name: str
    choice: TokenizerChoice

    def tokenized(self) -> tuple[np.ndarray, Tokenizer]:
        """The text's ids (N,) int64, with the tokenizer that made them; NotYet while they are computed."""
        tokenizer = self.choice.load()
        text = TextOf(settings_aside(), self.name, READ_CHARS)
        return computed(_("Cutting the text into tokens …"), encoded, self.choice.named, text), tokenizer


def choose_tokenized() -> ChosenText | None:
    """Controls for a text and a tokenizer; None, with a sentence, while there is no text."""
    source = choose_text(
        "embedding_text",
        "stories",
        label=_("Text"),
        help=_("The text that is cut into windows; of a long one the first million characters."),
        min_chars=20,
    )
    choice = choose_tokenizer("embedding_tokenizer", source.name, vocab_size=2000)
    if not source.name:
        st.info(source.problem)
        return None
    return ChosenText(source.name, choice)


def token_text(tokenizer: Tokenizer, token_id: int) -> str:
    """A token's text, short enough for a box; bytes that are no character by themselves as \\xNN."""
    text = show_bytes(tokenizer.token_bytes(int(token_id)))
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


def texts_of(tokenizer: Tokenizer, ids: Iterable[int]) -> dict[int, str]:
    """The text of every id that occurs."""
    return {i: token_text(tokenizer, i) for i in {int(each) for each in ids}}
