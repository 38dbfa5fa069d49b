"""What checks share: a check that cannot fail loudly, and text of learners made plain for markdown."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable
from typing import ParamSpec

from engine.errors import EngineError
from engine.language import _
from pages.shared.errors import sentence
from pages.shared.guide import Outcome

_log = logging.getLogger("llm_lessons.pages")
_P = ParamSpec("_P")
_MARKS = re.compile(r"([\\`*_\[\]$<>~:#|!])")


def safe(check: Callable[_P, Outcome]) -> Callable[_P, Outcome]:
    """The check, which says what is wrong where it would have raised."""

    @functools.wraps(check)
    def checked(*args: _P.args, **named: _P.kwargs) -> Outcome:
        try:
            return check(*args, **named)
        except EngineError as error:
            return Outcome(False, plain(sentence(error), 300))
        except Exception:  # facts of an earlier version in the session, a run deleted meanwhile
            _log.exception("the check %s failed", check.__name__)
            return Outcome(False, _("This could not be looked at. Do the step once more, then check again."))

    return checked


def plain(text: str, most: int = 60) -> str:
    r"""Text of learners as it stands, with nothing in it that markdown would read; shortened.

    >>> plain("*a* $b$")
    '\\*a\\* \\$b\\$'
    """
    line = " ".join(text.split())
    return _MARKS.sub(r"\\\1", line if len(line) <= most else line[:most] + "…")
