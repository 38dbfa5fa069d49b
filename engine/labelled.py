"""From labelled texts to what a classifier is trained, chosen and judged on, without a leak between the three.

A text that stands in training and in the test set is not judged but remembered. So of texts that are the same but for
case, spaces and digits one is kept before the split. The split keeps the share of every class.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from engine.checks import require_number
from engine.errors import CorpusError
from engine.language import _
from engine.uploads import LabelledTexts

LEAST_PER_CLASS = 5
_DIGITS = re.compile(r"\d")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True)
class Split:
    """The three parts, and what was left out: rows removed as copies of others, and rows removed to balance classes."""

    train: LabelledTexts
    validation: LabelledTexts
    test: LabelledTexts
    copies: tuple[tuple[int, int], ...]
    """(row removed, row kept) of the texts given."""
    n_unbalanced: int


def same_text(text: str) -> str:
    """What two texts share that count as the same: words without case, with single spaces, every digit a 0.

    >>> same_text("Call  08712 NOW") == same_text("call 09934 now")
    True
    """
    return _DIGITS.sub("0", _SPACES.sub(" ", text).strip().casefold())


def find_copies(texts: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """(row, earlier row) of every text that is the same as an earlier one, by `same_text`."""
    first: dict[str, int] = {}
    found = []
    for row, text in enumerate(texts):
        kept = first.setdefault(same_text(text), row)
        if kept != row:
            found.append((row, kept))
    return tuple(found)


def split_labelled(
    data: LabelledTexts,
    *,
    validation_fraction: float = 0.1,
    test_fraction: float = 0.2,
    balance: bool = False,
    n_train: int | None = None,
    seed: int = 0,
    draw_seed: int | None = None,
    most_judged: int | None = None,
    most_validated: int | None = None,
) -> Split:
    """Part labelled texts for training, validation and test; the same seed gives the same parts.

    Copies are removed first. `balance` then leaves as many training texts of each class as the rarest has, and
    `n_train` keeps so many of them, in the shares of the classes and drawn by `draw_seed`: validation and test stay
    what they were. Of the validation texts the first `most_validated` are kept, of the test texts the first
    `most_judged`. Raises CorpusError for fewer than two classes, and for a class with fewer than five different texts.
    """
    for name, fraction in (("validation_fraction", validation_fraction), ("test_fraction", test_fraction)):
        require_number(name, fraction, 0, 0.5, above=True)
    copies = find_copies(data.texts)
    removed = {row for row, _unused in copies}
    rows = np.array([row for row in range(len(data)) if row not in removed], dtype=np.int64)
    labels = np.asarray(data.labels, dtype=np.int64)
    _check_classes(data, labels[rows])
    rest, test = _parted(rows, labels, test_fraction, seed, "test_fraction")
    share = validation_fraction / (1 - test_fraction)
    train, validation = _parted(rest, labels, share, seed, "validation_fraction")
    before = len(train)
    if balance:
        train = _balanced(train, labels[train], seed)
    n_unbalanced = before - len(train)
    if n_train is not None and n_train < len(train):
        train = _some(train, labels[train], n_train, seed if draw_seed is None else draw_seed)
    validation, test = validation[:most_validated], test[:most_judged]
    return Split(_rows(data, train), _rows(data, validation), _rows(data, test), copies, n_unbalanced)


def leaked_without_check(data: LabelledTexts, test_fraction: float = 0.2, seed: int = 0) -> tuple[int, int]:
    """(test texts that stand in training too, test texts) of a split that leaves the copies in: what is prevented."""
    require_number("test_fraction", test_fraction, 0, 0.5, above=True)
    rows = np.arange(len(data))
    rest, test = _parted(rows, np.asarray(data.labels, dtype=np.int64), test_fraction, seed, "test_fraction")
    seen = {same_text(data.texts[row]) for row in rest}
    return sum(same_text(data.texts[row]) in seen for row in test), len(test)


def _parted(rows: np.ndarray, labels: np.ndarray, share: float, seed: int, name: str) -> tuple[Any, Any]:
    try:
        first, second = train_test_split(rows, test_size=share, random_state=seed, stratify=labels[rows])
        return first, second
    except ValueError:  # scikit-learn's: not one text of each class for each part
        raise CorpusError(
            _(
                "{n_rows} texts are too few to set aside one of each label: give more of each, or a larger {name}.",
                n_rows=len(rows),
                name=name,
            )
        ) from None


def _check_classes(data: LabelledTexts, labels: np.ndarray) -> None:
    counts = np.bincount(labels, minlength=len(data.label_names))
    if (counts > 0).sum() < 2:
        raise CorpusError(_("All texts have the same label: a classifier needs at least two different ones."))
    for name, count in zip(data.label_names, counts, strict=True):
        if count < LEAST_PER_CLASS:
            raise CorpusError(
                _(
                    "The label {name!r} has only {count} different texts; give at least {least_per_class} of each "
                    "label.",
                    name=name,
                    count=count,
                    least_per_class=LEAST_PER_CLASS,
                )
            )


def _balanced(rows: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    least = int(np.bincount(labels)[np.unique(labels)].min())
    kept = [rng.choice(rows[labels == label], least, replace=False) for label in np.unique(labels)]
    return rng.permutation(np.concatenate(kept))


def _some(rows: np.ndarray, labels: np.ndarray, n: int, seed: int) -> np.ndarray:
    """`n` of the rows, at least one of each class, else in the classes' shares (largest remainders)."""
    classes, counts = np.unique(labels, return_counts=True)
    if n < len(classes):
        raise CorpusError(
            _(
                "{n} texts cannot show {n_classes} labels: ask for at least one text of each.",
                n=n,
                n_classes=len(classes),
            )
        )
    wanted = np.maximum(1, np.floor(counts * n / counts.sum()).astype(int))
    while wanted.sum() < n:
        wanted[np.argmax(counts * n / counts.sum() - wanted)] += 1
    while wanted.sum() > n:
        wanted[np.argmax(wanted)] -= 1
    rng = np.random.default_rng(seed)
    kept = [rng.choice(rows[labels == each], k, replace=False) for each, k in zip(classes, wanted, strict=True)]
    return rng.permutation(np.concatenate(kept))


def _rows(data: LabelledTexts, rows: np.ndarray) -> LabelledTexts:
    texts, labels = tuple(data.texts[row] for row in rows), tuple(data.labels[row] for row in rows)
    return LabelledTexts(texts, labels, data.label_names)
