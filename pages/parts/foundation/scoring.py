"""Items put to a model: computed a few at a time beside the server, and kept for everybody who asks the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import streamlit as st

from engine.aside_worker import Call, ModelOf
from engine.language import N_, _
from engine.probes import ABILITIES, Ability, Item, ProbeResult, result_of, score_unread, unread_items
from pages.shared.aside import all_computed, computed, is_known
from pages.shared.models import ModelChoice, load

N_ITEMS = 40
ITEM_COUNTS = (20, 40, 60, 100, 150, 200)
WRITTEN = ("stories", "phrasebook")
"""The corpora that are written by the generators which also write the items."""
AT_A_TIME = 10
_AT_ONCE_PARAMETERS = 6_000_000
"""Larger models are asked when the learner says so: every item costs them a second or so."""
BY_NAME: dict[str, Ability] = {ability.name: ability for ability in ABILITIES}


def items_of(ability: str, n: int) -> list[Item]:
    """The first `n` items of an ability that stand in none of the texts models are trained on here."""
    found: list[Item] = computed(_("Writing items"), unread_items, ability, n, WRITTEN)
    return found


def lists_of(n: int) -> dict[str, list[Item]]:
    """The first `n` items of every ability."""
    names = [ability.name for ability in ABILITIES]
    lists = all_computed(_("Writing items"), [Call(unread_items, (name, n, WRITTEN)) for name in names])
    return dict(zip(names, lists, strict=True))


def calls_for(model: ModelOf, ability: str, n: int, *, start: int = 0, n_shown: int = 0) -> list[Call]:
    """What has to be computed for `n` items from `start` on, a few of them at a time; before each the first `n_shown`
    stand solved. The same items always make the same calls.
    """
    ends = [*range(start, start + n, AT_A_TIME), start + n]
    return [Call(score_unread, (model, ability, *part, WRITTEN, n_shown)) for part in pairwise(ends)]


def calls_of_all(model: ModelOf, lists: Mapping[str, Sequence[Item]]) -> dict[str, list[Call]]:
    """What has to be computed for the first items of every ability."""
    return {name: calls_for(model, name, len(items)) for name, items in lists.items()}


def missing(calls: Iterable[Call]) -> int:
    """How many items of these calls the model has not answered yet."""
    return sum(call.arguments[3] - call.arguments[2] for call in calls if not is_known(call))


def answers(calls: Sequence[Call], text: str = N_("The model reads the items")) -> list[np.ndarray]:
    """Log-probabilities of every item's endings; NotYet while they are computed."""
    return [scores for part in all_computed(text, calls) for scores in part]


def results_of_all(
    lists: Mapping[str, Sequence[Item]], calls: Sequence[Mapping[str, Sequence[Call]]]
) -> list[dict[str, ProbeResult]]:
    """What each model gets right of each ability's items, from its `calls_of_all`; NotYet while they are computed."""
    n = len(calls) * sum(map(len, lists.values()))
    all_computed(
        _("The model reads {n:,} items", n=n), [call for each in calls for part in each.values() for call in part]
    )
    return [{name: result_of(items, answers(each[name])) for name, items in lists.items()} for each in calls]


def go_ahead(choice: ModelChoice, left: int, key: str, about: str) -> bool:
    """Whether the items may be put to the model: at once to a small one, to a large one when the learner says so."""
    asked = f"{key}:{choice.key}"
    if not left or asked_at_once(choice) or st.session_state.get(asked):
        return True
    st.info(
        _("This is a large model: {left:,} items may take minutes. You can leave; what is measured is kept.", left=left)
    )
    if not st.button(_("Measure"), icon=":material/speed:", key=key, help=about, type="primary"):
        return False
    st.session_state[asked] = True
    return True


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
    return _("{value:.0f} %", value=100 * share)
