"""Part "Beyond words": what the numbers of a run do that no sample shows."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import streamlit as st

from engine import energy, weight_statistics
from engine.energy import training_energy
from engine.errors import EngineError
from engine.layer_watch import LayerWatch
from engine.runs.config import RunConfig
from engine.runs.preparation import read_corpora
from engine.runs.records import RunRecord
from engine.tokenizer import Tokenizer
from engine.weight_statistics import (
    RULE_OF_THUMB,
    Histograms,
    activations_of,
    gradient_lengths,
    histograms,
    movement,
    part_names,
    part_weights,
)
from engine.windows import WindowSampler
from pages.parts.pretraining.beyond_figures import MAX_LINES, histogram_map, log_lines, over_parts, reading_map
from pages.parts.pretraining.moments import Moment, moments_of
from pages.parts.pretraining.time_machine import choose_run
from pages.shared.code_panel import show_code
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.lesson_runs import stamp_of
from pages.shared.models import held_out, inference, load
from pages.shared.quantities import duration
from pages.shared.sentence import choose_sentence, traced
from pages.shared.viewer import lab

SPREAD, MOVES, READ, TAKES = "Weights and activations", "Gradients and updates", "Batches", "Energy and cost"
VIEWS = (SPREAD, MOVES, READ, TAKES)
LARGE_CHARS = 3_000_000  # a longer text is read when the learner asks for it
GRADIENT_TOKENS = 1024
MAX_SENTENCE = 64
QUANTITIES = ("Gradient", "Update ÷ weights", "Weights")
STREAM, BEFORE, BEHIND = "The stream after a layer", "The MLP before its nonlinearity", "The MLP behind it"
KINDS = {"Weights of a part": None, STREAM: "stream", BEFORE: "before", BEHIND: "behind"}
STRETCHES = 150


def show() -> None:
    """The part of the lesson."""
    st.markdown(
        "Loss and samples are what a model says. Below them are numbers that show **how** it learns: which parts move, "
        "how their weights spread, what it read when, and what that took."
    )
    record = choose_run("beyond-run")
    if record is None:
        return
    chosen = st.segmented_control(
        "Look at",
        VIEWS,
        default=VIEWS[0],
        required=True,
        key="beyond-view",
        persist_state="session",
        wrap=True,
        help="Four ways to look at the same run.",
    )
    with shown_errors():
        {SPREAD: _histograms, MOVES: _gradients, READ: _batches, TAKES: _energy}[chosen](record)


# --- gradients and updates ---------------------------------------------------------------------------------------


def _gradients(record: RunRecord) -> None:
    quantity = st.segmented_control(
        "Quantity",
        QUANTITIES,
        default=QUANTITIES[0],
        required=True,
        key="beyond-quantity",
        persist_state="session",
        help="Gradient: its length before clipping. Update ÷ weights: how far a step moved a part, for its own length. "
        "Weights: how long they are.",
    )
    frame = _recorded(record.run_id, stamp_of(record))
    recorded = not frame.empty
    if not recorded:
        found = _measured(record)
        if found is None:
            return
        frame = found
    unit = {
        QUANTITIES[0]: "Length of the gradient",
        QUANTITIES[1]: "Length of the update ÷ length of the weights",
        QUANTITIES[2]: "Length of the weights",
    }[quantity]
    column = {QUANTITIES[0]: "gradient", QUANTITIES[1]: "ratio", QUANTITIES[2]: "weights"}[quantity]
    values = frame.assign(value=frame[column])[["step", "part", "value"]]
    values = values[np.isfinite(values["value"]) & (values["value"] > 0)]
    if values.empty:
        st.info("This run has none of these numbers yet: they come with its first evaluations.")
        return
    last = values[values["step"] == values["step"].max()].set_index("part")["value"]
    said = f"At step {int(values['step'].max()):,} the {last.idxmax()} has the largest value, {last.max():.2g}; "
    said += f"the {last.idxmin()} the smallest, {last.min():.2g}."
    over_parts(values, title=f"{quantity} of every part", unit=unit, summary=said).show()
    parts = list(dict.fromkeys(values["part"]))
    few = [parts[0], *parts[1:3], *[part for part in parts if part.startswith("layer")][-2:]]
    shown = st.multiselect(
        "Parts as lines",
        parts,
        default=list(dict.fromkeys(few)),
        max_selections=MAX_LINES,
        key=f"beyond-parts:{len(parts)}",
        persist_state="session",
        help=f"At most {MAX_LINES} parts, drawn as lines below.",
    )
    if shown:
        level = RULE_OF_THUMB if quantity == QUANTITIES[1] else None
        near = "The dotted line is the rule of thumb, 0.001 (CS231n): far above it a part is torn about, far below "
        near += "it hardly learns. It was found with other optimizers; Muon's steps are larger by design."
        summary = near if level else "Logarithmic: one mark up is ten times as long, or a part of that."
        log_lines(
            values[values["part"].isin(shown)],
            title=f"{quantity} over training",
            unit=unit,
            summary=summary,
            level=level,
        ).show()
    if recorded:
        st.caption("Recorded by the training itself in the step before each evaluation, on that step's batch.")
    else:
        st.caption(
            "This run is older than the record of its layers. Gradients are computed here at its checkpoints, on "
            f"about {GRADIENT_TOKENS:,} held-out tokens. Update ÷ weights is the way from one checkpoint to the next, "
            "divided by the steps between: a lower bound, since steps that undo each other do not count."
        )
    with st.expander("As a table", icon=":material/table:"):
        st.dataframe(frame, hide_index=True, width="stretch")
    notice(
        "At the start the parts' gradients can differ by a factor of a hundred. AdamW and Muon divide that out: each "
        "moves by its rate, whatever the length of its gradient.",
        "Warmup shows as a rise of update ÷ weights, decay as its fall: the rate is in every update.",
        "A part whose gradient is zero has died or is not used; one whose update is as long as its weights is thrown "
        "about. Both show here long before the samples tell.",
    )
    exercise(
        "Why can the whole model's gradient look healthy while one part learns nothing?",
        "The length of the whole is the root of the sum of squares, so the largest part decides it. Ten parts, one of "
        "them silent, have almost the same norm as before.",
    )
    show_code(LayerWatch, gradient_lengths, movement)


@st.cache_data(max_entries=32, show_spinner=False)
def _recorded(run_id: str, stamp: str) -> pd.DataFrame:
    """Step, part, gradient, weights, update and their ratio, as the training recorded them; empty for older runs."""
    rows = []
    for event in lab().events(run_id, kinds=("layers",)):
        for each in event.payload["layers"]:
            weights = float(each["weights"])
            rows.append(
                {
                    "step": int(event.payload["step"]),
                    "part": each["name"],
                    "gradient": float(each["gradient"]),
                    "weights": weights,
                    "update": float(each["update"]),
                    "ratio": float(each["update"]) / weights if weights > 0 else math.nan,
                }
            )
    return pd.DataFrame(rows, columns=["step", "part", "gradient", "weights", "update", "ratio"])


def _measured(record: RunRecord) -> pd.DataFrame | None:
    """The same at the checkpoints of a run without such a record; None until the learner asks for a long one."""
    if not _asked(record, "beyond-measure", "Measure at the checkpoints", "Its text has to be read first, which takes"):
        return None
    moments = moments_of(record.run_id)
    waiting = st.empty()
    rows, before = [], None
    for number, moment in enumerate(moments):
        waiting.progress(number / len(moments), text=f"A backward pass at step {moment.info.step:,} …")
        lengths = _lengths(moment.key, moment, moments[-1])
        moved = _moved(before.key, moment.key, before, moment) if before is not None else {}
        rows += [{**each, "step": moment.info.step, "ratio": moved.get(each["part"], math.nan)} for each in lengths]
        before = moment
    waiting.empty()
    return pd.DataFrame(rows, columns=["step", "part", "gradient", "weights", "ratio"])


@st.cache_data(max_entries=256, show_spinner=False)
def _lengths(key: str, _moment: Moment, _last: Moment) -> list[dict[str, float | str]]:
    inputs, targets = held_out(_last.choice, GRADIENT_TOKENS)
    n = max(1, min(len(inputs), GRADIENT_TOKENS // inputs.shape[1]))
    keep = np.linspace(0, len(inputs) - 1, n).round().astype(int)  # of a mixture, some of every source
    with inference():
        found = gradient_lengths(load(_moment.choice).model, inputs[keep], targets[keep])
    return [{"part": each.name, "gradient": each.gradient, "weights": each.weights} for each in found]


@st.cache_data(max_entries=256, show_spinner=False)
def _moved(before_key: str, key: str, _before: Moment, _after: Moment) -> dict[str, float]:
    steps = _after.info.step - _before.info.step
    return movement(load(_before.choice).model, load(_after.choice).model, steps)


def _asked(record: RunRecord, key: str, label: str, why: str) -> bool:
    """Whether to read the run's text: at once where it is short, else once the learner has pressed a button."""
    n_chars = record.config_dict.get("n_chars") or 0
    if 0 < n_chars <= LARGE_CHARS or st.session_state.get(f"{key}:{record.run_id}"):
        return True
    with st.container(border=True):
        st.markdown(f"{why} up to a minute for {n_chars / 1e6:,.0f} million characters; once for everybody.")
        st.button(
            label,
            key=f"{key}-button",
            type="primary",
            icon=":material/play_arrow:",
            on_click=_ask,
            args=(f"{key}:{record.run_id}",),
            help="What is computed is kept for all who look at this run.",
        )
    return False


