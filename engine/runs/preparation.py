"""From a run's config to what its training reads: text, tokenizer, ids, baselines.

The tokenizer is learned once for all runs that agree on text, kind and size, and kept as an artifact. It learns from
the whole text; the ids are cut afterwards, so that the validation part is the same for every tokenizer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.corpus import load_corpus, mix_pieces
from engine.errors import ConfigError, CorpusError, EngineError
from engine.language import _
from engine.runs.artifacts import MANIFEST, UPLOAD, ArtifactStore
from engine.runs.config import RunConfig
from engine.tokenizer import END_OF_TEXT, Tokenizer, load_tokenizer, train_tokenizer
from engine.windows import evaluation_windows, split_ids

MIXTURE_CHARS = 1_000_000
"""How long a mixture is whose config names no length."""

_TOKENIZER_FILE = "tokenizer.json"
_HELD_WINDOWS = 12  # at least about so many windows of each source of a mixture are held out
_HELD_CHARS_PER_TOKEN = 5


@dataclass(frozen=True)
class RunText:
    """What a run reads. Of one source `train` is all the text, to be cut once it is tokens, and `held_out` is empty.

    Of a mixture every source gives up its last part before the rest is mixed, so that nothing that is held out can
    be drawn again in a later epoch; `held_out` holds these parts by the name of their source.
    """

    name: str
    train: str
    held_out: dict[str, str] = field(default_factory=dict)

    @property
    def everything(self) -> str:
        """All of the text, for a tokenizer to learn from."""
        return "\n".join([self.train, *self.held_out.values()])

    def encode(self, tokenizer: Tokenizer, validation_fraction: float) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The ids to train on, (N,) int64, and those to validate on, by source."""
        ids = tokenizer.encode_array(self.train, allowed_special=(END_OF_TEXT,))
        if not self.held_out:
            train_ids, validation_ids = split_ids(ids, validation_fraction)
            return train_ids, {self.name: validation_ids}
        return ids, self.encode_held_out(tokenizer, validation_fraction)

    def encode_held_out(self, tokenizer: Tokenizer, validation_fraction: float) -> dict[str, np.ndarray]:
        """The ids to validate on alone, by source; of a mixture, nothing that is trained on is read for them."""
        if not self.held_out:
            return self.encode(tokenizer, validation_fraction)[1]
        return {
            name: tokenizer.encode_array(text, allowed_special=(END_OF_TEXT,)) for name, text in self.held_out.items()
        }


def read_corpora(config: RunConfig, artifacts: ArtifactStore) -> RunText:
    """The run's text. CorpusError when a corpus is not installed, an upload is gone, or too little is left."""
    texts = {
        name: artifacts.load_upload(name) if name.startswith(UPLOAD) else load_corpus(name)
        for name, _ in config.corpora
    }
    if len(texts) == 1:
        ((name, text),) = texts.items()
        run_text = RunText(name, text[: config.n_chars])
    else:
        run_text = _mixture(config, texts)
    if len(run_text.train) < 200:
        raise CorpusError(
            _("the text has only {n_train} characters: choose or upload a longer one.", n_train=len(run_text.train))
        )
    return run_text


def _mixture(config: RunConfig, texts: dict[str, str]) -> RunText:
    n_chars = config.n_chars or MIXTURE_CHARS
    weights = dict(config.corpora)
    at_least = _HELD_WINDOWS * _HELD_CHARS_PER_TOKEN * (config.model.context_length + 1)
    heads, held_out = {}, {}
    for name, text in texts.items():
        wanted = max(round(n_chars * weights[name] * config.validation_fraction), at_least)
        cut = _cut_at_line(text, len(text) - min(wanted, len(text) // 4))
        heads[name], held_out[name] = text[:cut], text[cut:].removeprefix(END_OF_TEXT)
    n_train = n_chars - round(n_chars * config.validation_fraction)
    pieces = mix_pieces(heads, weights, n_train, config.seed)
    return RunText("mixture", "".join(piece for _, piece in pieces)[:n_train], held_out)


def _cut_at_line(text: str, place: int) -> int:
    """The start of the first line at or after `place`; `place` itself when that line is far away."""
    found = text.find("\n", place)
    return found + 1 if 0 <= found < place + 2_000 else place


def validation_windows(
    held_out: Mapping[str, np.ndarray], config: RunConfig
) -> tuple[tuple[Tensor, Tensor], dict[str, slice]]:
    """The windows whose loss is measured, (N, T) int64 each, and which of them belong to which source.

    Sources share the windows by their weights, at least four each. ConfigError for a source too short for one.
    """
    context_length, budget = config.model.context_length, config.training.validation_tokens
    weights = dict(config.corpora)
    parts: list[tuple[Tensor, Tensor]] = []
    rows: dict[str, slice] = {}
    n_windows = 0
    for name, ids in held_out.items():
        share = round(budget * weights.get(name, 1.0)) if len(held_out) > 1 else budget
        try:
            parts.append(evaluation_windows(ids, context_length, max(share, 4 * context_length)))
        except ConfigError as error:
            if len(held_out) == 1:
                raise
            raise ConfigError(
                _("{name} is too short to be part of this mixture: {error}", name=name, error=error)
            ) from None
        rows[name] = slice(n_windows, n_windows + len(parts[-1][0]))
        n_windows = rows[name].stop
    return (torch.cat([x for x, _ in parts]), torch.cat([y for _, y in parts])), rows


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
