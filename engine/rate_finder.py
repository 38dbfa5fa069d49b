"""The learning-rate range test: one short run whose rate rises, and what its losses say about a good rate.

While the rate is too small the loss stands still; then it falls, faster and faster; then the updates are too large and
it rises (Smith 2017, "Cyclical Learning Rates for Training Neural Networks"). A good rate lies where it falls fastest,
well before the minimum. The test sees a few hundred steps: it tells which rates move the model quickly now, not which
one is best after a long training, and it knows nothing of warmup and decay.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.checks import require_number, require_whole
from engine.errors import ConfigError
from engine.language import _
from engine.training import TrainingConfig

LEAST_STEPS = 20
_LEAST_FALL = 0.02  # of the first loss: less than that is noise


@dataclass(frozen=True)
class Suggestion:
    """What a range test says. rates, losses, smoothed: (n,), the record up to its end.

    steepest: the rate at which the smoothed loss falls fastest per decade; lowest: the one at which it is lowest;
    `bounded` is False where it was still falling at the end, so that higher rates should be tried too.
    """

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    steepest: float
    lowest: float
    bounded: bool

    @property
    def tenth(self) -> float:
        """A tenth of the rate with the lowest loss: that one is too near to where the loss goes up."""
        return self.lowest / 10


def range_test(training: TrainingConfig, top: float, steps: int) -> TrainingConfig:
    """The same training as a range test up to the rate `top`; with Muon both rates rise in proportion.

    ConfigError for fewer than 20 steps or a top that is not above 0.
    """
    require_whole(_("the steps of a range test"), steps, LEAST_STEPS)
    raised = with_rate(training, top)
    return dataclasses.replace(
        raised, steps=steps, seconds=None, decay="rising", warmup=0.0, final_rate=1.0, evaluations=0, prompts=()
    )


def with_rate(training: TrainingConfig, rate: float) -> TrainingConfig:
    """The same training at another learning rate; the rate of the matrices changes in proportion."""
    require_number(_("the learning rate"), rate, 0, above=True)
    if training.learning_rate <= 0:
        raise ConfigError(_("the learning rate of these settings is 0: there is nothing to change in proportion."))
    matrix_rate = training.matrix_learning_rate * rate / training.learning_rate
    return dataclasses.replace(training, learning_rate=rate, matrix_learning_rate=matrix_rate)


def smooth(losses: Sequence[float] | np.ndarray, width: float) -> np.ndarray:
    """Means weighted by a bell `width` steps wide (its standard deviation) around each step: (n,) float64.

    Around, not before: a running mean of what has been would shift the curve to higher rates.

    >>> smooth([1.0, 1.0, 1.0], 2.0).tolist()
    [1.0, 1.0, 1.0]
    """
    values = np.asarray(losses, dtype=float)
    if not len(values):
        return values
    require_number(_("the width"), width, 0, above=True)
    reach = max(1, min(len(values) - 1, round(3 * width)))
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    sums = np.convolve(np.pad(values, reach), bell, "valid")
    weights = np.convolve(np.pad(np.ones(len(values)), reach), bell, "valid")
    smoothed: np.ndarray = sums / weights
    return smoothed


def suggest(rates: Sequence[float] | np.ndarray, losses: Sequence[float] | np.ndarray) -> Suggestion:
    """What a recorded range test suggests: rates rising, (n,), and the loss of each step in nats.

    Losses that are no numbers end the record. ConfigError for fewer than 20 steps, for rates that do not rise, and for
    a loss that never falls.
    """
    steps, values = np.asarray(rates, dtype=float), np.asarray(losses, dtype=float)
    if steps.shape != values.shape or steps.ndim != 1:
        raise ConfigError(
            _("{shape} rates and {shape_2} losses do not belong together.", shape=steps.shape, shape_2=values.shape)
        )
    broken = np.flatnonzero(~np.isfinite(values))
    if len(broken):
        steps, values = steps[: broken[0]], values[: broken[0]]
    if len(values) < LEAST_STEPS:
        raise ConfigError(
            _(
                "{n_values} steps say too little about rates: let the test run for {least_steps} or more.",
                n_values=len(values),
                least_steps=LEAST_STEPS,
            )
        )
    if steps[0] <= 0 or (np.diff(steps) <= 0).any():
        raise ConfigError(_("the rates of a range test rise from step to step: choose the record of such a test."))
    width = max(2.0, len(values) / 40)
    smoothed = smooth(values, width)
    lowest = int(smoothed.argmin())
    if smoothed[0] - smoothed[lowest] < _LEAST_FALL * abs(smoothed[0]):
        raise ConfigError(_("the loss never fell: try higher rates, or check that the model can learn from this text."))
    slopes = np.gradient(smoothed, np.log10(steps))
    steepest = int(slopes[: lowest + 1].argmin())
    bounded = bool(values[-1] > smoothed[lowest] and lowest < len(values) - 1 - 2 * width)
    return Suggestion(steps, values, smoothed, float(steps[steepest]), float(steps[lowest]), bounded)
