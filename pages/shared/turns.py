"""Pages are drawn a few at a time: of thirty that are drawn at once under Python's one lock none comes to its end.

Who waits here has what was on the screen before, and gets a whole page sooner than if all were drawn together.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

AT_ONCE = 2
PATIENCE = 2.0
"""Seconds after which a page is drawn without a turn: better slowly than not at all."""
CLICK, CLOCK = 0, 1
"""Who asked for what is drawn: a learner, who comes first, or the clock of a panel that draws itself again."""


class Turns:
    """So many threads at a time, in the order in which they asked, clicks before clocks. Safe to share between them."""

    def __init__(self, at_once: int, patience: float = PATIENCE) -> None:
        self._free, self._patience = at_once, patience
        self._queue: list[tuple[int, int, threading.Event]] = []  # who asked, a number that grows, and what wakes them
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._mine = threading.local()

    @contextmanager
    def one(self, asker: int = CLICK) -> Iterator[None]:
        """Runs the block when it is this thread's turn; within a turn at once."""
        if self._held:
            yield
            return
        self._take(asker)
        try:
            yield
        finally:
            self._give_back()

    @contextmanager
    def given_back(self) -> Iterator[None]:
        """Lets others have this thread's turn while the block waits for something; then it asks for one again."""
        held = self._held
        self._give_back()
        try:
            yield
        finally:
            if held:
                self._take(CLICK)

    @property
    def _held(self) -> bool:
        return getattr(self._mine, "held", False)

    def _take(self, asker: int) -> None:
        me = (asker, next(self._numbers), threading.Event())
        with self._lock:
            if self._free:
                self._free -= 1
                self._mine.held = True
                return
            heapq.heappush(self._queue, me)
        me[2].wait(self._patience)
        with self._lock:
            self._mine.held = me[2].is_set()
            if not self._mine.held:
                self._queue.remove(me)
                heapq.heapify(self._queue)

    def _give_back(self) -> None:
        if not self._held:
            return
        self._mine.held = False
        with self._lock:
            if self._queue:
                heapq.heappop(self._queue)[2].set()
            else:
                self._free += 1


PAGES = Turns(AT_ONCE)
"""Everything that is drawn in this process."""
