"""The settings of a pretraining run: a recipe for who wants to press Train, every number for who wants to turn it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from engine.errors import ConfigError
from engine.language import N_, _, number
from engine.runs.config import RunConfig
from engine.runs.recipes import DEFAULT_RECIPE, RECIPES, Recipe, recipe_config
from pages.shared.errors import sentence
from pages.shared.quantities import estimate
from pages.shared.text_source import TextSource, choose_text
from pages.shared.viewer import lab
from pages.shared.wording import slider_form

TOKENIZERS = {
    "bpe": N_("BPE: frequent pieces of words"),
    "char": N_("Characters"),
    "byte": N_("Bytes"),
    "word": N_("Whole words"),
    "gpt2": N_("GPT-2's own (50,257 tokens)"),
}
_CHARS_PER_TOKEN = {"bpe": 3, "char": 1, "byte": 1, "word": 6, "gpt2": 4}  # about, in English
_VOCAB_SIZE = {"byte": 257, "char": 100, "gpt2": 50_257}  # with the token for the end; characters: about, in English
_ASSUMED_FLOPS = 4e10  # per second on one core, until a run on this machine has been measured


@dataclass(frozen=True)
class Order:
    """What the form asks for; `config` is None while a `problem` stands in the way."""

    config: RunConfig | None
    label: str
    problem: str = ""


def training_form() -> Order:
    """Draw the controls and return the run they describe."""
    source = choose_text("corpus", mixtures=True)
    recipe = RECIPES[
        st.segmented_control(
            _("Size and time"),
            list(RECIPES),
            default=DEFAULT_RECIPE,
            required=True,
            format_func=lambda name: _(RECIPES[name].title),
            key="recipe",
            persist_state="session",
            help=_(
                "A model, a vocabulary and a learning rate that were measured to learn much in this time on one core. "
                "On a busy machine it takes longer; the number of steps is fixed at the start."
            ),
        )
    ]
    changes = _advanced(recipe)
    budget = changes["training"]
    length = (
        _("{steps:,} steps", steps=budget["steps"]) if budget.get("steps") else f"{number(budget['seconds'], 'g')} s"
    )
    label = f"{source.title} · {length}"
    if source.problem:
        return Order(None, label, source.problem)
    try:
        config = recipe_config(recipe.name, source.corpora, **changes)
    except ConfigError as error:
        return Order(None, label, sentence(error))
    if problem := _too_short(config, source):
        return Order(None, label, problem)
    _facts(config, source)
    return Order(config, label)


def _too_short(config: RunConfig, source: TextSource) -> str:
    """A sentence if the part kept aside for validation will hardly fill one window, else nothing."""
    if source.weights:
        return ""  # every source gives up at least some windows
    n_chars = min(source.n_chars, config.n_chars or source.n_chars)
    context = config.model.context_length
    needed = (context + 1) * _CHARS_PER_TOKEN[config.tokenizer_kind] / config.validation_fraction
    if n_chars >= needed:
        return ""
    return _(
        "This text is too short for a context length of {context}: the tenth that is kept aside to check the model "
        "must fill at least one window. Choose a shorter context (All settings, Model) or a text of about "
        "{needed:,.0f} characters.",
        context=context,
        needed=needed,
    )


def _advanced(recipe: Recipe) -> dict[str, object]:
    """Every other setting, filled in from the recipe; choosing another recipe fills them in anew."""

    def key(name: str) -> str:
        return f"{recipe.name}:{name}"

    with st.expander(_("All settings"), icon=":material/tune:"):
        text, model, training = st.tabs([_("Text and tokens"), _("Model"), _("Training")])
        with text:
            kind = st.selectbox(
                _("Tokenizer"),
                list(TOKENIZERS),
                format_func=lambda each: _(TOKENIZERS[each]),
                key=key("tokenizer"),
                persist_state="session",
                help=_("How text becomes numbers. BPE is what GPT models use; it is learned on your text first."),
            )
            vocab_size = st.slider(
                _("Vocabulary size"),
                300,
                8000,
                recipe.vocab_size,
                step=100,
                key=key("vocab"),
                persist_state="session",
                disabled=kind in ("char", "byte", "gpt2"),
                help=_(
                    "Number of different tokens. More tokens make sequences shorter and the output layer larger. "
                    "Losses of different tokenizers compare only in bits per byte."
                ),
            )
            n_chars = st.slider(
                _("Characters to read"),
                100_000,
                10_000_000,
                recipe.n_chars,
                step=100_000,
                format="compact",
                key=key("n_chars"),
                persist_state="session",
                help=_("How much of the text is used. A small text is soon learned by heart: watch validation rise."),
            )
        with model:
            n_layers = st.slider(
                _("Layers"),
                1,
                8,
                recipe.n_layers,
                key=key("layers"),
                persist_state="session",
                help=_("Blocks of attention and MLP. GPT-3 has 96."),
            )
            d_model = st.select_slider(
                _("Width (d_model)"),
                [32, 64, 96, 128, 192, 256, 384],
                recipe.d_model,
                key=key("d_model"),
                persist_state="session",
                help=_("Length of the vector that each token becomes. GPT-3: 12,288."),
            )
            n_heads = st.select_slider(
                _("Attention heads"),
                [1, 2, 3, 4, 6, 8, 12],
                recipe.n_heads,
                key=key("heads"),
                persist_state="session",
                help=_("Each head attends in its own slice of the vector; the width must be a multiple. GPT-3: 96."),
            )
            context_length = st.select_slider(
                _("Context length"),
                [8, 16, 32, 64, 128, 256],
                recipe.context_length,
                key=key("context"),
                persist_state="session",
                help=_("How many tokens the model can look back on. GPT-3: 2,048."),
            )
            positions = st.selectbox(
                _("Positions"),
                [N_("rotary"), N_("learned"), N_("none")],
                format_func=_,
                key=key("positions"),
                persist_state="session",
                help=_(
                    "How the model knows the order of tokens: rotation of queries and keys (RoPE), a learned vector "
                    "for each place as in GPT-3, or not at all."
                ),
            )
            activation = st.selectbox(
                _("Nonlinearity"),
                [N_("gelu"), N_("relu2")],
                format_func=lambda each: {"gelu": "GELU", "relu2": "ReLU²"}[each],
                key=key("activation"),
                persist_state="session",
                help=_("The function between the two layers of the MLP."),
            )
            tied = st.toggle(
                _("Tie input and output embeddings"),
                True,
                key=key("tied"),
                persist_state="session",
                help=_("Use one table both to read tokens and to score them, as GPT-2 does."),
            )
            dropout = st.slider(
                _("Dropout"),
                0.0,
                0.5,
                0.0,
                0.05,
                format=slider_form(),
                key=key("dropout"),
                persist_state="session",
                help=_("Share of numbers set to 0 at random while training, against learning by heart."),
            )
        with training:
            by_steps = st.toggle(
                _("Train for a number of steps instead of a time"),
                False,
                key=key("by_steps"),
                persist_state="session",
                help=_("With a fixed number of steps every machine computes exactly the same losses."),
            )
            if by_steps:
                budget: dict[str, object] = {
                    "seconds": None,
                    "steps": st.number_input(
                        _("Steps"),
                        10,
                        20_000,
                        500,
                        50,
                        key=key("steps"),
                        persist_state="session",
                        help=_("Optimizer updates; one batch each."),
                    ),
                }
            else:
                budget = {
                    "seconds": float(
                        st.number_input(
                            _("Seconds"),
                            5,
                            3600,
                            int(recipe.seconds),
                            5,
                            key=key("seconds"),
                            persist_state="session",
                            help=_("Training time on one core; the speed of the first steps decides how many fit."),
                        )
                    )
                }
            batch_size = st.select_slider(
                _("Batch size"),
                [4, 8, 16, 32, 64],
                recipe.batch_size,
                key=key("batch"),
                persist_state="session",
                help=_("Windows per step. Larger batches give smoother gradients but fewer steps in the same time."),
            )
            optimizer = st.selectbox(
                _("Optimizer"),
                [N_("muon"), N_("adamw")],
                format_func=lambda each: _({"muon": _("Muon (matrices) + AdamW (the rest)"), "adamw": "AdamW"}[each]),
                key=key("optimizer"),
                persist_state="session",
                help=_("AdamW is the usual one; Muon reached a lower loss in the same time here."),
            )
            learning_rate = st.select_slider(
                _("Learning rate (AdamW)"),
                [0.0001, 0.0003, 0.001, 0.002, 0.004, 0.01, 0.02, 0.05, 0.1],
                0.01 if optimizer == "muon" else 0.004,
                format_func=_,
                key=key(f"rate-{optimizer}"),
                persist_state="session",
                help=_("How far each update moves the weights. Too high: the loss jumps. Too low: it crawls."),
            )
            matrix_rate = st.select_slider(
                _("Learning rate (Muon)"),
                [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3],
                0.02,
                format_func=_,
                key=key("matrix_rate"),
                persist_state="session",
                disabled=optimizer != "muon",
                help=_("How far each matrix inside the blocks moves."),
            )
            warmup = st.slider(
                _("Warmup"),
                0.0,
                0.5,
                0.1,
                0.05,
                format=slider_form(),
                key=key("warmup"),
                persist_state="session",
                help=_("Share of the steps in which the learning rate rises from 0."),
            )
            decay = st.selectbox(
                _("Decay"),
                [N_("linear"), N_("cosine"), N_("constant")],
                format_func=_,
                key=key("decay"),
                persist_state="session",
                help=_("How the learning rate falls to a tenth after the warmup."),
            )
            clip_norm = st.slider(
                _("Gradient clipping"),
                0.1,
                5.0,
                1.0,
                0.1,
                format=slider_form(),
                key=key("clip"),
                persist_state="session",
                help=_("Gradients longer than this are shortened to it, which tames jumps."),
            )
            seed = st.number_input(
                _("Seed"),
                0,
                9999,
                0,
                key=key("seed"),
                persist_state="session",
                help=_("Same settings and seed: same weights, same batches."),
            )
            prompts = st.text_input(
                _("Prompt to watch"),
                "The lion is in the",
                max_chars=200,
                key=key("prompt"),
                persist_state="session",
                help=_("At every evaluation the model continues this text, with the same dice each time."),
            )
    return {
        "tokenizer_kind": kind,
        "vocab_size": vocab_size,
        "n_chars": n_chars,
        "seed": int(seed),
        "model": {
            "n_layers": n_layers,
            "n_heads": n_heads,
            "d_model": d_model,
            "context_length": context_length,
            "positions": positions,
            "activation": activation,
            "tie_embeddings": tied,
            "dropout": dropout,
        },
        "training": {
            **budget,
            "batch_size": batch_size,
            "optimizer": optimizer,
            "learning_rate": learning_rate,
            "matrix_learning_rate": matrix_rate,
            "warmup": warmup,
            "decay": decay,
            "clip_norm": clip_norm,
            "seed": int(seed),
            "prompts": (prompts or "The lion is in the",),
        },
    }


def _facts(config: RunConfig, source: TextSource) -> None:
    n_chars = min(source.n_chars, config.n_chars or source.n_chars)
    seconds, waiting = expected_seconds(config), _waiting()
    vocab_size = min(config.vocab_size, _VOCAB_SIZE.get(config.tokenizer_kind, config.vocab_size))
    parameters = replace(config.model, vocab_size=vocab_size).n_parameters
    about = _("about ") if config.tokenizer_kind == "char" else ""
    queue = (
        _(" · {waiting} run{ending} before yours", waiting=waiting, ending="s" if waiting > 1 else "")
        if waiting
        else ""
    )
    st.caption(
        _(
            "**{about}{parameters:,} parameters** · reads {amount} characters, "
            "{batch_size:,} tokens a step · "
            "about **{seconds}** on one core{queue}",
            about=about,
            parameters=parameters,
            amount=_amount(n_chars),
            batch_size=config.training.batch_size * config.model.context_length,
            seconds=estimate(seconds),
            queue=queue,
        )
    )


def expected_seconds(config: RunConfig) -> float:
    """Training time: the budget, or the steps at the speed that earlier runs reached on this machine."""
    if config.training.seconds is not None:
        return config.training.seconds
    tokens = config.training.batch_size * config.training.accumulation * config.model.context_length
    return (config.training.steps or 0) * 6 * config.model.n_parameters * tokens / _measured_flops()


@st.cache_data(ttl=20, show_spinner=False)
def _measured_flops() -> float:
    """Training FLOP/s of the newest run that has a measured speed: 6 · parameters · tokens per second."""
    for record in lab().runs():
        if record.seconds_per_step:
            try:
                config = record.config
            except ConfigError:
                continue
            tokens = config.training.batch_size * config.training.accumulation * config.model.context_length
            return 6 * config.model.n_parameters * tokens / record.seconds_per_step
    return _ASSUMED_FLOPS


def _waiting() -> int:
    return sum(record.state in ("queued", "running") for record in lab().runs())


def _amount(n: int) -> str:
    return _("{n:.1f} million", n=n / 1e6) if n >= 100_000 else number(n)
