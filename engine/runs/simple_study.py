"""The simple classifiers on the labelled sets that runs are trained on: their quality on the same test texts."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

from engine.classification_metrics import Quality, quality
from engine.labelled import LabelledTexts, Split, split_labelled
from engine.runs.artifacts import ArtifactStore
from engine.runs.classifying import MOST_JUDGED, MOST_VALIDATED, read_labelled_set
from engine.settings import Settings
from engine.simple_classifiers import SIMPLE

SplitSettings = tuple[tuple[str, Any], ...]
"""Names and values for `split_labelled`, sorted by name."""


@lru_cache(maxsize=4)
def _labelled(settings: Settings, name: str) -> LabelledTexts:
    return read_labelled_set(name, ArtifactStore(settings.artifacts, settings.home / "scratch"))


@lru_cache(maxsize=16)
def _split(settings: Settings, name: str, split: SplitSettings) -> Split:
    texts = _labelled(settings, name)
    return split_labelled(texts, most_judged=MOST_JUDGED, most_validated=MOST_VALIDATED, **dict(split))


def simple_quality(settings: Settings, name: str, method: str, split: SplitSettings) -> tuple[Quality, float]:
    """The quality of a simple method (a key of `SIMPLE`) on a set's test texts, and the seconds it took to train.

    Raises CorpusError where the set cannot be read or has too few texts.
    """
    parts = _split(settings, name, split)
    began = time.perf_counter()
    said = SIMPLE[method](parts.train)
    seconds = time.perf_counter() - began
    return quality(parts.test.labels, said(parts.test.texts)), seconds
