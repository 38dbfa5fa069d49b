"""Pages are drawn a few at a time: of thirty that are drawn at once under Python's one lock none comes to its end.

Who waits here has what was on the screen before, and gets a whole page sooner than if all were drawn together.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

AT_ONCE = 3
PATIENCE = 2.0
"""Seconds after which a page is drawn without a turn: better slowly than not at all."""


class Turns:
    """So many threads at a time. Safe to share between them."""

    def __init__(self, at_once: int, patience: float = PATIENCE) -> None:
        self._places = threading.Semaphore(at_once)
        self._patience = patience
        self._mine = threading.local()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Runs the block when it is this thread's turn; within a turn at once."""
        if self._held:
            yield
            return
        self._take()
        try:
            yield
        finally:
            self._give_back()

    @contextmanager
    def given_back(self) -> Iterator[None]:
        """Lets others have this thread's turn while the block waits for something; then it queues again."""
        held = self._held
        self._give_back()
        try:
            yield
        finally:
            if held:
                self._take()

    @property
    def _held(self) -> bool:
        return getattr(self._mine, "held", False)

    def _take(self) -> None:
        self._mine.held = self._places.acquire(timeout=self._patience)

    def _give_back(self) -> None:
        if self._held:
            self._mine.held = False
            self._places.release()


PAGES = Turns(AT_ONCE)
