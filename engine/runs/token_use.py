"""How often a run's own text uses each token, and where the tokens lie on a map that keeps near ones near.

Each function takes a checkpoint and plain values, so that another process can be asked.
"""

from __future__ import annotations

import numpy as np

from engine import embedding
from engine.checkpoint import Checkpoint
from engine.corpus import END_OF_TEXT
from engine.errors import EngineError
from engine.runs.artifacts import ArtifactStore
from engine.runs.config import RunConfig
from engine.runs.preparation import read_corpora
from engine.runs.service import RunService
from engine.settings import Settings

Places = tuple[tuple[float, ...], ...]


def token_use(checkpoint: Checkpoint, settings: Settings, run_id: str, n_chars: int) -> np.ndarray | None:
    """How often each token occurs in the first characters of the run's training text, (V,) int64; None where that text
    cannot be read.
    """
    tokenizer = checkpoint.tokenizer
    try:
        config = RunService(settings, start=False).run(run_id).config
        if not isinstance(config, RunConfig):
            return None
        text = read_corpora(config, ArtifactStore(settings.artifacts, settings.home / "scratch")).train[:n_chars]
    except EngineError:  # the text is not on this machine
        return None
    return embedding.token_counts(tokenizer.encode_array(text, allowed_special=(END_OF_TEXT,)), tokenizer.n_vocab)


def own_kind_nearby(checkpoint: Checkpoint, ids: tuple[int, ...], kinds: tuple[int, ...], k: int) -> np.ndarray:
    """For each token the share, 0 to 1, of its `k` nearest among these that are of its kind: (n,) float."""
    vectors = embedding.token_directions(checkpoint.model, np.array(ids, dtype=np.int64))
    return embedding.same_kind_nearby(vectors, np.array(kinds), min(k, len(ids) - 1))


def arranged(checkpoint: Checkpoint, ids: tuple[int, ...], n_dims: int, frame: Places | None) -> np.ndarray:
    """Places (n, k) of some tokens by t-SNE; with a `frame`, begun from those places and turned to lie like them."""
    vectors = embedding.token_directions(checkpoint.model, np.array(ids, dtype=np.int64))
    if frame is None:
        return embedding.tsne(vectors, n_dims)
    start = np.array(frame)
    return embedding.align(embedding.tsne(vectors, n_dims, start=start), start)
