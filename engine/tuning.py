"""Instruction fine-tuning: pretraining's loop, fed with examples, measured by the answers to questions held out.

All weights learn, or those of the last block, or low-rank updates beside frozen matrices (`engine.lora`).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch

from engine.answering import answer_greedily
from engine.answers import exact_match, rouge_l, says_fact
from engine.checks import require_number, require_whole
from engine.errors import ConfigError
from engine.events import Answer, AnswersEvent, Event, InstructionEvalEvent
from engine.gpt import GPT, GPTConfig
from engine.instructions import (
    EncodedExample,
    ExampleSampler,
    Question,
    Template,
    collate,
    encode_example,
    end_id,
)
from engine.language import _
from engine.lora import add_lora
from engine.tokenizer import Tokenizer
from engine.training import Trainer, TrainingConfig, mean_loss

Tunable = Literal["all", "last block", "lora"]
TUNABLE = ("all", "last block", "lora")
SHOWN = 12
"""So many answers are kept at each evaluation."""
_LOSS_BATCH = 16


@dataclass(frozen=True)
class LoRAConfig(GPTConfig):
    """The shape of a GPT whose matrices have low-rank updates beside them. ConfigError for a rank that does not fit."""

    lora_rank: int = 8
    lora_alpha: float = 16.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_whole("lora_rank", self.lora_rank, 1, self.d_model)
        require_number("lora_alpha", self.lora_alpha, 0, above=True)


class LoRAGPT(GPT):
    """A GPT that `engine.lora.add_lora` has adapted, so that it can be saved and read back with its updates."""

    config: LoRAConfig

    def __init__(self, config: LoRAConfig, seed: int = 0, *, base: GPT | None = None) -> None:
        """With the weights of `base`, or random ones to be filled in."""
        super().__init__(config, seed)
        if base is not None:
            self.load_state_dict(base.state_dict())
        add_lora(self, config.lora_rank, config.lora_alpha, seed=seed)


def tunable(base: GPT, what: Tunable, *, lora_rank: int = 8, lora_alpha: float = 16.0, seed: int = 0) -> GPT:
    """A copy of a pretrained model in which only `what` can learn."""
    if what == "lora":
        shape = {name: value for name, value in asdict(base.config).items() if not name.startswith("lora_")}
        return LoRAGPT(LoRAConfig(**shape, lora_rank=lora_rank, lora_alpha=lora_alpha), seed, base=base)
    model = copy.deepcopy(base)
    choose_tunable(model, what)
    return model


def choose_tunable(model: GPT, what: Tunable) -> None:
    """Freeze what does not learn, in place; a model with low-rank updates stays as it is."""
    if what == "lora":
        return
    model.requires_grad_(what == "all")
    if what == "last block":
        model.layers[-1].requires_grad_(True)
        model.norm.requires_grad_(True)


def build_tuned(settings: dict[str, Any]) -> GPT:
    """The model of a saved config, weights still random: with low-rank updates where the config names their rank."""
    return LoRAGPT(LoRAConfig.from_dict(settings)) if "lora_rank" in settings else GPT(GPTConfig.from_dict(settings))


def n_trainable(model: GPT) -> int:
    """How many numbers of a model learn."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


@dataclass(frozen=True)
class EncodedQuestions:
    """Questions with their ids; those that do not fit the model are left out and counted."""

    questions: tuple[Question, ...]
    encoded: tuple[EncodedExample, ...]
    n_too_long: int

    @classmethod
    def of(cls, questions: Sequence[Question], template: Template, tokenizer: Tokenizer, most: int) -> EncodedQuestions:
        """Every question as a prompt and an answer of at most `most` + 1 tokens together."""
        pairs = [(each, encode_example(each.example, template, tokenizer, most)) for each in questions]
        kept = [(question, encoded) for question, encoded in pairs if encoded is not None]
        return cls(tuple(q for q, _unused in kept), tuple(e for _unused, e in kept), len(pairs) - len(kept))

    def __len__(self) -> int:
        return len(self.questions)

    def spread(self, n: int) -> EncodedQuestions:
        """At most `n` of them, evenly spaced."""
        n = min(n, len(self))
        places = [i * len(self) // n for i in range(n)]
        return EncodedQuestions(
            tuple(self.questions[i] for i in places), tuple(self.encoded[i] for i in places), self.n_too_long
        )

    @property
    def prompts(self) -> list[tuple[int, ...]]:
        """The ids of each prompt."""
        return [each.ids[: each.n_prompt] for each in self.encoded]

    @property
    def longest_answer(self) -> int:
        """Tokens of the longest answer, its end included."""
        return max((len(each.ids) - each.n_prompt for each in self.encoded), default=1)


def answer_loss(model: GPT, encoded: Sequence[EncodedExample]) -> float:
    """Mean cross-entropy, in nats per token, of the answers and their ends alone."""
    total, n_targets = 0.0, 0
    for start in range(0, len(encoded), _LOSS_BATCH):
        inputs, targets = collate(encoded[start : start + _LOSS_BATCH])
        n = int((targets != -100).sum())
        total += n * mean_loss(model, inputs, targets)
        n_targets += n
    return total / max(1, n_targets)


def give_answers(model: GPT, questions: EncodedQuestions, tokenizer: Tokenizer) -> list[Answer]:
    """The model's greedy answers, in the order of the questions; one that does not end is cut a little past the length
    of the longest right answer.
    """
    most = questions.longest_answer + 8
    texts = [""] * len(questions)
    for place, ids in answer_greedily(model, questions.prompts, most, end_id(tokenizer)):
        texts[place] = tokenizer.decode(ids).strip()
    return [judged(question, text) for question, text in zip(questions.questions, texts, strict=True)]


def judged(question: Question, text: str) -> Answer:
    """An answer beside the reference, with what the two have in common."""
    example = question.example
    return Answer(
        example.instruction,
        example.input,
        example.answer,
        text,
        exact_match(text, example.answer),
        rouge_l(text, example.answer),
        question.fact,
    )


def says_right(answer: Answer) -> bool:
    """Whether an answer says its fact, and no other number; without a fact, whether it is the reference."""
    return says_fact(answer.text, answer.fact) if answer.fact else answer.right


class InstructionTrainer(Trainer):
    """The training of an assistant; `measured` are held-out questions that are answered at each evaluation."""

    def __init__(
        self,
        model: GPT,
        train: Sequence[EncodedExample],
        measured: EncodedQuestions,
        config: TrainingConfig,
        tokenizer: Tokenizer,
        *,
        mask_prompt: bool = True,
    ) -> None:
        sampler = ExampleSampler(train, config.batch_size, config.seed, mask_prompt=mask_prompt)
        super().__init__(model, sampler, config)
        if not len(measured):
            raise ConfigError(
                _("no held-out question fits the model: give shorter texts or a model of longer context.")
            )
        self.measured, self.coder = measured, tokenizer

    def _evaluations(self) -> list[Event]:
        with torch.random.fork_rng(devices=[]):
            answers = give_answers(self.model, self.measured, self.coder)
        right = sum(answer.right for answer in answers) / len(answers)
        overlap = sum(answer.rouge_l for answer in answers) / len(answers)
        loss = answer_loss(self.model, self.measured.encoded)
        measured = InstructionEvalEvent(
            self.step, self.tokens, self.seconds, self._mean_train_loss(), loss, right, overlap
        )
        return [measured, AnswersEvent(self.step, tuple(answers[:SHOWN]))]
