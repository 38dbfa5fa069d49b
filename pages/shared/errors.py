"""What a learner sees when something fails: the engine's own sentence, or a plain one, never a traceback."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec

import streamlit as st

from engine.errors import CorpusUnavailable, EngineError
from engine.language import N_, _, retold
from pages.shared.aside import NotYet

P = ParamSpec("P")
_log = logging.getLogger("llm_lessons.pages")


@contextmanager
def shown_errors(doing: str = N_("show this part of the page")) -> Iterator[None]:
    """Show what goes wrong inside the block and go on after it.

    An `EngineError` is shown as it stands (with the install command of a missing corpus). Anything else is logged
    with its traceback on the server, and the page says what the app was `doing`. What is still being computed gets its
    bar here. Streamlit's own control flow (rerun, stop, page switch) passes through.
    """
    try:
        yield
    except NotYet as waiting:
        waiting.show()
    except CorpusUnavailable as error:
        st.error(sentence(error), icon=":material/error:")
        st.code(error.install_hint, language="shell")
    except EngineError as error:
        st.error(sentence(error), icon=":material/error:")
    except Exception:
        _log.exception("Could not %s", doing[:])
        st.error(
            _(
                "The app could not {doing}. Nothing you trained is lost: reload the page to try again. "
                "If it happens again, the server's log says why.",
                doing=doing,
            ),
            icon=":material/error:",
        )


def said(doing: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """For a function that draws by itself again and again, as a fragment does: what fails in it is shown in its place,
    and the next time it may work.
    """

    def wrap(draw: Callable[P, None]) -> Callable[P, None]:
        @functools.wraps(draw)
        def drawn(*values: P.args, **named: P.kwargs) -> None:
            with shown_errors(doing):
                draw(*values, **named)

        return drawn

    return wrap


def sentence(error: object) -> str:
    """An error's message with a capital first, unless it begins with a name such as d_model."""
    text = retold(str(error))
    first = text.partition(" ")[0]
    return text[:1].upper() + text[1:] if first.isalpha() else text
