"""How often live panels may be drawn again when many look at once.

Every panel tells what one drawing costs and how often it would like to be drawn. Together they may use a part of one
processor core (pages are drawn under Python's global lock, so that one core is all there is); beyond it all of them
slow down by the same factor, and answers to clicks stay quick.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

BUDGET = 0.15
"""Share of one core for drawing live panels; sending what was drawn takes about as much again."""
FACTORS = (1, 2, 5, 10, 20)
_LOWER_AT = 0.7  # of the budget: what makes panels faster again must not be what slows them down
_GONE_AFTER = 3.0  # missed turns
_NEWEST = 0.3  # weight of the newest drawing in a panel's mean cost
_LOOK_SECONDS = 1.0


@dataclass
class _Panel:
    every: float
    seconds: float
    seen_at: float


class Pace:
    """Shared by all sessions of a process and safe to use from their threads."""

    def __init__(self, budget: float = BUDGET, clock: Callable[[], float] = time.monotonic) -> None:
        self._budget, self._clock = budget, clock
        self._panels: dict[str, _Panel] = {}
        self._factor, self._looked_at = 1, float("-inf")
        self._lock = threading.Lock()

    def drawn(self, panel: str, every: float, seconds: float) -> None:
        """Notes that a panel took `seconds` of processor time, and would like to be drawn each `every` seconds."""
        with self._lock:
            known = self._panels.get(panel)
            mean = seconds if known is None else known.seconds + _NEWEST * (seconds - known.seconds)
            self._panels[panel] = _Panel(every, mean, self._clock())

    @property
    def factor(self) -> int:
        """By how much every panel's interval is stretched now: one of `FACTORS`."""
        with self._lock:
            now = self._clock()
            if now - self._looked_at >= _LOOK_SECONDS:
                self._looked_at = now
                self._factor = self._look(now)
            return self._factor

    def _look(self, now: float) -> int:
        for name, panel in list(self._panels.items()):
            if now - panel.seen_at > _GONE_AFTER * (panel.every * self._factor + _LOOK_SECONDS):
                del self._panels[name]
        wanted = sum(panel.seconds / panel.every for panel in self._panels.values())
        for factor in FACTORS:
            limit = self._budget * (_LOWER_AT if factor < self._factor else 1.0)
            if wanted / factor <= limit + 1e-9:
                return factor
        return FACTORS[-1]
