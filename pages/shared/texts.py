"""The text behind a name: a corpus or an upload, read once for everybody."""

from __future__ import annotations

import streamlit as st

from engine.corpus import load_corpus
from engine.language import N_
from engine.runs.artifacts import UPLOAD
from pages.shared.viewer import lab


def text_of(name: str, n_chars: int | None = None) -> str:
    """The first `n_chars` characters of a corpus, or of an upload ("upload:<sha256>"); all of them if None.

    Raises `CorpusError` (or its `CorpusUnavailable`) for a name that cannot be read.
    """
    return _read(name, str(lab().settings.home))[:n_chars]


@st.cache_resource(max_entries=16, show_spinner=N_("Reading the text …"))
def _read(name: str, home: str) -> str:
    return lab().artifacts.load_upload(name) if name.startswith(UPLOAD) else load_corpus(name)
