"""Computing beside the server: calls go to processes of their own, once for everybody who asks the same.

Pages are drawn under Python's one lock. What computes there for more than a moment holds up everybody's clicks; here it
waits in a queue, may be looked at again and again, and is dropped when nobody wants it any more. What was computed is
kept, up to a limit of memory.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from engine.aside_worker import Call, receive, send
from engine.errors import EngineError
from engine.language import _, language

PROJECT = Path(__file__).resolve().parents[1]
KEPT_BYTES = 256 * 2**20
WANTED_SECONDS = 20.0
"""A call that waits and was not asked for within this time is dropped: who asked has gone elsewhere."""
ERROR_SECONDS = 5.0
"""For so long an error is told to whoever asks; then the call is tried again."""
_OVERHEAD = 2_000  # bytes that a small result takes in the record of calls
_ATTEMPTS = 2
_PASSED = 5.0  # a call of one second may be passed by what is asked for within so many seconds after it
_LONG = 0.5  # seconds of a call in the mean, from which on it is not quick
_NEWEST = 0.3  # weight of the newest call in the mean
_STRIDE = 0.3  # seconds by which each of many calls stands behind the one before
_log = logging.getLogger("llm_lessons.aside")


@dataclass(eq=False)
class Asked:
    """A call that was asked for: `done` when there is a result or an error."""

    call: Call
    background: bool
    quick: bool
    spoken: str
    asked_at: float
    wanted_at: float
    done: bool = False
    begun: bool = False
    begun_at: float = 0.0
    result: Any = None
    error: Exception | None = None
    done_at: float = 0.0
    size: int = _OVERHEAD
    attempts: int = 0

    def value(self) -> Any:
        """The result; raises what the call raised."""
        if self.error is not None:
            raise self.error
        return self.result


@dataclass
class Desk:
    """Takes calls and has them computed by `n_processes` processes; with none, at once by whoever asks. `n_quick` more
    take only what is known to be quick, so that it never waits for the end of something long.

    Safe to share between threads. `close` ends the processes; they also end by themselves with the process they serve.
    """

    n_processes: int
    n_quick: int = 0
    kept_bytes: int = KEPT_BYTES
    clock: Callable[[], float] = time.monotonic
    _calls: OrderedDict[Call, Asked] = field(default_factory=OrderedDict)
    _open: dict[Call, Asked] = field(default_factory=dict)  # those of them that are not done
    _took: dict[Callable[..., Any], float] = field(default_factory=dict)  # seconds of a function's calls, in the mean
    _size: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _threads: list[threading.Thread] = field(default_factory=list)
    _closed: bool = False

    def ask(self, call: Call, *, background: bool = False, quick: bool = False, place: int = 0) -> Asked:
        """The state of a call, which is begun if nobody asked for it before; one in the `background` comes after
        all that somebody waits for, one that is said to be `quick` before all others. `place` is its place among
        many that were asked for together: whoever asks for one thing meanwhile does not wait for all of these.
        """
        with self._changed:
            now = self.clock()
            asked = self._calls.get(call)
            if asked is None or (asked.error is not None and now - asked.done_at > ERROR_SECONDS):
                if asked is not None:
                    self._drop(asked)
                asked = self._calls[call] = self._open[call] = Asked(
                    call, background, quick, language(), now + place * _STRIDE, now
                )
                self._start_threads()
                self._changed.notify_all()
            asked.wanted_at = now
            asked.background, asked.quick = asked.background and background, asked.quick or quick
            self._calls.move_to_end(call)
        if self.n_processes == 0 and not asked.done:
            self._finish(asked, *_here(call))
        return asked

    def known(self, call: Call) -> Asked | None:
        """The state of a call, if somebody asked for it; this does not begin it."""
        with self._changed:
            return self._calls.get(call)

    def wait(self, asked: list[Asked], seconds: float) -> bool:
        """Whether all of these are done within so many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: all(each.done for each in asked), seconds)

    def before(self, asked: Asked) -> int:
        """How many other calls wait or are computed that come before this one."""
        with self._changed:
            return len(self._before(asked))

    def expected(self, asked: Asked) -> float:
        """Seconds until a call is done, by what such calls took so far; 0 where it is done, takes longer than they did
        or nothing is known.
        """
        with self._changed:
            own = self._took.get(asked.call.function, 0.0)
            if asked.done or not own:
                return 0.0
            if asked.begun:
                return max(0.0, own - (self.clock() - asked.begun_at))
            quick = self._is_quick(asked) and self.n_quick > 0
            ahead = [each for each in self._before(asked) if not quick or self._is_quick(each)]
            waiting = sum(self._took.get(each.call.function, 0.0) for each in ahead)
            return own + waiting / max(1, self.n_quick if quick else self.n_processes)

    def usual(self, call: Call) -> float:
        """Seconds that such calls took in the mean; 0 where there was none yet."""
        with self._changed:
            return self._took.get(call.function, 0.0)

    def _before(self, asked: Asked) -> list[Asked]:
        if asked.begun:
            return []
        others = [each for each in self._open.values() if each is not asked]
        return [each for each in others if each.begun or self._turn(each) < self._turn(asked)]

    def close(self) -> None:
        """Ends the processes when what they compute now is done; what waits is never computed."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    # --- the processes -------------------------------------------------------------------------------------

    def _start_threads(self) -> None:
        while self.n_processes and len(self._threads) < self.n_processes + self.n_quick:
            quick = len(self._threads) >= self.n_processes
            thread = threading.Thread(target=self._work, args=(quick,), name=f"aside-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self, quick: bool) -> None:
        process: _Process | None = None
        while (asked := self._next(quick)) is not None:
            starting = process is None or not process.alive
            began = self.clock()
            try:
                if process is None or starting:
                    process = _Process()
                ok, value, size = process.compute(asked.spoken, asked.call)
                if not starting:  # the first call waits for the process as well
                    self._note(asked, self.clock() - began)
            except (OSError, EOFError, psutil.Error):  # it has ended, or could not begin
                if process is not None:
                    process.end()
                process = None
                if asked.attempts < _ATTEMPTS:
                    with self._changed:
                        asked.begun = False
                        self._changed.notify_all()
                    continue
                ok, value, size = False, EngineError(_ended()), _OVERHEAD
                _log.error("the process that computed %s has ended twice", asked.call.function.__qualname__)
            except Exception as error:  # what cannot be sent to another process
                ok, value, size = False, error, _OVERHEAD
            self._finish(asked, ok, value, size)
        if process is not None:
            process.end()

    def _next(self, quick: bool) -> Asked | None:
        """The call whose turn it is, or the `quick` one, waiting for one; None when the desk is closed."""
        with self._changed:
            while not self._closed:
                now = self.clock()
                waiting = [each for each in self._open.values() if not each.begun]
                for each in waiting:
                    if now - each.wanted_at > WANTED_SECONDS:
                        self._drop(each)
                waiting = [each for each in waiting if each.call in self._open]
                if quick:
                    waiting = [each for each in waiting if self._is_quick(each)]
                if waiting:
                    asked = min(waiting, key=self._turn)
                    asked.begun, asked.begun_at = True, now
                    asked.attempts += 1
                    return asked
                self._changed.wait()
            return None

    def _is_quick(self, asked: Asked) -> bool:
        return asked.quick or self._took.get(asked.call.function, _LONG) < _LONG

    def _turn(self, asked: Asked) -> tuple[bool, bool, float]:
        """Calls come in the order in which they were asked for, but a short one passes longer ones."""
        return asked.background, not asked.quick, asked.asked_at + _PASSED * self._took.get(asked.call.function, 0.0)

    def _note(self, asked: Asked, seconds: float) -> None:
        with self._changed:
            known = self._took.get(asked.call.function, seconds)
            self._took[asked.call.function] = known + _NEWEST * (seconds - known)

    def _finish(self, asked: Asked, ok: bool, value: Any, size: int) -> None:
        with self._changed:
            asked.result, asked.error = (value, None) if ok else (None, value)
            asked.size, asked.done_at, asked.done = size + _OVERHEAD, self.clock(), True
            if self._open.pop(asked.call, None) is asked:
                self._size += asked.size
            self._forget()
            self._changed.notify_all()

    def _forget(self) -> None:
        """Lets the results go that were not asked for longest, while all take too much."""
        now = self.clock()
        while self._size > self.kept_bytes:
            asked = next(iter(self._calls.values()))
            if not asked.done or now - asked.wanted_at <= WANTED_SECONDS:
                return
            self._drop(asked)

    def _drop(self, asked: Asked) -> None:
        del self._calls[asked.call]
        if self._open.pop(asked.call, None) is None:
            self._size -= asked.size


class _Process:
    """One process that computes, at a lower priority than pages and a higher one than training."""

    def __init__(self) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "LLM_LAB_SERVE": "0"}
        self._child = subprocess.Popen(
            [sys.executable, "-c", "from engine.aside_worker import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=PROJECT,
            env=environment,
        )
        process = psutil.Process(self._child.pid)
        process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else min(19, process.nice() + 5))

    @property
    def alive(self) -> bool:
        return self._child.poll() is None

    def compute(self, spoken: str, call: Call) -> tuple[bool, Any, int]:
        """Whether it went well, the result or the error, and how many bytes it is. OSError or EOFError if the process
        has ended.
        """
        assert self._child.stdin is not None and self._child.stdout is not None
        send(self._child.stdin, bytes(ForkingPickler.dumps((spoken, call))))
        if (answer := receive(self._child.stdout)) is None:
            raise EOFError
        ok, value = ForkingPickler.loads(answer)
        return ok, value, len(answer)

    def end(self) -> None:
        for pipe in (self._child.stdin, self._child.stdout):
            assert pipe is not None
            with suppress(OSError):
                pipe.close()
        try:
            self._child.wait(5)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


def _here(call: Call) -> tuple[bool, Any, int]:
    try:
        return True, call.result(), 0
    except Exception as error:
        return False, error, 0


def _ended() -> str:
    return _(
        "The process that computed this ended twice, perhaps for want of memory: close other programs, or choose a "
        "smaller model, and try again."
    )


def default_processes() -> int:
    """Half of the cores, at least one; LLM_LAB_ASIDE says otherwise, 0 for none."""
    asked = os.environ.get("LLM_LAB_ASIDE", "")
    if asked.isdigit():
        return int(asked)
    from dask.system import CPU_COUNT

    return max(1, CPU_COUNT // 2)
