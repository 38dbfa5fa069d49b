"""What a published model read: GPT-3's training mixture, and the arithmetic that turns weights into epochs.

Brown et al. (2020), "Language Models are Few-Shot Learners" (arXiv:2005.14165), Table 2.2. A source's weight is its
share of the training tokens, so a source is read weight · tokens seen / its size times. The paper rounds its figures
(its weights sum to 101 %) and prints epochs of its own, which is why both are kept here.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import ConfigError
from engine.language import N_, _

GPT3_PAPER = N_("Brown et al. (2020), arXiv:2005.14165, Table 2.2")
GPT3_TOKENS_SEEN = 300_000_000_000


@dataclass(frozen=True)
class TrainingSource:
    """One row of the table: `n_tokens` in the source, its `weight` in the mix (0 to 1), `epochs` as printed."""

    name: str
    n_tokens: int
    weight: float
    epochs: float
    contents: str


GPT3_SOURCES = (
    TrainingSource(
        N_("Common Crawl"), 410_000_000_000, 0.60, 0.44, N_("Web pages, filtered by quality and deduplicated")
    ),
    TrainingSource("WebText2", 19_000_000_000, 0.22, 2.9, N_("Web pages that readers of Reddit recommended")),
    TrainingSource("Books1", 12_000_000_000, 0.08, 1.9, N_("Books from the internet")),
    TrainingSource("Books2", 55_000_000_000, 0.08, 0.43, N_("Books from the internet, a second collection")),
    TrainingSource(N_("Wikipedia"), 3_000_000_000, 0.03, 3.4, N_("The English Wikipedia")),
)


def epochs(weight: float, tokens_seen: float, n_tokens: float) -> float:
    """How often a source of `n_tokens` is read when it gets the share `weight` (0 to 1) of `tokens_seen`.

    >>> round(epochs(0.60, 300e9, 410e9), 2)
    0.44

    Raises ConfigError for a source without tokens or a negative number.
    """
    if not n_tokens > 0:
        raise ConfigError(_("a source of {n_tokens} tokens cannot be read: it needs at least one.", n_tokens=n_tokens))
    if weight < 0 or tokens_seen < 0:
        raise ConfigError(
            _(
                "neither the weight ({weight}) nor the tokens seen ({tokens_seen}) can be below 0.",
                weight=weight,
                tokens_seen=tokens_seen,
            )
        )
    return weight * tokens_seen / n_tokens


def epochs_range(source: TrainingSource, tokens_seen: float = GPT3_TOKENS_SEEN) -> tuple[float, float]:
    """The least and most epochs that agree with a source's weight and size before they were rounded for the table.

    Weights are printed in whole percent, sizes in whole billions.
    """
    half_percent, half_billion = 0.005, 500_000_000
    least = epochs(source.weight - half_percent, tokens_seen, source.n_tokens + half_billion)
    most = epochs(source.weight + half_percent, tokens_seen, source.n_tokens - half_billion)
    return least, most


def shares(sizes: dict[str, float]) -> dict[str, float]:
    """Each value's share of their sum: what weights would be if every token were read equally often.

    >>> shares({"a": 1.0, "b": 3.0})
    {'a': 0.25, 'b': 0.75}

    Raises ConfigError for negative values or a sum of 0.
    """
    total = sum(sizes.values())
    if any(value < 0 for value in sizes.values()) or not total > 0:
        raise ConfigError(_("shares need values from 0 up that are not all 0, not {sizes}.", sizes=sizes))
    return {name: value / total for name, value in sizes.items()}
