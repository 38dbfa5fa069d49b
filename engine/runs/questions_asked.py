"""What instruction models answer to questions held out of their run, and what that did to the text they knew before.

Each function takes a checkpoint and plain values, so that another process can be asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from engine.answers import says_fact
from engine.checkpoint import Checkpoint
from engine.events import Answer
from engine.generation import SamplingConfig, generate
from engine.gpt import GPT
from engine.instruction_sets import InstructionSet
from engine.instructions import Template, end_id
from engine.lora import with_strength
from engine.lora_files import merging_error
from engine.runs.artifacts import ArtifactStore
from engine.runs.instructing import read_set
from engine.runs.service import RunService
from engine.settings import Settings
from engine.tokenizer import Tokenizer
from engine.training import mean_loss
from engine.tuning import EncodedQuestions, answer_loss, give_answers

MAX_ANSWER = 60


@dataclass(frozen=True)
class HeldOutQuestions:
    """Names `n` questions of a group, evenly spaced: of a set, by its name and seed, in a template's two texts."""

    settings: Settings
    data: str
    seed: int
    template: tuple[str, str]
    group: str
    n: int

    def encoded_for(self, checkpoint: Checkpoint) -> EncodedQuestions:
        """Those that fit the model, as its ids."""
        questions = _read(self.settings, self.data, self.seed).held_out[self.group]
        most = checkpoint.model.config.context_length - 1
        return EncodedQuestions.of(questions, Template(*self.template), checkpoint.tokenizer, most).spread(self.n)


@lru_cache(maxsize=4)
def _read(settings: Settings, data: str, seed: int) -> InstructionSet:
    return read_set(data, seed, ArtifactStore(settings.artifacts, settings.home / "scratch"))


@dataclass(frozen=True)
class Answered:
    """Some answers, and the mean loss of their references in nats over `n_tokens` tokens."""

    answers: tuple[Answer, ...]
    loss: float
    n_tokens: int


def answer_questions(checkpoint: Checkpoint, asked: HeldOutQuestions, start: int, stop: int) -> Answered:
    """The greedy answers to some of the questions."""
    chosen = asked.encoded_for(checkpoint)
    part = EncodedQuestions(chosen.questions[start:stop], chosen.encoded[start:stop], 0)
    if not len(part):
        return Answered((), 0.0, 0)
    n_tokens = sum(len(each.ids) - each.n_prompt for each in part.encoded)
    answers = give_answers(checkpoint.model, part, checkpoint.tokenizer)
    return Answered(tuple(answers), answer_loss(checkpoint.model, part.encoded), n_tokens)


@dataclass(frozen=True)
class AtStrength:
    """How a model answers that uses so much of its update: shares that are exactly right and that say the fact (None
    without facts), the loss of the references, and the first question with its answer.
    """

    exact: float
    said: float | None
    loss: float
    asked: str
    text: str


def answer_at_strength(checkpoint: Checkpoint, asked: HeldOutQuestions, strength: float) -> AtStrength:
    """The questions put to a model with LoRA at another strength than it was trained at."""
    questions = asked.encoded_for(checkpoint)
    model = with_strength(checkpoint.model, strength)
    answers = give_answers(model, questions, checkpoint.tokenizer)
    facts = [says_fact(answer.text, answer.fact) for answer in answers if answer.fact]
    return AtStrength(
        sum(answer.right for answer in answers) / max(1, len(answers)),
        sum(facts) / len(facts) if facts else None,
        answer_loss(model, questions.encoded),
        answers[0].instruction if answers else "",
        answers[0].text if answers else "",
    )


def merging_changes(checkpoint: Checkpoint) -> float:
    """The largest difference of any logit between a model with LoRA and the same one merged."""
    return merging_error(checkpoint.model)


def stream_answer(
    model: GPT, tokenizer: Tokenizer, prompt: str, sampling: SamplingConfig, most: int = MAX_ANSWER
) -> Iterator[str]:
    """The answer as it grows, a token at a time. Nothing where the prompt fills the context."""
    ids, end = tokenizer.encode(prompt), end_id(tokenizer)
    room = model.config.context_length - len(ids)
    text = ""
    if room < 1 or not ids:
        return
    for step in generate(model, tokenizer, ids, min(most, room), sampling):
        if step.id == end:
            break
        text += step.text
        yield text.strip()


def greedy_answer(checkpoint: Checkpoint, prompt: str) -> str:
    """The whole answer at temperature 0."""
    grown = stream_answer(checkpoint.model, checkpoint.tokenizer, prompt, SamplingConfig(temperature=0))
    return ["", *grown][-1]


@lru_cache(maxsize=2)
def _sources(settings: Settings, run_id: str, n_tokens: int) -> Any:
    return RunService(settings, start=False).validation_sources(run_id, n_tokens)


def source_losses(checkpoint: Checkpoint, settings: Settings, run_id: str, n_tokens: int) -> dict[str, float]:
    """A model's loss, in nats per token, on what a pretraining run kept aside, by the sources of its text."""
    (inputs, targets), sources = _sources(settings, run_id, n_tokens)
    return {name: mean_loss(checkpoint.model, inputs[rows], targets[rows]) for name, rows in sources.items()}
