"""How much of what a run's model writes stood in the text that it learned from."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from engine.attention_steps import known_triples
from engine.checkpoint import Checkpoint
from engine.errors import RunError
from engine.generation import SamplingConfig, generate
from engine.language import _
from engine.runs.artifacts import ArtifactStore
from engine.runs.config import RunConfig
from engine.runs.preparation import read_corpora
from engine.runs.service import RunService
from engine.settings import Settings


@lru_cache(maxsize=2)
def _read_by(settings: Settings, run_id: str) -> tuple[str, str]:
    config = RunService(settings, start=False).run(run_id).config
    if not isinstance(config, RunConfig):
        raise RunError(_("run {run_id} was not trained on windows of a text: choose a pretraining run.", run_id=run_id))
    text = read_corpora(config, ArtifactStore(settings.artifacts, settings.home / "scratch")).train
    return text, config.training.prompts[0]


def known_share(checkpoint: Checkpoint, settings: Settings, run_id: str, n_texts: int, n_tokens: int) -> float:
    """Of the three-word sequences in texts that the model writes with different dice, the share that it has read."""
    read, prompt = _read_by(settings, run_id)
    ids = checkpoint.tokenizer.encode(prompt)
    shares = []
    for seed in range(n_texts):
        sampling = SamplingConfig(temperature=0.8, top_k=50, seed=seed)  # as for the samples of a run
        steps = generate(checkpoint.model, checkpoint.tokenizer, ids, n_tokens, sampling)
        shares.append(known_triples("".join(step.text for step in steps), read))
    return float(np.mean(shares))
