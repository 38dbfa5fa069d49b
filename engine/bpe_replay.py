"""The training of a BPE tokenizer as a film that can be stopped at any merge.

Training is run once and its steps are kept. The state after n merges is then looked up, not computed: which pairs
were frequent at that moment, how long the text was, which token was made; and the tokenizer of that moment is the one
of the first n merges, since each merge depends only on those before it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from engine.bpe import END_OF_TEXT, N_BYTES, MergeStep, Pair, split_special, train_steps
from engine.errors import TokenizerError
from engine.tokenizer import BPETokenizer

RIVALS = 10


@dataclass(frozen=True)
class Replay:
    """The recorded training of one text.

    `steps` are its merges in order, `last` the pairs and counts that were left after them, best first. `n_bytes` is
    the size of the text in UTF-8 and `n_start` its length in tokens before the first merge, which is the same but for
    special tokens in the text.
    """

    n_bytes: int
    n_start: int
    steps: tuple[MergeStep, ...]
    last: tuple[tuple[Pair, int], ...]

    @property
    def n_merges(self) -> int:
        """How many merges were recorded: fewer than asked for where the text ran out of pairs."""
        return len(self.steps)

    def n_tokens(self, n: int) -> int:
        """The length of the text in tokens after n merges."""
        return self.steps[self._checked(n) - 1].n_tokens if self._checked(n) else self.n_start

    def bytes_per_token(self, n: int) -> float:
        """How many bytes a token stands for on average after n merges."""
        return self.n_bytes / self.n_tokens(n)

    def pairs(self, n: int) -> list[tuple[Pair, int]]:
        """The most frequent pairs after n merges with their counts, best first: the first one is merged next.

        Ten of them, fewer where the text holds no more; empty when there is nothing left to merge.
        """
        if self._checked(n) == self.n_merges:
            return list(self.last)
        step = self.steps[n]
        return [(step.pair, step.count), *step.runners_up][:RIVALS]

    def step(self, n: int) -> MergeStep | None:
        """The n-th merge, counted from 1; None for 0."""
        return self.steps[n - 1] if self._checked(n) else None

    def tokenizer(self, n: int) -> BPETokenizer:
        """The tokenizer as it was after n merges."""
        return BPETokenizer(step.pair for step in self.steps[: self._checked(n)])

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes of a byte or of a token that some merge made. TokenizerError for another id."""
        if 0 <= token_id < N_BYTES:
            return bytes([token_id])
        if not 0 <= token_id - N_BYTES < self.n_merges:
            raise TokenizerError(f"No merge made the id {token_id}: they end at {N_BYTES + self.n_merges - 1}.")
        return self.steps[token_id - N_BYTES].token

    def count(self, token_id: int) -> int | None:
        """How often the pair of a token's merge occurred when it was merged; None for a byte."""
        self.token_bytes(token_id)
        return self.steps[token_id - N_BYTES].count if token_id >= N_BYTES else None

    def riddle(self, n: int, n_choices: int = 5) -> list[Pair]:
        """Some of the most frequent pairs after n merges, shuffled: which of them is merged next?

        The right one is always among them, and the order is the same at every call.
        """
        choices = [pair for pair, _ in self.pairs(n)[:n_choices]]
        random.Random(n).shuffle(choices)
        return choices

    def _checked(self, n: int) -> int:
        if not 0 <= n <= self.n_merges:
            raise TokenizerError(f"There is no merge {n}: {self.n_merges} were recorded.")
        return n


def record_training(text: str, n_merges: int) -> Replay:
    """Trains on a text for up to `n_merges` merges and keeps every step.

    The pairs that are left after the last one are those before the merge that would follow, so one more is made and
    thrown away. Raises TokenizerError as `train_steps`.
    """
    steps = list(train_steps(text, N_BYTES + 1 + n_merges + 1, runners_up=RIVALS - 1))
    kept, after = steps[:n_merges], steps[n_merges:]
    last = ((after[0].pair, after[0].count), *after[0].runners_up) if after else ()
    parts = split_special(text, (END_OF_TEXT,))
    n_start = sum(len(part.encode("utf-8")) for part in parts[::2]) + len(parts) // 2
    return Replay(len(text.encode("utf-8")), n_start, tuple(kept), last)
