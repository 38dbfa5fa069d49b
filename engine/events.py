"""What a training says while it runs: small frozen records, in the order in which they happen.

A page, the command line, the store and a test all read the same stream. `event_to_dict` and `event_from_dict` turn
them into JSON-able dicts and back.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Candidate:
    """One possible next token: its id, its text (invalid UTF-8 shown as �) and its probability."""

    id: int
    text: str
    probability: float


@dataclass(frozen=True)
class PlanEvent:
    """How many steps the run will take; with a time budget, from a measured seconds_per_step."""

    step: int
    total_steps: int
    seconds_per_step: float


@dataclass(frozen=True)
class StepEvent:
    """One optimizer update. Loss in nats per token; tokens and seconds are totals since the start of the run."""

    step: int
    loss: float
    learning_rate: float
    gradient_norm: float
    tokens: int
    seconds: float
    tokens_per_second: float


@dataclass(frozen=True)
class SourceLoss:
    """Loss on the validation windows of one source of a mixture: nats per token, and bits per byte."""

    name: str
    validation_loss: float
    bits_per_byte: float | None


@dataclass(frozen=True)
class EvalEvent:
    """Loss on the fixed validation windows (nats per token), the same as perplexity e^loss and as bits per byte.

    `sources`: the same for each source of a mixture; empty where there is only one.
    """

    step: int
    tokens: int
    seconds: float
    train_loss: float | None
    validation_loss: float
    perplexity: float
    bits_per_byte: float | None
    sources: tuple[SourceLoss, ...] = ()


@dataclass(frozen=True)
class LayerState:
    """One part of a model at one update: the lengths (L2 norms) of its gradient before clipping, its weights, and the
    step that the optimizer took.
    """

    name: str
    gradient: float
    weights: float
    update: float


@dataclass(frozen=True)
class LayersEvent:
    """How every part of the model moved in this step, from the embedding to the head."""

    step: int
    layers: tuple[LayerState, ...]


@dataclass(frozen=True)
class SampleEvent:
    """What the model writes after a fixed prompt, and its most probable next tokens there."""

    step: int
    prompt: str
    text: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True)
class TranslationEvalEvent:
    """How well held-out sentences are translated: loss (nats per token) with the reference fed, then, translating
    freely, the share of exact matches (0 to 1) and BLEU (0 to 100).
    """

    step: int
    tokens: int
    seconds: float
    train_loss: float | None
    validation_loss: float
    exact_match: float
    bleu: float


@dataclass(frozen=True)
class ClassificationEvalEvent:
    """How well texts are classified: losses (nats per text) and accuracies (0 to 1), on some of the training texts and
    on the validation texts; confusion[i][j] is how many of the latter with label i were called j.
    """

    step: int
    tokens: int
    seconds: float
    train_loss: float
    validation_loss: float
    train_accuracy: float
    validation_accuracy: float
    confusion: tuple[tuple[int, ...], ...]
    predicted: tuple[int, ...] = ()


@dataclass(frozen=True)
class ClassificationTestEvent:
    """What the finished classifier says of the test texts, in their order: the probability of every class."""

    step: int
    seconds: float
    probabilities: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Translation:
    """A sentence, its translation by the phrasebook, and the model's own; `right`: the two are the same."""

    source: str
    reference: str
    text: str
    right: bool


@dataclass(frozen=True)
class TranslationsEvent:
    """What the model makes of a few held-out sentences, the same ones every time."""

    step: int
    translations: tuple[Translation, ...]


@dataclass(frozen=True)
class InstructionEvalEvent:
    """How well held-out instructions are answered: loss of the reference answers (nats per token), then, answering
    freely, the share of exact matches (0 to 1) and the mean ROUGE-L (0 to 1).
    """

    step: int
    tokens: int
    seconds: float
    train_loss: float | None
    validation_loss: float
    exact_match: float
    rouge_l: float


@dataclass(frozen=True)
class Answer:
    """What was asked, the reference answer, and the model's own. `fact`: what it must say, where there is such."""

    instruction: str
    input: str
    reference: str
    text: str
    right: bool
    rouge_l: float
    fact: str = ""


@dataclass(frozen=True)
class AnswersEvent:
    """The model's answers to a few held-out instructions, the same ones every time."""

    step: int
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class CheckpointEvent:
    """A moment worth keeping: whoever reads the stream saves the model now. Reason: "schedule" or "end"."""

    step: int
    reason: str


Event = (
    PlanEvent
    | StepEvent
    | EvalEvent
    | LayersEvent
    | SampleEvent
    | TranslationEvalEvent
    | TranslationsEvent
    | ClassificationEvalEvent
    | InstructionEvalEvent
    | AnswersEvent
    | ClassificationTestEvent
    | CheckpointEvent
)

_KINDS: dict[str, type] = {
    "plan": PlanEvent,
    "step": StepEvent,
    "eval": EvalEvent,
    "layers": LayersEvent,
    "sample": SampleEvent,
    "translations": TranslationsEvent,
    "answers": AnswersEvent,
    "test": ClassificationTestEvent,
    "checkpoint": CheckpointEvent,
}
_EVALUATIONS = (TranslationEvalEvent, ClassificationEvalEvent, InstructionEvalEvent)
_NAMES = {**{cls: kind for kind, cls in _KINDS.items()}, **dict.fromkeys(_EVALUATIONS, "eval")}


def event_to_dict(event: Event) -> dict[str, Any]:
    """A JSON-able dict with the field "kind".

    >>> event_to_dict(CheckpointEvent(8, "schedule"))
    {'kind': 'checkpoint', 'step': 8, 'reason': 'schedule'}
    """
    return {"kind": _NAMES[type(event)], **dataclasses.asdict(event)}


def event_from_dict(data: dict[str, Any]) -> Event:
    """The inverse of `event_to_dict`; KeyError for an unknown kind."""
    values = dict(data)
    cls = _KINDS[values.pop("kind")]
    if cls is EvalEvent and "exact_match" in values:
        cls = TranslationEvalEvent if "bleu" in values else InstructionEvalEvent
    if cls is EvalEvent and "confusion" in values:
        cls = ClassificationEvalEvent
        values["confusion"] = tuple(map(tuple, values["confusion"]))
        values["predicted"] = tuple(values.get("predicted", ()))
    if cls is ClassificationTestEvent:
        values["probabilities"] = tuple(map(tuple, values["probabilities"]))
    if cls is TranslationsEvent:
        values["translations"] = tuple(Translation(**each) for each in values["translations"])
    if cls is AnswersEvent:
        values["answers"] = tuple(Answer(**each) for each in values["answers"])
    if cls is LayersEvent:
        values["layers"] = tuple(LayerState(**each) for each in values["layers"])
    if cls is SampleEvent:
        values["candidates"] = tuple(Candidate(**candidate) for candidate in values["candidates"])
    if cls is EvalEvent:
        values["sources"] = tuple(SourceLoss(**source) for source in values.get("sources", ()))
    return cls(**values)
