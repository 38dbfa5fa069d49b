"""The training loop: read a batch, measure the loss, follow the gradient, repeat.

One loop serves pretraining and fine-tuning. It yields events (engine.events) and stores nothing: pulling the next event
trains on, not pulling pauses. Given the config, its seed and the number of steps, every loss is determined; `state` and
`load_state` continue a training bit for bit.
"""

from __future__ import annotations

import copy
import dataclasses
import itertools
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from engine.checks import require_choice, require_number, require_whole
from engine.devices import PROCESSOR, Compute
from engine.errors import ConfigError, EngineError
from engine.events import (
    CheckpointEvent,
    EvalEvent,
    Event,
    PlanEvent,
    SampleEvent,
    SourceLoss,
    StepEvent,
)
from engine.generation import (
    SamplingConfig,
    TokenCoder,
    generate,
    next_logits,
    next_token_distribution,
    top_candidates,
)
from engine.gpt import GPT
from engine.language import _
from engine.layer_watch import LayerWatch
from engine.masking import VALIDATION_SEED, hide_tokens
from engine.optimizers import AdamW, Muon

DEFAULT_PROMPTS = ("The lion is in the",)
_SAMPLING = SamplingConfig(temperature=0.8, top_k=50, seed=0)
LOWEST_SHARE = 1e-5
"""Where a rising rate begins, as a share of the peak."""
LOST = 1.5
"""A rising rate ends the training when the loss is so many times what it was at first."""


class TrainingDiverged(EngineError):
    """The loss or its gradient is no longer a number."""


