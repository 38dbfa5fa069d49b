"""What was measured, and the tables of it."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Rerun:
    """One click of a learner and how long its answer took."""

    at: float
    learner: int
    lesson: str
    part: str
    kind: str
    control: str
    seconds: float
    first_seconds: float
    n_bytes: int


@dataclass
class Record:
    """Everything that the learners of one scenario noticed. `live`: seconds that updates of live panels took;
    `computing`: clicks whose progress was shown for a minute, after which the learner went on.
    """

    reruns: list[Rerun] = field(default_factory=list)
    live: list[float] = field(default_factory=list)
    exceptions: list[str] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    computing: list[str] = field(default_factory=list)
    disconnections: int = 0

    @property
    def errors(self) -> int:
        """What must not happen; a red alert is a sentence to a learner and counts only as noticed."""
        return len(self.exceptions) + len(self.unanswered) + self.disconnections


def percentile(values: Iterable[float], share: float) -> float:
    """The value that `share` of them do not exceed (nearest rank); NaN for none.

    >>> percentile([3.0, 1.0, 2.0], 0.5)
    2.0
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Count, median, p95 and longest, in milliseconds."""
    return {
        "count": len(seconds),
        "p50_ms": round(1000 * percentile(seconds, 0.5), 1) if seconds else math.nan,
        "p95_ms": round(1000 * percentile(seconds, 0.95), 1) if seconds else math.nan,
        "max_ms": round(1000 * max(seconds), 1) if seconds else math.nan,
    }


def by_lesson(reruns: Iterable[Rerun]) -> list[dict[str, Any]]:
    """One row a lesson: count, p50, p95, longest, kilobytes an answer."""
    groups: dict[str, list[Rerun]] = defaultdict(list)
    for rerun in reruns:
        groups[rerun.lesson].append(rerun)
    return [
        {
            "lesson": lesson,
            **spread([rerun.seconds for rerun in group]),
            "kB": round(sum(rerun.n_bytes for rerun in group) / len(group) / 1000, 1),
        }
        for lesson, group in groups.items()
    ]


def slowest(reruns: Iterable[Rerun], n: int = 12) -> list[dict[str, Any]]:
    """The parts and controls that took longest, by the sum of what they took beyond half a second."""
    beyond: Counter[tuple[str, str, str, str]] = Counter()
    times: dict[tuple[str, str, str, str], list[float]] = defaultdict(list)
    for rerun in reruns:
        key = (rerun.lesson, rerun.part, rerun.kind, rerun.control)
        times[key].append(rerun.seconds)
        beyond[key] += max(0.0, rerun.seconds - 0.5)
    return [
        {"lesson": key[0], "part": key[1], "what": f"{key[2]} {key[3]}".strip(), **spread(times[key])}
        for key, seconds in beyond.most_common(n)
        if seconds > 0
    ]


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """A Markdown table of rows with the same columns."""
    if not rows:
        return "(none)"
    columns = list(rows[0])
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(_cell(row[column]) for column in columns) + " |" for row in rows]
    return "\n".join(lines)


def counted(texts: Iterable[str]) -> list[dict[str, Any]]:
    """How often each text was seen."""
    return [{"times": n, "text": text[:300].replace("\n", " ")} for text, n in Counter(texts).most_common(20)]


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:,.1f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value).replace("|", "\\|")
