"""Power laws, y = C · x^(−a): straight lines on log axes, such as those of loss by size and of words by rank.

Fits are least squares of ln y, so that every point counts by its relative error, with what the fit itself does not
know: an interval for the exponent and for a new measurement. A floor that no x removes can be fitted as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from scipy import optimize, stats

from engine.errors import EngineError
from engine.language import _

Interval = tuple[float, float]
Numbers = TypeVar("Numbers", float, np.ndarray)

MIN_POINTS = 3
MIN_POINTS_FLOOR = 5
"""A third number to fit needs more points."""


class FitError(EngineError):
    """Too few points, or such that no power law goes through them."""


@dataclass(frozen=True)
class PowerLaw:
    """y = coefficient · x^(−exponent) + floor, fitted to the `n_points` points with first <= x <= last.

    `spread` is the standard deviation of ln(measured / fitted); `exponent_interval` holds the true exponent with the
    probability `level` if deviations are normal and independent (Student's t with `freedom` degrees of freedom).
    """

    coefficient: float
    exponent: float
    floor: float
    spread: float
    freedom: int
    n_points: int
    first: float
    last: float
    level: float
    exponent_interval: Interval
    _covariance: np.ndarray = field(repr=False, compare=False)

    @property
    def has_floor(self) -> bool:
        """Whether a floor was fitted, or left out."""
        return len(self._covariance) == 3

    def at(self, x: Numbers) -> Numbers:
        """The fitted y at x, a number or an array."""
        return self.coefficient * x**-self.exponent + self.floor

    def interval_at(self, x: float) -> Interval:
        """Where one new measurement at x should fall with probability `level`: the fit's own doubt and the spread.

        The doubt is carried from the parameters to y by the delta method; for a line (no floor) this is the
        usual prediction interval of linear regression.
        """
        gradient = _log_gradient(np.array([x]), self.coefficient, self.exponent, self.floor, self.has_floor)[0]
        variance = self.spread**2 + float(gradient @ self._covariance @ gradient)
        width = _quantile(self.level, self.freedom) * math.sqrt(max(variance, 0.0))
        middle = self.at(x)
        return middle * math.exp(-width), middle * math.exp(min(width, 700.0))


def fit_power_law(
    x: Sequence[float] | np.ndarray,
    y: Sequence[float] | np.ndarray,
    *,
    floor: bool = False,
    level: float = 0.95,
    first: float = 0.0,
    last: float = math.inf,
) -> PowerLaw:
    """The power law that comes closest to the points with first <= x <= last, in squares of ln y.

    x, y: (n,) each and above 0, such as parameters and loss, or rank and frequency. Without `floor` it is a line in
    ln x and ln y (Kaplan et al. 2020; Zipf 1949); with it a y that no x removes is fitted as well (Hoffmann et al.
    2022). What rises with x has an exponent below 0. Mandelbrot (1953) bends Zipf's line at the first ranks by an
    offset, C / (r + b)^a; leaving those out with `first` does as well.

    >>> law = fit_power_law([1e3, 1e4, 1e5, 1e6], [4.0, 3.2, 2.56, 2.048])
    >>> round(law.exponent, 4), round(law.at(1e7), 4)
    (0.0969, 1.6384)

    Raises FitError for fewer than 3 points (5 with a floor), fewer different x than numbers to fit, or values that are
    not above 0.
    """
    xs, ys = np.asarray(x, float), np.asarray(y, float)
    _check_values(xs, ys)
    used = (xs >= first) & (xs <= last)
    xs, ys = xs[used], ys[used]
    _check_enough(xs, floor, first, last)
    log_x, log_y = np.log(xs), np.log(ys)
    line = stats.linregress(log_x, log_y)
    theta = (math.exp(line.intercept), -line.slope, 0.0)
    if floor:
        theta = _with_floor(log_x, log_y, theta)
    coefficient, exponent, least = theta
    residuals = log_y - np.log(coefficient * xs**-exponent + least)
    freedom = len(xs) - (3 if floor else 2)
    spread = math.sqrt(float(residuals @ residuals) / freedom)
    jacobian = _log_gradient(xs, coefficient, exponent, least, floor)
    covariance = spread**2 * np.linalg.pinv(jacobian.T @ jacobian, hermitian=True)
    half = _quantile(level, freedom) * math.sqrt(max(float(covariance[1, 1]), 0.0))
    return PowerLaw(
        coefficient=float(coefficient),
        exponent=float(exponent),
        floor=float(least),
        spread=spread,
        freedom=freedom,
        n_points=len(xs),
        first=float(xs.min()),
        last=float(xs.max()),
        level=level,
        exponent_interval=(float(exponent - half), float(exponent + half)),
        _covariance=covariance,
    )


def _check_values(xs: np.ndarray, ys: np.ndarray) -> None:
    if xs.ndim != 1 or xs.shape != ys.shape:
        raise FitError(
            _("a fit needs as many values as sizes, not {shape} and {shape_2}.", shape=ys.shape, shape_2=xs.shape)
        )
    if not (np.isfinite(xs).all() and np.isfinite(ys).all() and (xs > 0).all() and (ys > 0).all()):
        raise FitError(_("a power law needs numbers above 0: leave out points without a value."))


def _check_enough(xs: np.ndarray, floor: bool, first: float, last: float) -> None:
    least, free = (MIN_POINTS_FLOOR, 3) if floor else (MIN_POINTS, 2)
    if len(xs) < least:
        if first > 0 or last < math.inf:
            raise FitError(
                _(
                    "a line needs at least {least} points, and {n_xs} lie between {first:,.0f} and {last:,.0f}: "
                    "choose a longer text or a wider range.",
                    least=least,
                    n_xs=len(xs),
                    first=first,
                    last=last,
                )
            )
        raise FitError(
            _(
                "{n_xs} points are too few{floor}: measure at least {least}.",
                n_xs=len(xs),
                floor=_(" for a floor") * floor,
                least=least,
            )
        )
    if len(np.unique(xs)) < free:
        raise FitError(
            _(
                "{n_items} different sizes cannot fix {free} numbers: add another size.",
                n_items=len(np.unique(xs)),
                free=free,
            )
        )


def _with_floor(log_x: np.ndarray, log_y: np.ndarray, line: tuple[float, float, float]) -> tuple[float, float, float]:
    """Coefficient, exponent and floor: least squares from several starts, of which the best is kept."""
    middle, lowest = float(log_x.mean()), float(np.exp(log_y.min()))
    centred = log_x - middle  # keeps coefficient and exponent from pulling on each other

    def residuals(theta: np.ndarray) -> np.ndarray:
        return np.log(np.exp(theta[0] - theta[1] * centred) + theta[2]) - log_y

    def slopes(theta: np.ndarray) -> np.ndarray:
        falling = np.exp(theta[0] - theta[1] * centred)
        return np.stack([falling, -centred * falling, np.ones_like(falling)], axis=1) / (falling + theta[2])[:, None]

    best = None
    for share in (0.0, 0.4, 0.8):
        above = np.log(np.exp(log_y) - share * lowest)
        slope, height = np.polyfit(centred, above, 1)
        found = optimize.least_squares(
            residuals,
            jac=slopes,
            x0=[height, max(-slope, 1e-3), share * lowest],
            bounds=([-np.inf, 1e-6, 0.0], [np.inf, 10.0, lowest]),
            x_scale=[1.0, 0.1, max(lowest, 1e-9)],
            xtol=1e-12,
            ftol=1e-12,
        )
        if best is None or found.cost < best.cost:
            best = found
    assert best is not None
    height, exponent, least = (float(value) for value in best.x)
    return math.exp(height + exponent * middle), exponent, least


def _log_gradient(xs: np.ndarray, coefficient: float, exponent: float, floor: float, has_floor: bool) -> np.ndarray:
    """d ln(y) / d (ln coefficient, exponent, floor), (n, 3); (n, 2) without a floor."""
    falling = coefficient * xs**-exponent
    share = falling / (falling + floor)
    columns = [share, -share * np.log(xs)]
    if has_floor:
        columns.append(1 / (falling + floor))
    return np.stack(columns, axis=1)


def _quantile(level: float, freedom: int) -> float:
    return float(stats.t.ppf(0.5 + level / 2, freedom))
