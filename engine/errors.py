"""One family of errors. Every message says what was wrong, with the value, and what to do next."""

from __future__ import annotations


class EngineError(Exception):
    """Base of everything the engine raises on purpose; pages show its text as it stands."""


class CorpusError(EngineError):
    """A text could not be read or made."""


class CorpusUnavailable(CorpusError):
    """A corpus whose data package is not installed; `install_hint` is the command that installs it."""

    def __init__(self, message: str, install_hint: str) -> None:
        super().__init__(message)
        self.install_hint = install_hint

    def __reduce__(self) -> tuple[type[CorpusUnavailable], tuple[str, str]]:
        return type(self), (str(self), self.install_hint)  # so that it can come from another process


class TokenizerError(EngineError):
    """A tokenizer could not be trained, loaded or applied."""


class ConfigError(EngineError):
    """A setting, or a pair of settings, that cannot work."""


class CheckpointError(EngineError):
    """A checkpoint that is missing, damaged or of another format."""


class RunError(EngineError):
    """A run that is unknown, or a request that its state does not allow."""


class StoreUnavailable(RunError):
    """The record of runs cannot be read or written now: locked, out of reach, damaged, or its disk is full.

    `passing`: whether it may work again in a while with nobody doing anything.
    """

    def __init__(self, message: str, *, passing: bool = True) -> None:
        super().__init__(message)
        self.passing = passing
