"""n-gram models of the text that a chosen model was trained on: counted beside the server, once for everybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from engine.language import N_, _
from engine.open_models import OPEN_TEXT
from engine.runs.counting import Counts
from pages.shared.aside import computed
from pages.shared.models import ModelChoice, model_named, settings_aside

T = TypeVar("T")
NAMES = (N_("uniform"), N_("1-gram"), N_("2-gram"), N_("3-gram"), N_("4-gram"), N_("5-gram"))


def by_counting(choice: ModelChoice, function: Callable[..., T], *values: Any) -> T:
    """What a function of a model, the settings and its run gives; NotYet while the text is counted, or CorpusError
    where it is gone.
    """
    text = _("Counting every run of one to five tokens …")
    return computed(text, function, model_named(choice), settings_aside(), choice.run_id, *values)


def count_note(choice: ModelChoice, counts: Counts) -> str:
    """What was counted, in a sentence."""
    whole = counts.n_chars >= 0.99 * counts.n_all
    of_all = (
        _("all")
        if whole
        else _(
            "the first {n_chars:.1f} of {n_all:.1f} million characters",
            n_chars=counts.n_chars / 1e6,
            n_all=counts.n_all / 1e6,
        )
    )
    title = (
        _("the corpus “{open_text}”, which it never read", open_text=OPEN_TEXT)
        if choice.is_open
        else _("its training text")
    )
    return _(
        "The n-grams count {of_all} of {title}: {n_tokens:,} tokens.",
        of_all=of_all,
        title=title,
        n_tokens=counts.n_tokens,
    )
