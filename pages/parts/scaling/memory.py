"""Part "Memory": what training and using a model holds at once, against batch and context, and where it fits."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import streamlit as st

from engine import machine, scaling
from engine.errors import ConfigError
from engine.gpt import GPTConfig
from engine.hardware import DEVICES
from engine.language import N_, _, language, number
from engine.runs.config import RunConfig
from engine.scaling import PUBLISHED_SHAPES, MemoryNeeds
from engine.settings import Settings
from pages.parts.transformer.figures import stacked
from pages.parts.transformer.size import OPTIMIZERS, PRECISIONS
from pages.shared import viewer
from pages.shared.code_panel import show_code
from pages.shared.lesson import exercise, notice
from pages.shared.quantities import count, plural, size
from pages.shared.run_data import run_name
from pages.shared.tables import show_table
from pages.shared.viewer import lab

GB = 1e9
NOW, BY_BATCH, BY_CONTEXT = N_("Train and use"), N_("By batch"), N_("By context")
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
CONTEXTS = (64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 131_072)
STEPS_SHOWN = 5


def show() -> None:
    """Draw the part."""
    st.markdown(
        _(
            "Time can be waited for; memory is there or not. A training step holds the weights, their gradients, what "
            "the optimizer remembers and every activation that the backward pass needs. Writing text holds the "
            "weights, and keys and values of all tokens read so far."
        )
    )
    controls, figure = st.columns([1, 2.3], gap="large")
    with controls:
        config, title = _model()
        batch_size, context = _amounts(config)
        precision, optimizer = _kinds()
    config = replace(config, context_length=context)
    needs = scaling.training_memory(config, batch_size, optimizer=optimizer, precision=precision)
    width = scaling.bytes_of(precision)
    using = {
        N_("Weights"): width * config.n_parameters,
        N_("Keys and values"): scaling.cache_memory(config, context, batch_size, bytes_per_number=width),
    }
    with figure:
        view = st.segmented_control(
            _("Look at"),
            [NOW, BY_BATCH, BY_CONTEXT],
            default=NOW,
            required=True,
            key="memory-view",
            persist_state="session",
            help=_("This batch and context, or how training grows with one of them."),
        )
        if view == NOW:
            _draw(
                {_("Train it"): _pieces(needs), _("Use it"): using},
                _("Memory of {title}", title=title),
                _(
                    "Training takes {total}, using it {size}, with {batch_size} texts of {context:,} tokens.",
                    total=size(needs.total),
                    size=size(sum(using.values())),
                    batch_size=batch_size,
                    context=context,
                ),
            )
        else:
            _sweep(view, config, batch_size, context, optimizer, precision)
        _fits(needs.total, sum(using.values()))
    notice(
        _(
            "With AdamW every parameter takes 16 bytes in training, in float32 as in mixed precision: GPT-3's weights, "
            "gradients and averages alone are 2.8 TB, the memory of 35 devices of 80 GB."
        ),
        _(
            "Activations grow with batch × context; the rest stays. That is why a batch that does not fit is cut into "
            "micro-batches whose gradients are added up."
        ),
        _(
            "In use, keys and values grow with every token of every reader: at 64 readers with full contexts GPT-3's "
            "take more than its weights."
        ),
    )
    exercise(
        _(
            "Find the largest batch with which GPT-2 XL can be trained on one device of 80 GB in bfloat16 at its full "
            "context of 1,024. What changes with SGD without momentum?"
        ),
        _(
            "Move **Texts at a time** and read the table below the chart: beside 25 GB for weights, gradients and "
            "averages 16 texts fit, 32 do not; about 20 would. Without averages 12.5 GB are free for four or five "
            "texts more."
        ),
    )
    show_code(scaling.training_memory, scaling.activation_numbers, scaling.cache_memory)


@st.cache_data(ttl=10, show_spinner=False)
def _own_shapes(learner: str, spoken: str) -> dict[str, tuple[str, GPTConfig]]:
    found = {}
    for record in lab().runs():
        try:
            config = record.config
        except ConfigError:
            continue
        if isinstance(config, RunConfig):
            found[f"run:{record.run_id}"] = (_("Yours: {run_name}", run_name=run_name(record)), config.model)
    return found


def _model() -> tuple[GPTConfig, str]:
    own = _own_shapes(viewer.learner(), language())
    names = {
        **{each.preset: each.name for each in PUBLISHED_SHAPES},
        **{key: name for key, (name, _unused) in own.items()},
    }
    if st.session_state.get("memory-model") not in names:
        st.session_state["memory-model"] = "gpt2-xl"
    chosen = st.selectbox(
        _("Model"),
        list(names),
        format_func=lambda each: _(names[each]),
        key="memory-model",
        persist_state="session",
        help=_("A published shape, or that of a run on this server."),
    )
    config = own[chosen][1] if chosen in own else GPTConfig.preset(chosen)
    st.caption(
        _(
            "{n_parameters} parameters · {n_layers} layers · width {d_model:,} · own context {context_length:,}",
            n_parameters=count(config.n_parameters),
            n_layers=config.n_layers,
            d_model=config.d_model,
            context_length=config.context_length,
        )
    )
    return config, names[chosen] if chosen not in own else _("your run")


def _amounts(config: GPTConfig) -> tuple[int, int]:
    batch_size = st.select_slider(
        _("Texts at a time"),
        BATCHES,
        8,
        format_func=_,
        key="memory-batch",
        persist_state="session",
        help=_("The batch: how many texts are in memory together, in a training step or as readers of the model."),
    )
    context = st.select_slider(
        _("Context (tokens)"),
        CONTEXTS,
        1024,
        format_func=number,
        key="memory-context",
        persist_state="session",
        help=_(
            "Tokens of each text. GPT-2: 1,024; GPT-3: 2,048; models of 2024: 131,072. With learned positions the "
            "model gets a vector for each."
        ),
    )
    return int(batch_size), int(context)


def _kinds() -> tuple[scaling.Precision, scaling.Optimizer]:
    precision = st.selectbox(
        _("Precision"),
        list(PRECISIONS),
        index=1,
        format_func=lambda each: _(PRECISIONS[each]),
        key="memory-precision",
        persist_state="session",
        help=_("Mixed: weights, gradients, activations, keys and values in 2 bytes, and a 4-byte copy of the weights."),
    )
    optimizer = st.selectbox(
        _("Optimizer"),
        list(OPTIMIZERS),
        index=list(OPTIMIZERS).index("adamw"),
        format_func=lambda each: _(OPTIMIZERS[each]),
        key="memory-optimizer",
        persist_state="session",
        help=_("What it remembers of earlier gradients, for each parameter, in float32."),
    )
    return precision, optimizer


def _pieces(needs: MemoryNeeds) -> dict[str, int]:
    return {
        N_("Weights"): needs.weights,
        N_("float32 copy"): needs.master,
        N_("Gradients"): needs.gradients,
        N_("Optimizer"): needs.optimizer,
        N_("Activations"): needs.activations,
    }


def _draw(rows: dict[str, dict[str, int]], title: str, summary: str) -> None:
    widest = max(sum(pieces.values()) for pieces in rows.values())
    lines = {f"{d.name}, {size(d.memory)}": d.memory / GB for d in DEVICES if d.memory <= 0.8 * widest}
    nearest = dict(sorted(lines.items(), key=lambda line: line[1])[-1:])  # more would run into each other
    stacked(
        {row: {_(name): value / GB for name, value in pieces.items()} for row, pieces in rows.items()},
        title=title,
        x=_("Memory (GB)"),
        shown={row: {_(name): size(value) for name, value in pieces.items()} for row, pieces in rows.items()},
        alt_text=_("Stacked bar chart: memory by what it holds."),
        summary=summary,
        rules=nearest,
    ).show()


def _sweep(
    view: str,
    config: GPTConfig,
    batch_size: int,
    context: int,
    optimizer: scaling.Optimizer,
    precision: scaling.Precision,
) -> None:
    """Training memory at the chosen amount and what lies around it."""
    amounts, chosen = (BATCHES, batch_size) if view == BY_BATCH else (CONTEXTS, context)
    first = min(max(0, amounts.index(chosen) - STEPS_SHOWN // 2), len(amounts) - STEPS_SHOWN)
    rows = {}
    for amount in amounts[first : first + STEPS_SHOWN]:
        shape = config if view == BY_BATCH else replace(config, context_length=amount)
        texts = amount if view == BY_BATCH else batch_size
        label = plural(amount, "text", "texts") if view == BY_BATCH else plural(amount, "token", "tokens")
        rows[label] = _pieces(scaling.training_memory(shape, texts, optimizer=optimizer, precision=precision))
    totals = [sum(pieces.values()) for pieces in rows.values()]
    what, last = (_("batch") if view == BY_BATCH else _("context")), amounts[first + STEPS_SHOWN - 1]
    _draw(
        rows,
        _("Training memory by {what}", what=what),
        _(
            "From {next} to {value}, {last:.0f} times as many, training takes "
            "{value_2:.1f} times the memory: only activations grow with the {what}.",
            next=next(iter(rows)),
            value=list(rows)[-1],
            last=last / amounts[first],
            value_2=totals[-1] / totals[0],
            what=what,
        ),
    )


@st.cache_data(ttl=10, show_spinner=False)
def _free_here() -> int:
    return machine.this_machine(Settings.from_environment().home).available


def _fits(training: float, using: float) -> None:
    places = [(_("This machine, free now"), float(_free_here()), "now"), (_("A laptop of 16 GB"), 16e9, "")]
    places += [(_(each.name), each.memory, each.date) for each in DEVICES]
    rows = [
        {
            N_("where"): name,
            N_("memory"): size(memory),
            N_("train it"): _verdict(training, memory),
            N_("use it"): _verdict(using, memory),
        }
        for name, memory, _unused in places
    ]
    show_table(pd.DataFrame(rows), hide_index=True, width="stretch")
    st.caption(
        _(
            "How many devices would hold it if it could be shared out without a rest. Activations are counted without "
            "recomputing and with fused attention; a library's own buffers come on top. 1 GB = 10⁹ bytes. Devices as "
            "of {date}.",
            date=DEVICES[-2].date,
        )
    )


def _verdict(need: float, memory: float) -> str:
    if need <= memory:
        return _("fits, {need:.0%} used", need=need / max(memory, 1))
    return _("does not fit: {ceil:,} would be needed", ceil=math.ceil(need / max(memory, 1)))
