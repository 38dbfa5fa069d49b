"""What a trained classifier says of texts, why, and what would change its verdict.

Each function takes a checkpoint and plain values, so that another process can be asked. A text is cut to `most` tokens.
"""

from __future__ import annotations

import numpy as np

from engine.attribution import (
    Attribution,
    Flip,
    fewest_words_to_flip,
    gradient_times_input,
    occlusion,
    probabilities,
)
from engine.runs.classifying import ClassifierCheckpoint


def classify(checkpoint: ClassifierCheckpoint, texts: tuple[str, ...], most: int) -> np.ndarray:
    """Probabilities (N, K) float32 of the texts."""
    return probabilities(checkpoint.model, checkpoint.tokenizer, texts, most)


def explain(checkpoint: ClassifierCheckpoint, text: str, label: int, most: int) -> tuple[Attribution, Attribution]:
    """Which words speak for a class: by occlusion, and by gradient times input."""
    asked = checkpoint.model, checkpoint.tokenizer, text, label, most
    return occlusion(*asked), gradient_times_input(*asked)


def flip(checkpoint: ClassifierCheckpoint, text: str, most_words: int, most: int) -> Flip | None:
    """The fewest words without which the verdict is another one; None if `most_words` do not do."""
    return fewest_words_to_flip(lambda texts: classify(checkpoint, tuple(texts), most), text, most_words)
