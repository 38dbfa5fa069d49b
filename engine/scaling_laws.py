"""Scaling laws: how the loss falls with parameters, tokens and arithmetic, fitted to runs and used to predict one.

Kaplan et al. (2020), arXiv:2001.08361, found that the loss of a language model is nearly a power of its size N (without
embeddings) and of its compute C; Hoffmann et al. (2022), arXiv:2203.15556 ("Chinchilla"), added what no size can
remove, and asked which size a given compute is best spent on. `engine.power_law` fits the curves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.language import N_
from engine.power_law import FitError, Interval, PowerLaw, fit_power_law
from engine.scaling import training_flops

CHINCHILLA = N_("Hoffmann et al. 2022, arXiv:2203.15556")
TOKENS_PER_PARAMETER = 20.0
"""About what Hoffmann et al. (2022) found best, at every size."""


@dataclass(frozen=True)
class CurvePoint:
    """One evaluation of a run: operations spent until then, and the loss (nats per token)."""

    run: str
    flops: float
    loss: float


FRONTIER_POINTS = 12


def compute_frontier(points: Sequence[CurvePoint], n_points: int = FRONTIER_POINTS) -> list[CurvePoint]:
    """The least loss that any run had reached after so many operations, at `n_points` amounts evenly spaced in ln C.

    Between its evaluations a run's loss is interpolated in ln C and ln loss. Amounts that fewer than two runs passed
    through are left out: there nothing was chosen. `run` names the run that is ahead.

    >>> runs = [CurvePoint("a", 1, 4.0), CurvePoint("a", 4, 3.0), CurvePoint("b", 1, 5.0), CurvePoint("b", 4, 2.0)]
    >>> [(p.run, p.flops, p.loss) for p in compute_frontier(runs, 2)]
    [('a', 1.0, 4.0), ('b', 4.0, 2.0)]
    """
    curves = {
        run: np.log([(point.flops, point.loss) for point in sorted(each, key=lambda point: point.flops)])
        for run, each in by_run(points).items()
    }
    if not curves:
        return []
    first = min(curve[0, 0] for curve in curves.values())
    last = max(curve[-1, 0] for curve in curves.values())
    frontier: list[CurvePoint] = []
    for at in np.linspace(first, last, n_points):
        passing = {
            run: float(np.interp(at, curve[:, 0], curve[:, 1]))
            for run, curve in curves.items()
            if curve[0, 0] - 1e-9 <= at <= curve[-1, 0] + 1e-9
        }
        if len(passing) >= 2:
            ahead = min(passing, key=lambda run: passing[run])
            frontier.append(CurvePoint(ahead, round(math.exp(at), 6), round(math.exp(passing[ahead]), 12)))
    return frontier


def leave_one_out(names: Sequence[str], exponent: Callable[[Sequence[str]], float]) -> Interval | None:
    """Least and greatest exponent found when each run in turn is left out; None where no such fit is possible.

    For fits to points of the same few curves, which are not independent: a formula's interval would be too narrow.
    """
    found = []
    for left_out in names:
        try:
            found.append(exponent([name for name in names if name != left_out]))
        except FitError:
            continue
    return (min(found), max(found)) if found else None


def fit_frontier(points: Sequence[CurvePoint], *, level: float = 0.95) -> tuple[PowerLaw, Interval | None]:
    """L(C): a power law through the frontier of several runs' curves, and its exponent's range when runs are left out.

    Raises FitError where the frontier has fewer than 3 points.
    """

    def fit(names: Sequence[str]) -> PowerLaw:
        frontier = compute_frontier([point for point in points if point.run in names])
        return fit_power_law([point.flops for point in frontier], [point.loss for point in frontier], level=level)

    names = list(dict.fromkeys(point.run for point in points))
    return fit(names), leave_one_out(names, lambda kept: fit(kept).exponent)


@dataclass(frozen=True)
class LossSurface:
    """L(N, D) = E + A / N^alpha + B / D^beta: loss by parameters and tokens, approach 3 of Hoffmann et al. (2022)."""

    irreducible: float
    of_parameters: float
    alpha: float
    of_tokens: float
    beta: float

    def at(self, n_parameters: float, n_tokens: float) -> float:
        """The loss in nats per token."""
        return self.irreducible + self.of_parameters / n_parameters**self.alpha + self.of_tokens / n_tokens**self.beta

    def best_split(self, flops: float) -> tuple[float, float]:
        """Parameters and tokens of least loss among those with 6 N D = flops (equation 4 of the paper)."""
        total = self.alpha + self.beta
        ratio = (self.alpha * self.of_parameters / (self.beta * self.of_tokens)) ** (1 / total)
        n_parameters = ratio * (flops / 6) ** (self.beta / total)
        return n_parameters, flops / 6 / n_parameters


CHINCHILLA_SURFACE = LossSurface(1.69, 406.4, 0.34, 410.7, 0.28)
"""The paper's own numbers (equation 10)."""

