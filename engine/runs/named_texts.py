"""The text or tokenizer behind a name, for functions that another process is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from engine.corpus import load_corpus
from engine.runs.artifacts import UPLOAD, ArtifactStore
from engine.settings import Settings
from engine.tokenizer import OFFICIAL_ENCODINGS, Tokenizer, train_tokenizer

LEARN_CHARS = 1_000_000
"""A tokenizer for the lessons is learned on at most so many characters."""


@dataclass(frozen=True)
class TextOf:
    """Names the first `n_chars` characters of a corpus or of an upload ("upload:<sha256>")."""

    settings: Settings
    name: str
    n_chars: int

    def read(self) -> str:
        """These characters; CorpusError where the text cannot be read."""
        return _whole(self.settings, self.name)[: self.n_chars]


@dataclass(frozen=True)
class TokenizerOf:
    """Names a tokenizer by its kind, the text it learns from (empty where it learns from none) and its size."""

    settings: Settings
    kind: str
    source: str = ""
    vocab_size: int = 0

    def load(self) -> Tokenizer:
        """The tokenizer, learned once. Raises TokenizerError, or CorpusError where its text cannot be read."""
        return _learned(self)


@lru_cache(maxsize=4)
def _whole(settings: Settings, name: str) -> str:
    if name.startswith(UPLOAD):
        return ArtifactStore(settings.artifacts, settings.home / "scratch").load_upload(name)
    return load_corpus(name)


@lru_cache(maxsize=8)
def _learned(name: TokenizerOf) -> Tokenizer:
    learns = name.kind not in OFFICIAL_ENCODINGS and name.kind != "byte"
    text = TextOf(name.settings, name.source, LEARN_CHARS).read() if learns else ""
    return train_tokenizer(name.kind, text, name.vocab_size or 100_000)
