"""Items put to a model: computed a little at a time, shown as it goes, and kept for everybody who asks the same."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from engine.corpus import load_corpus
from engine.language import N_, _
from engine.probes import ABILITIES, Ability, Item, ProbeResult, ending_log_probabilities, make_items, result_of
from pages.shared.models import ModelChoice, inference, load

N_ITEMS = 40
ITEM_COUNTS = (20, 40, 60, 100, 150, 200)
WRITTEN = ("stories", "phrasebook")
"""The corpora that are written by the generators which also write the items."""
_TURN_SECONDS = 0.25
_KEPT = 800
_AT_ONCE_PARAMETERS = 6_000_000
"""Larger models are asked when the learner says so: every item costs them a second or so."""
BY_NAME: dict[str, Ability] = {ability.name: ability for ability in ABILITIES}


@dataclass
class _Answers:
    """Log-probabilities of the first items of a list, which grows; the lock lets one session at a time add to it."""

    found: list[np.ndarray] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass
class _Memory:
    """The answers of models, by model and list of items; the oldest are forgotten."""

    kept: OrderedDict[tuple[str, str], _Answers] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, model: str, asked: str) -> _Answers:
        with self.lock:
            answers = self.kept.setdefault((model, asked), _Answers())
            self.kept.move_to_end((model, asked))
            while len(self.kept) > _KEPT:
                self.kept.popitem(last=False)
        return answers


@st.cache_resource(show_spinner=False)
def _memory() -> _Memory:
    return _Memory()


@st.cache_data(max_entries=64, show_spinner=N_("Writing items …"))
def items_of(ability: str, n: int) -> list[Item]:
    """The first `n` items of an ability that stand in none of the texts models are trained on here."""
    return make_items(ability, n, seen=[load_corpus(name) for name in WRITTEN])


class Progress:
    """One bar for a computation of several lists of items; it appears when there is something to wait for."""

    def __init__(self, total: int) -> None:
        self._place = st.empty()
        self._total = total
        self._done = 0

    def add(self, n: int, text: str) -> None:
        """So many items more are done, of what `text` names."""
        self._done += n
        self._place.progress(min(1.0, self._done / max(1, self._total)), text=text)

    def clear(self) -> None:
        """Put the bar away."""
        self._place.empty()


def missing(choice: ModelChoice, asked: str, items: Sequence[Item]) -> int:
    """How many of these items the model has not answered yet."""
    return max(0, len(items) - len(_memory().of(choice.key, asked).found))


def answers(
    choice: ModelChoice, asked: str, items: Sequence[Item], progress: Progress, text: str = N_("The model reads …")
) -> list[np.ndarray]:
    """Log-probabilities of every item's endings. `asked` names the list, of which `items` are the first ones.

    Computed in turns of a fraction of a second, so that others come in between; whatever interrupts it, what was
    computed stays.
    """
    held = _memory().of(choice.key, asked)
    if len(held.found) < len(items):
        checkpoint = load(choice)
        while len(held.found) < len(items):
            with held.lock, inference():
                before, until = len(held.found), time.monotonic() + _TURN_SECONDS
                while len(held.found) < len(items) and time.monotonic() < until:
                    item = items[len(held.found)]
                    held.found.append(ending_log_probabilities(checkpoint.model, checkpoint.tokenizer, item))
                added = len(held.found) - before
            progress.add(added, text)
    return held.found[: len(items)]


def results_of_all(choice: ModelChoice, n: int, progress: Progress) -> dict[str, ProbeResult]:
    """What the model gets right of each ability's first `n` items."""
    results = {}
    for ability in ABILITIES:
        items = items_of(ability.name, n)
        text = _("{title}: the model reads {n_items} items …", title=ability.title, n_items=len(items))
        results[ability.name] = result_of(items, answers(choice, ability.name, items, progress, text))
    return results


def asked_at_once(choice: ModelChoice) -> bool:
    """Whether the model is small enough to be asked without the learner's word."""
    return bool(load(choice).model.config.n_parameters <= _AT_ONCE_PARAMETERS)


def choose_count(key: str, default: int = N_ITEMS) -> int:
    """The slider for the number of items."""
    return st.select_slider(
        _("Items of each ability"),
        ITEM_COUNTS,
        default,
        format_func=_,
        key=key,
        persist_state="session",
        help=_("More items take longer and make the interval narrower: four times as many, half as wide."),
    )


VERDICTS = (
    N_("above chance"),
    N_("below chance"),
    N_("no better than chance"),
    N_("lost"),
    N_("gained"),
    N_("no difference"),
)
"""What `engine.probes` says of a result and of a difference."""


def verdict_words(result: ProbeResult, chance: float) -> str:
    """The verdict as it stands in sentences: whether the interval clears chance."""
    verdict = result.verdict(chance)
    return _("cannot be told from chance") if verdict == "no better than chance" else _(verdict)


def percent(share: float) -> str:
    """A share in whole per cent."""
    return f"{100 * share:.0f} %"
