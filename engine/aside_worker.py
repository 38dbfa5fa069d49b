"""The process that computes what pages asked for, one call after the other.

It reads calls from standard input and answers on standard output, both pipes that only `engine.aside` holds: nothing of
this is ever in a file. When they end, so does the process. Whatever a called function prints goes to standard error.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from multiprocessing.reduction import ForkingPickler
from typing import IO, Any

from engine.language import speak
from engine.settings import Settings

OPEN = "open:"
"""What the name of an open model begins with where a run's id is expected."""
_MODELS = 6
_TEXTS = 4


@dataclass(frozen=True)
class ModelOf:
    """Names a model in the arguments of a call; the function is given the model and tokenizer themselves.

    `run_id` may also be "open:" and the name of an open model, or "model:" and the checksum of one that was kept to
    start from. `stamp` changes when a run has another model at the same step than before; `settings` say where it is.
    """

    settings: Settings
    run_id: str
    step: int
    stamp: float


@dataclass(frozen=True)
class HeldOut:
    """Names text that a model never trained on; the function is given windows of it, inputs and targets (N, T) each."""

    model: ModelOf
    n_tokens: int


@dataclass(frozen=True)
class Call:
    """A function of a module's top level and what it is called with; equal calls have equal results.

    The arguments can be compared and sent to another process: numbers, texts, tuples, frozen dataclasses, `ModelOf`
    and `HeldOut`.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...]

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.function, self.arguments))

    def __reduce__(self) -> tuple[Any, ...]:
        return Call, (self.function, self.arguments)  # without the hash, which is another one in another process

    def result(self) -> Any:
        """Computed here and now."""
        return self.function(*map(_meant, self.arguments))


def _meant(argument: Any) -> Any:
    if isinstance(argument, ModelOf):
        return model_of(argument)
    return held_out_of(argument) if isinstance(argument, HeldOut) else argument


@lru_cache(maxsize=_MODELS)
def model_of(name: ModelOf) -> Any:
    """The checkpoint that is meant, read once. CheckpointError where there is none (any more)."""
    from engine.open_models import load_open_model, models_folder
    from engine.runs.artifacts import KEPT_MODEL
    from engine.runs.instructing import load_tuned

    if name.run_id.startswith(OPEN):
        return load_open_model(models_folder(name.settings), name.run_id.removeprefix(OPEN))
    if name.run_id.startswith(KEPT_MODEL):
        return load_tuned(_service(name.settings).artifacts.kept_model(name.run_id))
    return _service(name.settings).load_model(name.run_id, name.step)


def held_out_of(name: HeldOut) -> Any:
    """The windows that are meant, the same at all steps of a run. EngineError where the run has no such text here."""
    model = name.model
    return _windows(model.settings, model.run_id, name.n_tokens)


@lru_cache(maxsize=_TEXTS)
def _windows(settings: Settings, run_id: str, n_tokens: int) -> Any:
    from engine.open_models import later_text

    if run_id.startswith(OPEN):
        return later_text(model_of(ModelOf(settings, run_id, 0, 0.0)), n_tokens)
    return _service(settings).validation_windows(run_id, n_tokens)


@lru_cache(maxsize=2)
def _service(settings: Settings) -> Any:
    from engine.runs.service import RunService

    return RunService(settings, start=False)


def main() -> None:
    """Answers calls until nobody can ask any more."""
    calls, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, and this ends with it
    import torch

    torch.set_num_threads(1)
    while (question := receive(calls)) is not None:
        try:
            send(answers, _answer(question))
        except BrokenPipeError:  # the server has gone meanwhile
            os._exit(0)


def _answer(question: bytes) -> bytes:
    """Whether it went well, and the result or the error."""
    try:
        language, call = ForkingPickler.loads(question)
        speak(lambda: str(language))
        answer: tuple[bool, Any] = (True, call.result())
    except Exception as error:
        answer = (False, error)
    try:
        return bytes(ForkingPickler.dumps(answer))
    except Exception as error:  # what cannot be sent
        return bytes(ForkingPickler.dumps((False, RuntimeError(f"{type(error).__name__}: {error}"))))


def send(pipe: IO[bytes], message: bytes) -> None:
    """Writes one message, with its length before it."""
    pipe.write(len(message).to_bytes(8, "big") + message)
    pipe.flush()


def receive(pipe: IO[bytes]) -> bytes | None:
    """Reads one message; None where the other side has ended."""
    head = pipe.read(8)
    size = int.from_bytes(head, "big")
    message = pipe.read(size) if len(head) == 8 else b""
    return message if len(head) == 8 and len(message) == size else None
