"""Part: what a shape costs, before anything is built. Parameters, memory, arithmetic, and this machine."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine import machine, scaling
from engine.gpt import GPTConfig
from engine.language import N_, _, number
from engine.scaling import PUBLISHED_SHAPES
from engine.settings import Settings
from pages.parts.transformer.figures import stacked
from pages.parts.transformer.shape import choose_shape, preset_of, start_shape
from pages.shared import guide
from pages.shared.code_panel import show_code
from pages.shared.lesson import exercise, notice
from pages.shared.models import inference
from pages.shared.quantities import count, duration, short, size
from pages.shared.tables import show_table

GB = 1e9
VIEWS = (N_("Parameters"), N_("Memory"), N_("Arithmetic"))
OPTIMIZERS = {
    "sgd": N_("SGD: keeps nothing"),
    "momentum": N_("SGD with momentum: one average"),
    "adamw": N_("AdamW: two averages"),
    "muon": N_("Muon for matrices, AdamW for the rest"),
}
PRECISIONS = {"float32": N_("float32: 4 bytes"), "bfloat16": N_("bfloat16 mixed: 2 bytes and a float32 copy")}
TOKENS = (100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000, 300_000_000_000)


def show() -> None:
    """Draw the part."""
    st.markdown(
        _(
            "A handful of numbers fixes a transformer's shape, and with it every cost. Nothing has to be built to know "
            "them: begin with a model, yours or a published one, and change it."
        )
    )
    controls, figure = st.columns([1, 2.4], gap="large")
    with controls:
        config, title, changed = choose_shape()
    guide.tell("size", config.to_dict() | {"parameters": config.n_parameters})
    with figure:
        needs = scaling.training_memory(config, 1)
        flops = scaling.flops_per_token(config)
        with st.container(border=True, horizontal=True, gap="large"):
            exact = number(config.n_parameters)
            st.metric(
                _("Parameters"),
                exact if config.n_parameters < 1e9 else count(config.n_parameters),
                help=_("Trainable numbers: exactly {exact}.", exact=exact),
                width="content",
            )
            st.metric(
                _("In float32"),
                size(needs.weights),
                help=_("The weights alone, 4 bytes for each parameter."),
                width="content",
            )
            st.metric(
                _("FLOPs per token"),
                short(flops.forward),
                help=_(
                    "Operations of the forward pass for one token, on average over a full context; a multiplication "
                    "and its addition count as two."
                ),
                width="content",
            )
        view = st.segmented_control(
            _("Look at"),
            VIEWS,
            format_func=_,
            default=VIEWS[0],
            required=True,
            key="size_view",
            persist_state="session",
            help=_("The same shape, asked three questions: how many numbers, how many bytes, how many operations?"),
        )
        {N_("Parameters"): _parameters, N_("Memory"): _memory, N_("Arithmetic"): _arithmetic}[view](
            config, title, changed
        )


def _pieces(config: GPTConfig) -> dict[str, int]:
    counts = scaling.count_parameters(config)
    return {
        N_("Token embedding"): counts.token_embedding,
        N_("Positions"): counts.position_embedding,
        N_("Attention"): counts.attention,
        "MLP": counts.mlp,
        N_("Norms"): counts.norms,
        N_("Head"): counts.head,
    }


def _parameters(config: GPTConfig, title: str, changed: bool) -> None:
    pieces = {_(name): n for name, n in _pieces(config).items()}
    rows = {_("Now") if changed else title: pieces}
    if changed:
        rows = {**rows, _("Before"): {_(name): n for name, n in _pieces(start_shape()).items()}}
    largest = max(pieces, key=lambda name: pieces[name])
    stacked(
        rows,
        title=_("Where the parameters are"),
        x=_("Parameters"),
        shown={row: {name: number(n) for name, n in parts.items()} for row, parts in rows.items()},
        alt_text=_("Stacked bar chart: parameters of the model by component."),
        summary=_(
            "{largest} has most: {n_parameters:.0%} of {n_parameters_2:,}.",
            largest=largest,
            n_parameters=pieces[largest] / config.n_parameters,
            n_parameters_2=config.n_parameters,
        )
        + (
            _(
                " Before the changes ({title}) there were {n_parameters:,}.",
                title=title,
                n_parameters=start_shape().n_parameters,
            )
            if changed
            else ""
        ),
        compact=True,
    ).show()
    _published_remark(config, changed)
    formulas = _formulas(config)
    table = pd.DataFrame(
        [
            {
                N_("component"): name,
                N_("how many"): formulas.get(name, ""),
                N_("parameters"): n,
                N_("share (%)"): 100 * n / config.n_parameters,
            }
            for name, n in [*pieces.items(), (_("Total"), config.n_parameters)]
        ]
    )
    show_table(
        table,
        hide_index=True,
        width="stretch",
        column_config={
            N_("parameters"): st.column_config.NumberColumn(format="localized"),
            N_("share (%)"): st.column_config.NumberColumn(format="%.2f"),
        },
    )
    _papers_table()
    notice(
        _(
            "Each layer has about 12 C² parameters: 4 C² in attention, 8 C² in an MLP of four times the width. Twice "
            "the width is four times the layer; twice the layers is only twice."
        ),
        _(
            "The table of tokens is V · C whatever the depth. It is nearly a third of GPT-2 small and under 1 % of "
            "GPT-3."
        ),
        _("Move **Heads**: nothing changes. Heads cut the same matrices into more and thinner slices."),
    )
    exercise(
        _(
            "Begin with GPT-2 small and untie its head. How many parameters are added, and which other change would "
            "cost about as many?"
        ),
        _(
            "50,257 · 768 = 38,597,376: the table once more. A layer has 7,087,872, so five and a half more layers "
            "cost as much."
        ),
    )
    show_code(scaling.count_parameters, GPTConfig)


def _formulas(config: GPTConfig) -> dict[str, str]:
    bias = config.bias
    return {
        _("Token embedding"): "V · C",
        _("Positions"): "T · C" if config.positions == "learned" else _("none to learn"),
        _("Attention"): "L · (4 C² + 4 C)" if bias else "L · 4 C²",
        "MLP": _("L · (2 C · d_ff + d_ff + C)") if bias else "L · 2 C · d_ff",
        _("Norms"): "(2 L + 1) · 2 C" if bias else "(2 L + 1) · C",
        _("Head"): _("the embedding's table") if config.tie_embeddings else "V · C",
        _("Total"): "",
    }


def _published_remark(config: GPTConfig, changed: bool) -> None:
    printed = next((each for each in PUBLISHED_SHAPES if each.preset == preset_of()), None)
    if printed is None or changed:
        return
    off = config.n_parameters / printed.n_parameters - 1
    text = _(
        "**Published:** {n_parameters} ({source}); counted here: {n_parameters_2:,} ",
        n_parameters=count(printed.n_parameters),
        source=printed.source,
        n_parameters_2=config.n_parameters,
    )
    text += f"({number(off, '+.1%')})."
    if printed.preset in ("gpt2", "gpt2-medium", "gpt2-large"):
        text += _(" The paper's first count was too low; with the weights its authors gave the corrected one.")
    if printed.heads_fill_the_vector is False:
        text += _(
            " The printed row cannot be right: {n_heads} heads of {head_size} make "
            "{n_heads_2:,}, not {d_model:,}. Here: {n_heads_3} heads of "
            "{head_size_2} in {d_model_2:,}.",
            n_heads=printed.n_heads,
            head_size=printed.head_size,
            n_heads_2=printed.n_heads * printed.head_size,
            d_model=printed.d_model,
            n_heads_3=config.n_heads,
            head_size_2=config.head_size,
            d_model_2=config.d_model,
        )
    st.markdown(text)


def _papers_table() -> None:
    with st.expander(_("All published sizes, and ours"), icon=":material/table:"):
        rows = []
        for each in PUBLISHED_SHAPES:
            config = GPTConfig.preset(each.preset)
            fits = each.heads_fill_the_vector
            rows.append(
                {
                    N_("model"): each.name,
                    N_("published"): count(each.n_parameters),
                    N_("counted"): config.n_parameters,
                    N_("difference"): number(config.n_parameters / each.n_parameters - 1, "+.1%"),
                    N_("layers"): each.n_layers,
                    N_("width, printed"): each.d_model,
                    N_("heads × size, printed"): f"{each.n_heads} × {each.head_size}"
                    if each.n_heads
                    else _("not given"),
                    N_("do they agree?"): _("not given") if fits is None else _("yes") if fits else _("no"),
                    N_("heads × size, here"): f"{config.n_heads} × {config.head_size}",
                }
            )
        show_table(
            pd.DataFrame(rows),
            hide_index=True,
            width="stretch",
            column_config={name: st.column_config.NumberColumn(format="localized") for name in ("counted",)},
        )
        st.caption(
            _(
                "GPT-2: Radford et al. 2019, table 2. GPT-3: Brown et al. 2020, table 2.1. Two rows of the latter have "
                "heads that do not fill the vector: XL (24 heads of 128 for 2,048) and 13B (40 of 128 for 5,140)."
            )
        )


def _memory(config: GPTConfig, title: str, changed: bool) -> None:
    precision, optimizer, batch_size = _memory_controls()
    needs = scaling.training_memory(config, batch_size, optimizer=optimizer, precision=precision)
    width = scaling.bytes_of(precision)
    cache = scaling.cache_memory(config, config.context_length, bytes_per_number=width)
    here = _machine()
    rows = {
        N_("Use it"): {N_("Weights"): needs.weights, N_("Keys and values"): cache},
        N_("Train it"): {
            N_("Weights"): needs.weights,
            N_("float32 copy"): needs.master,
            N_("Gradients"): needs.gradients,
            N_("Optimizer"): needs.optimizer,
            N_("Activations"): needs.activations,
        },
    }
    stacked(
        {row: {name: value / GB for name, value in parts.items()} for row, parts in rows.items()},
        title=_("Memory to use and to train the model"),
        x=_("Memory (GB)"),
        shown={row: {name: size(value) for name, value in parts.items()} for row, parts in rows.items()},
        alt_text=_("Stacked bar chart: memory for using and for training the model, by what it holds."),
        summary=_(
            "Using it takes {size} with a full context of keys and values, training it "
            "{total} with {batch_size} texts of {context_length:,} tokens at a time.",
            size=size(needs.weights + cache),
            total=size(needs.total),
            batch_size=batch_size,
            context_length=config.context_length,
        ),
        rules={N_("free on this machine"): here.available / GB},
    ).show()
    _fits(_("Using it"), needs.weights + cache, here.available)
    _fits(_("Training it"), needs.total, here.available)
    if needs.weights > here.disk_free:
        st.markdown(_("Its weights do not fit the disk either: {disk_free} are free.", disk_free=size(here.disk_free)))
    names = {
        N_("Weights"): _("{n_parameters} · {width} bytes", n_parameters=count(config.n_parameters), width=width),
        N_("float32 copy"): _("4 bytes each, so that small updates are not rounded away"),
        N_("Gradients"): _("one for each weight, {width} bytes", width=width),
        N_("Optimizer"): OPTIMIZERS[optimizer],
        N_("Activations"): _(
            "{activation_numbers:,} numbers for each of {batch_size:,} tokens",
            activation_numbers=scaling.activation_numbers(config),
            batch_size=batch_size * config.context_length,
        ),
    }
    table = [
        {N_("held while training"): n, N_("why"): names[n], N_("memory"): size(v)}
        for n, v in rows["Train it"].items()
        if v
    ]
    table.append({N_("held while training"): _("Total"), N_("why"): "", N_("memory"): size(needs.total)})
    show_table(pd.DataFrame(table), hide_index=True, width="stretch")
    per_token = scaling.cache_memory(config, 1, bytes_per_number=width)
    st.caption(
        _(
            "Keys and values (KV cache): 2 · layers · width = {per_token} for each token read, {cache} for "
            "{context_length:,}. Activations are counted without recomputing and with fused attention, which keeps "
            "no T × T matrix; a library's own buffers come on top. 1 GB = 10⁹ bytes.",
            per_token=size(per_token),
            cache=size(cache),
            context_length=config.context_length,
        )
    )
    notice(
        _(
            "Training with AdamW in float32 holds each weight four times: itself, its gradient, two averages. That is "
            "16 bytes a parameter, and mixed precision needs as many: what it saves is activations and time."
        ),
        _("Activations grow with the batch and the context, the rest does not. A smaller batch is the first remedy."),
        _("Keys and values are what makes long conversations expensive: they grow with every token and every reader."),
    )
    exercise(
        _(
            "Which is the largest GPT-2 that can be trained on this machine with AdamW, one text at a time? And which "
            "could at least be used?"
        ),
        _(
            "Choose a preset, set **Texts at a time** to 1 and read the two sentences: using needs about 4 bytes a "
            "parameter, training 16 and the activations. GPT-2 XL needs 25 GB for its weights, gradients and averages "
            "alone, and 6 GB to be used."
        ),
    )
    show_code(scaling.training_memory, scaling.activation_numbers, scaling.cache_memory, machine.this_machine)


def _memory_controls() -> tuple[scaling.Precision, scaling.Optimizer, int]:
    left, middle, right = st.columns([1.2, 1.2, 1])
    precision = left.selectbox(
        _("Precision"),
        list(PRECISIONS),
        format_func=lambda each: _(PRECISIONS[each]),
        key="size_precision",
        persist_state="session",
        help=_(
            "How a number is stored. Mixed: weights, gradients and activations in 2 bytes, a 4-byte copy to update."
        ),
    )
    optimizer = middle.selectbox(
        _("Optimizer"),
        list(OPTIMIZERS),
        index=list(OPTIMIZERS).index("adamw"),
        format_func=lambda each: _(OPTIMIZERS[each]),
        key="size_optimizer",
        persist_state="session",
        help=_("What it remembers of earlier gradients, for each parameter, in float32."),
    )
    batch_size = right.select_slider(
        _("Texts at a time"),
        (1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
        8,
        key="size_batch",
        persist_state="session",
        help=_("Batch size: how many texts of the full context length are in memory in one training step."),
    )
    return precision, optimizer, batch_size


def _fits(doing: str, need: float, available: float) -> None:
    if need <= available:
        st.success(
            _(
                "{doing} fits this machine: {need} of {available} free.",
                doing=doing,
                need=size(need),
                available=size(available),
            ),
            icon=":material/check_circle:",
        )
    else:
        st.warning(
            _(
                "{doing} does not fit this machine: {need} are needed, {available} are free, "
                "{need_2:.1f} times too little.",
                doing=doing,
                need=size(need),
                available=size(available),
                need_2=need / max(available, 1),
            ),
            icon=":material/block:",
        )


@st.cache_data(ttl=10, show_spinner=False)
def _machine() -> machine.Machine:
    return machine.this_machine(Settings.from_environment().home)


@st.cache_data(ttl=3600, show_spinner=N_("Measuring this machine …"))
def _speed() -> float:
    with inference():
        return machine.measure_flops()


def _arithmetic(config: GPTConfig, title: str, changed: bool) -> None:
    left, right = st.columns(2)
    batch_size = left.select_slider(
        _("Texts at a time"),
        (1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
        8,
        key="size_batch",
        persist_state="session",
        help=_("Batch size: how many texts of the full context length one training step reads."),
    )
    tokens = right.select_slider(
        _("Text to read"),
        TOKENS,
        10_000_000,
        format_func=lambda n: _(
            _("{n} tokens", n=count(n))
            if n < 1e6
            else _("{n:g} billion", n=n / 1e9)
            if n >= 1e9
            else _("{n:g} million", n=n / 1e6)
        ),
        key="size_tokens",
        persist_state="session",
        help=_("How many tokens the whole training sees. GPT-3: 300 billion."),
    )
    flops, speed = scaling.flops_per_token(config), _speed()
    pieces = {
        N_("Attention, matrices"): flops.attention_projections,
        N_("Attention, scores"): flops.attention_scores,
        "MLP": flops.mlp,
        N_("Head"): flops.head,
    }
    row = _("Now") if changed else title
    share = flops.attention_scores / flops.forward
    stacked(
        {row: pieces},
        title=_("Operations for one token, forward"),
        x=_("Operations (FLOPs)"),
        shown={row: {name: number(n) for name, n in pieces.items()}},
        alt_text=_("Stacked bar chart: operations of the forward pass for one token, by component."),
        summary=_(
            "{forward} operations for a token in a full context of {context_length:,}; the "
            "scores of attention, which grow with the context, are {share:.1%} of them.",
            forward=count(flops.forward),
            context_length=config.context_length,
            share=share,
        ),
        compact=True,
    ).show()
    step = batch_size * config.context_length
    estimate = scaling.training_flops(config.n_parameters, 1)
    table = [
        (_("One token, forward"), flops.forward),
        (_("One token, trained (× 3)"), flops.training),
        (_("One step of {step:,} tokens", step=step), flops.training * step),
        (_("The whole training, {tokens} tokens", tokens=count(tokens)), flops.training * tokens),
    ]
    show_table(
        pd.DataFrame(
            [
                {N_("what"): name, N_("operations"): count(n), N_("time on this machine"): duration(n / speed)}
                for name, n in table
            ]
        ),
        hide_index=True,
        width="stretch",
    )
    st.caption(
        _(
            "This machine multiplies matrices at {speed} operations a second: measured for a fifth of a second with "
            "the threads of this server, beside whatever else it does. Real training reaches only a part of it. The "
            "usual estimate of 6 operations a parameter gives {estimate} for a trained token; counted: {training}.",
            speed=count(speed),
            estimate=count(estimate),
            training=count(flops.training),
        )
    )
    notice(
        _(
            "The backward pass computes two products for each one forward, one for the gradient of the input and one "
            "for that of the weight: training takes three times the operations of reading."
        ),
        _(
            "Every parameter of a matrix is used once for each token, with a multiplication and an addition. That is "
            "why 2 N forward and 6 N in training are so close."
        ),
        _("Raise the context: only the scores grow for each token. From about T = 12 C on they outweigh the matrices."),
    )
    exercise(
        _(
            "GPT-3 read 300 billion tokens. How long would this machine take, and how many such machines would do it "
            "in a month?"
        ),
        _(
            "3.1 · 10²³ operations: at 50 billion a second about 200,000 years, so 2.4 million machines. The paper "
            "counts 3,640 petaflop/s-days (Brown et al. 2020, table D.1), which is the same number of operations."
        ),
    )
    show_code(scaling.flops_per_token, scaling.training_flops, machine.measure_flops)
