"""From a run's config to what its training reads: text, tokenizer, ids, baselines.

The tokenizer is learned once for all runs that agree on text, kind and size, and kept as an artifact. It learns from
the whole text; the ids are cut afterwards, so that the validation part is the same for every tokenizer.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from engine.corpus import load_corpus, mix_corpora
from engine.errors import CorpusError, EngineError
from engine.runs.artifacts import MANIFEST, UPLOAD, ArtifactStore
from engine.runs.config import RunConfig
from engine.tokenizer import Tokenizer, load_tokenizer, train_tokenizer

MIXTURE_CHARS = 1_000_000
"""How long a mixture is whose config names no length."""

_PIECE_CHARS = 2000
_TOKENIZER_FILE = "tokenizer.json"


def read_corpora(config: RunConfig, artifacts: ArtifactStore) -> str:
    """The run's text. CorpusError when a corpus is not installed, an upload is gone, or too little is left."""
    if len(config.corpora) == 1:
        name = config.corpora[0][0]
        text = (artifacts.load_upload(name) if name.startswith(UPLOAD) else load_corpus(name))[: config.n_chars]
    else:
        text = _mixture(config, artifacts)
    if len(text) < 200:
        raise CorpusError(f"the text has only {len(text)} characters: choose or upload a longer one.")
    return text


def _mixture(config: RunConfig, artifacts: ArtifactStore) -> str:
    n_chars = config.n_chars or MIXTURE_CHARS
    named = {name: weight for name, weight in config.corpora if not name.startswith(UPLOAD)}
    uploads = {name: weight for name, weight in config.corpora if name.startswith(UPLOAD)}
    if not uploads:
        return mix_corpora(named, n_chars, config.seed)
    texts = [artifacts.load_upload(name)[: round(n_chars * weight)] for name, weight in uploads.items()]
    if named:
        texts.append(mix_corpora(named, round(n_chars * sum(named.values())), config.seed))
    return interleave(texts)


def interleave(texts: list[str], piece_chars: int = _PIECE_CHARS) -> str:
    """Texts cut into pieces at line ends and laid evenly through each other: every stretch has all of them.

    >>> interleave(["a\\nb\\n", "x\\n"], piece_chars=1)
    'a\\nx\\nb\\n'
    """
    placed = []
    for order, text in enumerate(texts):
        pieces = _pieces(text, piece_chars)
        placed += [((i + 0.5) / len(pieces), order, piece) for i, piece in enumerate(pieces)]
    return "".join(piece for _, _, piece in sorted(placed, key=lambda item: item[:2]))


def _pieces(text: str, piece_chars: int) -> list[str]:
    pieces, lines, length = [], [], 0
    for line in text.splitlines(keepends=True):
        lines.append(line)
        length += len(line)
        if length >= piece_chars:
            pieces.append("".join(lines))
            lines, length = [], 0
    if lines:
        pieces.append("".join(lines))
    return pieces


def stored_tokenizer(config: RunConfig, artifacts: ArtifactStore) -> Tokenizer | None:
    """The tokenizer that an earlier run learned for the same text; None where there is none or it is damaged."""
    name = f"tokenizers/{config.tokenizer_key}"
    if not artifacts.exists(name):
        return None
    try:
        return load_tokenizer(artifacts.get_folder(name) / _TOKENIZER_FILE)
    except (EngineError, OSError, ValueError, KeyError):
        artifacts.delete(name)  # it can be learned again
        return None


def learn_tokenizer(config: RunConfig, text: str, artifacts: ArtifactStore) -> Tokenizer:
    """Learns the tokenizer the config asks for and keeps it for others."""
    tokenizer = train_tokenizer(config.tokenizer_kind, text, config.vocab_size)
    with artifacts.staging() as folder:
        folder.mkdir(parents=True)
        tokenizer.save(folder / _TOKENIZER_FILE)
        _write_manifest(folder)
        artifacts.put_folder(folder, f"tokenizers/{config.tokenizer_key}")
    return tokenizer


def _write_manifest(folder: Path) -> None:
    names = sorted(path.name for path in folder.iterdir())
    (folder / MANIFEST).write_text(json.dumps({"files": names}), "utf-8")


def token_lengths(tokenizer: Tokenizer) -> np.ndarray:
    """How many bytes each token stands for: (V,) int64."""
    return np.array([len(tokenizer.token_bytes(id)) for id in range(tokenizer.n_vocab)], dtype=np.int64)
