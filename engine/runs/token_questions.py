"""Questions for a learner: which token comes next in held-out text, and what a model and a 3-gram find probable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.checkpoint import Checkpoint
from engine.generation import next_logits
from engine.runs.counting import Counts, TextBehind, counted_behind, held_out_behind
from engine.settings import Settings

CANDIDATES = 6
FEWEST = 8
"""So many tokens of context a question has at least."""
AT_A_TIME = 8
"""So many questions are asked for together."""
_HELD_TOKENS = 1024


@dataclass(frozen=True)
class Question:
    """A place in held-out text: the tokens before it, the candidates in the order shown, and what the models think."""

    context: tuple[int, ...]
    truth: int
    candidates: tuple[int, ...]
    gpt: tuple[float, ...]
    ngram: tuple[float, ...]


def questions(
    checkpoint: Checkpoint, settings: Settings, run_id: str, numbers: tuple[int, ...]
) -> tuple[Counts, tuple[Question, ...]]:
    """The questions with these numbers for a model, the same for everybody, and what the 3-gram was counted from."""
    behind = TextBehind(settings, run_id, checkpoint)
    return counted_behind(behind).counts, tuple(_question(checkpoint, behind, number) for number in numbers)


def _question(checkpoint: Checkpoint, behind: TextBehind, number: int) -> Question:
    inputs, targets = held_out_behind(behind, _HELD_TOKENS)
    rng = np.random.default_rng([number, 2024])
    row = int(rng.integers(len(inputs)))
    place = int(rng.integers(min(FEWEST, inputs.shape[1]) - 1, inputs.shape[1]))
    context = inputs[row, : place + 1].tolist()
    truth = int(targets[row, place])
    logits = next_logits(checkpoint.model, context)[: checkpoint.tokenizer.n_vocab].astype(np.float64)
    gpt = np.exp(logits - logits.max())
    gpt /= gpt.sum()
    ngram = counted_behind(behind).models[3].next_probabilities(context[-2:])
    wanted = [truth, *np.argsort(-gpt, kind="stable")[:3], *np.argsort(-ngram, kind="stable")[:2]]
    wanted += list(np.argsort(-gpt, kind="stable")[3 : 3 + CANDIDATES])
    found = list(dict.fromkeys(int(each) for each in wanted))[:CANDIDATES]
    shown = tuple(found[i] for i in rng.permutation(len(found)))
    return Question(
        tuple(context), truth, shown, tuple(float(gpt[i]) for i in shown), tuple(float(ngram[i]) for i in shown)
    )