def _ask(key: str) -> None:
    st.session_state[key] = True


# --- weights and activations -------------------------------------------------------------------------------------


def _histograms(record: RunRecord) -> None:
    moments = moments_of(record.run_id)
    last = moments[-1]
    model = load(last.choice).model
    kind_place, part_place = st.columns(2, gap="large")
    with kind_place:
        kind = st.selectbox(
            "Numbers",
            list(KINDS),
            key="beyond-kind",
            persist_state="session",
            help="Weights are what training moves. Activations are what they make of a text: of your sentence, here.",
        )
    place = KINDS.get(kind)
    with part_place:
        if place is None:
            names = part_names(model)
            part = st.selectbox(
                "Part",
                names,
                index=min(1, len(names) - 1),
                key=f"beyond-part:{len(names)}",
                persist_state="session",
                help="A part of the model; of attention and MLP the matrices, without gains and biases.",
            )
        else:
            n = model.config.n_layers
            layer = 1
            if n > 1:
                layer = st.slider(
                    "Layer", 1, n, n, key=f"beyond-layer:{n}", persist_state="session", help="Whose numbers are drawn."
                )
            part = f"layer {layer}"
    if place is None:
        found = _weights(tuple(each.key for each in moments), part, moments)
        title, value = f"Weights: {part}", "Weight"
    else:
        own = choose_sentence(last.choice, most=MAX_SENTENCE)
        if own is None:
            return
        found = _activations(tuple(each.key for each in moments), own.ids, place, layer - 1, moments)
        title, value = f"{kind}: {part}", "Activation"
    steps = [each.info.step for each in moments]
    summary = f"The standard deviation goes from {found.spreads[0]:.3g} to {found.spreads[-1]:.3g}."
    if found.outside.max() > 0.0005:
        summary += f" Up to {found.outside.max():.1%} of the numbers lie beyond what is drawn."
    histogram_map(steps, found.edges, found.shares, title=title, value=value, summary=summary).show()
    with st.expander("As a table", icon=":material/table:"):
        table = {"step": steps, "standard deviation": found.spreads, "exactly 0": found.zeros, "beyond": found.outside}
        st.dataframe(pd.DataFrame(table), hide_index=True, width="stretch")
    notice(
        "Weights begin as a narrow bell of normal noise and widen as they learn; a few grow far beyond the rest. The "
        "colour is logarithmic, or those tails could not be seen.",
        "Behind the MLP's nonlinearity most numbers are near zero: a neuron speaks up for few tokens.",
        "The residual stream grows from layer to layer, since every block adds to it; the norm before each block takes "
        "the length out again.",
    )
    exercise(
        "How would the histogram of the weights look in a run whose learning rate was far too high?",
        "It widens within a few steps, to weights many times as long as at the start, and does not come back: with "
        "weights that large each further step changes little. Compare update ÷ weights of such a run.",
    )
    show_code(weight_statistics.histograms, weight_statistics.part_weights, weight_statistics.activations_of)