@dataclass(frozen=True)
class TrainingConfig:
    """How to train. Give `steps`, or `seconds` to let the first steps' speed decide how many there will be.

    learning_rate belongs to AdamW; with optimizer "muon" it moves embeddings, norms and biases while
    matrix_learning_rate moves the matrices inside the blocks. Warmup and final rate are shares of the steps and of the
    rate. target_shift is 1: the target of a position is the next token; 0 is a well-known bug, where every position is
    asked for the token that it reads. With objective "masked" tokens are hidden instead (engine.masking): the model,
    whose table then needs one more entry, guesses them from both sides. decay "rising" is a range test (Smith 2017):
    without warmup the rate grows exponentially from LOWEST_SHARE of the peak to the peak, and the training ends early
    once the loss is LOST times the first one or no number. Raises ConfigError for values that cannot work.
    """

    steps: int | None = None
    seconds: float | None = None
    batch_size: int = 32
    accumulation: int = 1
    optimizer: Literal["adamw", "muon"] = "muon"
    learning_rate: float = 0.01
    matrix_learning_rate: float = 0.02
    embedding_rate: float = 1.0
    muon_steps: int = 5
    beta1: float = 0.9
    beta2: float = 0.99
    weight_decay: float = 0.1
    warmup: float = 0.1
    decay: Literal["cosine", "linear", "constant", "rising"] = "linear"
    final_rate: float = 0.1
    clip_norm: float = 1.0
    evaluations: int = 20
    validation_tokens: int = 4096
    sample_tokens: int = 48
    prompts: tuple[str, ...] = DEFAULT_PROMPTS
    seed: int = 0
    target_shift: int = 1
    objective: Literal["next", "masked"] = "next"

    def __post_init__(self) -> None:
        if isinstance(self.prompts, str) or not all(isinstance(prompt, str) for prompt in self.prompts):
            raise ConfigError(_("prompts ({prompts!r}) must be a list of texts.", prompts=self.prompts))
        object.__setattr__(self, "prompts", tuple(self.prompts))
        if (self.steps is None) == (self.seconds is None):
            raise ConfigError(_("set either steps or seconds: one of them ends the training."))
        if self.steps is not None:
            require_whole("steps", self.steps, 1)
        if self.seconds is not None:
            require_number("seconds", self.seconds, 0, above=True)
        for name in ("batch_size", "accumulation", "validation_tokens", "muon_steps"):
            require_whole(name, getattr(self, name), 1)
        for name in ("evaluations", "sample_tokens", "seed"):
            require_whole(name, getattr(self, name), 0)
        for name in ("weight_decay", "learning_rate", "matrix_learning_rate", "embedding_rate"):
            require_number(name, getattr(self, name), 0)
        for name in ("beta1", "beta2"):
            require_number(name, getattr(self, name), 0, 1, below=True)
        for name in ("warmup", "final_rate"):
            require_number(name, getattr(self, name), 0, 1, note=_(": it is a share"))
        require_number("clip_norm", self.clip_norm, 0, above=True)
        require_whole("target_shift", self.target_shift, 0, 1)
        require_choice("objective", self.objective, ("next", "masked"))
        require_choice("optimizer", self.optimizer, ("adamw", "muon"))
        require_choice("decay", self.decay, ("cosine", "linear", "constant", "rising"))

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able dict of every field; `target_shift` and `objective` only where unusual, as in older files."""
        values = {**dataclasses.asdict(self), "prompts": list(self.prompts)}
        if self.target_shift == 1:
            del values["target_shift"]
        if self.objective == "next":
            del values["objective"]
        return values

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> TrainingConfig:
        """The inverse of `to_dict`; ConfigError names what is unknown or of the wrong type."""
        unknown = sorted(set(data) - {f.name for f in dataclasses.fields(cls)})
        if unknown:
            raise ConfigError(_("the training config has unknown settings: {join}.", join=", ".join(unknown)))
        return cls(**data)


def learning_rate_at(step: int, total_steps: int, config: TrainingConfig) -> float:
    """The rate of step 0…total−1 as a share of the peak: linear warmup, then decay to `final_rate`, or a rise."""
    if config.decay == "rising":
        return float(LOWEST_SHARE ** (1 - step / max(1, total_steps - 1)))
    warmup_steps = round(config.warmup * total_steps)
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    if config.decay == "constant":
        return 1.0
    progress = (step - warmup_steps) / max(1, total_steps - 1 - warmup_steps)
    remaining = 1 - progress if config.decay == "linear" else (1 + math.cos(math.pi * progress)) / 2
    return config.final_rate + (1 - config.final_rate) * remaining


def checkpoint_steps(total_steps: int) -> set[int]:
    """Steps after which a model is kept: 0 and 8, 16, 32, … (each twice the last), and the end."""
    doubling = itertools.takewhile(lambda step: step < 0.75 * total_steps, (2**n for n in range(3, 64)))
    return {0, *doubling, total_steps}


STEPS_PER_EVALUATION = 5  # at least so many on average, so that a short run does not spend its time on reports


def evaluation_steps(total_steps: int, n: int) -> set[int]:
    """At most n + 1 steps from 0 to the end, closer together early on, where the loss falls fastest."""
    n = max(1, min(n, total_steps // STEPS_PER_EVALUATION))
    return {0, total_steps} | {round(total_steps * (i / n) ** 1.5) for i in range(1, n)}


class Sampler(Protocol):
    """Whatever gives the batch of a step: x and y, (B, T) int64; y may hold −100 for positions to ignore."""

    def batch(self, step: int) -> tuple[Tensor, Tensor]: ...


_MAX_LOGITS = 1 << 22  # 16 MB of float32 at a time


def mean_loss(model: GPT, inputs: Tensor, targets: Tensor, batch_size: int | None = None) -> float:
    """Mean cross-entropy in nats over all targets that are not −100; inputs and targets (N, T) int64.

    `batch_size` windows are read at a time; None takes as many as keep the logits small.
    """
    batch_size = batch_size or max(1, _MAX_LOGITS // (inputs.shape[1] * model.config.vocab_size))
    was_training = model.training
    model.eval()
    total = 0.0
    with torch.inference_mode():
        for x, y in zip(inputs.split(batch_size), targets.split(batch_size), strict=True):
            total += float(model.loss(x, y, reduction="sum"))
    model.train(was_training)
    return total / max(1, int((targets != -100).sum()))


class TrainingLoop(ABC):
    """A training that can be paused, changed and continued. Read `events()`; set `learning_rate_scale` at any time.

    What is learned is the subclass's business: `_gradients` fills them for one step, `_evaluations` measures the model.
    `settled` is true while every report of the present step has been handed out: a `state` taken then loses and
    repeats no event.
    """

    model: nn.Module
    watches_layers = False
    """Whether the step before each evaluation also reports how every layer moved."""

    def __init__(self, model: nn.Module, config: TrainingConfig) -> None:
        self.model = model
        self.config = config
        self.step = 0
        self.tokens = 0
        self.seconds = 0.0
        self.total_steps = config.steps
        self.learning_rate_scale = 1.0
        self.settled = True
        self._losses: list[float] = []  # since the last evaluation
        self._first_loss: float | None = None
        self._optimizers = _optimizers(model, config)
        torch.manual_seed(config.seed)  # dropout; saved and restored with the state

    @abstractmethod
    def _gradients(self, model: Any, step: int) -> tuple[float, float, int]:
        """Fill the gradients of one step; return mean loss, their norm before clipping, and tokens read."""

    @abstractmethod
    def _evaluations(self) -> list[Event]:
        """Measure the model as it is now."""

    def events(self) -> Iterator[Event]:
        """Train to the end. Each pull does one piece of work; every step gives one StepEvent.

        Raises TrainingDiverged when the loss or its gradient is not a number any more.
        """
        if self.total_steps is None:
            yield self._plan()
        assert self.total_steps is not None
        evaluate_at = evaluation_steps(self.total_steps, self.config.evaluations) if self.config.evaluations else set()
        keep_at = checkpoint_steps(self.total_steps)
        if self.step == 0:
            yield from self._settle(self._reports(evaluate_at, keep_at))
        while self.step < self.total_steps:
            watch = LayerWatch(self.model) if self.watches_layers and self.step + 1 in evaluate_at else None
            try:
                stepped = self._train_step(watch)
            except TrainingDiverged:
                if self.config.decay != "rising" or self.step == 0:
                    raise
                yield from self._settle(
                    [self._end_here(), *self._reports(self._last() - evaluate_at, {self.step} - keep_at)]
                )
                return
            watched: list[Event] = [watch.event(self.step)] if watch is not None else []
            if self._is_lost(stepped.loss):
                watched.append(self._end_here())
                evaluate_at, keep_at = evaluate_at | self._last(), keep_at | {self.step}
            yield from self._settle([stepped, *watched, *self._reports(evaluate_at, keep_at)])

    def _is_lost(self, loss: float) -> bool:
        """Whether a rising rate has become too high."""
        if self._first_loss is None:
            self._first_loss = loss
        return self.config.decay == "rising" and loss > LOST * self._first_loss

    def _last(self) -> set[int]:
        """The present step as one to evaluate at, where the training evaluates at all."""
        return {self.step} if self.config.evaluations else set()

    def _end_here(self) -> PlanEvent:
        """The present step becomes the last one."""
        self.total_steps = self.step
        return PlanEvent(self.step, self.step, self.seconds / self.step)

    def _settle(self, events: list[Event]) -> Iterator[Event]:
        for n, event in enumerate(events, start=1):
            self.settled = n == len(events)
            yield event

    def _train_step(self, watch: LayerWatch | None = None) -> StepEvent:
        config, started = self.config, time.perf_counter()
        share = learning_rate_at(self.step, self.total_steps or 1, config) * self.learning_rate_scale
        loss, gradient_norm, n_tokens = self._gradients(self.model, self.step)
        if not (math.isfinite(loss) and math.isfinite(gradient_norm)):
            what = (
                _("loss became {loss}", loss=loss)
                if not math.isfinite(loss)
                else _("gradient's norm became {gradient_norm}", gradient_norm=gradient_norm)
            )
            raise TrainingDiverged(
                _(
                    "The {what} at step {step}: the updates were too large. Start over with a "
                    "learning rate below {learning_rate:g}, a longer warmup or a smaller clip_norm.",
                    what=what,
                    step=self.step + 1,
                    learning_rate=config.learning_rate,
                )
            )
        if watch is not None:
            watch.before(max(1.0, gradient_norm / config.clip_norm))
        self._update(self._optimizers, share)
        self.step += 1
        self.tokens += n_tokens
        elapsed = time.perf_counter() - started
        self.seconds += elapsed
        self._losses.append(loss)
        return StepEvent(
            self.step,
            loss,
            config.learning_rate * share,
            gradient_norm,
            self.tokens,
            self.seconds,
            n_tokens / elapsed,
        )

    def _update(self, optimizers: tuple[Muon | None, AdamW], share: float) -> None:
        muon, adamw = optimizers
        if muon is not None:
            muon.step(self.config.matrix_learning_rate * share)
        adamw.step(self.config.learning_rate * share)

    def _reports(self, evaluate_at: set[int], keep_at: set[int]) -> list[Event]:
        started = time.perf_counter()
        reports: list[Event] = []
        if self.step in evaluate_at:
            reports += self._evaluations()
        if self.step in keep_at:
            reports.append(CheckpointEvent(self.step, "end" if self.step == self.total_steps else "schedule"))
        self.seconds += time.perf_counter() - started
        return reports

    def _mean_train_loss(self) -> float | None:
        """Mean training loss since the last evaluation; asking ends the interval."""
        mean = sum(self._losses) / len(self._losses) if self._losses else None
        self._losses = []
        return mean

    def _plan(self) -> PlanEvent:
        """Time a few steps on a copy of the model, and one report; turn the seconds that are left into steps."""
        budget = self.config.seconds or 0.0
        trial = copy.deepcopy(self.model)
        optimizers = _optimizers(trial, self.config)
        started = time.perf_counter()
        durations: list[float] = []
        while len(durations) < 4 or (time.perf_counter() - started < 0.04 * budget and len(durations) < 40):
            before = time.perf_counter()
            self._gradients(trial, len(durations))
            self._update(optimizers, 0.0)
            durations.append(time.perf_counter() - before)
            if time.perf_counter() - started > 0.3 * budget:
                break
        seconds_per_step = float(np.median(durations[1:] or durations))
        before = time.perf_counter()
        if self.config.evaluations:
            self._reports({self.step}, set())
        report = time.perf_counter() - before
        torch.manual_seed(self.config.seed)  # as if the trial had not been
        self.seconds = time.perf_counter() - started
        left = max(budget - self.seconds, 0.0)
        steps = (left - report * (self.config.evaluations + 1)) / seconds_per_step
        if steps < STEPS_PER_EVALUATION * self.config.evaluations:  # a short run has fewer evaluations
            steps = left / (seconds_per_step + report / STEPS_PER_EVALUATION)
        self.total_steps = max(4, round(steps))
        return PlanEvent(self.step, self.total_steps, seconds_per_step)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """What continues this training besides the model's weights: tensors, and a JSON-able dict."""
        muon, adamw = self._optimizers
        tensors = {"rng": torch.get_rng_state(), **adamw.state(), **(muon.state() if muon else {})}
        numbers = {
            "step": self.step,
            "tokens": self.tokens,
            "seconds": self.seconds,
            "total_steps": self.total_steps,
            "learning_rate_scale": self.learning_rate_scale,
            "losses_since_evaluation": self._losses,
        }
        if self.config.decay == "rising":
            numbers["first_loss"] = self._first_loss
        return tensors, numbers

    def load_state(self, tensors: dict[str, Tensor], numbers: dict[str, Any]) -> None:
        """Continue where `state` was taken; the model's weights are loaded by the caller."""
        muon, adamw = self._optimizers
        adamw.load_state(tensors)
        if muon is not None:
            muon.load_state(tensors)
        torch.set_rng_state(tensors["rng"])
        self.step = numbers["step"]
        self.tokens = numbers["tokens"]
        self.seconds = numbers["seconds"]
        self.total_steps = numbers["total_steps"]
        self.learning_rate_scale = numbers["learning_rate_scale"]
        self._losses = list(numbers["losses_since_evaluation"])
        self._first_loss = numbers.get("first_loss")


