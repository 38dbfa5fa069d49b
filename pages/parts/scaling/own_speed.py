"""What published trainings would take at the speed of a run of this machine."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from engine import hardware, machine, scaling_laws
from engine.errors import EngineError
from engine.language import N_, _
from engine.scaling_laws import PUBLISHED_TRAININGS, TOKENS_PER_PARAMETER
from pages.parts.scaling.measured import Measured, choose_run
from pages.parts.transformer.figures import named_bars
from pages.shared.code_panel import show_code
from pages.shared.errors import sentence
from pages.shared.lesson import exercise, notice
from pages.shared.models import inference
from pages.shared.quantities import count, duration


@st.cache_data(ttl=3600, show_spinner=N_("Measuring this machine …"))
def _peak() -> float:
    with inference():
        return machine.measure_flops()


def show_own() -> None:
    """Draw the view."""
    run = choose_run()
    if run is None:
        return
    achieved = hardware.achieved_flops(run.config, run.speed)
    targets = [each for each in PUBLISHED_TRAININGS if each.name in ("GPT-2 XL", "GPT-3 175B", "Llama 3 405B")]
    with st.container(horizontal=True):
        st.metric(
            _("Measured"),
            _("{speed:,.0f} tokens/s", speed=run.speed),
            help=_("Tokens read, by the seconds of training."),
            width=240,
        )
        st.metric(
            _("That is"),
            _("{achieved:,.1f} GFLOP/s", achieved=achieved / 1e9),
            help=_("Tokens per second times the exact operations a token of this model takes in training."),
            width=220,
        )
        seconds = targets[1].flops / achieved
        st.metric(
            _("GPT-3 would take"),
            duration(seconds),
            help=_("Its 6 · N · D at the same operations a second."),
            width=240,
        )
    frame = pd.DataFrame(
        {
            "name": [each.name for each in targets],
            "value": [math.log10(each.flops / achieved / hardware.YEAR) for each in targets],
            "shown": [duration(each.flops / achieved) for each in targets],
        }
    )
    named_bars(
        frame,
        title=_("Time of a published training at this run's speed"),
        x=_("Years, as powers of ten (3 is a thousand)"),
        y=_("Model"),
        alt_text=_("Bar chart: years that published trainings would take at the run's measured speed."),
        summary=_(
            "At {achieved:,.1f} GFLOP/s, {name} would take {value} and {name_2} {value_2}.",
            achieved=achieved / 1e9,
            name=targets[0].name,
            value=frame["shown"][0],
            name_2=targets[1].name,
            value_2=frame["shown"][1],
        ),
    ).show()
    st.caption(
        _(
            "GPT-2's tokens are an assumption: its 40 GB of text read once, at 4 bytes a token; the paper does not say "
            "how often it was read. And neither model would fit this machine's memory, see the next part."
        )
    )
    _utilisation(run, achieved)
    optimum = scaling_laws.optimal_tokens(run.config.n_parameters)
    st.markdown(
        _(
            "**Was it enough text?** This run read {tokens} tokens for {n_parameters} "
            "parameters, {tokens_2:.2g} for each. By the rule of thumb of Hoffmann et al. "
            "(2022), {tokens_per_parameter:.0f} for each, {optimum} tokens would suit its size: "
            "{duration} of training at this speed.",
            tokens=count(run.tokens),
            n_parameters=count(run.config.n_parameters),
            tokens_2=run.tokens / run.config.n_parameters,
            tokens_per_parameter=TOKENS_PER_PARAMETER,
            optimum=count(optimum),
            duration=duration(optimum / run.speed),
        )
    )
    notice(
        _(
            "A small model is slower than its size says: its many small products leave the processor waiting. A larger "
            "one reaches more operations a second on the same machine."
        ),
        _(
            "Years are proportional to N · D. GPT-3 has over a hundred times the parameters of GPT-2 XL and read "
            "thirty times the tokens."
        ),
    )
    exercise(
        _(
            "How many of these machines, each with all it reached here, would train GPT-3 in a month? Is it the number "
            "of machines that makes this impossible, or something else?"
        ),
        _(
            "Divide the years by one twelfth. Even if the machines could be had, each of them would have to hold or "
            "exchange 175 billion weights and their gradients at every step: the network between them would be too "
            "slow."
        ),
    )
    show_code(hardware.achieved_flops, hardware.model_flops_utilisation, machine.measure_flops)


def _utilisation(run: Measured, achieved: float) -> None:
    left, right = st.columns([1, 1.6], vertical_alignment="bottom")
    peak = left.number_input(
        _("Peak of this machine (GFLOP/s, 0: not known)"),
        0.0,
        1e7,
        0.0,
        10.0,
        key="cost-peak",
        persist_state="session",
        help=_("From the maker, or measured: the best speed of a product of two large matrices with one thread."),
    )
    right.button(
        _("Measure it"),
        key="cost-measure",
        icon=":material/speed:",
        on_click=_take_peak,
        help=_("Multiplies two matrices for a fifth of a second, in float32 with the threads this server uses."),
    )
    if peak:
        share = hardware.model_flops_utilisation(run.config, run.speed, 1e9 * peak)
        st.markdown(
            _(
                "**Model FLOPs utilisation: {share:.0%}**, {achieved:,.1f} of {peak:,.0f} GFLOP/s",
                share=share,
                achieved=achieved / 1e9,
                peak=peak,
            )
            + (_(". More than the peak: the run was measured on another machine or with more threads.") * (share > 1))
        )


def _take_peak() -> None:
    try:
        st.session_state["cost-peak"] = float(round(_peak() / 1e9, 1))
    except EngineError as error:
        st.toast(sentence(error), icon=":material/error:")
