"""The teacher's key: how one is made, and how it is compared without helping who guesses."""

from __future__ import annotations

import hmac
import secrets
import threading
import time

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another on a projector
_GROUPS, _GROUP = 4, 5


def new_teacher_key() -> str:
    """A random key of about 99 bits, in groups that can be typed.

    >>> len(new_teacher_key())
    23
    """
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))


class KeyCheck:
    """Compares keys in constant time, and at most `per_minute` of them a minute in all.

    The limit makes guessing hopeless without ever shutting the teacher out for longer than a minute.
    """

    def __init__(self, key: str, per_minute: int = 30) -> None:
        self._key, self._per_minute = key.encode(), per_minute
        self._tries: list[float] = []
        self._lock = threading.Lock()

    def seconds_to_wait(self) -> float:
        """How long until a key may be tried; 0 for now."""
        with self._lock:
            return self._wait(time.monotonic())

    def is_right(self, said: str) -> bool:
        """Whether this is the key; False as well while too many were tried."""
        now = time.monotonic()
        with self._lock:
            if self._wait(now):
                return False
            self._tries.append(now)
        return hmac.compare_digest(said.strip().encode("utf-8", "replace"), self._key)

    def _wait(self, now: float) -> float:
        self._tries = [at for at in self._tries if now - at < 60]
        return 0.0 if len(self._tries) < self._per_minute else 60 - (now - self._tries[0])
