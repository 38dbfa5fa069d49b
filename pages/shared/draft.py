"""A text being written by a model and a learner together: append, force, rewind, branch, undo."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.generation import GenerationStep

MAX_BRANCHES = 8
MAX_UNDO = 50


@dataclass(frozen=True)
class Token:
    """One token of the draft. probability is the model's own; None for the first, which nothing came before."""

    id: int
    probability: float | None = None
    forced: bool = False
    prompt: bool = False


@dataclass
class Draft:
    """The tokens so far, what was cut off by rewinding, and what was there before."""

    tokens: list[Token] = field(default_factory=list)
    branches: list[list[Token]] = field(default_factory=list)
    past: list[list[Token]] = field(default_factory=list)

    @classmethod
    def of_prompt(cls, ids: Sequence[int], probabilities: Sequence[float] = ()) -> Draft:
        """A draft that holds only a prompt; `probabilities` are the model's own for each token, NaN for none."""
        known = [None if math.isnan(each) else float(each) for each in probabilities] or [None] * len(ids)
        return cls([Token(i, each, prompt=True) for i, each in zip(ids, known, strict=True)])

    @property
    def ids(self) -> list[int]:
        """The ids of all tokens."""
        return [token.id for token in self.tokens]

    @property
    def prompt_length(self) -> int:
        """How many tokens the prompt has."""
        return sum(token.prompt for token in self.tokens)

    def begin(self) -> None:
        """Remember the present text for `undo`; call before a change."""
        self.past = [*self.past, list(self.tokens)][-MAX_UNDO:]

    def append(self, step: GenerationStep) -> None:
        """Add a token that the model drew."""
        self.tokens.append(Token(step.id, step.base_probability))

    def force(self, token_id: int, probability: float) -> None:
        """Add a token that the learner chose."""
        self.begin()
        self.tokens.append(Token(token_id, probability, forced=True))

    def rewind(self, length: int) -> None:
        """Cut the text to `length` tokens, never into the prompt, and keep what stood there as a branch."""
        length = max(length, self.prompt_length)
        if length >= len(self.tokens):
            return
        self.begin()
        self._keep(self.tokens)
        self.tokens = self.tokens[:length]

    def switch(self, n: int) -> None:
        """Return to branch n; the present text becomes a branch in its place."""
        self.begin()
        chosen = self.branches.pop(n)
        self._keep(self.tokens)
        self.tokens = chosen

    def undo(self) -> None:
        """Go back to the text before the last change."""
        if self.past:
            self.tokens = self.past.pop()

    def _keep(self, tokens: list[Token]) -> None:
        others = [b for b in self.branches if b != tokens and b != tokens[: len(b)]]
        if len(tokens) > self.prompt_length:
            self.branches = [list(tokens), *others][:MAX_BRANCHES]


def show_bytes(data: bytes) -> str:
    """A token as text; bytes that are no character by themselves as \\xNN.

    >>> show_bytes(b" caf\\xc3")
    ' caf\\\\xc3'
    """
    return data.decode("utf-8", "backslashreplace")


def strip_tokens(draft: Draft, tokenizer: Any) -> list[dict[str, Any]]:
    """The draft as the token strip wants it."""
    return [
        {
            "text": show_bytes(tokenizer.token_bytes(token.id)),
            "id": token.id,
            "probability": token.probability,
            "forced": token.forced,
            "prompt": token.prompt,
        }
        for token in draft.tokens
    ]
