"""What steps are checked against: runs of the learner, and what pages said that they show (`guide.tell`)."""

from __future__ import annotations

import difflib

from engine.language import _
from engine.runs import states
from engine.runs.records import RunRecord
from pages.guides.outcomes import plain, safe
from pages.shared import guide
from pages.shared.examples import example_foundation, example_run, example_translator
from pages.shared.guide import Outcome
from pages.shared.viewer import lab


def own_runs(job: str = "pretraining") -> list[RunRecord]:
    """The finished runs of a kind that are this learner's (on a computer of one's own: all), without those that ship
    with the course; the newest first.
    """
    service = lab()
    shipped = {example_foundation(), example_run(), example_translator()}
    return [
        run
        for run in service.runs(job)
        if run.state == states.FINISHED
        and run.run_id not in shipped
        and (not service.limited or service.is_mine(run.run_id))
    ]


@safe
def below_trigram(seconds: float = 60.0) -> Outcome:
    """Whether a run of at most so many seconds of training beat the counting of triples on its own validation text."""
    best: tuple[float, RunRecord, float] | None = None
    for run in own_runs():
        if run.validation_loss is None or run.seconds > 1.1 * seconds:
            continue
        found = lab().events(run.run_id, kinds=["baselines"])
        if not found or not (line := found[-1].payload.get("trigram")):
            continue
        gap = run.validation_loss - line
        if best is None or gap < best[0]:
            best = (gap, run, line)
    if best is None:
        return Outcome(
            False, _("No finished run of yours trained for {seconds:.0f} seconds or less: start one.", seconds=seconds)
        )
    gap, run, line = best
    told = _(
        "Your best run of that length reached {validation_loss:.2f} after {seconds:.0f} s; "
        "the trigram line of its text is at {line:.2f}.",
        validation_loss=run.validation_loss,
        seconds=run.seconds,
        line=line,
    )
    return Outcome(
        gap < 0,
        told if gap < 0 else _("{told} {gap:.2f} are missing: change something and train again.", told=told, gap=gap),
    )


@safe
def head_with(label: str, least: float = 0.4) -> Outcome:
    """Whether the head that is chosen in “What is this head doing?” has this habit."""
    heads = guide.told("head")
    if not heads:
        return Outcome(False, _("Open “What is this head doing?” and choose a head there."))
    last = heads[-1]
    layer, head = (number + 1 for number in last["place"])
    told = _(
        "Head {head} of layer {layer} is labelled “{label}” with {score:.2f}",
        head=head,
        layer=layer,
        label=_(last["label"]),
        score=last["score"],
    )
    done = last["label"] == label and last["score"] >= least
    return Outcome(
        done,
        f"{told}."
        if done
        else _("{told}; look for “{label}” with at least {least:.2f}.", told=told, label=_(label), least=least),
    )


@safe
def one_word_flip() -> Outcome:
    """Whether two messages that differ in one word were called differently by the same classifier."""
    messages = guide.told("message")
    for i, first in enumerate(messages):
        for second in messages[i + 1 :]:
            apart = words_apart(first["text"], second["text"])
            if first["classifier"] == second["classifier"] and first["label"] != second["label"] and apart == 1:
                return Outcome(
                    True,
                    _(
                        "One word turned it from “{plain}” into “{plain_2}”.",
                        plain=plain(first["label"]),
                        plain_2=plain(second["label"]),
                    ),
                )
    if len(messages) < 2:
        return Outcome(False, _("Type a message in “One message”, then change one word of it."))
    return Outcome(False, _("None of your last messages was turned by one word. Take away what occlusion marks most."))


def words_apart(first: str, second: str) -> int:
    """How many words have to be added, taken away or replaced to make one text the other.

    >>> words_apart("win a prize", "win a price"), words_apart("win a prize", "win prize now")
    (1, 2)
    """
    changes = difflib.SequenceMatcher(None, first.split(), second.split(), autojunk=False).get_opcodes()
    return sum(max(i2 - i1, j2 - j1) for kind, i1, i2, j1, j2 in changes if kind != "equal")


@safe
def finished_run(job: str, what: str) -> Outcome:
    """Whether the learner has a finished run of a kind; `what` names it."""
    runs = own_runs(job)
    if not runs:
        return Outcome(False, _("There is no finished {what} of yours yet.", what=_(what)))
    return Outcome(
        True,
        _(
            "“{plain}” is finished, after {step:,} steps.",
            plain=plain(runs[0].label or runs[0].run_id),
            step=runs[0].step,
        ),
    )


@safe
def any_finished_run(jobs: tuple[str, ...], what: str) -> Outcome:
    """Whether the learner has a finished run of one of these kinds."""
    outcomes = [finished_run(job, what) for job in jobs]
    return next((each for each in outcomes if each.done), outcomes[-1])


@safe
def above_majority(margin: float = 0.0) -> Outcome:
    """Whether a classifier of the learner is right more often than always saying the commonest class would be."""
    best: tuple[float, float, float] | None = None
    for run in own_runs("classification"):
        found = lab().events(run.run_id, kinds=["eval"])
        if not found:
            continue
        counts = [sum(row) for row in found[-1].payload["confusion"]]
        accuracy, usual = found[-1].payload["validation_accuracy"], max(counts) / max(1, sum(counts))
        if best is None or accuracy - usual > best[0]:
            best = (accuracy - usual, accuracy, usual)
    if best is None:
        return Outcome(False, _("There is no finished classifier of yours yet: train one."))
    gap, accuracy, usual = best
    told = _(
        "Your best classifier has an accuracy of {accuracy:.1%}; always saying the commonest class has {usual:.1%}",
        accuracy=accuracy,
        usual=usual,
    )
    return Outcome(
        gap > margin, f"{told}." if gap > margin else _("{told}. Train longer, or let more of it learn.", told=told)
    )


@safe
def answers_better() -> Outcome:
    """Whether a fine-tuned model of the learner has more exact matches than when it began."""
    best: tuple[float, float, float] | None = None
    for run in own_runs("instructions"):
        found = lab().events(run.run_id, kinds=["eval"])
        if len(found) < 2:
            continue
        before, after = (each.payload["exact_match"] for each in (found[0], found[-1]))
        if best is None or after - before > best[0]:
            best = (after - before, before, after)
    if best is None:
        return Outcome(False, _("There is no finished fine-tuning of yours yet: train one."))
    told = _(
        "Exact match of your best run: {best:.0%} at its beginning, {best_2:.0%} at its end.",
        best=best[1],
        best_2=best[2],
    )
    return Outcome(best[0] > 0, told if best[0] > 0 else _("{told} Train longer, or teach a smaller set.", told=told))
