"""Energy, cost and carbon of a run, from its measured seconds and what the learner assumes."""

from __future__ import annotations

import streamlit as st

from engine import energy
from engine.energy import training_energy
from engine.language import _, number
from engine.runs.records import RunRecord
from pages.shared.code_panel import show_code
from pages.shared.lesson import exercise, notice
from pages.shared.lesson_runs import stamp_of
from pages.shared.quantities import duration
from pages.shared.viewer import lab


def show_energy(record: RunRecord) -> None:
    """Draw the view."""
    if record.seconds <= 0:
        st.info(_("This run has not trained yet: it has taken nothing."))
        return
    columns = st.columns(3, gap="medium")
    with columns[0]:
        watts = st.number_input(
            _("Power (watts)"),
            1.0,
            2000.0,
            15.0,
            step=5.0,
            key="beyond-watts",
            persist_state="session",
            help=_(
                "An assumption: no meter is read. One busy core of a laptop or server takes about 5 to 25 W, with its "
                "share of memory and fans; a large graphics card about 700 W."
            ),
        )
    with columns[1]:
        price = st.number_input(
            _("Price of a kilowatt-hour"),
            0.0,
            5.0,
            0.30,
            step=0.05,
            key="beyond-price",
            persist_state="session",
            help=_("In your currency. 0.30 is a household's in parts of Europe; data centres pay less."),
        )
    with columns[2]:
        carbon = st.number_input(
            _("Grams of CO₂ for a kilowatt-hour"),
            0.0,
            1500.0,
            400.0,
            step=50.0,
            key="beyond-carbon",
            persist_state="session",
            help=_("An assumption too: from about 30 where power is from water or atoms to about 800 from coal."),
        )
    used = training_energy(record.seconds, watts)
    tokens = _tokens_read(record.run_id, stamp_of(record))
    with st.container(horizontal=True):
        st.metric(
            _("Measured time"), duration(record.seconds), help=_("Seconds of one core, with evaluations."), width=170
        )
        st.metric(_("Energy"), _watt_hours(used.kilowatt_hours), help=_("Seconds × watts."), width=170)
        st.metric(_("Cost"), _money(used.cost(price)), help=_("Kilowatt-hours × price."), width=170)
        st.metric(
            _("CO₂"), f"{number(used.kilowatt_hours * carbon, ',.3g')} g", help=_("Kilowatt-hours × grams."), width=170
        )
        if tokens:
            st.metric(
                _("Per million tokens"),
                _watt_hours(used.kilowatt_hours / tokens * 1e6),
                help=_("The run has read {tokens:,} tokens.", tokens=tokens),
                width=190,
            )
    litres = used.litres_boiled()
    st.markdown(
        _(
            "As much as brings **{litres:,.2g} litres of water** from 15 to 100 °C, if nothing gets lost; a kettle of "
            "2,000 W takes as much in {duration}.",
            litres=litres,
            duration=duration(used.joules / 2000),
        )
    )
    st.caption(
        _(
            "Measured: the seconds between the start and the end of every step and evaluation, on one core. While "
            "others compute on the same machine they grow, though the work stays the same. Assumed: everything typed "
            "above."
        )
    )
    notice(
        _("The time is the machine's, the watts are yours: the result is an estimate, as every published one is."),
        _(
            "Energy per token falls with faster hardware and rises in proportion to the parameters: each token costs "
            "about six operations for every parameter."
        ),
        _(
            "What is trained once is used often: over its life, answering can take a model more energy than training "
            "did."
        ),
    )
    exercise(
        _(
            "GPT-3's training took about 1,287 MWh by a published estimate (Patterson et al. 2021). How many of these "
            "runs would that be?"
        ),
        _(
            "At the watts chosen above this run took {watt_hours}: 1,287 MWh are {rounded} such runs.",
            watt_hours=_watt_hours(used.kilowatt_hours),
            rounded=_rounded(1_287_000 / max(used.kilowatt_hours, 1e-12)),
        ),
    )
    show_code(energy.training_energy, energy.Energy)


@st.cache_data(max_entries=32, show_spinner=False)
def _tokens_read(run_id: str, stamp: str) -> int:
    steps = lab().curve(run_id, 2).steps
    return int(steps[-1]["tokens"]) if steps else 0


def _rounded(n: float) -> str:
    return _("{n:,.2g} million", n=n / 1e6) if 1e6 <= n < 1e8 else number(float(f"{n:.2g}"), ",.0f")


def _watt_hours(kilowatt_hours: float) -> str:
    return (
        _("{kilowatt_hours:,.3g} Wh", kilowatt_hours=kilowatt_hours * 1000)
        if kilowatt_hours < 1
        else _("{kilowatt_hours:,.2f} kWh", kilowatt_hours=kilowatt_hours)
    )


def _money(amount: float) -> str:
    return number(amount, ",.2f") if amount >= 0.1 else number(amount, ".2g")
