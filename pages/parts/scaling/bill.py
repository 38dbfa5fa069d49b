"""The bill of one training: operations, time and price on the devices of an editable table."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine import hardware, scaling
from engine.gpt import GPTConfig
from engine.hardware import Bill, training_bill
from engine.language import N_, _
from engine.scaling import PUBLISHED_SHAPES, flops_per_token, training_flops
from pages.parts.scaling.devices import Row, edited_devices
from pages.parts.transformer.figures import named_bars
from pages.shared import guide
from pages.shared.code_panel import show_code
from pages.shared.lesson import exercise, notice
from pages.shared.quantities import count, duration, money, scientific, short

RULE, EXACT = "6 · N · D", N_("Exact count")
OTHER = N_("another size")


def show_bill() -> None:
    """Draw the view: controls, the bill, the same on every device, and the table beneath."""
    controls, figure = st.columns([1, 1.9], gap="large")
    with controls:
        n_parameters, config = _model()
        n_tokens = 1e9 * st.number_input(
            _("Tokens read (billions)"),
            0.001,
            1_000_000.0,
            300.0,
            10.0,
            key="cost-tokens",
            persist_state="session",
            help=_("D, every token each time it is read. GPT-3: 300 billion tokens, not words."),
        )
        rule = st.segmented_control(
            _("Operations"),
            [RULE, EXACT] if config else [RULE],
            format_func=_,
            default=RULE,
            required=True,
            key="cost-rule" if config else "cost-rule-other",
            persist_state="session",
            help=_("The rule of thumb, or the exact count of the matrix products, with attention scores and head."),
        )
        devices_place, count_place = st.container(), st.container()
    with figure:
        place = st.container()
        rows = edited_devices()
    if not rows:
        place.info(_("The table holds no device: give each row a name, a peak, a utilisation and a price."))
        return
    with devices_place:
        names = [row.name for row in rows]
        if st.session_state.get("cost-device") not in names:
            st.session_state["cost-device"] = names[0]
        chosen = st.selectbox(
            _("Device"),
            names,
            format_func=_,
            key="cost-device",
            persist_state="session",
            help=_("A row of the table beside; its numbers can be changed there."),
        )
    with count_place:
        n_devices = st.number_input(
            _("How many of them"),
            1,
            1_000_000,
            1024,
            key="cost-devices-n",
            persist_state="session",
            help=_(
                "Shares the time, not the money. That they lose nothing by talking to each other is an assumption; "
                "part of the loss is in the utilisation."
            ),
        )
    row = rows[names.index(chosen)]
    exact = rule == EXACT and config is not None
    flops = training_flops(n_parameters, n_tokens)
    if exact and config is not None:
        flops = flops_per_token(config).training * n_tokens
    bill = training_bill(flops, peak=row.peak, utilisation=row.utilisation, price=row.price, n_devices=int(n_devices))
    guide.tell("bill", {"parameters": n_parameters, "tokens": n_tokens, "cost": bill.cost})
    with place:
        _numbers(bill, row)
        _arithmetic(bill, row, n_parameters, n_tokens, exact)
        _every_device(flops, rows)
    notice(
        _(
            "The famous 4.6 million dollars are an estimate of June 2020, not a bill: 3.14 · 10²³ operations at 28 "
            "TFLOP/s of a V100's 125, for $1.50 an hour. The table's first row has these numbers; change one and watch."
        ),
        _(
            "The estimate is of one training that goes well. Failed runs, smaller runs before it, people, data and "
            "storage are not in it."
        ),
        _(
            "Utilisation decides as much as price. GPT-3 reached about a fifth of its GPUs' peak (21.3 %, Chowdhery et "
            "al. 2022), good trainings today reach 40 to 50 %."
        ),
    )
    exercise(
        _(
            "Which device of the table trains GPT-3 for the least money, and by what factor has the price fallen since "
            "2020? Then set every utilisation to 40 %: how much of the factor was better software?"
        ),
        _(
            "Compare the bars: about a tenth is left of the bill of 2020. Part of that is utilisation, which was 22 % "
            "in the first row; with 40 % everywhere the V100 would have cost 2.6 million dollars."
        ),
    )
    show_code(hardware.training_bill, hardware.Bill, scaling.flops_per_token, scaling.training_flops)


def _model() -> tuple[float, GPTConfig | None]:
    """N, and the shape where there is one."""
    names = {each.preset: each.name for each in reversed(PUBLISHED_SHAPES)}
    preset = st.selectbox(
        _("Model"),
        [*names, OTHER],
        format_func=lambda name: _(names.get(name) or N_("Another size")),
        key="cost-model",
        persist_state="session",
        help=_("A published shape, whose parameters are counted exactly, or a number of parameters of your own."),
    )
    if preset == OTHER:
        millions = st.number_input(
            _("Parameters (millions)"),
            0.001,
            100_000_000.0,
            7000.0,
            100.0,
            key="cost-parameters",
            persist_state="session",
            help=_("N. Without a shape only the rule of thumb can be had."),
        )
        return 1e6 * millions, None
    config = GPTConfig.preset(preset)
    st.caption(_("{n_parameters} parameters, counted from the shape.", n_parameters=count(config.n_parameters)))
    return float(config.n_parameters), config


def _numbers(bill: Bill, row: Row) -> None:
    with st.container(horizontal=True):
        st.metric(
            _("Operations"),
            scientific(bill.flops),
            help=_("FLOPs: a multiplication and an addition are two."),
            width=170,
        )
        st.metric(
            _("One {name}", name=row.name),
            duration(bill.device_seconds),
            help=_("As long as one device alone would take."),
            width=150,
        )
        st.metric(
            _("{n_devices:,} of them", n_devices=bill.n_devices),
            duration(bill.seconds),
            help=_("If nothing is lost by sharing."),
            width=150,
        )
        st.metric(_("Price"), money(bill.cost), help=_("Device-hours times the price of an hour."), width=220)


def _arithmetic(bill: Bill, row: Row, n_parameters: float, n_tokens: float, exact: bool) -> None:
    per_token = bill.flops / n_tokens
    first = (
        _("{per_token} FLOPs a token (exact) × {n_tokens} tokens", per_token=short(per_token), n_tokens=count(n_tokens))
        if exact
        else _(
            "6 × {n_parameters} parameters × {n_tokens} tokens",
            n_parameters=count(n_parameters),
            n_tokens=count(n_tokens),
        )
    )
    reached = row.peak * row.utilisation
    lines = [
        _("{first} = {flops} FLOPs", first=first, flops=scientific(bill.flops)),
        _(
            "{peak:,.4g} TFLOP/s peak × {utilisation:.3g} % used = {reached:,.4g} TFLOP/s",
            peak=row.peak / 1e12,
            utilisation=100 * row.utilisation,
            reached=reached / 1e12,
        ),
        _(
            "{flops} ÷ {reached} FLOP/s = {device_seconds} s = {device_seconds_2} of one {name}",
            flops=scientific(bill.flops),
            reached=scientific(reached),
            device_seconds=scientific(bill.device_seconds),
            device_seconds_2=duration(bill.device_seconds),
            name=row.name,
        ),
        _(
            "{device_hours} hours × ${price:,.2f} = {cost}",
            device_hours=count(bill.device_hours),
            price=row.price,
            cost=money(bill.cost),
        ),
    ]
    st.code("\n".join(lines), language=None, wrap_lines=True)


def _every_device(flops: float, rows: list[Row]) -> None:
    bills = [training_bill(flops, peak=r.peak, utilisation=r.utilisation, price=r.price) for r in rows]
    cheapest = min(range(len(rows)), key=lambda n: bills[n].cost)
    frame = pd.DataFrame(
        {
            "name": [row.name for row in rows],
            "value": [bill.cost / 1e6 for bill in bills],
            "shown": [money(bill.cost) for bill in bills],
        }
    )
    named_bars(
        frame,
        title=_("The same training on each device"),
        x=_("Price (million dollars)"),
        y=_("Device"),
        alt_text=_("Bar chart: price of the training on each device of the table."),
        summary=_(
            "Cheapest is {name}: {cost}, at its price and utilisation.",
            name=rows[cheapest].name,
            cost=money(bills[cheapest].cost),
        ),
    ).show()
