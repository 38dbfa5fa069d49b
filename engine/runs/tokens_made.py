"""What tokenizers make of a text: how many tokens of how many bytes. Another process can be asked for it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.runs.named_texts import TextOf
from engine.settings import Settings
from engine.tokenizer import OFFICIAL_ENCODINGS, train_tokenizer


@dataclass(frozen=True)
class Measured:
    """What a tokenizer makes of a text: how many tokens of how many bytes, and how many tokens it knows."""

    n_vocab: int
    n_tokens: int
    n_bytes: int


def measure_tokens(settings: Settings, kind: str, vocab_size: int, name: str, n_chars: int) -> Measured:
    """The first characters of a text, cut by a tokenizer of this kind, which learns on the same if it learns at all.

    Raises TokenizerError, or CorpusError where the text cannot be read.
    """
    text = TextOf(settings, name, n_chars).read()
    tokenizer = train_tokenizer(kind, "" if kind in OFFICIAL_ENCODINGS else text, vocab_size or 100_000)
    n_tokens = len(tokenizer.encode_array(text, allowed_special="all"))
    return Measured(tokenizer.n_vocab, n_tokens, len(text.encode("utf-8")))
