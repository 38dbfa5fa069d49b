"""Where the app keeps what it makes: one data folder, and a few addresses that may point elsewhere.

Read from the environment once, then passed on as a value, so that a worker process, a test and a page can each
be given their own.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import platformdirs

from engine.errors import ConfigError
from engine.language import _

DEVICES = ("auto", "cpu", "cuda")
MIN_KEY = 12
_LIMITS = {
    "runs_per_learner": "LLM_LAB_RUNS_PER_LEARNER",
    "seconds_per_run": "LLM_LAB_SECONDS_PER_RUN",
    "seconds_per_hour": "LLM_LAB_SECONDS_PER_HOUR",
    "max_sessions": "LLM_LAB_MAX_SESSIONS",
}


def current() -> Settings:
    """The settings in the environment, as `Settings.from_environment` reads them (ConfigError as there), but once."""
    return _read(tuple(pair for pair in os.environ.items() if pair[0].startswith("LLM_LAB_")))


@lru_cache(maxsize=16)
def _read(environment: tuple[tuple[str, str], ...]) -> Settings:
    return Settings.from_environment(dict(environment))


@dataclass(frozen=True)
class Settings:
    """`home` holds everything by default; `store` is a SQLAlchemy URL, `artifacts` an fsspec URL or folder.

    `scheduler` is the address of a Dask scheduler ("tcp://host:8786"), or None for a cluster of our own. `serve`
    says whether the app starts the training service itself, `workers` how many runs it trains at once (None: one less
    than there are cores), `device` where they compute: "auto" (a GPU if there is one), "cpu" or "cuda".

    A `teacher_key` makes it a class: learners then have runs of their own, at most `runs_per_learner` that wait or
    train, each of at most `seconds_per_run`, and `seconds_per_hour` in all.

    `max_sessions`: how many tabs may be open at once; who comes later is asked to try again.
    """

    home: Path
    store: str
    artifacts: str
    scheduler: str | None = None
    serve: bool = True
    workers: int | None = None
    device: str = "auto"
    teacher_key: str = dataclasses.field(default="", repr=False)
    runs_per_learner: int = 12
    seconds_per_run: int = 900
    seconds_per_hour: int = 1800
    max_sessions: int = 300

    @property
    def in_class(self) -> bool:
        """Whether this is a class, where runs belong to learners."""
        return bool(self.teacher_key)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """LLM_LAB_HOME, _STORE, _ARTIFACTS, _SCHEDULER, _SERVE ("0" for no), _WORKERS, _DEVICE, _TEACHER_KEY,
        _RUNS_PER_LEARNER, _SECONDS_PER_RUN, _SECONDS_PER_HOUR and _MAX_SESSIONS, all optional.

        Raises ConfigError for a number that is none, an unknown device, or a key that could be guessed.
        """
        env = os.environ if environment is None else environment
        named = env.get("LLM_LAB_HOME")
        home = Path(named).expanduser() if named else Path(platformdirs.user_data_dir("llm-lessons", False))
        return cls.at(
            home,
            store=env.get("LLM_LAB_STORE") or None,
            artifacts=env.get("LLM_LAB_ARTIFACTS") or None,
            scheduler=env.get("LLM_LAB_SCHEDULER") or None,
            serve=env.get("LLM_LAB_SERVE", "1") != "0",
            workers=_whole_number("LLM_LAB_WORKERS", env.get("LLM_LAB_WORKERS")),
            device=env.get("LLM_LAB_DEVICE") or "auto",
            teacher_key=env.get("LLM_LAB_TEACHER_KEY", "").strip(),
            **{
                name: _whole_number(variable, env[variable], most=1_000_000)
                for name, variable in _LIMITS.items()
                if env.get(variable)
            },
        )

    @classmethod
    def at(
        cls,
        home: Path,
        *,
        store: str | None = None,
        artifacts: str | None = None,
        scheduler: str | None = None,
        serve: bool = True,
        workers: int | None = None,
        device: str = "auto",
        teacher_key: str = "",
        **limits: Any,
    ) -> Settings:
        """Everything under one folder, except what is named."""
        if teacher_key and len(teacher_key) < MIN_KEY:
            raise ConfigError(
                _(
                    "LLM_LAB_TEACHER_KEY must have at least {min_key} characters, so that nobody guesses it.",
                    min_key=MIN_KEY,
                )
            )
        if device not in DEVICES:
            raise ConfigError(
                _("LLM_LAB_DEVICE ({device!r}) must be one of {join}.", device=device, join=", ".join(DEVICES))
            )
        home = home.absolute()
        return cls(
            home=home,
            store=store or f"sqlite:///{(home / 'runs.sqlite').as_posix()}",
            artifacts=artifacts or str(home / "artifacts"),
            scheduler=scheduler,
            serve=serve,
            workers=workers,
            device=device,
            teacher_key=teacher_key,
            **limits,
        )

    def as_environment(self) -> dict[str, str]:
        """The variables from which `from_environment` makes these settings again, for a child process."""
        variables = {
            "LLM_LAB_HOME": str(self.home),
            "LLM_LAB_STORE": self.store,
            "LLM_LAB_ARTIFACTS": self.artifacts,
            "LLM_LAB_SERVE": "1" if self.serve else "0",
        }
        if self.scheduler:
            variables["LLM_LAB_SCHEDULER"] = self.scheduler
        if self.workers:
            variables["LLM_LAB_WORKERS"] = str(self.workers)
        if self.device != "auto":
            variables["LLM_LAB_DEVICE"] = self.device
        return variables


def _whole_number(name: str, text: str | None, most: int = 1024) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise ConfigError(
            _("{name} ({text!r}) must be a whole number from 1 to {most}.", name=name, text=text, most=most)
        )
    return int(text)


def app_folder() -> Path:
    """Where app.py lies: beside the engine in a checkout, inside it when installed from a wheel."""
    engine = Path(__file__).resolve().parent
    return engine.parent if (engine.parent / "app.py").exists() else engine / "_app"
