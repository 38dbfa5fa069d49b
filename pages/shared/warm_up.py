"""What the first visitor of a lesson would wait for, done while a class is still arriving."""

from __future__ import annotations

import logging
import threading

from engine.corpus import list_corpora, load_corpus
from engine.errors import EngineError
from pages.shared.viewer import in_class

_log = logging.getLogger("llm_lessons.pages")


def begin() -> None:
    """In a class, reads the texts in the background, one after the other; a single learner waits for what they open."""
    if in_class():
        threading.Thread(target=_read_texts, name="warm-up", daemon=True).start()


def _read_texts() -> None:
    for info in list_corpora():
        if not info.available:
            continue
        try:
            load_corpus(info.name)
        except (EngineError, OSError):
            _log.exception("the text %s could not be read", info.name)
