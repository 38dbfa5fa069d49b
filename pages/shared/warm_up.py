"""What the first visitor of a lesson would wait for, done while a class is still arriving."""

from __future__ import annotations

import logging
import pkgutil
import threading
from importlib import import_module

from engine.corpus import list_corpora, load_corpus
from engine.errors import EngineError
from engine.tokenizer import OFFICIAL_ENCODINGS, official_encoding
from pages.shared.viewer import in_class

_LIBRARIES = ("sklearn.model_selection", "scipy.optimize")
"""What the lessons that classify and fit laws import: a second or two, in which no page is drawn."""
_log = logging.getLogger("llm_lessons.pages")


def begin() -> None:
    """In a class, imports all parts of the lessons and large libraries and reads the texts in the background; a single
    learner waits for what they open.
    """
    if in_class():
        threading.Thread(target=_prepare, name="warm-up", daemon=True).start()


def _prepare() -> None:
    from pages import parts

    of_the_parts = [found.name for found in pkgutil.walk_packages(parts.__path__, f"{parts.__name__}.")]
    for name in (*_LIBRARIES, *of_the_parts):
        import_module(name)
    texts = [info.name for info in list_corpora() if info.available]
    for read, names in ((official_encoding, OFFICIAL_ENCODINGS), (load_corpus, texts)):
        for name in names:
            try:
                read(name)
            except (EngineError, OSError):
                _log.exception("%s could not be read", name)
