"""Titles and phrases of the page where they stand inside a sentence, or at its beginning."""

from __future__ import annotations

from typing import Any

import pandas as pd

from engine.language import SOURCE, _, language


def inside(title: str) -> str:
    """A title in the reader's language as it stands inside a sentence; acronyms and names such as GPT-2 keep theirs.

    >>> inside("Training step"), inside("BLEU of the translations")
    ('training step', 'BLEU of the translations')
    """
    text = _(title)
    first = text.partition(" ")[0]
    return text if first[1:] != first[1:].lower() else text[:1].lower() + text[1:]


def worded(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The frame with the texts of these columns, or of an index of that name, in the reader's language."""
    told: dict[str, Any] = {name: [_(each) for each in frame[name]] for name in columns if name in frame}
    frame = frame.assign(**told)
    if frame.index.name in columns:
        frame.index = pd.Index([_(each) for each in frame.index], name=frame.index.name)
    return frame


def begin(phrase: str) -> str:
    """A phrase in the reader's language with a capital first, the rest as it is.

    >>> begin("with ROUGE-L")
    'With ROUGE-L'
    """
    text = _(phrase)
    return text[:1].upper() + text[1:]


def slider_form(form: str = "%.2f") -> str:
    """How a slider writes its numbers: so in English, else as the browser does, which is all that Streamlit offers."""
    return form if language() == SOURCE else "localized"
