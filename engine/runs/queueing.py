"""Whose turn it is: learners are served in turn, so that nobody gets a second run while others wait for their first.

Within a learner's own runs the order is that of asking. Among learners, who has fewer runs at work comes first; among
equals, who has waited longest since the last turn, and who never had one comes before all others (round robin over
users, as in fair queueing: Nagle 1987). A run that several asked for counts for the one whose turn comes first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

NOBODY = ""
"""Stands for all runs that no learner asked for, such as those of the command line: together they have one turn."""


@dataclass(frozen=True)
class Waiting:
    """A run in the queue and the learners who asked for it."""

    run_id: str
    learners: tuple[str, ...]


def fair_order(queue: Sequence[Waiting], at_work: Mapping[str, int], served: Mapping[str, float]) -> list[str]:
    """The runs in the order in which they start, out of a `queue` in the order of asking.

    at_work: how many runs of a learner train now; served: when the last one of a learner began, seconds since 1970.

    >>> queue = [Waiting("a1", ("ann",)), Waiting("a2", ("ann",)), Waiting("b1", ("bob",))]
    >>> fair_order(queue, {}, {})
    ['a1', 'b1', 'a2']
    >>> fair_order(queue, {}, {"ann": 5.0})
    ['b1', 'a1', 'a2']
    """
    turns = dict(at_work)
    last = dict(served)
    clock = max(served.values(), default=0.0)
    waiting = list(queue)
    order: list[str] = []
    while waiting:
        place, learner = min(
            ((place, learner) for place, run in enumerate(waiting) for learner in run.learners or (NOBODY,)),
            key=lambda each: (turns.get(each[1], 0), last.get(each[1], 0.0), each[0]),
        )
        clock += 1.0
        turns[learner] = turns.get(learner, 0) + 1
        last[learner] = clock
        order.append(waiting.pop(place).run_id)
    return order