@st.cache_data(max_entries=64, show_spinner="Sorting the weights of every checkpoint …")
def _weights(keys: tuple[str, ...], part: str, _moments: list[Moment]) -> Histograms:
    return histograms([part_weights(load(each.choice).model, part) for each in _moments])


@st.cache_data(max_entries=64, show_spinner="Reading the sentence at every checkpoint …")
def _activations(
    keys: tuple[str, ...], ids: tuple[int, ...], place: weight_statistics.Place, layer: int, _moments: list[Moment]
) -> Histograms:
    return histograms([activations_of(traced(each.choice, ids)[0], place, layer) for each in _moments])


# --- batches -----------------------------------------------------------------------------------------------------


def _batches(record: RunRecord) -> None:
    config = record.config
    if not isinstance(config, RunConfig):
        st.info("Only pretraining runs read windows of a text.")
        return
    if not _asked(
        record,
        "beyond-read",
        "Read the text of this run",
        "Which window was read when follows from text "
        "and seed alone, so it can be worked out again. The text has to be read and cut into tokens,",
    ):
        return
    sampler = _sampler(record.run_id, str(lab().settings.home))
    tokenizer = load(moments_of(record.run_id)[-1].choice).tokenizer
    n, total = config.training.accumulation, max(1, record.step)
    step = int(
        st.number_input(
            "Step",
            1,
            total,
            min(total, 1),
            key=f"beyond-step:{record.run_id}:{total}",
            help=f"An update of the model, 1 to {total:,}. Type a number, or use the arrow keys.",
        )
    )
    starts = np.concatenate([sampler.starts((step - 1) * n + i).numpy() for i in range(n)])
    times = _times(record.run_id, str(lab().settings.home), (step - 1) * n, sampler)
    T = config.model.context_length
    texts = [_text(tokenizer, sampler.ids[start : start + T].tolist()) for start in starts]
    epoch = ((step - 1) * n * sampler.batch_size) / sampler.windows_per_epoch
    table = pd.DataFrame(
        {
            "window": range(1, len(starts) + 1),
            "begins at token": starts,
            "read before": [round(float(times[start : start + T].mean()), 2) for start in starts],
            "text": texts,
        }
    )
    st.markdown(f"**The {len(starts)} windows of step {step:,}**, {T} tokens each, in the order in which they came")
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        height=min(420, 36 * len(table) + 40),
        column_config={
            "text": st.column_config.TextColumn(width="large"),
            "read before": st.column_config.NumberColumn(
                format="%.2f", help="How often the tokens of this window had been read before this step, on average."
            ),
        },
    )
    chosen = st.selectbox(
        "Read a window",
        range(len(starts)),
        format_func=lambda i: f"window {i + 1}, from token {int(starts[i]):,}",
        key=f"beyond-window:{len(starts)}",
        help="Its whole text, as the model got it. The target of every token is the one after it.",
    )
    with st.container(border=True):
        st.text(texts[chosen])
    after = _times(record.run_id, str(lab().settings.home), step * n, sampler)
    stretch = max(1, len(after) // STRETCHES)
    whole = after[: len(after) // stretch * stretch].reshape(-1, stretch).mean(axis=1)
    never, most = float((after == 0).mean()), int(after.max())
    reading_map(
        np.arange(len(whole)) * stretch,
        whole,
        summary=f"After step {step:,}, {epoch:.2f} epochs in: {never:.1%} of the {len(after):,} training tokens have "
        f"not been read yet; the most read ones {most} {'time' if most == 1 else 'times'}.",
    ).show()
    with st.expander("As a table", icon=":material/table:"):
        values, counts = np.unique(after, return_counts=True)
        st.dataframe(pd.DataFrame({"times read": values, "tokens": counts}), hide_index=True, width="stretch")
    notice(
        "Windows come in random order, every one once an epoch. Neighbours in a batch have nothing to do with each "
        "other, so that its mean gradient speaks for the whole text.",
        "In every epoch windows begin at other tokens: what was cut in two is whole the next time.",
        "Large models read most of their text once. Small runs here read theirs many times, which is why the training "
        "loss falls below the validation loss.",
    )
    exercise(
        "Choose a step where the loss jumped up (the record as CSV names it) and read its batch. What do you find?",
        "Often nothing odd: a batch of few windows is a small sample, and some hold rare names, lists or another "
        "language. Real runs skip or look up such batches in the same way; with seed and step alone it can be done.",
    )
    show_code(WindowSampler.starts, WindowSampler.times_read)


@st.cache_resource(max_entries=2, show_spinner="Reading the run's text and cutting it into tokens …")
def _sampler(run_id: str, home: str) -> WindowSampler:
    """The sampler that the run had, made again from its config."""
    service = lab()
    config = service.run(run_id).config
    if not isinstance(config, RunConfig):
        raise EngineError("this run did not read windows of a text: choose a pretraining run.")
    tokenizer = service.load_model(run_id).tokenizer
    ids, _ = read_corpora(config, service.artifacts).encode(tokenizer, config.validation_fraction)
    return WindowSampler(ids, config.model.context_length, config.training.batch_size, config.seed)


@st.cache_resource(max_entries=6, show_spinner=False)
def _times(run_id: str, home: str, steps: int, _sampler: WindowSampler) -> np.ndarray:
    return _sampler.times_read(steps).astype(np.int32)


def _text(tokenizer: Tokenizer, ids: list[int]) -> str:
    return str(tokenizer.decode(ids))


# --- energy and cost ---------------------------------------------------------------------------------------------


def _energy(record: RunRecord) -> None:
    if record.seconds <= 0:
        st.info("This run has not trained yet: it has taken nothing.")
        return
    columns = st.columns(3, gap="medium")
    with columns[0]:
        watts = st.number_input(
            "Power (watts)",
            1.0,
            2000.0,
            15.0,
            step=5.0,
            key="beyond-watts",
            persist_state="session",
            help="An assumption: no meter is read. One busy core of a laptop or server takes about 5 to 25 W, with its "
            "share of memory and fans; a large graphics card about 700 W.",
        )
    with columns[1]:
        price = st.number_input(
            "Price of a kilowatt-hour",
            0.0,
            5.0,
            0.30,
            step=0.05,
            key="beyond-price",
            persist_state="session",
            help="In your currency. 0.30 is a household's in parts of Europe; data centres pay less.",
        )
    with columns[2]:
        carbon = st.number_input(
            "Grams of CO₂ for a kilowatt-hour",
            0.0,
            1500.0,
            400.0,
            step=50.0,
            key="beyond-carbon",
            persist_state="session",
            help="An assumption too: from about 30 where power is from water or atoms to about 800 from coal.",
        )
    used = training_energy(record.seconds, watts)
    tokens = _tokens_read(record.run_id, stamp_of(record))
    with st.container(horizontal=True):
        st.metric("Measured time", duration(record.seconds), help="Seconds of one core, with evaluations.", width=170)
        st.metric("Energy", _watt_hours(used.kilowatt_hours), help="Seconds × watts.", width=170)
        st.metric("Cost", _money(used.cost(price)), help="Kilowatt-hours × price.", width=170)
        st.metric("CO₂", f"{used.kilowatt_hours * carbon:,.3g} g", help="Kilowatt-hours × grams.", width=170)
        if tokens:
            st.metric(
                "Per million tokens",
                _watt_hours(used.kilowatt_hours / tokens * 1e6),
                help=f"The run has read {tokens:,} tokens.",
                width=190,
            )
    litres = used.litres_boiled()
    st.markdown(
        f"As much as brings **{litres:,.2g} litres of water** from 15 to 100 °C, if nothing gets lost; a kettle of "
        f"2,000 W takes as much in {duration(used.joules / 2000)}."
    )
    st.caption(
        "Measured: the seconds between the start and the end of every step and evaluation, on one core. While others "
        "compute on the same machine they grow, though the work stays the same. Assumed: everything typed above."
    )
    notice(
        "The time is the machine's, the watts are yours: the result is an estimate, as every published one is.",
        "Energy per token falls with faster hardware and rises in proportion to the parameters: each token costs about "
        "six operations for every parameter.",
        "What is trained once is used often: over its life, answering can take a model more energy than training did.",
    )
    exercise(
        "GPT-3's training took about 1,287 MWh by a published estimate (Patterson et al. 2021). How many of these runs "
        "would that be?",
        f"At the watts chosen above this run took {_watt_hours(used.kilowatt_hours)}: "
        f"1,287 MWh are {1_287_000 / max(used.kilowatt_hours, 1e-12):,.2g} such runs.",
    )
    show_code(energy.training_energy, energy.Energy)


@st.cache_data(max_entries=32, show_spinner=False)
def _tokens_read(run_id: str, stamp: str) -> int:
    steps = lab().curve(run_id, 2).steps
    return int(steps[-1]["tokens"]) if steps else 0


def _watt_hours(kilowatt_hours: float) -> str:
    return f"{kilowatt_hours * 1000:,.3g} Wh" if kilowatt_hours < 1 else f"{kilowatt_hours:,.2f} kWh"


def _money(amount: float) -> str:
    return f"{amount:,.2f}" if amount >= 0.1 else f"{amount:.2g}"
