"""Part "Race": recipes that differ in one thing, on the same text with the same seeds, told apart by one sentence."""

from __future__ import annotations

import streamlit as st

from engine import masking, racing
from engine.errors import ConfigError
from engine.language import N_, _
from engine.runs import races
from pages.parts.pretraining.race_heat import of_one_setting, of_runs, ready_made
from pages.parts.pretraining.race_lanes import run_lanes
from pages.shared.code_panel import show_code
from pages.shared.errors import sentence
from pages.shared.lesson import exercise, notice

READY, OWN, THERE = N_("Ready-made"), N_("One setting"), N_("Runs that are there")


def show() -> None:
    """The part of the lesson."""
    st.markdown(
        _(
            "Is one recipe better than another? Change **one thing**, keep seed, text and the number of steps, and let "
            "both train. The lanes are ordinary runs: whoever asks for the same race shares it, and all other pages "
            "can look into its models."
        )
    )
    kind = st.segmented_control(
        _("Race"),
        [READY, OWN, THERE],
        default=READY,
        required=True,
        key="race-kind",
        persist_state="session",
        help=_(
            "A race that is prepared, one setting of your choice with up to four values, or up to four runs that "
            "exist already."
        ),
    )
    place = st.container()
    with place:
        try:
            heat = {READY: ready_made, OWN: of_one_setting, THERE: of_runs}[kind]()
        except ConfigError as error:
            st.error(sentence(error), icon=":material/error:")
            heat = None
        if heat is not None:
            run_lanes(heat)
    notice(
        _(
            "A lower curve says little by itself. The sentence asks how much **earlier** the better recipe was at a "
            "loss that both reached, in steps, in tokens and in seconds: the three need not agree, and seconds also "
            "tell what else the machine had to do."
        ),
        _(
            "A few per cent between two single runs may be luck. With three seeds each lane has three lines, and the "
            "sentence an interval: does it leave out 0 %?"
        ),
        _("Who leads early need not lead late. Race the same lanes over more steps."),
    )
    exercise(
        _("Race **Batch size** and read the sentence once for steps and once for tokens. Which batch is best?"),
        _(
            "All lanes read the same tokens. Small batches make more steps of them and learn more from each token; "
            "large ones need fewer steps, which is worth it where many processors share a step. Past a *critical batch "
            "size* more tokens in a step hardly help (McCandlish et al. 2018)."
        ),
    )
    show_code(racing.Course.reached, racing.saving, racing.t_interval, races.race_configs, masking.hide_tokens)
