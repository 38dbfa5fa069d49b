"""Choosing a tokenizer: learned on the text at hand, or one of the official ones."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from engine.language import N_, _
from engine.runs.named_texts import TokenizerOf
from engine.runs.tokenizers_learned import learned
from engine.tokenizer import OFFICIAL_ENCODINGS, Tokenizer, train_tokenizer
from pages.shared.aside import computed
from pages.shared.models import settings_aside

TOKENIZERS = {
    "bpe": N_("BPE learned on this text"),
    "word": N_("Whole words (unknown ones as <|unk|>)"),
    "char": N_("Characters"),
    "byte": N_("Bytes"),
    "gpt2": "GPT-2",
    "cl100k_base": N_("GPT-4 (cl100k_base)"),
    "o200k_base": "GPT-4o (o200k_base)",
}
SIZED = ("bpe", "word")  # those whose vocabulary size is a choice
VOCAB_SIZES = [300, 400, 500, 700, 1000, 1500, 2000, 3000, 4000, 6000, 8000, 12000, 16000]


@dataclass(frozen=True)
class TokenizerChoice:
    """What was chosen: a kind, the text it learns from (empty for official ones and bytes) and a size."""

    kind: str
    source: str = ""
    vocab_size: int = 0

    @property
    def title(self) -> str:
        """A short name for tables and legends."""
        names = {
            "bpe": _("BPE {vocab_size:,}", vocab_size=self.vocab_size),
            "word": _("words {vocab_size:,}", vocab_size=self.vocab_size),
        }
        return names.get(self.kind, {"char": _("characters"), "byte": _("bytes")}.get(self.kind, self.kind))

    @property
    def named(self) -> TokenizerOf:
        """The same, named for what is computed aside."""
        return TokenizerOf(settings_aside(), self.kind, self.source, self.vocab_size)

    def load(self) -> Tokenizer:
        """The tokenizer; raises NotYet while it learns, once for everybody, and `TokenizerError` or `CorpusError`."""
        if self.kind in (*OFFICIAL_ENCODINGS, "byte"):
            return _made(self.kind)
        return computed(N_("Learning the tokenizer …"), learned, self.named)


def choose_tokenizer(
    key: str, source: str, *, default: str = "bpe", vocab_size: int = 1000, label: str = N_("Tokenizer")
) -> TokenizerChoice:
    """Controls for a tokenizer; `source` names the text that one with a vocabulary of its own learns from."""
    kind = st.selectbox(
        _(label),
        list(TOKENIZERS),
        index=list(TOKENIZERS).index(default),
        format_func=lambda each: _(TOKENIZERS[each]),
        key=f"{key}-kind",
        persist_state="session",
        help=_("Words, characters, bytes and BPE take their vocabulary from the text; the others are OpenAI's own."),
    )
    size = 0
    if kind in SIZED:
        size = st.select_slider(
            _("Vocabulary size"),
            VOCAB_SIZES,
            vocab_size,
            format_func=_,
            key=f"{key}-size",
            persist_state="session",
            help=_("Number of different tokens: more of them make the text shorter and the model's tables larger."),
        )
    return TokenizerChoice(kind, source if kind in (*SIZED, "char") else "", size)


@st.cache_resource(show_spinner=False)
def _made(kind: str) -> Tokenizer:
    return train_tokenizer(kind, "", 0)
