"""Part: at which step of training each ability appears."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine import probes, training
from engine.language import N_, _
from engine.probes import ABILITIES, ProbeResult
from pages.parts.foundation.figures import over_steps
from pages.parts.foundation.items import choose_ability, show_items
from pages.parts.foundation.model import choose_foundation
from pages.parts.foundation.scoring import (
    answers,
    calls_of_all,
    lists_of,
    missing,
    percent,
    results_of_all,
    verdict_words,
)
from pages.shared.aside import NotYet
from pages.shared.code_panel import show_code
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.models import ModelChoice, steps_named
from pages.shared.tables import show_table

COUNTS = (20, 40, 60, 100)
N_ITEMS = 40


def show() -> None:
    """The part "When do they appear?"."""
    st.markdown(
        _(
            "A run keeps its model at steps 0, 8, 16, 32 and so on. The same items put to each of them show **when** "
            "an ability comes: some with the first words, some only when the loss hardly falls any more."
        )
    )
    choice = choose_foundation()
    if choice is not None and choice.is_open:
        st.info(
            _("Open weights come without their earlier steps. Choose a run: the foundation model, or one of yours.")
        )
    figure = st.container()  # the words below it are there while it is computed
    notice(
        _(
            "An ability has appeared where the band, its 95 % interval, leaves the dashed line of chance below it and "
            "stays there. Before that, ups and downs are dice: of twenty such intervals one misses by luck."
        ),
        _(
            "They come one after another, though the loss falls smoothly. What needs one neighbour comes first; what "
            "has to be carried over a whole story comes late, or never in a model of this size."
        ),
        _(
            "A choice among four endings can switch quickly, since only the order of four probabilities counts. Part "
            "of what looks like a jump is the way of measuring (Schaeffer et al. 2023)."
        ),
    )
    exercise(
        _(
            "Find the first checkpoint at which translation is above chance, choose it above, and read the items that "
            "it gets wrong. What does it know already, and what not?"
        ),
        _(
            "Wrong choices share words with the right one: it has learned which words belong together before it minds "
            "all of them. Right and wrong endings lie a few nats apart there, and tens of nats later."
        ),
    )
    show_code(training.checkpoint_steps, probes.ending_log_probabilities, probes.result_of)
    if choice is not None and not choice.is_open:
        with figure, shown_errors():
            _appearance(choice)


def _appearance(choice: ModelChoice) -> None:
    n = st.select_slider(
        _("Items of each ability"),
        COUNTS,
        N_ITEMS,
        format_func=_,
        key="growth-n",
        persist_state="session",
        help=_("They are put to every checkpoint, so the time grows with both."),
    )
    lists = lists_of(n)
    calls = {step: calls_of_all(model, lists) for step, model in steps_named(choice.run_id).items()}
    total = len(calls) * sum(map(len, lists.values()))
    left = {step: sum(map(missing, by_name.values())) for step, by_name in calls.items()}
    to_do = sum(left.values())
    asked = f"growth-measuring:{choice.run_id}:{n}"
    if to_do and st.session_state.get(asked):  # from here on the bar has Stop and Go on
        every = [call for by_name in calls.values() for part in by_name.values() for call in part]
        NotYet(every, N_("The checkpoints in turn")).show()
    elif to_do:
        st.button(
            _("Measure all checkpoints") if to_do == total else _("Go on measuring"),
            type="primary",
            icon=":material/speed:",
            key="growth-measure",
            on_click=_measure,
            args=(asked,),
            help=_("Puts the items to each checkpoint in turn. What is measured is kept for everybody."),
        )
        st.caption(
            _(
                "{ready} of {n_models} checkpoints are measured · {to_do:,} items to go.",
                ready=sum(not number for number in left.values()),
                n_models=len(calls),
                to_do=to_do,
            )
        )
    measured = [step for step in calls if not left[step]]
    if not measured:
        return
    found = results_of_all(lists, [calls[step] for step in measured])
    results = dict(zip(measured, found, strict=True))
    _panels(results, choice.step)
    if choice.step in results:
        st.header(_("Look at one checkpoint"), anchor=False)
        st.caption(_("Step {step:,}: the slider **Checkpoint** above chooses it.", step=choice.step))
        name = choose_ability("growth-ability")
        scores = answers(calls[choice.step][name])
        show_items(name, lists[name], scores, results[choice.step][name], key=f"growth:{name}")
    else:
        st.caption(_("The checkpoint chosen above is not measured yet."))


def _measure(asked: str) -> None:
    st.session_state[asked] = True


def _panels(results: dict[int, dict[str, ProbeResult]], chosen: int) -> None:
    places = [*st.columns(3), *st.columns(3)]
    tables = []
    for place, ability in zip(places, ABILITIES, strict=True):
        rows = pd.DataFrame(
            [
                {
                    "step": step,
                    "score": by_name[ability.name].accuracy,
                    "low": by_name[ability.name].low,
                    "high": by_name[ability.name].high,
                    "shown": _("{n_right} of {n}", n_right=by_name[ability.name].n_right, n=by_name[ability.name].n),
                    "verdict": verdict_words(by_name[ability.name], ability.chance),
                }
                for step, by_name in results.items()
            ]
        )
        with place:
            over_steps(rows, ability.name, chosen=chosen).show()
        tables.append(rows.assign(ability=_(ability.title)))
    with st.expander(_("As a table"), icon=":material/table:"):
        table = pd.concat(tables)
        for column in ("score", "low", "high"):
            table[column] = table[column].map(percent)
        names = {
            "ability": _("Ability"),
            "step": _("Step"),
            "shown": _("Right"),
            "score": _("Score"),
            "low": _("From"),
            "high": _("To"),
        }
        table = table[[*names, "verdict"]].rename(columns={**names, "verdict": N_("Verdict")})
        show_table(table, hide_index=True, width="stretch")
