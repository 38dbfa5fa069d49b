"""What steps are checked against: runs of the learner, and what pages said that they show (`guide.tell`)."""

from __future__ import annotations

import difflib

from engine.runs import states
from engine.runs.records import RunRecord
from pages.shared import guide
from pages.shared.examples import example_foundation, example_run
from pages.shared.guide import Outcome
from pages.shared.viewer import lab


def own_runs(job: str = "pretraining") -> list[RunRecord]:
    """The finished runs of a kind that this learner sees, without those that ship with the course."""
    shipped = {example_foundation(), example_run()}
    return [run for run in lab().runs(job) if run.state == states.FINISHED and run.run_id not in shipped]


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
        return Outcome(False, f"No finished run of yours trained for {seconds:.0f} seconds or less: start one.")
    gap, run, line = best
    told = (
        f"Your best run of that length reached {run.validation_loss:.2f} after {run.seconds:.0f} s; "
        f"the trigram line of its text is at {line:.2f}."
    )
    return Outcome(gap < 0, told if gap < 0 else f"{told} {gap:.2f} are missing: change something and train again.")


def head_with(label: str, least: float = 0.4) -> Outcome:
    """Whether the head that is chosen in “What is this head doing?” has this habit."""
    heads = guide.told("head")
    if not heads:
        return Outcome(False, "Open “What is this head doing?” and choose a head there.")
    last = heads[-1]
    layer, head = (number + 1 for number in last["place"])
    told = f"Head {head} of layer {layer} is labelled “{last['label']}” with {last['score']:.2f}"
    done = last["label"] == label and last["score"] >= least
    return Outcome(done, f"{told}." if done else f"{told}; look for “{label}” with at least {least:.2f}.")


def one_word_flip() -> Outcome:
    """Whether two messages that differ in one word were called differently by the same classifier."""
    messages = guide.told("message")
    for i, first in enumerate(messages):
        for second in messages[i + 1 :]:
            apart = words_apart(first["text"], second["text"])
            if first["classifier"] == second["classifier"] and first["label"] != second["label"] and apart == 1:
                return Outcome(True, f"One word turned it from “{first['label']}” into “{second['label']}”.")
    if len(messages) < 2:
        return Outcome(False, "Type a message in “One message”, then change one word of it.")
    return Outcome(False, "None of your last messages was turned by one word. Take away what occlusion marks most.")


def words_apart(first: str, second: str) -> int:
    """How many words have to be added, taken away or replaced to make one text the other.

    >>> words_apart("win a prize", "win a price"), words_apart("win a prize", "win prize now")
    (1, 2)
    """
    changes = difflib.SequenceMatcher(None, first.split(), second.split(), autojunk=False).get_opcodes()
    return sum(max(i2 - i1, j2 - j1) for kind, i1, i2, j1, j2 in changes if kind != "equal")


def finished_run(job: str, what: str) -> Outcome:
    """Whether the learner has a finished run of a kind; `what` names it."""
    runs = own_runs(job)
    if not runs:
        return Outcome(False, f"There is no finished {what} of yours yet.")
    return Outcome(True, f"“{runs[0].label or runs[0].run_id}” is finished, after {runs[0].step:,} steps.")
