"""Is this training curve normal? A diagnosis of a pretraining run in plain words, from its record alone.

What goes in is what a run wrote down: losses and gradient norms of its steps, evaluations, how far every layer moved,
the counting baselines, and the numbers of its config. No rule looks at a switch such as `causal` to find the fault: it
has to show in the numbers. Two faults need a look at the model itself, since a loss that is too good hides what it was
measured on; `run_facts.leak_check` asks the saved model for the token after the end of a window, where nothing can be
seen.

Every rule is a function of the facts that states its thresholds; `diagnose` decides which finding comes first.
All losses are nats per token.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from engine.language import N_, _
from engine.remedies import (
    USUAL_RATES,
    Remedy,
    faster,
    gentler,
    honest,
    longer,
    more_text,
    restored,
    stop_at,
    warmer,
)
from engine.run_facts import (
    MIN_EVALUATIONS,
    MIN_STEPS,
    RunFacts,
    largest_climb,
    longest_row,
    mean_training_loss,
    turning_point,
)

if TYPE_CHECKING:
    from engine.runs.config import RunConfig

Severity = Literal["fine", "note", "warning", "fault"]

HEALTHY = "healthy"
TOO_EARLY = N_("too early")
RATE_TOO_HIGH = N_("rate too high")
RATE_TOO_LOW = N_("rate too low")
NO_WARMUP = N_("no warmup")
OVERFITTING = "overfitting"
UNDER_TRAINED = "under-trained"
DATA_TOO_SMALL = N_("data too small")
STALLED = "stalled"
MASK_OFF = N_("mask off")
UNSHIFTED = "unshifted"
LEAK = "leak"

TITLES = {
    HEALTHY: N_("This curve is normal"),
    TOO_EARLY: N_("Too early to say"),
    RATE_TOO_HIGH: N_("The learning rate is too high"),
    RATE_TOO_LOW: N_("The learning rate is too low"),
    NO_WARMUP: N_("The learning rate had no warmup"),
    OVERFITTING: N_("It learns its text by heart"),
    UNDER_TRAINED: N_("It was stopped too soon"),
    DATA_TOO_SMALL: N_("The text is too small for this model"),
    STALLED: N_("It is stuck where counting words begins"),
    MASK_OFF: N_("It can see the answer: the causal mask is off"),
    UNSHIFTED: N_("It is asked for what it reads: targets are not shifted"),
    LEAK: N_("The loss is lower than it can be"),
}


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


def rate_too_high(facts: RunFacts) -> Finding | None:
    """Steps so long that they undo each other. One of these:

    - the run ended because its loss or gradient was not a number any more;
    - the training loss, smoothed, climbs by 0.6 nats or more above where it was before, and by more than 6 standard
      errors of its noise;
    - an update moves the layers by a tenth of their length or more (median over layers, largest over the run), and the
      validation loss ends above the bigram baseline.
    """
    size = facts.update_size()
    moved = (
        _(" One update moved the layers by up to {size:.1%} of their length; 0.1 % to 5 % is usual.", size=size)
        if size
        else ""
    )
    training = facts.config.training
    rates = f"{training.learning_rate:g}"
    if training.optimizer == "muon":
        rates += _(" (matrices: {matrix_learning_rate:g})", matrix_learning_rate=training.matrix_learning_rate)
    if facts.has_diverged:
        start = int(facts.steps[max(0, len(facts.steps) - 20)]) if len(facts.steps) else 0
        text = _(
            "After step {last_step:,} the loss was not a number any more, at a learning rate of {rates}.",
            last_step=facts.last_step,
            rates=rates,
        )
        return _finding(facts, RATE_TOO_HIGH, text + moved, (start, facts.last_step), "fault", gentler)
    climb = largest_climb(facts)
    if climb is not None:
        low, high, first, last = climb
        text = _(
            "The training loss climbed from {low:.2f} to {high:.2f} between steps {first:,} and {last:,}, at a "
            "learning rate of {rates}: updates overshoot and undo each other.",
            low=low,
            high=high,
            first=first,
            last=last,
            rates=rates,
        )
        return _finding(facts, RATE_TOO_HIGH, text + moved, (first, last), "fault", gentler)
    if size is not None and size >= 0.1 and facts.final_loss > facts.baselines.get("bigram", math.inf):
        text = _(
            "The loss ends at {final_loss:.2f}, above what counting pairs of words reaches "
            "({bigram:.2f}), at a learning rate of {rates}.",
            final_loss=facts.final_loss,
            bigram=facts.baselines["bigram"],
            rates=rates,
        )
        return _finding(facts, RATE_TOO_HIGH, text + moved, (facts.last_step // 2, facts.last_step), "fault", gentler)
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
    climb = largest_climb(facts)
    if climb is not None and climb[2] <= facts.total_steps // 5:
        low, high, first, last = climb
        text = _(
            "The loss climbed from {low:.2f} to {high:.2f} between steps {first:,} and {last:,}",
            low=low,
            high=high,
            first=first,
            last=last,
        )
    else:
        later = float(np.nanmedian(facts.gradient_norms[~early])) if (~early).any() else math.inf
        longest = float(np.nanmax(facts.gradient_norms[early]))
        if not longest > 5 * later:
            return None
        at = int(facts.steps[early][np.nanargmax(facts.gradient_norms[early])])
        first, last = 1, max(at, 10)
        text = _(
            "At step {at:,} the gradient was {longest:.1f} long, {longest_2:.0f} times its later length",
            at=at,
            longest=longest,
            longest_2=longest / later,
        )
    text += _(
        ": the learning rate had its full height from the first step, when every weight is still random and the "
        "optimizer's averages know nothing."
    )
    return _finding(facts, NO_WARMUP, text, (first, last), "fault", warmer)


def rate_too_low(facts: RunFacts) -> Finding | None:
    """Steps too short to get anywhere: no update moves the layers by more than 0.2 % of their length (median over the
    layers), and the validation loss ends above the bigram baseline. Without measured updates the learning rate itself
    is compared: a twentieth of the usual one or less.
    """
    if facts.final_loss <= facts.baselines.get("bigram", math.inf) or len(facts.validation) < MIN_EVALUATIONS:
        return None
    size, training = facts.update_size(), facts.config.training
    usual, usual_matrix = USUAL_RATES[training.optimizer]
    share = training.learning_rate / usual
    if training.optimizer == "muon":
        share = max(share, training.matrix_learning_rate / usual_matrix)
    if share > 0.05 if size is None else size > 2e-3:
        return None
    moved = (
        _("No update moved the layers by more than {size:.2%} of their length", size=size) if size is not None else ""
    )
    moved = moved or _(
        "The learning rate, {learning_rate:g}, is {share:.0%} of what such models stand",
        learning_rate=training.learning_rate,
        share=share,
    )
    text = _(
        "{moved}, and in {last_step:,} steps the loss came down from {validation:.2f} to only {final_loss:.2f}.",
        moved=moved,
        last_step=facts.last_step,
        validation=facts.validation[0],
        final_loss=facts.final_loss,
    )
    return _finding(facts, RATE_TOO_LOW, text, (0, facts.last_step), "fault", faster)


def overfitting(facts: RunFacts) -> Finding | None:
    """The validation loss turned: after its lowest point it rises by 3 % or more (and 0.05 nats), or by 0.02 nats or
    more when the training loss ends a whole nat below it; and the training loss at the end is lower than it was at
    that point. The stretch begins at the turn.
    """
    turn = turning_point(facts)
    if turn is None:
        return None
    step, lowest, train_then, train_now = turn
    read = _(" The text was read {passes:.1f} times.", passes=facts.passes) if facts.passes is not None else ""
    text = _(
        "After step {step:,} the validation loss rose from {lowest:.2f} to {final_loss:.2f}, while the training "
        "loss went on from {train_then:.2f} to {train_now:.2f}.{read}",
        step=step,
        lowest=lowest,
        final_loss=facts.final_loss,
        train_then=train_then,
        train_now=train_now,
        read=read,
    )
    return _finding(facts, OVERFITTING, text, (step, facts.last_step), "fault", stop_at(step))


def data_too_small(facts: RunFacts) -> Finding | None:
    """The model has more than ten numbers for every token of its text, and it shows: the validation loss turned, or
    ends 0.5 nats or more above the training loss after 4 or more passes over the text. Silent where the length of the
    text is not known.
    """
    if facts.text_tokens is None or facts.passes is None or not len(facts.validation):
        return None
    parameters = facts.config.model.n_parameters
    gap = facts.final_loss - mean_training_loss(facts, len(facts.steps))
    if parameters <= 10 * facts.text_tokens or (turning_point(facts) is None and (gap < 0.5 or facts.passes < 4)):
        return None
    text = _(
        "The text has about {text_tokens:,} tokens, the model {parameters:,} numbers to remember them with, and "
        "it has read everything {passes:.0f} times: training loss {final_loss:.2f}, validation loss "
        "{final_loss_2:.2f}.",
        text_tokens=facts.text_tokens,
        parameters=parameters,
        passes=facts.passes,
        final_loss=facts.final_loss - gap,
        final_loss_2=facts.final_loss,
    )
    turn = turning_point(facts)
    return _finding(facts, DATA_TOO_SMALL, text, (turn[0] if turn else 0, facts.last_step), "fault", more_text)


def stalled(facts: RunFacts) -> Finding | None:
    """It knows how frequent tokens are, and for long no more. With g the distance from the unigram to the bigram
    baseline: the validation loss stays within 0.15 g of the unigram baseline for 60 steps or more and 40 % or more of
    the run, and ends above the bigram baseline.
    """
    unigram, bigram = facts.baselines.get("unigram"), facts.baselines.get("bigram")
    if unigram is None or bigram is None or not facts.final_loss > bigram:
        return None
    near = np.abs(facts.validation - unigram) <= 0.15 * (unigram - bigram)
    first, last = longest_row(facts.evaluated, near)
    if last - first < max(60, 0.4 * facts.last_step):
        return None
    text = _(
        "For {last:,} steps the loss stayed near {unigram:.2f}, which is what knowing the frequency of each "
        "token gives, and it ends at {final_loss:.2f}. Knowing which token follows which would give "
        "{bigram:.2f}: too little of the context reaches the output.",
        last=last - first,
        unigram=unigram,
        final_loss=facts.final_loss,
        bigram=bigram,
    )
    return _finding(facts, STALLED, text, (first, last), "fault", restored)


def under_trained(facts: RunFacts) -> Finding | None:
    """It was still learning fast: the validation loss ends above the bigram baseline, by 15 % or more of the way from
    there to the unigram baseline, and fell by 0.1 nats or more over the last half of the steps.
    """
    unigram, bigram = facts.baselines.get("unigram"), facts.baselines.get("bigram")
    if unigram is None or bigram is None or not facts.final_loss > bigram + 0.15 * (unigram - bigram):
        return None
    start = facts.last_step // 2
    fell = float(np.interp(start, facts.evaluated, facts.validation)) - facts.final_loss
    if not fell >= 0.1:
        return None
    text = _(
        "The loss was still falling, by {fell:.2f} in the last half of its {last_step:,} steps, and is "
        "{final_loss:.2f}: more than what counting pairs of words gives ({bigram:.2f}).",
        fell=fell,
        last_step=facts.last_step,
        final_loss=facts.final_loss,
        bigram=bigram,
    )
    return _finding(facts, UNDER_TRAINED, text, (start, facts.last_step), "warning", longer)


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
    final = facts.final_loss
    betrayed = check is not None and check.loss >= max(2 * final, final + 1)
    if reported >= (trigram if betrayed else 0.4 * trigram):
        return None
    if check is not None and not betrayed:
        return None
    below = np.flatnonzero(facts.validation < trigram)
    first = int(facts.evaluated[below[0]])
    text = _(
        "A loss of {reported:.2f} is far below what counting triples of tokens reaches ({trigram:.2f}).",
        reported=reported,
        trigram=trigram,
    )
    if check is None:
        text += _(" Either it sees the tokens it must predict, or it is asked for those it reads.")
        return _finding(facts, LEAK, text, (first, facts.last_step), "fault", honest)
    text += _(" At the last position, where the next token cannot be seen, its loss is {loss:.2f}.", loss=check.loss)
    if check.copied >= 0.5:
        text += _(" It gives {copied:.0%} to repeating the token that it has just read.", copied=check.copied)
        return _finding(facts, UNSHIFTED, text, (first, facts.last_step), "fault", honest)
    text += _(
        " It does not merely repeat what it reads ({copied:.0%}): it looks at later positions.", copied=check.copied
    )
    return _finding(facts, MASK_OFF, text, (first, facts.last_step), "fault", honest)


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
    if short and not facts.has_diverged:
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
    text = _(
        "{last_step:,} of {total_steps:,} steps and {n_validation} evaluations are recorded. "
        "Nothing alarming so far; a curve shows what is wrong with it when the learning rate has been up and down.",
        last_step=facts.last_step,
        total_steps=facts.total_steps,
        n_validation=len(facts.validation),
    )
    return Finding(TOO_EARLY, TITLES[TOO_EARLY], text, (0, facts.last_step), "note")


def _healthy(facts: RunFacts) -> Finding:
    beaten = [
        name for name in ("unigram", "bigram", "trigram") if facts.final_loss < facts.baselines.get(name, -math.inf)
    ]
    text = _(
        "The validation loss fell from {validation:.2f} to {final_loss:.2f}",
        validation=facts.validation[0],
        final_loss=facts.final_loss,
    )
    if beaten:
        text += _(
            ", below the {beaten} baseline ({baselines:.2f})", beaten=beaten[-1], baselines=facts.baselines[beaten[-1]]
        )
    gap = facts.final_loss - mean_training_loss(facts, len(facts.steps))
    text += _(", without a climb or a turn. Validation and training loss end {gap:.2f} apart.", gap=abs(gap))
    size = facts.update_size()
    if size is not None:
        text += _(" The largest updates moved the layers by {size:.1%} of their length.", size=size)
    return Finding(HEALTHY, TITLES[HEALTHY], text, (0, facts.last_step), "fine")


def _finding(
    facts: RunFacts, kind: str, sentence: str, stretch: tuple[int, int], severity: Severity, remedy: Remedy
) -> Finding:
    advice, config = remedy(facts)
    if config is not None and config == facts.config:
        config = None
    return Finding(kind, TITLES[kind], sentence, stretch, severity, advice, config)
