"""Part: what a shape costs, before anything is built. Parameters, memory, arithmetic, and this machine."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine import machine, scaling
from engine.gpt import GPTConfig
from engine.scaling import PUBLISHED_SHAPES
from engine.settings import Settings
from pages.parts.transformer.figures import stacked
from pages.parts.transformer.shape import choose_shape, preset_of, start_shape
from pages.shared import guide
from pages.shared.code_panel import show_code
from pages.shared.lesson import exercise, notice
from pages.shared.models import inference
from pages.shared.quantities import count, duration, short, size

GB = 1e9
VIEWS = ("Parameters", "Memory", "Arithmetic")
OPTIMIZERS = {
    "sgd": "SGD: keeps nothing",
    "momentum": "SGD with momentum: one average",
    "adamw": "AdamW: two averages",
    "muon": "Muon for matrices, AdamW for the rest",
}
PRECISIONS = {"float32": "float32: 4 bytes", "bfloat16": "bfloat16 mixed: 2 bytes and a float32 copy"}
TOKENS = (100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000, 300_000_000_000)


def show() -> None:
    """Draw the part."""
    st.markdown(
        "A handful of numbers fixes a transformer's shape, and with it every cost. Nothing has to be built to know "
        "them: begin with a model, yours or a published one, and change it."
    )
    controls, figure = st.columns([1, 2.4], gap="large")
    with controls:
        config, title, changed = choose_shape()
    guide.tell("size", config.to_dict() | {"parameters": config.n_parameters})
    with figure:
        needs = scaling.training_memory(config, 1)
        flops = scaling.flops_per_token(config)
        with st.container(border=True):
            columns = st.columns([1.5, 1, 1.2])
            exact = f"{config.n_parameters:,}"
            columns[0].metric(
                "Parameters",
                exact if config.n_parameters < 1e9 else count(config.n_parameters),
                help=f"Trainable numbers: exactly {exact}.",
            )
            columns[1].metric("In float32", size(needs.weights), help="The weights alone, 4 bytes for each parameter.")
            columns[2].metric(
                "FLOPs per token",
                short(flops.forward),
                help="Operations of the forward pass for one token, on average over a full context; a multiplication "
                "and its addition count as two.",
            )
        view = st.segmented_control(
            "Look at",
            VIEWS,
            default=VIEWS[0],
            required=True,
            key="size_view",
            persist_state="session",
            help="The same shape, asked three questions: how many numbers, how many bytes, how many operations?",
        )
        {"Parameters": _parameters, "Memory": _memory, "Arithmetic": _arithmetic}[view](config, title, changed)


def _pieces(config: GPTConfig) -> dict[str, int]:
    counts = scaling.count_parameters(config)
    return {
        "Token embedding": counts.token_embedding,
        "Positions": counts.position_embedding,
        "Attention": counts.attention,
        "MLP": counts.mlp,
        "Norms": counts.norms,
        "Head": counts.head,
    }


def _parameters(config: GPTConfig, title: str, changed: bool) -> None:
    pieces = _pieces(config)
    rows = {"Now" if changed else title: pieces}
    if changed:
        rows = {**rows, "Before": _pieces(start_shape())}
    largest = max(pieces, key=lambda name: pieces[name])
    stacked(
        rows,
        title="Where the parameters are",
        x="Parameters",
        shown={row: {name: f"{n:,}" for name, n in parts.items()} for row, parts in rows.items()},
        alt_text="Stacked bar chart: parameters of the model by component.",
        summary=f"{largest} has most: {pieces[largest] / config.n_parameters:.0%} of {config.n_parameters:,}."
        + (f" Before the changes ({title}) there were {start_shape().n_parameters:,}." if changed else ""),
        compact=True,
    ).show()
    _published_remark(config, changed)
    formulas = _formulas(config)
    table = pd.DataFrame(
        [
            {"component": name, "how many": formulas[name], "parameters": n, "share (%)": 100 * n / config.n_parameters}
            for name, n in [*pieces.items(), ("Total", config.n_parameters)]
        ]
    )
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        column_config={
            "parameters": st.column_config.NumberColumn(format="localized"),
            "share (%)": st.column_config.NumberColumn(format="%.2f"),
        },
    )
    _papers_table()
    notice(
        "Each layer has about 12 C² parameters: 4 C² in attention, 8 C² in an MLP of four times the width. Twice the "
        "width is four times the layer; twice the layers is only twice.",
        "The table of tokens is V · C whatever the depth. It is nearly a third of GPT-2 small and under 1 % of GPT-3.",
        "Move **Heads**: nothing changes. Heads cut the same matrices into more and thinner slices.",
    )
    exercise(
        "Begin with GPT-2 small and untie its head. How many parameters are added, and which other change would cost "
        "about as many?",
        "50,257 · 768 = 38,597,376: the table once more. A layer has 7,087,872, so five and a half more layers cost "
        "as much.",
    )
    show_code(scaling.count_parameters, GPTConfig)


def _formulas(config: GPTConfig) -> dict[str, str]:
    bias = config.bias
    return {
        "Token embedding": "V · C",
        "Positions": "T · C" if config.positions == "learned" else "none to learn",
        "Attention": "L · (4 C² + 4 C)" if bias else "L · 4 C²",
        "MLP": "L · (2 C · d_ff + d_ff + C)" if bias else "L · 2 C · d_ff",
        "Norms": "(2 L + 1) · 2 C" if bias else "(2 L + 1) · C",
        "Head": "the embedding's table" if config.tie_embeddings else "V · C",
        "Total": "",
    }


def _published_remark(config: GPTConfig, changed: bool) -> None:
    printed = next((each for each in PUBLISHED_SHAPES if each.preset == preset_of()), None)
    if printed is None or changed:
        return
    off = config.n_parameters / printed.n_parameters - 1
    text = f"**Published:** {count(printed.n_parameters)} ({printed.source}); counted here: {config.n_parameters:,} "
    text += f"({off:+.1%})."
    if printed.preset in ("gpt2", "gpt2-medium", "gpt2-large"):
        text += " The paper's first count was too low; with the weights its authors gave the corrected one."
    if printed.heads_fill_the_vector is False:
        text += (
            f" The printed row cannot be right: {printed.n_heads} heads of {printed.head_size} make "
            f"{printed.n_heads * printed.head_size:,}, not {printed.d_model:,}. Here: {config.n_heads} heads of "
            f"{config.head_size} in {config.d_model:,}."
        )
    st.markdown(text)


def _papers_table() -> None:
    with st.expander("All published sizes, and ours", icon=":material/table:"):
        rows = []
        for each in PUBLISHED_SHAPES:
            config = GPTConfig.preset(each.preset)
            fits = each.heads_fill_the_vector
            rows.append(
                {
                    "model": each.name,
                    "published": count(each.n_parameters),
                    "counted": config.n_parameters,
                    "difference": f"{config.n_parameters / each.n_parameters - 1:+.1%}",
                    "layers": each.n_layers,
                    "width, printed": each.d_model,
                    "heads × size, printed": f"{each.n_heads} × {each.head_size}" if each.n_heads else "not given",
                    "do they agree?": "not given" if fits is None else "yes" if fits else "no",
                    "heads × size, here": f"{config.n_heads} × {config.head_size}",
                }
            )
        st.dataframe(
            pd.DataFrame(rows),
            hide_index=True,
            width="stretch",
            column_config={name: st.column_config.NumberColumn(format="localized") for name in ("counted",)},
        )
        st.caption(
            "GPT-2: Radford et al. 2019, table 2. GPT-3: Brown et al. 2020, table 2.1. Two rows of the latter have "
            "heads that do not fill the vector: XL (24 heads of 128 for 2,048) and 13B (40 of 128 for 5,140)."
        )


def _memory(config: GPTConfig, title: str, changed: bool) -> None:
    precision, optimizer, batch_size = _memory_controls()
    needs = scaling.training_memory(config, batch_size, optimizer=optimizer, precision=precision)
    width = scaling.bytes_of(precision)
    cache = scaling.cache_memory(config, config.context_length, bytes_per_number=width)
    here = _machine()
    rows = {
        "Use it": {"Weights": needs.weights, "Keys and values": cache},
        "Train it": {
            "Weights": needs.weights,
            "float32 copy": needs.master,
            "Gradients": needs.gradients,
            "Optimizer": needs.optimizer,
            "Activations": needs.activations,
        },
    }
    stacked(
        {row: {name: value / GB for name, value in parts.items()} for row, parts in rows.items()},
        title="Memory to use and to train the model",
        x="Memory (GB)",
        shown={row: {name: size(value) for name, value in parts.items()} for row, parts in rows.items()},
        alt_text="Stacked bar chart: memory for using and for training the model, by what it holds.",
        summary=f"Using it takes {size(needs.weights + cache)} with a full context of keys and values, training it "
        f"{size(needs.total)} with {batch_size} texts of {config.context_length:,} tokens at a time.",
        rules={"free on this machine": here.available / GB},
    ).show()
    _fits("Using it", needs.weights + cache, here.available)
    _fits("Training it", needs.total, here.available)
    if needs.weights > here.disk_free:
        st.markdown(f"Its weights do not fit the disk either: {size(here.disk_free)} are free.")
    names = {
        "Weights": f"{count(config.n_parameters)} · {width} bytes",
        "float32 copy": "4 bytes each, so that small updates are not rounded away",
        "Gradients": f"one for each weight, {width} bytes",
        "Optimizer": OPTIMIZERS[optimizer],
        "Activations": f"{scaling.activation_numbers(config):,} numbers for each of "
        f"{batch_size * config.context_length:,} tokens",
    }
    table = [{"held while training": n, "why": names[n], "memory": size(v)} for n, v in rows["Train it"].items() if v]
    table.append({"held while training": "Total", "why": "", "memory": size(needs.total)})
    st.dataframe(pd.DataFrame(table), hide_index=True, width="stretch")
    per_token = scaling.cache_memory(config, 1, bytes_per_number=width)
    st.caption(
        f"Keys and values (KV cache): 2 · layers · width = {size(per_token)} for each token read, {size(cache)} for "
        f"{config.context_length:,}. Activations are counted without recomputing and with fused attention, which keeps "
        "no T × T matrix; a library's own buffers come on top. 1 GB = 10⁹ bytes."
    )
    notice(
        "Training with AdamW in float32 holds each weight four times: itself, its gradient, two averages. That is 16 "
        "bytes a parameter, and mixed precision needs as many: what it saves is activations and time.",
        "Activations grow with the batch and the context, the rest does not. A smaller batch is the first remedy.",
        "Keys and values are what makes long conversations expensive: they grow with every token and every reader.",
    )
    exercise(
        "Which is the largest GPT-2 that can be trained on this machine with AdamW, one text at a time? And which "
        "could at least be used?",
        "Choose a preset, set **Texts at a time** to 1 and read the two sentences: using needs about 4 bytes a "
        "parameter, training 16 and the activations. GPT-2 XL needs 25 GB for its weights, gradients and averages "
        "alone, and 6 GB to be used.",
    )
    show_code(scaling.training_memory, scaling.activation_numbers, scaling.cache_memory, machine.this_machine)


def _memory_controls() -> tuple[scaling.Precision, scaling.Optimizer, int]:
    left, middle, right = st.columns([1.2, 1.2, 1])
    precision = left.selectbox(
        "Precision",
        list(PRECISIONS),
        format_func=PRECISIONS.__getitem__,
        key="size_precision",
        persist_state="session",
        help="How a number is stored. Mixed: weights, gradients and activations in 2 bytes, a 4-byte copy to update.",
    )
    optimizer = middle.selectbox(
        "Optimizer",
        list(OPTIMIZERS),
        index=list(OPTIMIZERS).index("adamw"),
        format_func=OPTIMIZERS.__getitem__,
        key="size_optimizer",
        persist_state="session",
        help="What it remembers of earlier gradients, for each parameter, in float32.",
    )
    batch_size = right.select_slider(
        "Texts at a time",
        (1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
        8,
        key="size_batch",
        persist_state="session",
        help="Batch size: how many texts of the full context length are in memory in one training step.",
    )
    return precision, optimizer, batch_size


def _fits(doing: str, need: float, available: float) -> None:
    if need <= available:
        st.success(
            f"{doing} fits this machine: {size(need)} of {size(available)} free.", icon=":material/check_circle:"
        )
    else:
        st.warning(
            f"{doing} does not fit this machine: {size(need)} are needed, {size(available)} are free, "
            f"{need / max(available, 1):.1f} times too little.",
            icon=":material/block:",
        )


@st.cache_data(ttl=10, show_spinner=False)
def _machine() -> machine.Machine:
    return machine.this_machine(Settings.from_environment().home)


@st.cache_data(ttl=3600, show_spinner="Measuring this machine …")
def _speed() -> float:
    with inference():
        return machine.measure_flops()


def _arithmetic(config: GPTConfig, title: str, changed: bool) -> None:
    left, right = st.columns(2)
    batch_size = left.select_slider(
        "Texts at a time",
        (1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
        8,
        key="size_batch",
        persist_state="session",
        help="Batch size: how many texts of the full context length one training step reads.",
    )
    tokens = right.select_slider(
        "Text to read",
        TOKENS,
        10_000_000,
        format_func=lambda n: (
            f"{count(n)} tokens" if n < 1e6 else f"{n / 1e9:g} billion" if n >= 1e9 else f"{n / 1e6:g} million"
        ),
        key="size_tokens",
        persist_state="session",
        help="How many tokens the whole training sees. GPT-3: 300 billion.",
    )
    flops, speed = scaling.flops_per_token(config), _speed()
    pieces = {
        "Attention, matrices": flops.attention_projections,
        "Attention, scores": flops.attention_scores,
        "MLP": flops.mlp,
        "Head": flops.head,
    }
    row = "Now" if changed else title
    share = flops.attention_scores / flops.forward
    stacked(
        {row: pieces},
        title="Operations for one token, forward",
        x="Operations (FLOPs)",
        shown={row: {name: f"{n:,}" for name, n in pieces.items()}},
        alt_text="Stacked bar chart: operations of the forward pass for one token, by component.",
        summary=f"{count(flops.forward)} operations for a token in a full context of {config.context_length:,}; the "
        f"scores of attention, which grow with the context, are {share:.1%} of them.",
        compact=True,
    ).show()
    step = batch_size * config.context_length
    estimate = scaling.training_flops(config.n_parameters, 1)
    table = [
        ("One token, forward", flops.forward),
        ("One token, trained (× 3)", flops.training),
        (f"One step of {step:,} tokens", flops.training * step),
        (f"The whole training, {count(tokens)} tokens", flops.training * tokens),
    ]
    st.dataframe(
        pd.DataFrame(
            [{"what": name, "operations": count(n), "time on this machine": duration(n / speed)} for name, n in table]
        ),
        hide_index=True,
        width="stretch",
    )
    st.caption(
        f"This machine multiplies matrices at {count(speed)} operations a second: measured for a fifth of a "
        "second with the threads of this server, beside whatever else it does. Real training reaches only a part of "
        "it. The usual estimate of 6 "
        f"operations a parameter gives {count(estimate)} for a trained token; counted: {count(flops.training)}."
    )
    notice(
        "The backward pass computes two products for each one forward, one for the gradient of the input and one for "
        "that of the weight: training takes three times the operations of reading.",
        "Every parameter of a matrix is used once for each token, with a multiplication and an addition. That is why 2 "
        "N forward and 6 N in training are so close.",
        "Raise the context: only the scores grow for each token. From about T = 12 C on they outweigh the matrices.",
    )
    exercise(
        "GPT-3 read 300 billion tokens. How long would this machine take, and how many such machines would do it in a "
        "month?",
        "3.1 · 10²³ operations: at 50 billion a second about 200,000 years, so 2.4 million machines. The paper counts "
        "3,640 petaflop/s-days (Brown et al. 2020, table D.1), which is the same number of operations.",
    )
    show_code(scaling.flops_per_token, scaling.training_flops, machine.measure_flops)
