"""Part "What does it cost?": operations, then time and money, with every assumption in sight."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from engine import hardware, machine, scaling, scaling_laws
from engine.errors import ConfigError, EngineError
from engine.gpt import GPTConfig
from engine.hardware import DEVICES, Bill, training_bill
from engine.runs.config import RunConfig
from engine.scaling import PUBLISHED_SHAPES, flops_per_token, training_flops
from engine.scaling_laws import GPT3_COMPUTE, PUBLISHED_TRAININGS, TOKENS_PER_PARAMETER
from pages.parts.scaling.figures import power, ratio_chart
from pages.parts.transformer.figures import named_bars
from pages.shared import charts
from pages.shared.code_panel import show_code
from pages.shared.errors import sentence
from pages.shared.lesson import exercise, notice
from pages.shared.models import inference
from pages.shared.quantities import count, duration, short
from pages.shared.run_data import run_name
from pages.shared.viewer import lab

BILL, PUBLISHED, OWN, TOKENS = "A bill", "Published trainings", "Scale up my run", "Tokens for a size"
RULE, EXACT = "6 · N · D", "Exact count"
OTHER = "another size"
MAX_ROWS = 12
COLUMNS = ("Device", "Peak (TFLOP/s)", "Utilisation (%)", "$ per hour", "Where from", "Date")


def show() -> None:
    """Draw the part."""
    st.markdown(
        "Training reads each token with every parameter: two operations forward, four backward. From 6 · N · D "
        "operations to years and dollars it is two divisions and a multiplication, and a handful of assumptions."
    )
    view = st.segmented_control(
        "Look at",
        [BILL, PUBLISHED, OWN, TOKENS],
        default=BILL,
        required=True,
        key="cost-view",
        persist_state="session",
        help="The bill of a training, the published ones beside ours, this machine's years for GPT-3, and how many "
        "tokens suit a size.",
    )
    {BILL: _bill, PUBLISHED: _published, OWN: _own, TOKENS: _tokens}[view]()


# --- a bill --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Row:
    """A device as the table has it now: peak in FLOP/s, utilisation from 0 to 1, price in dollars an hour."""

    name: str
    peak: float
    utilisation: float
    price: float


def _bill() -> None:
    controls, figure = st.columns([1, 1.9], gap="large")
    with controls:
        n_parameters, config = _model()
        n_tokens = 1e9 * st.number_input(
            "Tokens read (billions)",
            0.001,
            1_000_000.0,
            300.0,
            10.0,
            key="cost-tokens",
            persist_state="session",
            help="D, every token each time it is read. GPT-3: 300 billion tokens, not words.",
        )
        rule = st.segmented_control(
            "Operations",
            [RULE, EXACT] if config else [RULE],
            default=RULE,
            required=True,
            key="cost-rule" if config else "cost-rule-other",
            persist_state="session",
            help="The rule of thumb, or the exact count of the matrix products, with attention scores and head.",
        )
        devices_place, count_place = st.container(), st.container()
    with figure:
        place = st.container()
        rows = _devices()
    if not rows:
        place.info("The table holds no device: give each row a name, a peak, a utilisation and a price.")
        return
    with devices_place:
        names = [row.name for row in rows]
        if st.session_state.get("cost-device") not in names:
            st.session_state["cost-device"] = names[0]
        chosen = st.selectbox(
            "Device",
            names,
            key="cost-device",
            persist_state="session",
            help="A row of the table beside; its numbers can be changed there.",
        )
    with count_place:
        n_devices = st.number_input(
            "How many of them",
            1,
            1_000_000,
            1024,
            key="cost-devices-n",
            persist_state="session",
            help="Shares the time, not the money. That they lose nothing by talking to each other is an assumption; "
            "part of the loss is in the utilisation.",
        )
    row = rows[names.index(chosen)]
    exact = rule == EXACT and config is not None
    flops = training_flops(n_parameters, n_tokens)
    if exact and config is not None:
        flops = flops_per_token(config).training * n_tokens
    bill = training_bill(flops, peak=row.peak, utilisation=row.utilisation, price=row.price, n_devices=int(n_devices))
    with place:
        _numbers(bill, row)
        _arithmetic(bill, row, n_parameters, n_tokens, exact)
        _every_device(flops, rows)
    notice(
        "The famous 4.6 million dollars are an estimate of June 2020, not a bill: 3.14 · 10²³ operations at 28 TFLOP/s "
        "of a V100's 125, for $1.50 an hour. The table's first row has these numbers; change one and watch.",
        "The estimate is of one training that goes well. Failed runs, smaller runs before it, people, data and storage "
        "are not in it.",
        "Utilisation decides as much as price. GPT-3 reached about a fifth of its GPUs' peak (21.3 %, Chowdhery et al. "
        "2022), good trainings today reach 40 to 50 %.",
    )
    exercise(
        "Which device of the table trains GPT-3 for the least money, and by what factor has the price fallen since "
        "2020? Then set every utilisation to 40 %: how much of the factor was better software?",
        "Compare the bars: about a tenth is left of the bill of 2020. Part of that is utilisation, which was 22 % in "
        "the first row; with 40 % everywhere the V100 would have cost 2.6 million dollars.",
    )
    show_code(hardware.training_bill, hardware.Bill, scaling.flops_per_token, scaling.training_flops)


def _model() -> tuple[float, GPTConfig | None]:
    """N, and the shape where there is one."""
    names = {each.preset: each.name for each in reversed(PUBLISHED_SHAPES)}
    preset = st.selectbox(
        "Model",
        [*names, OTHER],
        format_func=lambda name: names.get(name, "Another size"),
        key="cost-model",
        persist_state="session",
        help="A published shape, whose parameters are counted exactly, or a number of parameters of your own.",
    )
    if preset == OTHER:
        millions = st.number_input(
            "Parameters (millions)",
            0.001,
            100_000_000.0,
            7000.0,
            100.0,
            key="cost-parameters",
            persist_state="session",
            help="N. Without a shape only the rule of thumb can be had.",
        )
        return 1e6 * millions, None
    config = GPTConfig.preset(preset)
    st.caption(f"{count(config.n_parameters)} parameters, counted from the shape.")
    return float(config.n_parameters), config


def _numbers(bill: Bill, row: _Row) -> None:
    with st.container(horizontal=True):
        st.metric(
            "Operations", scientific(bill.flops), help="FLOPs: a multiplication and an addition are two.", width=170
        )
        st.metric(
            f"One {row.name}", duration(bill.device_seconds), help="As long as one device alone would take.", width=150
        )
        st.metric(
            f"{bill.n_devices:,} of them", duration(bill.seconds), help="If nothing is lost by sharing.", width=150
        )
        st.metric("Price", money(bill.cost), help="Device-hours times the price of an hour.", width=220)


def _arithmetic(bill: Bill, row: _Row, n_parameters: float, n_tokens: float, exact: bool) -> None:
    per_token = bill.flops / n_tokens
    first = (
        f"{short(per_token)} FLOPs a token (exact) × {count(n_tokens)} tokens"
        if exact
        else f"6 × {count(n_parameters)} parameters × {count(n_tokens)} tokens"
    )
    reached = row.peak * row.utilisation
    lines = [
        f"{first} = {scientific(bill.flops)} FLOPs",
        f"{row.peak / 1e12:,.4g} TFLOP/s peak × {100 * row.utilisation:.3g} % used = {reached / 1e12:,.4g} TFLOP/s",
        f"{scientific(bill.flops)} ÷ {scientific(reached)} FLOP/s = {scientific(bill.device_seconds)} s "
        f"= {duration(bill.device_seconds)} of one {row.name}",
        f"{count(bill.device_hours)} hours × ${row.price:,.2f} = {money(bill.cost)}",
    ]
    st.code("\n".join(lines), language=None, wrap_lines=True)


def _every_device(flops: float, rows: list[_Row]) -> None:
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
        title="The same training on every device of the table",
        x="Price (million dollars)",
        y="Device",
        alt_text="Bar chart: price of the training on each device of the table.",
        summary=f"Cheapest is {rows[cheapest].name}: {money(bills[cheapest].cost)}, at its price and utilisation.",
    ).show()


def _devices() -> list[_Row]:
    """The table of devices as edited. What was edited outlives a page switch."""
    if "cost-table" not in st.session_state:  # the editor is drawn anew: begin from what it last held
        kept = st.session_state.get("cost-kept")
        st.session_state["cost-base"] = _usual_table() if kept is None else pd.DataFrame(kept)
    with st.expander("Devices: change prices, peaks and utilisation", icon=":material/edit:"):
        edited = st.data_editor(
            st.session_state["cost-base"],
            key="cost-table",
            num_rows="dynamic",
            hide_index=True,
            width="stretch",
            column_config={
                COLUMNS[0]: st.column_config.TextColumn(required=True, max_chars=30),
                COLUMNS[1]: st.column_config.NumberColumn(
                    min_value=0.001, help="Dense products of 16-bit numbers, as the maker gives it."
                ),
                COLUMNS[2]: st.column_config.NumberColumn(
                    min_value=0.1, max_value=100.0, help="The share of the peak that a training reaches (MFU)."
                ),
                COLUMNS[3]: st.column_config.NumberColumn(min_value=0.0, format="%.2f", help="US dollars for one."),
                COLUMNS[4]: st.column_config.TextColumn(max_chars=200),
                COLUMNS[5]: st.column_config.TextColumn(max_chars=30),
            },
        )
        if st.button("Back to the course's table", key="cost-reset", help="Undoes every change in the table."):
            for name in ("cost-table", "cost-base", "cost-kept"):
                st.session_state.pop(name, None)
            st.rerun()
        st.caption(
            "Peaks are the makers'. Prices were looked up on the date given and change every month; a utilisation "
            "without a source is an assumption. Overwrite what you know better."
        )
    st.session_state["cost-kept"] = edited.to_dict("list")
    return rows_of(edited)


def _usual_table() -> pd.DataFrame:
    rows = [
        (each.name, each.peak_half / 1e12, round(100 * each.utilisation, 1), each.price, each.source, each.date)
        for each in DEVICES
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def rows_of(table: pd.DataFrame) -> list[_Row]:
    """The rows that can be reckoned with: a name that is not there yet, a peak and utilisation above 0, a price."""
    found: dict[str, _Row] = {}
    for name, peak, used, price in table[list(COLUMNS[:4])].itertuples(index=False):
        numbers = [_number(each) for each in (peak, used, price)]
        if not isinstance(name, str) or not name.strip() or name.strip() in found or None in numbers:
            continue
        row = _Row(name.strip()[:30], 1e12 * numbers[0], numbers[1] / 100, numbers[2])  # type: ignore[operator,arg-type]
        if row.peak > 0 and 0 < row.utilisation <= 1 and row.price >= 0 and len(found) < MAX_ROWS:
            found[row.name] = row
    return list(found.values())


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


# --- published trainings -------------------------------------------------------------------------------------------


def _published() -> None:
    rows, bars = [], []
    for each in GPT3_COMPUTE:
        config = GPTConfig.preset(each.preset)
        rule = training_flops(config.n_parameters, each.n_tokens)
        exact = flops_per_token(config).training * each.n_tokens
        rows.append(
            {
                "model": each.name,
                "parameters, published": count(each.n_parameters),
                "parameters, counted": f"{config.n_parameters:,}",
                "difference": _off(config.n_parameters, each.n_parameters),
                "FLOPs, published": scientific(each.flops),
                "6 N D": scientific(rule),
                "off by": _off(rule, each.flops),
                "exact": scientific(exact),
                "exact off by": _off(exact, each.flops),
            }
        )
        bars += [
            {"row": each.name, "series": name, "value": value / each.flops, "shown": f"{value / each.flops:.1%}"}
            for name, value in (("6 · N · D", rule), ("exact count", exact))
        ]
    worst = max(abs(row["value"] - 1) for row in bars if row["series"] == "6 · N · D")
    charts.grouped_bars(
        pd.DataFrame(bars),
        title="Our count as a share of the published training FLOPs",
        rows_title="Model",
        value_title="Share of the published number",
        series_title="Counted as",
        alt_text="Bar chart: our counts of training FLOPs divided by those of the GPT-3 paper, by model.",
        summary=f"6 · N · D of our own parameter counts is within {worst:.1%} of the paper in every row.",
    ).show()
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")
    st.caption(
        "Brown et al. (2020), table D.1, all with 300 billion tokens. The paper counts 6 operations for each parameter "
        "and token; the exact count adds the scores of attention, which weigh most in the small models, and leaves out "
        "the look-up of positions. Two shapes are printed with mistakes in the paper's table 2.1 and set right here: "
        "XL (24 heads of 128 do not make 2,048; here 16) and 13B (width 5,140, which 40 heads of 128 do not fill; here "
        "5,120)."
    )
    notice(
        "Every size read the same 300 billion tokens, so compute grows with the parameters alone, 1,400 times from "
        "the smallest to the largest.",
        "In GPT-3 Small the scores and the long context add 14 % to the rule of thumb, in GPT-3 175B 1.5 %: the "
        "wider the model, the more of its work is in its matrices.",
        "Common Crawl is often said to be 410 billion *words*. Table 2.2 of the paper counts tokens of byte-pair "
        "encoding: 410 billion tokens, of which the training, 300 billion tokens in all, read not even half.",
    )
    exercise(
        "Why is the paper's FLOPs for GPT-3 XL, 2.38 · 10²¹, right although its row of heads is not?",
        "6 · N · D needs only N. The number of heads cuts the same matrices into other slices and changes neither the "
        "parameters nor the operations of their products.",
    )
    show_code(scaling.flops_per_token, scaling.count_parameters, scaling.training_flops)


def _off(ours: float, published: float) -> str:
    return f"{round(ours / published - 1, 3) + 0.0:+.1%}"  # + 0.0: never "-0.0%"


# --- this machine --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Measured:
    """A run as this view needs it."""

    run_id: str
    name: str
    config: GPTConfig
    tokens: int
    speed: float  # tokens per second
    steps: int


@st.cache_data(ttl=10, show_spinner=False)
def _measured_runs() -> dict[str, _Measured]:
    found = {}
    for record in lab().runs():
        if not record.step or not record.seconds:
            continue
        try:
            config = record.config
        except ConfigError:
            continue
        if not isinstance(config, RunConfig):
            continue
        per_step = config.training.batch_size * config.training.accumulation * config.model.context_length
        tokens = record.step * per_step
        found[record.run_id] = _Measured(
            record.run_id, run_name(record), config.model, tokens, tokens / record.seconds, record.step
        )
    return found


def _choose_run() -> _Measured | None:
    runs = _measured_runs()
    if not runs:
        st.info("No run has been trained yet: train one in the lesson on pretraining, or a size in the first part.")
        return None
    if st.session_state.get("cost-run") not in runs:
        st.session_state["cost-run"] = next(iter(runs))
    chosen = st.selectbox(
        "Run",
        list(runs),
        format_func=lambda run_id: runs[run_id].name,
        key="cost-run",
        persist_state="session",
        help="A pretraining run with at least one step; its tokens and seconds of training are what was recorded.",
    )
    return runs[chosen]


@st.cache_data(ttl=3600, show_spinner="Measuring this machine …")
def _peak() -> float:
    with inference():
        return machine.measure_flops()


def _own() -> None:
    run = _choose_run()
    if run is None:
        return
    achieved = hardware.achieved_flops(run.config, run.speed)
    targets = [each for each in PUBLISHED_TRAININGS if each.name in ("GPT-2 XL", "GPT-3 175B", "Llama 3 405B")]
    with st.container(horizontal=True):
        st.metric("Measured", f"{run.speed:,.0f} tokens/s", help="Tokens read, by the seconds of training.", width=240)
        st.metric(
            "That is",
            f"{achieved / 1e9:,.1f} GFLOP/s",
            help="Tokens per second times the exact operations a token of this model takes in training.",
            width=220,
        )
        seconds = targets[1].flops / achieved
        st.metric(
            "GPT-3 would take", duration(seconds), help="Its 6 · N · D at the same operations a second.", width=240
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
        title="Time of a published training at this run's speed",
        x="Years, as powers of ten (3 is a thousand)",
        y="Model",
        alt_text="Bar chart: years that published trainings would take at the run's measured speed.",
        summary=f"At {achieved / 1e9:,.1f} GFLOP/s, {targets[0].name} would take {frame['shown'][0]} and "
        f"{targets[1].name} {frame['shown'][1]}.",
    ).show()
    st.caption(
        "GPT-2's tokens are an assumption: its 40 GB of text read once, at 4 bytes a token; the paper does not say how "
        "often it was read. And neither model would fit this machine's memory, see the next part."
    )
    _utilisation(run, achieved)
    optimum = scaling_laws.optimal_tokens(run.config.n_parameters)
    st.markdown(
        f"**Was it enough text?** This run read {count(run.tokens)} tokens for {count(run.config.n_parameters)} "
        f"parameters, {run.tokens / run.config.n_parameters:.2g} for each. By the rule of thumb of Hoffmann et al. "
        f"(2022), {TOKENS_PER_PARAMETER:.0f} for each, {count(optimum)} tokens would suit its size: "
        f"{duration(optimum / run.speed)} of training at this speed."
    )
    notice(
        "A small model is slower than its size says: its many small products leave the processor waiting. A larger "
        "one reaches more operations a second on the same machine.",
        "Years are proportional to N · D. GPT-3 has over a hundred times the parameters of GPT-2 XL and read thirty "
        "times the tokens.",
    )
    exercise(
        "How many of these machines, each with all it reached here, would train GPT-3 in a month? Is it the number of "
        "machines that makes this impossible, or something else?",
        "Divide the years by one twelfth. Even if the machines could be had, each of them would have to hold or "
        "exchange 175 billion weights and their gradients at every step: the network between them would be too slow.",
    )
    show_code(hardware.achieved_flops, hardware.model_flops_utilisation, machine.measure_flops)


def _utilisation(run: _Measured, achieved: float) -> None:
    left, right = st.columns([1, 1.6], vertical_alignment="bottom")
    peak = left.number_input(
        "Peak of this machine (GFLOP/s, 0: not known)",
        0.0,
        1e7,
        0.0,
        10.0,
        key="cost-peak",
        persist_state="session",
        help="From the maker, or measured: the best speed of a product of two large matrices with one thread.",
    )
    right.button(
        "Measure it",
        key="cost-measure",
        icon=":material/speed:",
        on_click=_take_peak,
        help="Multiplies two matrices for a fifth of a second, in float32 with the threads this server uses.",
    )
    if peak:
        share = hardware.model_flops_utilisation(run.config, run.speed, 1e9 * peak)
        st.markdown(
            f"**Model FLOPs utilisation: {share:.0%}**, {achieved / 1e9:,.1f} of {peak:,.0f} GFLOP/s"
            + (". More than the peak: the run was measured on another machine or with more threads." * (share > 1))
        )


def _take_peak() -> None:
    try:
        st.session_state["cost-peak"] = float(round(_peak() / 1e9, 1))
    except EngineError as error:
        st.toast(sentence(error), icon=":material/error:")


# --- tokens for a size ---------------------------------------------------------------------------------------------


def _tokens() -> None:
    rows = [(each.name, each.n_parameters, each.n_tokens, each.source, each.note) for each in PUBLISHED_TRAININGS]
    run = _choose_run()
    if run is not None:
        rows.append(("your run", float(run.config.n_parameters), float(run.tokens), "measured here", ""))
    frame = pd.DataFrame(
        {
            "name": [row[0] for row in rows],
            "value": [row[2] / row[1] for row in rows],
            "shown": [_ratio(row[2] / row[1]) for row in rows],
            "own": [row[0] == "your run" for row in rows],
        }
    )
    below = [name for name, value in zip(frame["name"], frame["value"], strict=True) if value < TOKENS_PER_PARAMETER]
    ratio_chart(
        frame,
        best=TOKENS_PER_PARAMETER,
        title="Tokens read for each parameter; the dashed line is 20",
        summary=f"Below {TOKENS_PER_PARAMETER:.0f} tokens a parameter: {', '.join(below) or 'none'}.",
    ).show()
    table = []
    for name, n_parameters, n_tokens, source, note in rows:
        flops = training_flops(n_parameters, n_tokens)
        best_n, best_d = scaling_laws.optimal_split(flops)
        table.append(
            {
                "model": name,
                "parameters": count(n_parameters),
                "tokens read": count(n_tokens),
                "20 a parameter would be": count(scaling_laws.optimal_tokens(n_parameters)),
                "FLOPs (6 N D)": scientific(flops),
                "best size for these FLOPs": count(best_n),
                "… with tokens": count(best_d),
                "source": source + (f"; {note}" if note else ""),
            }
        )
    st.dataframe(pd.DataFrame(table), hide_index=True, width="stretch")
    st.caption(
        "Hoffmann et al. (2022) asked for the size that a given compute is best spent on. Three approaches agree that "
        "parameters and tokens should grow alike, about 20 tokens a parameter. Their third, a fitted formula, was "
        "printed with numbers that give more; fitted again (Besiroglu et al. 2024) it agrees with the others."
    )
    notice(
        "GPT-3 and Gopher were too large for what they read: Chinchilla took Gopher's compute, a quarter of its "
        "parameters and nearly five times its tokens, and was better.",
        "Later models read far more than 20: they cost more to train than they must, and less to use ever after. The "
        "rule minimises training alone.",
        "Small models here read few tokens for each parameter because seconds are short, not because it is best.",
    )
    exercise(
        "With GPT-3's compute, how large would its best model have been, and how many tokens would it have needed? Was "
        "there so much text in its table 2.2?",
        "About 51 billion parameters and a trillion tokens. Table 2.2 holds 499 billion tokens: the filtered text "
        "would have been read twice.",
    )
    show_code(scaling_laws.optimal_split, scaling_laws.LossSurface)


def _ratio(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def money(dollars: float) -> str:
    """Dollars as they are said.

    >>> money(4_672_000), money(508_262), money(950), money(0.02)
    ('$4.67 million', '$0.51 million', '$950', '$0.02')
    """
    for name, one, least in (("billion", 1e9, 1e9), ("million", 1e6, 1e5)):
        if dollars >= least:
            return f"${dollars / one:,.2f} {name}"
    return f"${dollars:,.0f}" if dollars >= 100 else f"${dollars:,.2f}"


def scientific(value: float) -> str:
    """A large number as the papers print it.

    >>> scientific(3.1429e23), scientific(2.8e13)
    ('3.14 · 10²³', '2.80 · 10¹³')
    """
    if value < 1e6:
        return f"{value:,.0f}"
    digits, exponent = f"{value:.2e}".split("e+")
    return f"{digits} · {power(int(exponent))}"