CHINCHILLA_REFITTED = LossSurface(1.8172, 482.01, 0.3478, 2085.43, 0.3658)
"""The same data fitted again by Besiroglu et al. (2024), arXiv:2404.10102: about 20 tokens per parameter, as the
paper's other two approaches found."""


def optimal_tokens(n_parameters: float, *, per_parameter: float = TOKENS_PER_PARAMETER) -> float:
    """Tokens on which a model of this size is trained best for its compute, by the rule of thumb."""
    return per_parameter * n_parameters


def optimal_split(flops: float, *, per_parameter: float = TOKENS_PER_PARAMETER) -> tuple[float, float]:
    """Parameters and tokens that spend 6 N D = flops with so many tokens for each parameter.

    >>> n, d = optimal_split(5.76e23)
    >>> f"{n:.2e} {d:.2e}"
    '6.93e+10 1.39e+12'
    """
    n_parameters = math.sqrt(flops / (6 * per_parameter))
    return n_parameters, per_parameter * n_parameters


@dataclass(frozen=True)
class PublishedTraining:
    """What a paper says a model was trained on: parameters and tokens read, with what has to be assumed."""

    name: str
    n_parameters: float
    n_tokens: float
    source: str
    note: str = ""

    @property
    def per_parameter(self) -> float:
        """Tokens read for each parameter."""
        return self.n_tokens / self.n_parameters

    @property
    def flops(self) -> float:
        """Operations of the training by 6 N D."""
        return training_flops(self.n_parameters, self.n_tokens)


PUBLISHED_TRAININGS = (
    PublishedTraining(
        N_("GPT-2 XL"),
        1.558e9,
        10e9,
        N_("Radford et al. 2019"),
        N_("an assumption: 40 GB of text once, at 4 bytes a token; the paper does not say how often it was read"),
    ),
    PublishedTraining("GPT-3 175B", 174.6e9, 300e9, N_("Brown et al. 2020, table D.1")),
    PublishedTraining(N_("Gopher 280B"), 280e9, 300e9, N_("Rae et al. 2021")),
    PublishedTraining(N_("Chinchilla 70B"), 70e9, 1.4e12, CHINCHILLA),
    PublishedTraining(N_("LLaMA 7B"), 6.7e9, 1.0e12, N_("Touvron et al. 2023, table 2")),
    PublishedTraining(N_("LLaMA 65B"), 65.2e9, 1.4e12, N_("Touvron et al. 2023, table 2")),
    PublishedTraining(N_("Llama 3 405B"), 405e9, 15.6e12, N_("Llama team 2024, 3.8 · 10²⁵ FLOPs")),
)


@dataclass(frozen=True)
class PublishedCompute:
    """A row of Brown et al. (2020), table D.1: parameters, tokens and operations of a GPT-3 training, as printed."""

    preset: str
    name: str
    n_parameters: float
    flops: float
    n_tokens: float = 300e9


GPT3_COMPUTE = (
    PublishedCompute("gpt3-small", N_("GPT-3 Small"), 125e6, 2.25e20),
    PublishedCompute("gpt3-medium", N_("GPT-3 Medium"), 356e6, 6.41e20),
    PublishedCompute("gpt3-large", N_("GPT-3 Large"), 760e6, 1.37e21),
    PublishedCompute("gpt3-xl", N_("GPT-3 XL"), 1320e6, 2.38e21),
    PublishedCompute("gpt3-2.7b", "GPT-3 2.7B", 2650e6, 4.77e21),
    PublishedCompute("gpt3-6.7b", "GPT-3 6.7B", 6660e6, 1.20e22),
    PublishedCompute("gpt3-13b", "GPT-3 13B", 12850e6, 2.31e22),
    PublishedCompute("gpt3", "GPT-3 175B", 174600e6, 3.14e23),
)
"""The paper counts 6 operations for each parameter and token (2 forward, 4 backward), and none for attention scores."""


def by_run(points: Sequence[CurvePoint]) -> Mapping[str, list[CurvePoint]]:
    """The points of each run, in the order of the runs."""
    grouped: dict[str, list[CurvePoint]] = {}
    for point in points:
        grouped.setdefault(point.run, []).append(point)
    return grouped
