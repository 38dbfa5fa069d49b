"""Part: six abilities that nobody taught, each with chance and an interval."""

from __future__ import annotations

import streamlit as st

from engine import probes
from engine.answers import wilson_interval
from engine.language import _
from engine.probes import ProbeResult, result_of
from pages.parts.foundation.figures import ability_scores, as_table, score_rows
from pages.parts.foundation.items import choose_ability, show_items
from pages.parts.foundation.model import choose_foundation
from pages.parts.foundation.scoring import (
    BY_NAME,
    answers,
    calls_for,
    calls_of_all,
    choose_count,
    go_ahead,
    items_of,
    lists_of,
    missing,
    results_of_all,
)
from pages.shared import guide
from pages.shared.code_panel import show_code
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.models import ModelChoice, model_named
from pages.shared.tables import show_table
from pages.shared.wording import inside


def show() -> None:
    """The part "Untaught abilities"."""
    st.markdown(
        _(
            "A base model only continues text. So each question becomes a text with several possible endings, of which "
            "the model takes the one it finds **most probable**. Nothing was trained for this, and every item is new "
            "to it."
        )
    )
    choice = choose_foundation()
    figure = st.container()  # the words below it are there while it is computed
    notice(
        _(
            "The line through a mark is the **95 % interval**: with few items a score says little. Only an interval "
            "that leaves the chance level out shows an ability."
        ),
        _("Chance differs: one in four for four endings, one in two for two. Compare with the tick, not with zero."),
        _(
            "Wrong endings are made so that a preference without understanding does not help: names of the same kind, "
            "sentences that share words, answers to the same question on other stories."
        ),
        _(
            "These items are written by the same grammar as part of the training text, with other dice. They measure "
            "what this model could learn there, not what it knows of the world."
        ),
    )
    exercise(
        _("Halve the interval of one ability. How many items does that take, and does the verdict change?"),
        _(
            "The width falls with the square root of the number of items: four times as many halve it. A score near "
            "chance needs many items before its interval clears it; a score far away is settled with twenty."
        ),
    )
    show_code(probes.ending_log_probabilities, probes.make_items, probes._translations, wilson_interval)
    if choice is not None:
        with figure, shown_errors():
            n = choose_count("foundation-n")
            _scores(choice, n)


def _scores(choice: ModelChoice, n: int) -> None:
    model, lists = model_named(choice), lists_of(n)
    calls = calls_of_all(model, lists)
    if not go_ahead(choice, sum(map(missing, calls.values())), "foundation-measure", _("Puts the items to the model.")):
        return
    (results,) = results_of_all(lists, [calls])
    guide.tell("probe", {"run": choice.run_id, "step": choice.step, "n": n, "above": above_chance(results)})
    rows = score_rows(results)
    ability_scores(rows, title=_("What the model can do untaught"), summary=summarise(results)).show()
    with st.expander(_("As a table"), icon=":material/table:"):
        show_table(as_table(rows), hide_index=True, width="stretch")
    st.header(_("The items"), anchor=False)
    name = choose_ability("foundation-ability")
    items = items_of(name, n)
    scores = answers(calls_for(model, name, len(items)))
    show_items(name, items, scores, result_of(items, scores), key=f"foundation:{name}")


def above_chance(results: dict[str, ProbeResult]) -> list[str]:
    """The abilities whose interval lies above chance."""
    return [name for name, result in results.items() if result.verdict(BY_NAME[name].chance) == "above chance"]


def summarise(results: dict[str, ProbeResult]) -> str:
    """One sentence: which abilities the intervals show, and which not."""
    groups: dict[str, list[str]] = {}
    for name, result in results.items():
        groups.setdefault(result.verdict(BY_NAME[name].chance), []).append(inside(BY_NAME[name].title))
    above = groups.get("above chance", [])
    text = _("Above chance: {value}.", value=", ".join(above) or _("none"))
    if level := groups.get("no better than chance"):
        text += _(" Cannot be told from chance: {join}.", join=", ".join(level))
    if below := groups.get("below chance"):
        text += _(" Below chance: {join}.", join=", ".join(below))
    return text
