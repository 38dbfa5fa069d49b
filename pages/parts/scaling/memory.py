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
from engine.runs.config import RunConfig
from engine.scaling import PUBLISHED_SHAPES, MemoryNeeds
from engine.settings import Settings
from pages.parts.transformer.figures import stacked
from pages.parts.transformer.size import OPTIMIZERS, PRECISIONS
from pages.shared import viewer
from pages.shared.code_panel import show_code
from pages.shared.lesson import exercise, notice
from pages.shared.quantities import count, size
from pages.shared.run_data import run_name
from pages.shared.viewer import lab

GB = 1e9
NOW, BY_BATCH, BY_CONTEXT = "Train and use", "By batch", "By context"
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
CONTEXTS = (64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 131_072)
STEPS_SHOWN = 5


def show() -> None:
    """Draw the part."""
    st.markdown(
        "Time can be waited for; memory is there or not. A training step holds the weights, their gradients, what the "
        "optimizer remembers and every activation that the backward pass needs. Writing text holds the weights, and "
        "keys and values of all tokens read so far."
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
        "Weights": width * config.n_parameters,
        "Keys and values": scaling.cache_memory(config, context, batch_size, bytes_per_number=width),
    }
    with figure:
        view = st.segmented_control(
            "Look at",
            [NOW, BY_BATCH, BY_CONTEXT],
            default=NOW,
            required=True,
            key="memory-view",
            persist_state="session",
            help="This batch and context, or how training grows with one of them.",
        )
        if view == NOW:
            _draw(
                {"Train it": _pieces(needs), "Use it": using},
                f"Memory of {title}",
                f"Training takes {size(needs.total)}, using it {size(sum(using.values()))}, with {batch_size} texts of "
                f"{context:,} tokens.",
            )
        else:
            _sweep(view, config, batch_size, context, optimizer, precision)
        _fits(needs.total, sum(using.values()))
    notice(
        "With AdamW every parameter takes 16 bytes in training, in float32 as in mixed precision: GPT-3's weights, "
        "gradients and averages alone are 2.8 TB, the memory of 35 devices of 80 GB.",
        "Activations grow with batch × context; the rest stays. That is why a batch that does not fit is cut into "
        "micro-batches whose gradients are added up.",
        "In use, keys and values grow with every token of every reader: at 64 readers with full contexts GPT-3's take "
        "more than its weights.",
    )
    exercise(
        "Find the largest batch with which GPT-2 XL can be trained on one device of 80 GB in bfloat16 at its full "
        "context of 1,024. What changes with SGD without momentum?",
        "Move **Texts at a time** and read the table below the chart: beside 25 GB for weights, gradients and averages "
        "16 texts fit, 32 do not; about 20 would. Without averages 12.5 GB are free for four or five texts more.",
    )
    show_code(scaling.training_memory, scaling.activation_numbers, scaling.cache_memory)


@st.cache_data(ttl=10, show_spinner=False)
def _own_shapes(learner: str) -> dict[str, tuple[str, GPTConfig]]:
    found = {}
    for record in lab().runs():
        try:
            config = record.config
        except ConfigError:
            continue
        if isinstance(config, RunConfig):
            found[f"run:{record.run_id}"] = (f"Yours: {run_name(record)}", config.model)
    return found


def _model() -> tuple[GPTConfig, str]:
    own = _own_shapes(viewer.learner())
    names = {**{each.preset: each.name for each in PUBLISHED_SHAPES}, **{key: name for key, (name, _) in own.items()}}
    if st.session_state.get("memory-model") not in names:
        st.session_state["memory-model"] = "gpt2-xl"
    chosen = st.selectbox(
        "Model",
        list(names),
        format_func=names.__getitem__,
        key="memory-model",
        persist_state="session",
        help="A published shape, or that of a run on this server.",
    )
    config = own[chosen][1] if chosen in own else GPTConfig.preset(chosen)
    st.caption(
        f"{count(config.n_parameters)} parameters · {config.n_layers} layers · width {config.d_model:,} · own context "
        f"{config.context_length:,}"
    )
    return config, names[chosen] if chosen not in own else "your run"


