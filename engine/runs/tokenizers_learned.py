"""Tokenizers that learn from a text that has a name, and what they learned. Another process can be asked for it."""

from __future__ import annotations

import numpy as np

from engine.bpe import train_steps
from engine.bpe_replay import Replay, record_training
from engine.corpus import END_OF_TEXT
from engine.runs.named_texts import LEARN_CHARS, TextOf, TokenizerOf
from engine.tokenizer import Tokenizer


def learned(tokenizer: TokenizerOf) -> Tokenizer:
    """The tokenizer itself. Raises TokenizerError, or CorpusError where a text cannot be read, as all of these do."""
    return tokenizer.load()


def merges_recorded(text: TextOf, n_merges: int) -> Replay:
    """The training of a BPE on a text, with every step."""
    return record_training(text.read(), n_merges)


def pairs_counted(tokenizer: TokenizerOf) -> dict[int, int]:
    """How often the pair of each token of a BPE stood in its text when it was merged: id → count."""
    text = TextOf(tokenizer.settings, tokenizer.source, LEARN_CHARS).read()
    return {step.new_id: step.count for step in train_steps(text, tokenizer.vocab_size, runners_up=0)}


def encoded(tokenizer: TokenizerOf, text: TextOf) -> np.ndarray:
    """A text's ids, (N,) int64, in which its ends of documents are tokens of their own."""
    return tokenizer.load().encode_array(text.read(), allowed_special=(END_OF_TEXT,))


def tokens_counted(tokenizer: TokenizerOf, text: TextOf) -> np.ndarray:
    """How often each token occurs in a text, (n_vocab,) int64."""
    coder = tokenizer.load()
    return np.bincount(coder.encode_array(text.read(), allowed_special="all"), minlength=coder.n_vocab)
