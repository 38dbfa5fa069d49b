"""Which windows of its text a run read at a step, and how often it had read each token by then.

All of it follows from config and seed, so the run's own sampler is made again. The text and its tokens stay in the
process that is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engine.errors import RunError
from engine.language import _
from engine.runs.config import RunConfig
from engine.runs.preparation import read_corpora
from engine.runs.service import RunService
from engine.settings import Settings
from engine.windows import WindowSampler

STRETCHES = 150


@dataclass(frozen=True)
class BatchRead:
    """The windows of one step: where they begin (n,), their ids (n, T), and how often their tokens had been read before
    on average (n,); and how often the text's tokens had been read after it: the mean of each `stretch` of them, and
    (times, tokens) for every number of times. `epochs`: how often the text had been read as a whole before.
    """

    starts: np.ndarray
    ids: np.ndarray
    read_before: np.ndarray
    stretch: int
    read_after: np.ndarray
    tokens_by_times: tuple[tuple[int, int], ...]
    epochs: float

    @property
    def n_tokens(self) -> int:
        """Tokens of the training text."""
        return sum(n for _times, n in self.tokens_by_times)


def batch_read(settings: Settings, run_id: str, step: int) -> BatchRead:
    """What a run read in update `step` (from 1). RunError for a run that read no windows; raises what reading the text
    raises, such as CorpusError where it is gone.
    """
    sampler, n = _sampler(settings, run_id)
    starts = np.concatenate([sampler.starts((step - 1) * n + i).numpy() for i in range(n)])
    ids = np.stack([sampler.ids[start : start + sampler.context_length].numpy() for start in starts])
    before, after = (sampler.times_read(steps) for steps in ((step - 1) * n, step * n))
    stretch = max(1, len(after) // STRETCHES)
    times, counts = np.unique(after, return_counts=True)
    return BatchRead(
        starts,
        ids,
        np.array([before[start : start + sampler.context_length].mean() for start in starts]),
        stretch,
        after[: len(after) // stretch * stretch].reshape(-1, stretch).mean(axis=1),
        tuple(zip(times.tolist(), counts.tolist(), strict=True)),
        (step - 1) * n * sampler.batch_size / sampler.windows_per_epoch,
    )


@lru_cache(maxsize=2)
def _sampler(settings: Settings, run_id: str) -> tuple[WindowSampler, int]:
    """The sampler that the run had, and how many of its batches make one update."""
    service = RunService(settings, start=False)
    config = service.run(run_id).config
    if not isinstance(config, RunConfig):
        raise RunError(_("this run did not read windows of a text: choose a pretraining run."))
    tokenizer = service.load_model(run_id).tokenizer
    ids, _unused = read_corpora(config, service.artifacts).encode(tokenizer, config.validation_fraction)
    sampler = WindowSampler(ids, config.model.context_length, config.training.batch_size, config.seed)
    return sampler, config.training.accumulation