class Trainer(TrainingLoop):
    """Pretraining: a language model learns the next token of the windows that a sampler draws.

    validation: inputs and targets (N, T) int64 whose loss is measured; sources: the rows of each text where there
    are several, all rows between them, to measure each by itself as well. token_lengths (V,): bytes of each token, for
    bits per byte. tokenizer: to write samples after the config's prompts. compute: where to, the processor by default.
    """

    model: GPT
    watches_layers = True

    def __init__(
        self,
        model: GPT,
        sampler: Sampler,
        config: TrainingConfig,
        *,
        validation: tuple[Tensor, Tensor] | None = None,
        sources: Mapping[str, slice] | None = None,
        token_lengths: np.ndarray | None = None,
        tokenizer: TokenCoder | None = None,
        compute: Compute = PROCESSOR,
    ) -> None:
        super().__init__(compute.place(model), config)
        self.compute = compute
        self.sampler = sampler
        self._unshifted = config.target_shift == 0
        self._masked = config.objective == "masked"
        if self._masked:  # its bits are of the hidden tokens alone, and it has no next token to write with
            token_lengths = tokenizer = None
        if validation is not None:
            inputs, targets = validation
            inputs, targets = self._examples(inputs, targets, VALIDATION_SEED)
            validation = compute.move(inputs), compute.move(targets)
        self.validation = validation
        self.tokenizer = tokenizer
        every = slice(None)
        self._sources = dict(sources or {})
        self._tokens_per_byte = {
            name: self._measure_tokens_per_byte(token_lengths, rows)
            for name, rows in {"": every, **self._sources}.items()
        }

    def _gradients(self, model: GPT, step: int) -> tuple[float, float, int]:
        """Fill the gradients of one step; return mean loss, their norm before clipping, and tokens read.

        The mean is taken over all targets of all micro-batches, so accumulation equals one large batch.
        """
        model.train()
        batches, n_targets, n_tokens = self._read(step)
        total = 0.0
        for parameter in model.parameters():
            parameter.grad = None
        loss_of = self.compute.loss_of(model)
        for x, y in batches:
            with self.compute.autocast():
                loss = loss_of(x, y, reduction="sum") / max(1, n_targets)
            loss.backward()
            total += loss.item()
        total = self._joined(model, total)
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), self.config.clip_norm, foreach=True)
        return total, float(norm), n_tokens

    def _read(self, step: int) -> tuple[list[tuple[Tensor, Tensor]], int, int]:
        """The micro-batches of a step where they are computed, and how many targets and tokens they hold."""
        n = self.config.accumulation
        batches = [
            self._examples(*self.sampler.batch(step * n + i), (self.config.seed, step * n + i)) for i in range(n)
        ]
        n_targets = sum(int((y != -100).sum()) for _unused, y in batches)
        n_tokens = sum(x.numel() for x, _unused in batches)
        return [(self.compute.move(x), self.compute.move(y)) for x, y in batches], n_targets, n_tokens

    def _examples(self, x: Tensor, y: Tensor, seed: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """What is read and what is asked for, by the objective; `seed` decides which tokens are hidden."""
        if self._masked:
            return hide_tokens(x, self.model.config.vocab_size - 1, seed)
        return x, x if self._unshifted else y

    def _joined(self, model: GPT, loss: float) -> float:
        """The loss of the whole batch once its gradients are there: where several processes share it, their sum."""
        return loss

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """As every training's, with the state of a GPU's random numbers where there is one."""
        tensors, numbers = super().state()
        return {**tensors, **self.compute.random_state()}, numbers

    def load_state(self, tensors: dict[str, Tensor], numbers: dict[str, Any]) -> None:
        """The inverse of `state`."""
        super().load_state(tensors, numbers)
        self.compute.load_random_state(tensors)

    def _evaluations(self) -> list[Event]:
        reports: list[Event] = []
        if self.validation is not None:
            reports.append(self.evaluate())
        if self.tokenizer is not None:
            reports += [self.sample(prompt) for prompt in self.config.prompts]
        return reports

    def evaluate(self) -> EvalEvent:
        """Measure the validation loss now, beside the mean training loss since the last evaluation."""
        assert self.validation is not None
        loss, by_source = self._validation_losses(*self.validation)
        return EvalEvent(
            self.step,
            self.tokens,
            self.seconds,
            self._mean_train_loss(),
            loss,
            math.exp(min(loss, 700.0)),
            self._bits_per_byte("", loss),
            tuple(SourceLoss(name, nats, self._bits_per_byte(name, nats)) for name, nats in by_source.items()),
        )

    def _validation_losses(self, inputs: Tensor, targets: Tensor) -> tuple[float, dict[str, float]]:
        """The loss of all windows and of each source's; where sources cover all windows, none is read twice."""
        if not self._sources:
            return mean_loss(self.model, inputs, targets), {}
        by_source = {name: mean_loss(self.model, inputs[rows], targets[rows]) for name, rows in self._sources.items()}
        counts = {name: int((targets[rows] != -100).sum()) for name, rows in self._sources.items()}
        total = sum(counts.values())
        return sum(loss * counts[name] for name, loss in by_source.items()) / max(1, total), by_source

    def _bits_per_byte(self, source: str, nats: float) -> float | None:
        tokens_per_byte = self._tokens_per_byte[source]
        return nats / math.log(2) * tokens_per_byte if tokens_per_byte else None

    def sample(self, prompt: str) -> SampleEvent:
        """Write on after a prompt, with the same dice every time, so that only the model's progress shows."""
        assert self.tokenizer is not None
        ids = self.tokenizer.encode(prompt)
        if not ids:
            raise ConfigError(_("a sample prompt is empty: type at least one character."))
        model = self.compute.on_cpu(self.model)
        steps = generate(model, self.tokenizer, ids, self.config.sample_tokens, _SAMPLING)
        text = "".join(step.text for step in steps)
        logits = next_logits(model, ids)[: self.tokenizer.n_vocab]
        base = next_token_distribution(logits, SamplingConfig()).base
        return SampleEvent(self.step, prompt, text, top_candidates(base, self.tokenizer, 10))

    def _measure_tokens_per_byte(self, token_lengths: np.ndarray | None, rows: slice) -> float | None:
        if token_lengths is None or self.validation is None:
            return None
        targets = self.validation[1][rows].cpu().numpy()
        targets = targets[targets != -100]
        n_bytes = int(np.asarray(token_lengths)[targets].sum())
        return len(targets) / n_bytes if n_bytes else None


def train(model: GPT, sampler: Sampler, config: TrainingConfig, **options: Any) -> Iterator[Event]:
    """The events of a whole training; `options` are those of `Trainer`."""
    return Trainer(model, sampler, config, **options).events()


_BLOCKS = (
    "blocks.",
    "encoder.",
    "decoder.",
    "body.blocks.",
)  # of a GPT; an encoder–decoder; a classifier


def _optimizers(model: nn.Module, config: TrainingConfig) -> tuple[Muon | None, AdamW]:
    named = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    matrices = {n: p for n, p in named.items() if config.optimizer == "muon" and n.startswith(_BLOCKS) and p.dim() == 2}
    rest = {n: p for n, p in named.items() if n not in matrices}
    adamw = AdamW(
        rest,
        betas=(config.beta1, config.beta2),
        weight_decay=config.weight_decay,
        embedding_rate=config.embedding_rate,
    )
    return (Muon(matrices, steps=config.muon_steps, weight_decay=config.weight_decay) if matrices else None), adamw
