"""From a long row of token ids to training examples: windows x and the same windows one token later, y.

The target of every position is the token that follows it, so one window of T tokens holds T examples.
Everything is index arithmetic on one array: nothing is copied until a batch is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.errors import ConfigError
from engine.language import N_, _


def sliding_windows(ids: np.ndarray, context_length: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets, (N, T) int64 each; window n starts at n · stride. Both are read-only views.

    >>> sliding_windows(np.arange(6), context_length=3, stride=2)[0].tolist()
    [[0, 1, 2], [2, 3, 4]]

    Raises ConfigError for a stride below 1 or fewer than T + 1 ids.
    """
    if stride < 1:
        raise ConfigError(_("the stride ({stride}) must be at least 1: the window has to move.", stride=stride))
    ids = np.asarray(ids, dtype=np.int64)
    _require(len(ids), context_length)
    views = np.lib.stride_tricks.sliding_window_view(ids, context_length + 1)[::stride]  # (N, T + 1)
    return views[:, :-1], views[:, 1:]


def count_windows(n_ids: int, context_length: int, stride: int) -> int:
    """How many windows `sliding_windows` makes of so many ids; 0 where not even one fits.

    >>> count_windows(6, context_length=3, stride=2)
    2
    """
    if stride < 1 or context_length < 1:
        raise ConfigError(
            _(
                "context_length ({context_length}) and stride ({stride}) must be at least 1.",
                context_length=context_length,
                stride=stride,
            )
        )
    return max(0, (n_ids - context_length - 1) // stride + 1)


def times_seen(n_ids: int, context_length: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """In how many windows each id is an input, and in how many a target: (N,) int64 each.

    A window adds 1 over a stretch, so it is enough to note where each one begins and ends, and to add up: N steps,
    however much the windows overlap.

    >>> [counts.tolist() for counts in times_seen(6, context_length=3, stride=2)]
    [[1, 1, 2, 1, 1, 0], [0, 1, 1, 2, 1, 1]]

    Raises ConfigError for a stride or a context below 1.
    """
    starts = np.arange(count_windows(n_ids, context_length, stride)) * stride
    changes = np.zeros(n_ids + 1, dtype=np.int64)
    changes[starts] += 1  # every window begins somewhere else, and ends somewhere else
    changes[starts + context_length] -= 1
    inputs = np.cumsum(changes)[:n_ids]
    return inputs, np.concatenate(([0], inputs))[:n_ids]  # what is an input here is a target one place on


def split_ids(ids: np.ndarray, validation_fraction: float) -> tuple[np.ndarray, np.ndarray]:
    """Cut the row once: the first part trains, the last `validation_fraction` validates, so no window is in both."""
    if not 0 < validation_fraction < 1:
        raise ConfigError(
            _(
                "the validation share ({validation_fraction}) must lie between 0 and 1.",
                validation_fraction=validation_fraction,
            )
        )
    cut = round(len(ids) * (1 - validation_fraction))
    return ids[:cut], ids[cut:]


def evaluation_windows(ids: np.ndarray, context_length: int, max_tokens: int | None = None) -> tuple[Tensor, Tensor]:
    """Fixed windows for measuring a loss: no overlap; with `max_tokens` an evenly spaced part of them.

    Returns inputs and targets, (N, T) int64.
    """
    _require(len(ids), context_length, _("the part kept aside for validation"))
    inputs, targets = sliding_windows(ids, context_length, context_length)
    if max_tokens is not None and len(inputs) * context_length > max_tokens:
        n = max(1, max_tokens // context_length)
        keep = np.linspace(0, len(inputs) - 1, n).round().astype(np.int64)
        inputs, targets = inputs[keep], targets[keep]
    return torch.from_numpy(inputs.copy()), torch.from_numpy(targets.copy())


class WindowSampler:
    """Batches of windows in random order, every window once an epoch.

    `batch(step)` depends on the step and the seed alone, so a resumed run needs no saved position and a learner
    can ask which text step n saw. Each epoch shifts where windows begin, so that cuts fall elsewhere.
    """

    def __init__(self, ids: np.ndarray, context_length: int, batch_size: int, seed: int) -> None:
        if batch_size < 1:
            raise ConfigError(_("batch_size ({batch_size}) must be at least 1.", batch_size=batch_size))
        _require(len(ids), context_length)
        self.ids = torch.from_numpy(np.ascontiguousarray(ids, dtype=np.int64))
        self.context_length = context_length
        self.batch_size = batch_size
        self.seed = seed
        # One window less than fits, so that any shift below T leaves room (unless there is only one place).
        self.windows_per_epoch = max(1, (len(ids) - 1) // context_length - 1)
        self._span = torch.arange(context_length + 1)
        self._epoch = -1
        self._starts = torch.empty(0, dtype=torch.int64)

    def starts(self, step: int) -> Tensor:
        """Where the windows of this step begin in the ids: (B,) int64."""
        first = step * self.batch_size
        return torch.cat(
            [self._epoch_starts(epoch)[begin:end] for epoch, begin, end in self._pieces(first, first + self.batch_size)]
        )

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """x and y of one step, (B, T) int64 each."""
        windows = self.ids[self.starts(step)[:, None] + self._span]  # (B, T + 1)
        return windows[:, :-1], windows[:, 1:]

    def times_read(self, steps: int) -> np.ndarray:
        """How often each id was an input within the first `steps` steps: (N,) int64. ConfigError below 0.

        A window adds 1 over a stretch, so its begin and its end are noted and then added up, epoch by epoch.
        """
        if steps < 0:
            raise ConfigError(_("steps ({steps}) must be at least 0.", steps=steps))
        changes = np.zeros(len(self.ids) + 1, dtype=np.int64)
        if steps:
            for epoch, begin, end in self._pieces(0, steps * self.batch_size):
                starts = self._epoch_starts(epoch)[begin:end].numpy()
                np.add.at(changes, starts, 1)
                np.add.at(changes, starts + self.context_length, -1)
        return np.cumsum(changes)[:-1]

    def _pieces(self, first: int, last: int) -> list[tuple[int, int, int]]:
        """The stretch first…last of the endless row of windows, cut at epochs: (epoch, begin, end)."""
        n = self.windows_per_epoch
        return [
            (epoch, max(first - epoch * n, 0), min(last - epoch * n, n))
            for epoch in range(first // n, (last - 1) // n + 1)
        ]

    def _epoch_starts(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
            room = len(self.ids) - 1 - self.windows_per_epoch * self.context_length
            shift = int(torch.randint(min(room, self.context_length) + 1, (1,), generator=generator))
            order = torch.randperm(self.windows_per_epoch, generator=generator)
            self._starts = order * self.context_length + shift
            self._epoch = epoch
        return self._starts


class LengthBatches:
    """Which rows a step reads, where rows are texts of different lengths.

    `keys` holds each row's length, or a tuple of lengths. Every epoch has another order, the same for the same seed;
    within a `pool` of 16 batches those of like length come together, so that little is padding (a pool of 1 leaves them
    mixed). What is left over after the last full batch of a pool waits for the next epoch. Raises ConfigError for no
    row.
    """

    def __init__(self, keys: Sequence[Any], batch_size: int, seed: int = 0, *, pool: int = 16) -> None:
        if not len(keys):
            raise ConfigError(_("there is nothing to train on: give more texts, or allow longer ones."))
        self.keys, self.seed, self.pool = keys, seed, pool
        self.batch_size = min(batch_size, len(keys))
        self._epoch: tuple[int, list[list[int]]] = (-1, [])

    @property
    def per_epoch(self) -> int:
        """Steps of an epoch."""
        return len(self.keys) // self.batch_size

    def rows(self, step: int) -> list[int]:
        """The rows of a step, counted from 0."""
        epoch, place = divmod(step, self.per_epoch)
        if self._epoch[0] != epoch:
            self._epoch = (epoch, self._order(epoch))
        return self._epoch[1][place]

    def _order(self, epoch: int) -> list[list[int]]:
        rng = np.random.default_rng([self.seed, epoch])
        order = rng.permutation(len(self.keys)).tolist()
        size, batches = self.batch_size, []
        for start in range(0, len(order), size * self.pool):
            pool = sorted(order[start : start + size * self.pool], key=self.keys.__getitem__)
            batches += [pool[i : i + size] for i in range(0, len(pool) - size + 1, size)]
        return [batches[i] for i in rng.permutation(len(batches))]


def _require(n_ids: int, context_length: int, what: str = N_("the text")) -> None:
    if context_length < 1:
        raise ConfigError(_("context_length ({context_length}) must be at least 1.", context_length=context_length))
    if n_ids < context_length + 1:
        raise ConfigError(
            _(
                "{what} has {n_ids} tokens, too few for one window of {context_length} and its next token: "
                "choose a longer text or a shorter context.",
                what=what,
                n_ids=n_ids,
                context_length=context_length,
            )
        )
