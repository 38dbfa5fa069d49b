"""What a run wrote down, as arrays, and what can be measured on its curves: the evidence for `engine.diagnosis`.

Losses are nats per token. `leak_check` looks at the saved model instead, at the one place where nothing can leak.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from engine.checkpoint import Checkpoint
    from engine.gpt import GPT
    from engine.runs.config import RunConfig

MIN_STEPS = 20
MIN_EVALUATIONS = 3


@dataclass(frozen=True)
class LeakCheck:
    """What a saved model knows where nothing can leak: at the last position of held-out windows.

    `loss`: of the true next token there. `copied`: the mean probability it gives to the token that it has just read.
    """

    loss: float
    copied: float
    n_windows: int


@dataclass(frozen=True)
class RunFacts:
    """The record of a run as arrays. `update_ratios`: (step, update length / weight length by part of the model).

    `text_tokens`: how long the text is that it trains on, None where nothing tells.
    """

    config: RunConfig
    live: bool
    error: str
    total_steps: int
    steps: np.ndarray
    losses: np.ndarray
    gradient_norms: np.ndarray
    evaluated: np.ndarray
    validation: np.ndarray
    baselines: Mapping[str, float]
    update_ratios: tuple[tuple[int, Mapping[str, float]], ...] = ()
    text_tokens: int | None = None
    leak: LeakCheck | None = None

    @classmethod
    def from_events(
        cls,
        config: RunConfig,
        events: Iterable[Mapping[str, Any]],
        *,
        live: bool = False,
        error: str = "",
        total_steps: int | None = None,
        corpus_chars: int | None = None,
        leak: LeakCheck | None = None,
    ) -> RunFacts:
        """From event dicts of the kinds "step", "eval", "layers" and "baselines", in order (others are passed over).

        `corpus_chars`: how long the corpus is, where that may be less than the config asks for.
        """
        steps: dict[int, tuple[float, float]] = {}
        evaluations: dict[int, Mapping[str, Any]] = {}
        ratios: dict[int, Mapping[str, float]] = {}
        baselines: dict[str, float] = {}
        for event in events:
            step = event["step"]
            match event["kind"]:
                case "step":
                    steps[step] = _number(event["loss"]), _number(event["gradient_norm"])
                case "eval":
                    evaluations[step] = event
                case "layers":
                    ratios[step] = {
                        part["name"]: part["update"] / part["weights"] for part in event["layers"] if part["weights"]
                    }
                case "baselines":
                    baselines = {k: v for k, v in event.items() if k in ("uniform", "unigram", "bigram", "trigram")}
        recorded = np.array([[step, *numbers] for step, numbers in sorted(steps.items())]).reshape(-1, 3)
        measured = np.array([[s, _number(e["validation_loss"])] for s, e in sorted(evaluations.items())]).reshape(-1, 2)
        last = max(steps, default=0)
        return cls(
            config=config,
            live=live,
            error=error,
            total_steps=max(total_steps or config.training.steps or last, last),
            steps=recorded[:, 0].astype(int),
            losses=recorded[:, 1],
            gradient_norms=recorded[:, 2],
            evaluated=measured[:, 0].astype(int),
            validation=measured[:, 1],
            baselines=baselines,
            update_ratios=tuple(sorted(ratios.items())),
            text_tokens=_text_tokens(config, evaluations.values(), corpus_chars),
            leak=leak,
        )

    @property
    def last_step(self) -> int:
        """The newest step in the record; 0 before the first."""
        return int(self.steps[-1]) if len(self.steps) else 0

    @property
    def warmup_steps(self) -> int:
        """Steps in which the learning rate rises."""
        return round(self.config.training.warmup * self.total_steps)

    @property
    def tokens_per_step(self) -> int:
        """Tokens that one update reads."""
        training = self.config.training
        return training.batch_size * training.accumulation * self.config.model.context_length

    @property
    def passes(self) -> float | None:
        """How often the whole text was read; None where its length is not known."""
        return self.last_step * self.tokens_per_step / self.text_tokens if self.text_tokens else None

    @property
    def final_loss(self) -> float:
        """The newest validation loss; NaN before the first."""
        return float(self.validation[-1]) if len(self.validation) else math.nan

    @property
    def has_diverged(self) -> bool:
        """Whether it ended because its loss or gradient was not a number any more."""
        return "became" in self.error or not bool(np.isfinite(self.losses).all())

    def update_size(self) -> float | None:
        """The largest relative update of the run, after the warmup's first steps: at each reported step the median over
        the layers of update length / weight length, and of these the highest. None without "layers" events.
        """
        medians = [
            float(np.median(inside))
            for _, parts in self.update_ratios
            if (inside := [ratio for name, ratio in parts.items() if name.startswith("layer")])
        ]
        return max(medians, default=None)


def _text_tokens(config: RunConfig, evaluations: Iterable[Mapping[str, Any]], corpus_chars: int | None) -> int | None:
    """About how many tokens are trained on: characters times tokens per byte, which an evaluation tells."""
    lengths = [length for length in (config.n_chars, corpus_chars) if length]
    for measured in evaluations:
        bits, nats = measured.get("bits_per_byte"), measured.get("validation_loss")
        if lengths and bits and nats and math.isfinite(bits) and math.isfinite(nats):
            return round(min(lengths) * (1 - config.validation_fraction) * bits * math.log(2) / nats)
    return None


def _number(value: Any) -> float:
    """A recorded number; what was not finite comes back from the store as None."""
    return math.nan if value is None else float(value)


def smoothed(losses: np.ndarray) -> np.ndarray:
    """Running mean over a fortieth of the run, at least 7 and at most 100 steps, each value the mean of the steps up
    to it; NaN where the window is not full yet.
    """
    width = _width(len(losses))
    if len(losses) < width:
        return np.full(len(losses), np.nan)
    sums = np.cumsum(np.concatenate([[0.0], losses]))
    means = (sums[width:] - sums[:-width]) / width
    return np.concatenate([np.full(width - 1, np.nan), means])


def _width(n: int) -> int:
    return int(np.clip(n // 40, 7, 100))


def largest_climb(facts: RunFacts) -> tuple[float, float, int, int] | None:
    """The largest rise of the smoothed training loss: from, to, first and last step; None for one that noise makes."""
    curve = smoothed(facts.losses)
    known = np.isfinite(curve)
    if not known.any():
        return None
    curve, steps = curve[known], facts.steps[known]
    lowest = np.minimum.accumulate(curve)
    last = int(np.argmax(curve - lowest))
    first = int(np.argmin(curve[: last + 1]))
    rise = float(curve[last] - curve[first])
    noise = 1.4826 * float(np.median(np.abs(np.diff(facts.losses)))) / math.sqrt(2)
    if rise < max(0.6, 6 * noise / math.sqrt(_width(len(facts.losses)))):
        return None
    return float(curve[first]), float(curve[last]), int(steps[first]), int(steps[last])


def turning_point(facts: RunFacts) -> tuple[int, float, float, float] | None:
    """Where the validation loss turned: step, loss there, training loss there and at the end; None if it did not."""
    if len(facts.validation) < MIN_EVALUATIONS or not np.isfinite(facts.validation).all():
        return None
    best = int(np.argmin(facts.validation))
    lowest, step = float(facts.validation[best]), int(facts.evaluated[best])
    place = int(np.searchsorted(facts.steps, step, side="right"))
    then, now = mean_training_loss(facts, place), mean_training_loss(facts, len(facts.steps))
    by_heart = facts.final_loss - now >= 1
    if not facts.final_loss - lowest >= (0.02 if by_heart else max(0.05, 0.03 * lowest)):
        return None
    return (step, lowest, then, now) if now < then else None


def longest_row(places: np.ndarray, inside: np.ndarray) -> tuple[int, int]:
    """First and last place of the longest unbroken row of those that are inside; (0, 0) where there is none."""
    best, begin = (0, 0), None
    for place, is_inside in zip(places.tolist(), inside.tolist(), strict=True):
        begin = (place if begin is None else begin) if is_inside else None
        if begin is not None and place - begin > best[1] - best[0]:
            best = begin, place
    return best


def mean_training_loss(facts: RunFacts, place: int) -> float:
    """Mean training loss of the steps up to this place in the record."""
    width = _width(len(facts.losses))
    part = facts.losses[max(0, place - width) : place]
    return float(np.nanmean(part)) if len(part) else math.nan


def leak_check(model: GPT, inputs: Tensor, targets: Tensor, *, most: int = 128) -> LeakCheck:
    """Asks a model for the last token of held-out windows: there is no later position that could tell it.

    inputs, targets: (N, T) int64, the target of each position being the token after it; `most` windows are read.
    """
    import torch

    inputs, targets = inputs[:most], targets[:most]
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        logits = torch.cat([model(part)[:, -1] for part in inputs.split(16)])  # (N, V)
        log_probabilities = logits.float().log_softmax(-1)
        loss = -float(log_probabilities.gather(1, targets[:, -1:]).mean())
        copied = float(log_probabilities.gather(1, inputs[:, -1:]).exp().mean())
    model.train(was_training)
    return LeakCheck(loss, copied, len(inputs))


def leak_of(checkpoint: Checkpoint, windows: tuple[Tensor, Tensor]) -> LeakCheck:
    """`leak_check` of a checkpoint, where another process is asked."""
    return leak_check(checkpoint.model, *windows)