def _amounts(config: GPTConfig) -> tuple[int, int]:
    batch_size = st.select_slider(
        "Texts at a time",
        BATCHES,
        8,
        key="memory-batch",
        persist_state="session",
        help="The batch: how many texts are in memory together, in a training step or as readers of the model.",
    )
    context = st.select_slider(
        "Context (tokens)",
        CONTEXTS,
        1024,
        format_func=lambda n: f"{n:,}",
        key="memory-context",
        persist_state="session",
        help="Tokens of each text. GPT-2: 1,024; GPT-3: 2,048; models of 2024: 131,072. With learned positions the "
        "model gets a vector for each.",
    )
    return int(batch_size), int(context)


def _kinds() -> tuple[scaling.Precision, scaling.Optimizer]:
    precision = st.selectbox(
        "Precision",
        list(PRECISIONS),
        index=1,
        format_func=PRECISIONS.__getitem__,
        key="memory-precision",
        persist_state="session",
        help="Mixed: weights, gradients, activations, keys and values in 2 bytes, and a 4-byte copy of the weights.",
    )
    optimizer = st.selectbox(
        "Optimizer",
        list(OPTIMIZERS),
        index=list(OPTIMIZERS).index("adamw"),
        format_func=OPTIMIZERS.__getitem__,
        key="memory-optimizer",
        persist_state="session",
        help="What it remembers of earlier gradients, for each parameter, in float32.",
    )
    return precision, optimizer


def _pieces(needs: MemoryNeeds) -> dict[str, int]:
    return {
        "Weights": needs.weights,
        "float32 copy": needs.master,
        "Gradients": needs.gradients,
        "Optimizer": needs.optimizer,
        "Activations": needs.activations,
    }


def _draw(rows: dict[str, dict[str, int]], title: str, summary: str) -> None:
    widest = max(sum(pieces.values()) for pieces in rows.values())
    lines = {f"{d.name}, {size(d.memory)}": d.memory / GB for d in DEVICES if d.memory <= 0.8 * widest}
    nearest = dict(sorted(lines.items(), key=lambda line: line[1])[-1:])  # more would run into each other
    stacked(
        {row: {name: value / GB for name, value in pieces.items()} for row, pieces in rows.items()},
        title=title,
        x="Memory (GB)",
        shown={row: {name: size(value) for name, value in pieces.items()} for row, pieces in rows.items()},
        alt_text="Stacked bar chart: memory by what it holds.",
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
        label = f"{amount:,} {'text' if view == BY_BATCH else 'token'}{'s' if amount > 1 else ''}"
        rows[label] = _pieces(scaling.training_memory(shape, texts, optimizer=optimizer, precision=precision))
    totals = [sum(pieces.values()) for pieces in rows.values()]
    what, last = ("batch" if view == BY_BATCH else "context"), amounts[first + STEPS_SHOWN - 1]
    _draw(
        rows,
        f"Training memory by {what}",
        f"From {next(iter(rows))} to {list(rows)[-1]}, {last / amounts[first]:.0f} times as many, training takes "
        f"{totals[-1] / totals[0]:.1f} times the memory: only activations grow with the {what}.",
    )


@st.cache_data(ttl=10, show_spinner=False)
def _free_here() -> int:
    return machine.this_machine(Settings.from_environment().home).available


def _fits(training: float, using: float) -> None:
    places = [("This machine, free now", float(_free_here()), "now"), ("A laptop of 16 GB", 16e9, "")]
    places += [(each.name, each.memory, each.date) for each in DEVICES]
    rows = [
        {
            "where": name,
            "memory": size(memory),
            "train it": _verdict(training, memory),
            "use it": _verdict(using, memory),
        }
        for name, memory, _ in places
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")
    st.caption(
        "How many devices would hold it if it could be shared out without a rest. Activations are counted without "
        "recomputing and with fused attention; a library's own buffers come on top. 1 GB = 10⁹ bytes. Devices as of "
        f"{DEVICES[-2].date}."
    )


def _verdict(need: float, memory: float) -> str:
    if need <= memory:
        return f"fits, {need / max(memory, 1):.0%} used"
    return f"does not fit: {math.ceil(need / max(memory, 1)):,} would be needed"
