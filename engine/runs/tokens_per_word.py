"""How many tokens tokenizers make of the words and characters of texts. Another process can be asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from engine.errors import EngineError
from engine.runs.named_texts import TextOf, TokenizerOf
from engine.text_statistics import find_words


@dataclass(frozen=True)
class Cut:
    """A text in a tokenizer's tokens."""

    n_tokens: int
    n_words: int

    @property
    def per_word(self) -> float:
        """Tokens for each word; nan for a text without words."""
        return self.n_tokens / self.n_words if self.n_words else float("nan")


@lru_cache(maxsize=16)
def _n_words(text: TextOf) -> int:
    return len(find_words(text.read(), fold_case=False))


def texts_cut(tokenizer: TokenizerOf, texts: tuple[TextOf, ...]) -> tuple[Cut, ...]:
    """Each text in tokens. Raises TokenizerError, or CorpusError where a text cannot be read."""
    coder = tokenizer.load()
    return tuple(Cut(len(coder.encode_array(text.read())), _n_words(text)) for text in texts)


def typed_cut(tokenizers: tuple[TokenizerOf, ...], typed: str) -> tuple[Cut | None, ...]:
    """What a learner typed in the tokens of each of these; None for a tokenizer that cannot be used."""
    n_words = len(find_words(typed, fold_case=False))
    found: list[Cut | None] = []
    for tokenizer in tokenizers:
        try:
            found.append(Cut(len(tokenizer.load().encode_array(typed)), n_words))
        except EngineError:
            found.append(None)
    return tuple(found)


def tokens_per_char(tokenizer: TokenizerOf, texts: tuple[TextOf, ...]) -> tuple[float, ...]:
    """How many tokens each text has for each of its characters; errors as `texts_cut`."""
    coder, read = tokenizer.load(), [text.read() for text in texts]
    return tuple(len(coder.encode_array(text)) / len(text) for text in read)
