"""Is this training curve normal? A diagnosis of a pretraining run in plain words, from its record alone.

What goes in is what a run wrote down: losses and gradient norms of its steps, evaluations, how far every layer moved,
the counting baselines, and the numbers of its config. No rule looks at a switch such as `causal` to find the fault: it
has to show in the numbers. Two faults need a look at the model itself, since a loss that is too good hides what it was
measured on; `leak_check` asks the saved model for the token after the end of a window, where nothing can be seen.

Every rule is a function of the facts that states its thresholds; `diagnose` decides which finding comes first.
All losses are nats per token.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from engine.gpt import GPT
    from engine.runs.config import RunConfig

Severity = Literal["fine", "note", "warning", "fault"]

HEALTHY = "healthy"
TOO_EARLY = "too early"
RATE_TOO_HIGH = "rate too high"
RATE_TOO_LOW = "rate too low"
NO_WARMUP = "no warmup"
OVERFITTING = "overfitting"
UNDER_TRAINED = "under-trained"
DATA_TOO_SMALL = "data too small"
STALLED = "stalled"
MASK_OFF = "mask off"
UNSHIFTED = "unshifted"
LEAK = "leak"

TITLES = {
    HEALTHY: "This curve is normal",
    TOO_EARLY: "Too early to say",
    RATE_TOO_HIGH: "The learning rate is too high",
    RATE_TOO_LOW: "The learning rate is too low",
    NO_WARMUP: "The learning rate had no warmup",
    OVERFITTING: "It learns its text by heart",
    UNDER_TRAINED: "It was stopped too soon",
    DATA_TOO_SMALL: "The text is too small for this model",
    STALLED: "It is stuck where counting words begins",
    MASK_OFF: "It can see the answer: the causal mask is off",
    UNSHIFTED: "It is asked for what it reads: targets are not shifted",
    LEAK: "The loss is lower than it can be",
}

MIN_STEPS = 20
MIN_EVALUATIONS = 3
USUAL_RATES = {"muon": (0.01, 0.02), "adamw": (0.004, 0.02)}
"""AdamW's and Muon's rate that worked for small models here, by optimizer."""


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


@dataclass(frozen=True)
class Finding:
    """One thing to say about a run. `stretch`: first and last step of the curve that shows it.

    `remedy`: the changed config to try, None where there is nothing to change; `advice` says it in words.
    """

    kind: str
    title: str
    sentence: str
    stretch: tuple[int, int]
    severity: Severity
    advice: str = ""
    remedy: RunConfig | None = None


@dataclass(frozen=True)
class Diagnosis:
    """The finding that explains the run best, and what else there is to say."""

    main: Finding
    others: tuple[Finding, ...] = ()


# --- the rules ---------------------------------------------------------------------------------------------


def rate_too_high(facts: RunFacts) -> Finding | None:
    """Steps so long that they undo each other. One of these:

    - the run ended because its loss or gradient was not a number any more;
    - the training loss, smoothed, climbs by 0.6 nats or more above where it was before, and by more than 6 standard
      errors of its noise;
    - an update moves the layers by a tenth of their length or more (median over layers, largest over the run), and the
      validation loss ends above the bigram baseline.
    """
    size = facts.update_size()
    moved = f" One update moved the layers by up to {size:.1%} of their length; 0.1 % to 5 % is usual." if size else ""
    training = facts.config.training
    rates = f"{training.learning_rate:g}"
    if training.optimizer == "muon":
        rates += f" (matrices: {training.matrix_learning_rate:g})"
    if _diverged(facts):
        start = int(facts.steps[max(0, len(facts.steps) - 20)]) if len(facts.steps) else 0
        text = f"After step {facts.last_step:,} the loss was not a number any more, at a learning rate of {rates}."
        return _finding(facts, RATE_TOO_HIGH, text + moved, (start, facts.last_step), "fault", _gentler)
    climb = _climb(facts)
    if climb is not None:
        low, high, first, last = climb
        text = (
            f"The training loss climbed from {low:.2f} to {high:.2f} between steps {first:,} and {last:,}, at a "
            f"learning rate of {rates}: updates overshoot and undo each other."
        )
        return _finding(facts, RATE_TOO_HIGH, text + moved, (first, last), "fault", _gentler)
    if size is not None and size >= 0.1 and _final(facts) > facts.baselines.get("bigram", math.inf):
        text = (
            f"The loss ends at {_final(facts):.2f}, above what counting pairs of words reaches "
            f"({facts.baselines['bigram']:.2f}), at a learning rate of {rates}."
        )
        return _finding(facts, RATE_TOO_HIGH, text + moved, _last_half(facts), "fault", _gentler)
    return None


def no_warmup(facts: RunFacts) -> Finding | None:
    """The rate was at its height in the first steps, and the loss shows it.

    The warmup has at most 2 steps, and within the first fifth of the run the gradient is longer than 5 times its
    median later on, or the smoothed training loss climbs as in `rate_too_high`. An even warmup that did no harm is
    not reported.
    """
    if facts.warmup_steps > 2 or len(facts.steps) < MIN_STEPS:
        return None
    early = facts.steps <= max(10, facts.total_steps // 5)
    climb = _climb(facts)
    if climb is not None and climb[2] <= facts.total_steps // 5:
        low, high, first, last = climb
        text = f"The loss climbed from {low:.2f} to {high:.2f} between steps {first:,} and {last:,}"
    else:
        later = float(np.nanmedian(facts.gradient_norms[~early])) if (~early).any() else math.inf
        longest = float(np.nanmax(facts.gradient_norms[early]))
        if not longest > 5 * later:
            return None
        at = int(facts.steps[early][np.nanargmax(facts.gradient_norms[early])])
        first, last = 1, max(at, 10)
        text = f"At step {at:,} the gradient was {longest:.1f} long, {longest / later:.0f} times its later length"
    text += (
        ": the learning rate had its full height from the first step, when every weight is still random and the "
        "optimizer's averages know nothing."
    )
    return _finding(facts, NO_WARMUP, text, (first, last), "fault", _warmer)


def rate_too_low(facts: RunFacts) -> Finding | None:
    """Steps too short to get anywhere: no update moves the layers by more than 0.2 % of their length (median over the
    layers), and the validation loss ends above the bigram baseline. Without measured updates the learning rate itself
    is compared: a twentieth of the usual one or less.
    """
    if _final(facts) <= facts.baselines.get("bigram", math.inf) or len(facts.validation) < MIN_EVALUATIONS:
        return None
    size, training = facts.update_size(), facts.config.training
    usual, usual_matrix = USUAL_RATES[training.optimizer]
    share = training.learning_rate / usual
    if training.optimizer == "muon":
        share = max(share, training.matrix_learning_rate / usual_matrix)
    if share > 0.05 if size is None else size > 2e-3:
        return None
    moved = f"No update moved the layers by more than {size:.2%} of their length" if size is not None else ""
    moved = moved or f"The learning rate, {training.learning_rate:g}, is {share:.0%} of what such models stand"
    text = (
        f"{moved}, and in {facts.last_step:,} steps the loss came down from {facts.validation[0]:.2f} to only "
        f"{_final(facts):.2f}."
    )
    return _finding(facts, RATE_TOO_LOW, text, (0, facts.last_step), "fault", _faster)


def overfitting(facts: RunFacts) -> Finding | None:
    """The validation loss turned: after its lowest point it rises by 3 % or more (and 0.05 nats), or by 0.02 nats or
    more when the training loss ends a whole nat below it; and the training loss at the end is lower than it was at
    that point. The stretch begins at the turn.
    """
    turn = _turn(facts)
    if turn is None:
        return None
    step, lowest, train_then, train_now = turn
    read = f" The text was read {facts.passes:.1f} times." if facts.passes is not None else ""
    text = (
        f"After step {step:,} the validation loss rose from {lowest:.2f} to {_final(facts):.2f}, while the training "
        f"loss went on from {train_then:.2f} to {train_now:.2f}.{read}"
    )
    return _finding(facts, OVERFITTING, text, (step, facts.last_step), "fault", _stop_at(step))


def data_too_small(facts: RunFacts) -> Finding | None:
    """The model has more than ten numbers for every token of its text, and it shows: the validation loss turned, or
    ends 0.5 nats or more above the training loss after 4 or more passes over the text. Silent where the length of the
    text is not known.
    """
    if facts.text_tokens is None or facts.passes is None or not len(facts.validation):
        return None
    parameters = facts.config.model.n_parameters
    gap = _final(facts) - _mean_loss(facts, len(facts.steps))
    if parameters <= 10 * facts.text_tokens or (_turn(facts) is None and (gap < 0.5 or facts.passes < 4)):
        return None
    text = (
        f"The text has about {facts.text_tokens:,} tokens, the model {parameters:,} numbers to remember them with, and "
        f"it has read everything {facts.passes:.0f} times: training loss {_final(facts) - gap:.2f}, validation loss "
        f"{_final(facts):.2f}."
    )
    turn = _turn(facts)
    return _finding(facts, DATA_TOO_SMALL, text, (turn[0] if turn else 0, facts.last_step), "fault", _more_text)


def stalled(facts: RunFacts) -> Finding | None:
    """It knows how frequent tokens are, and for long no more. With g the distance from the unigram to the bigram
    baseline: the validation loss stays within 0.15 g of the unigram baseline for 60 steps or more and 40 % or more of
    the run, and ends above the bigram baseline.
    """
    unigram, bigram = facts.baselines.get("unigram"), facts.baselines.get("bigram")
    if unigram is None or bigram is None or not _final(facts) > bigram:
        return None
    near = np.abs(facts.validation - unigram) <= 0.15 * (unigram - bigram)
    first, last = _longest(facts.evaluated, near)
    if last - first < max(60, 0.4 * facts.last_step):
        return None
    text = (
        f"For {last - first:,} steps the loss stayed near {unigram:.2f}, which is what knowing the frequency of each "
        f"token gives, and it ends at {_final(facts):.2f}. Knowing which token follows which would give {bigram:.2f}: "
        "too little of the context reaches the output."
    )
    return _finding(facts, STALLED, text, (first, last), "fault", _restored)


def under_trained(facts: RunFacts) -> Finding | None:
    """It was still learning fast: the validation loss ends above the bigram baseline, by 15 % or more of the way from
    there to the unigram baseline, and fell by 0.1 nats or more over the last half of the steps.
    """
    unigram, bigram = facts.baselines.get("unigram"), facts.baselines.get("bigram")
    if unigram is None or bigram is None or not _final(facts) > bigram + 0.15 * (unigram - bigram):
        return None
    start = facts.last_step // 2
    fell = float(np.interp(start, facts.evaluated, facts.validation)) - _final(facts)
    if not fell >= 0.1:
        return None
    text = (
        f"The loss was still falling, by {fell:.2f} in the last half of its {facts.last_step:,} steps, and is "
        f"{_final(facts):.2f}: more than what counting pairs of words gives ({bigram:.2f})."
    )
    return _finding(facts, UNDER_TRAINED, text, (start, facts.last_step), "warning", _longer)


def leak(facts: RunFacts) -> Finding | None:
    """Text is not that predictable. The lowest validation loss is below 40 % of the trigram baseline; or it is below
    the trigram baseline, and a measured `LeakCheck` at the last position, where the next token cannot be seen, is at
    least twice it and 1 nat above it.

    With a check, the token just read having a probability of 0.5 or more means targets that were not shifted, less
    means a missing mask; without one the two cannot be told apart.
    """
    trigram = facts.baselines.get("trigram")
    if trigram is None or not len(facts.validation):
        return None
    reported, check = float(np.nanmin(facts.validation)), facts.leak
    final = _final(facts)
    betrayed = check is not None and check.loss >= max(2 * final, final + 1)
    if reported >= (trigram if betrayed else 0.4 * trigram):
        return None
    if check is not None and not betrayed:
        return None
    below = np.flatnonzero(facts.validation < trigram)
    first = int(facts.evaluated[below[0]])
    text = f"A loss of {reported:.2f} is far below what counting triples of tokens reaches ({trigram:.2f})."
    if check is None:
        text += " Either it sees the tokens it must predict, or it is asked for those it reads."
        return _finding(facts, LEAK, text, (first, facts.last_step), "fault", _honest)
    text += f" At the last position, where the next token cannot be seen, its loss is {check.loss:.2f}."
    if check.copied >= 0.5:
        text += f" It gives {check.copied:.0%} to repeating the token that it has just read."
        return _finding(facts, UNSHIFTED, text, (first, facts.last_step), "fault", _honest)
    text += f" It does not merely repeat what it reads ({check.copied:.0%}): it looks at later positions."
    return _finding(facts, MASK_OFF, text, (first, facts.last_step), "fault", _honest)


RULES: tuple[Callable[[RunFacts], Finding | None], ...] = (
    leak,
    no_warmup,
    rate_too_high,
    data_too_small,
    overfitting,
    rate_too_low,
    stalled,
    under_trained,
)
"""In the order in which they claim to be the main finding: causes before what they cause."""

_CERTAIN_WHILE_LIVE = {LEAK, MASK_OFF, UNSHIFTED, NO_WARMUP, RATE_TOO_HIGH, DATA_TOO_SMALL, OVERFITTING}


def diagnose(facts: RunFacts) -> Diagnosis:
    """What is to be said about a run. The first of `RULES` that finds something is the main finding.

    A run of fewer than 20 steps or 3 evaluations that has not diverged, and a live one in which nothing is certain
    yet, get "too early to say".
    """
    short = facts.last_step < MIN_STEPS or len(facts.validation) < MIN_EVALUATIONS
    if short and not _diverged(facts):
        return Diagnosis(_too_early(facts))
    found = [finding for rule in RULES if (finding := rule(facts)) is not None]
    if facts.live:
        found = [finding for finding in found if finding.kind in _CERTAIN_WHILE_LIVE]
        if not found:
            return Diagnosis(_too_early(facts))
    if not found:
        return Diagnosis(_healthy(facts))
    return Diagnosis(found[0], tuple(found[1:]))


def _too_early(facts: RunFacts) -> Finding:
    text = (
        f"{facts.last_step:,} of {facts.total_steps:,} steps and {len(facts.validation)} evaluations are recorded. "
        "Nothing alarming so far; a curve shows what is wrong with it when the learning rate has been up and down."
    )
    return Finding(TOO_EARLY, TITLES[TOO_EARLY], text, (0, facts.last_step), "note")


def _healthy(facts: RunFacts) -> Finding:
    beaten = [name for name in ("unigram", "bigram", "trigram") if _final(facts) < facts.baselines.get(name, -math.inf)]
    text = f"The validation loss fell from {facts.validation[0]:.2f} to {_final(facts):.2f}"
    if beaten:
        text += f", below the {beaten[-1]} baseline ({facts.baselines[beaten[-1]]:.2f})"
    gap = _final(facts) - _mean_loss(facts, len(facts.steps))
    text += f", without a climb or a turn. Validation and training loss end {abs(gap):.2f} apart."
    size = facts.update_size()
    if size is not None:
        text += f" The largest updates moved the layers by {size:.1%} of their length."
    return Finding(HEALTHY, TITLES[HEALTHY], text, (0, facts.last_step), "fine")


# --- remedies ----------------------------------------------------------------------------------------------

_Remedy = Callable[["RunFacts"], "tuple[str, RunConfig | None]"]


def _gentler(facts: RunFacts) -> tuple[str, RunConfig | None]:
    return "Try the usual learning rate, or a quarter of this one.", _rates(
        facts, lambda rate, usual: usual if rate > 1.5 * usual else rate / 4
    )


def _faster(facts: RunFacts) -> tuple[str, RunConfig | None]:
    return "Try the usual learning rate.", _rates(facts, lambda rate, usual: max(usual, rate))


def _rates(facts: RunFacts, better: Callable[[float, float], float]) -> RunConfig:
    training = facts.config.training
    usual, usual_matrix = USUAL_RATES[training.optimizer]
    changes = {"learning_rate": better(training.learning_rate, usual)}
    if training.optimizer == "muon":
        changes["matrix_learning_rate"] = better(training.matrix_learning_rate, usual_matrix)
    return _changed(facts, training=changes)


def _warmer(facts: RunFacts) -> tuple[str, RunConfig | None]:
    return "Let the rate rise over the first tenth of the steps.", _changed(facts, training={"warmup": 0.1})


def _stop_at(step: int) -> _Remedy:
    def remedy(facts: RunFacts) -> tuple[str, RunConfig | None]:
        steps = max(step, MIN_STEPS)
        return (
            f"Stop where validation turned, after {steps:,} steps; or let it read more text.",
            _changed(facts, training={"steps": steps, "seconds": None}),
        )

    return remedy


def _more_text(facts: RunFacts) -> tuple[str, RunConfig | None]:
    n_chars = facts.config.n_chars
    advice = "Give it more text, or make the model smaller."
    if n_chars is not None and n_chars < 1_000_000:
        return advice, _changed(facts, n_chars=1_000_000)
    return advice, None


def _restored(facts: RunFacts) -> tuple[str, RunConfig | None]:
    model = facts.config.model
    if model.whole:
        return "Try a quarter of the learning rate.", _rates(facts, lambda rate, _: rate / 4)
    return (
        "Let every layer add to the stream instead of replacing it, and normalise what it reads.",
        _changed(facts, model={"residual": True, "norm": "layer"}),
    )


def _longer(facts: RunFacts) -> tuple[str, RunConfig | None]:
    training = facts.config.training
    if training.seconds is not None:
        longer = {"seconds": min(4 * training.seconds, 3600.0)}
    else:
        longer = {"steps": 4 * facts.last_step}
    return "Train four times as long.", _changed(facts, training=longer)


def _honest(facts: RunFacts) -> tuple[str, RunConfig | None]:
    return (
        "Mask the future, and ask each position for the token after it.",
        _changed(facts, model={"causal": True}, training={"target_shift": 1}),
    )


def _changed(
    facts: RunFacts,
    *,
    model: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    **settings: Any,
) -> RunConfig:
    config = facts.config
    return dataclasses.replace(
        config,
        model=dataclasses.replace(config.model, **(model or {})),
        training=dataclasses.replace(config.training, **(training or {})),
        **settings,
    )


# --- measures ----------------------------------------------------------------------------------------------


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


def _climb(facts: RunFacts) -> tuple[float, float, int, int] | None:
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


def _longest(places: np.ndarray, inside: np.ndarray) -> tuple[int, int]:
    """First and last place of the longest unbroken row of those that are inside; (0, 0) where there is none."""
    best, begin = (0, 0), None
    for place, is_inside in zip(places.tolist(), inside.tolist(), strict=True):
        begin = (place if begin is None else begin) if is_inside else None
        if begin is not None and place - begin > best[1] - best[0]:
            best = begin, place
    return best


def _turn(facts: RunFacts) -> tuple[int, float, float, float] | None:
    """Where the validation loss turned: step, loss there, training loss there and at the end; None if it did not."""
    if len(facts.validation) < MIN_EVALUATIONS or not np.isfinite(facts.validation).all():
        return None
    best = int(np.argmin(facts.validation))
    lowest, step = float(facts.validation[best]), int(facts.evaluated[best])
    place = int(np.searchsorted(facts.steps, step, side="right"))
    then, now = _mean_loss(facts, place), _mean_loss(facts, len(facts.steps))
    by_heart = _final(facts) - now >= 1
    if not _final(facts) - lowest >= (0.02 if by_heart else max(0.05, 0.03 * lowest)):
        return None
    return (step, lowest, then, now) if now < then else None


def _mean_loss(facts: RunFacts, place: int) -> float:
    """Mean training loss of the steps up to this place in the record."""
    width = _width(len(facts.losses))
    part = facts.losses[max(0, place - width) : place]
    return float(np.nanmean(part)) if len(part) else math.nan


def _final(facts: RunFacts) -> float:
    return float(facts.validation[-1]) if len(facts.validation) else math.nan


def _last_half(facts: RunFacts) -> tuple[int, int]:
    return facts.last_step // 2, facts.last_step


def _diverged(facts: RunFacts) -> bool:
    return "became" in facts.error or not bool(np.isfinite(facts.losses).all())


def _number(value: Any) -> float:
    """A recorded number; what was not finite comes back from the store as None."""
    return math.nan if value is None else float(value)


def _finding(
    facts: RunFacts, kind: str, sentence: str, stretch: tuple[int, int], severity: Severity, remedy: _Remedy
) -> Finding:
    advice, config = remedy(facts)
    if config is not None and config == facts.config:
        config = None
    return Finding(kind, TITLES[kind], sentence, stretch, severity, advice, config)


def _text_tokens(config: RunConfig, evaluations: Iterable[Mapping[str, Any]], corpus_chars: int | None) -> int | None:
    """About how many tokens are trained on: characters times tokens per byte, which an evaluation tells."""
    lengths = [length for length in (config.n_chars, corpus_chars) if length]
    for measured in evaluations:
        bits, nats = measured.get("bits_per_byte"), measured.get("validation_loss")
        if lengths and bits and nats and math.isfinite(bits) and math.isfinite(nats):
            return round(min(lengths) * (1 - config.validation_fraction) * bits * math.log(2) / nats)
    return None


# --- the look into the model -------------------------------------------------------------------------------


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
