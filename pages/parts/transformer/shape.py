"""The shape that the part on size counts: chosen by name, changed by its controls, undone, and kept between pages.

The shape is the one truth; widgets are filled from it before they are drawn and write into it when they are moved.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from engine.errors import ConfigError, EngineError
from engine.gpt import GPTConfig
from engine.language import N_, _, language, number
from engine.scaling import PUBLISHED_SHAPES
from pages.parts.transformer.words import POSITIONS
from pages.shared import viewer
from pages.shared.errors import sentence
from pages.shared.models import ModelChoice, load
from pages.shared.run_data import run_name
from pages.shared.viewer import lab

FIRST = "gpt2"
WIDTHS = (32, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1280, 1536, 1600, 2048, 2560, 3072, 4096, 5120, 6144, 8192)
WIDTHS = (*WIDTHS, 10_240, 12_288, 16_384)
CONTEXTS = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 131_072)
RATIOS = (1, 2, 8 / 3, 3, 4, 6, 8)
MAX_LAYERS = 128
MAX_VOCAB = 500_000
MAX_UNDO = 30
_STATE = "anatomy:size"


def choose_shape() -> tuple[GPTConfig, str, bool]:
    """Draw the controls. Returns the shape, the title of its preset, and whether it was changed since."""
    titles = _presets()
    state = st.session_state.setdefault(_STATE, {"preset": "", "start": {}, "shape": {}, "past": [], "problem": ""})
    if state["preset"] not in titles:
        _start(FIRST)
    _fill("size_preset", state["preset"])
    st.selectbox(
        _("Begin with"),
        list(titles),
        format_func=lambda each: _(titles[each]),
        key="size_preset",
        on_change=_take_preset,
        help=_(
            "Sets everything below: your own models, the four sizes of GPT-2, the eight of GPT-3. Then change what "
            "you like."
        ),
    )
    config = GPTConfig.from_dict(state["shape"])
    _controls(config)
    changed = state["shape"] != state["start"]
    if state["problem"]:
        st.warning(state["problem"])
    if changed:
        st.caption(
            _("Changed from {titles}: {join}.", titles=titles[state["preset"]], join=", ".join(_differences(state)))
        )
    buttons = st.container(horizontal=True)
    buttons.button(
        _("Undo"),
        key="size_undo",
        icon=":material/undo:",
        disabled=not state["past"],
        on_click=_undo,
        help=_("Take back the last change."),
    )
    buttons.button(
        _("Reset"),
        key="size_reset",
        icon=":material/restart_alt:",
        disabled=not changed,
        on_click=_reset,
        help=_("Back to the shape chosen above."),
    )
    return config, titles[state["preset"]], changed


def published_title(preset: str) -> str:
    """What a published shape is called."""
    return next((each.name for each in PUBLISHED_SHAPES if each.preset == preset), preset)


def preset_of() -> str:
    """The name of the chosen preset: that of a published shape, or "run:" and a run's id."""
    return st.session_state[_STATE]["preset"]


def start_shape() -> GPTConfig:
    """The preset's own shape, before any change."""
    return GPTConfig.from_dict(st.session_state[_STATE]["start"])


@st.cache_data(ttl=10, show_spinner=False)
def _runs(learner: str, spoken: str) -> dict[str, str]:
    service = lab()
    return {
        f"run:{r.run_id}": _("Yours: {run_name}", run_name=run_name(r))
        for r in service.runs()
        if service.checkpoints(r.run_id)
    }


def _presets() -> dict[str, str]:
    """Names and titles, published shapes first."""
    return {**{each.preset: each.name for each in PUBLISHED_SHAPES}, **_runs(viewer.learner(), language())}


def _shape_of(preset: str) -> GPTConfig:
    if not preset.startswith("run:"):
        return GPTConfig.preset(preset)
    run_id = preset.removeprefix("run:")
    step = max(each.step for each in lab().checkpoints(run_id))
    return load(ModelChoice(run_id, step, "")).model.config


def _start(preset: str) -> None:
    shape = _shape_of(preset).to_dict()
    st.session_state[_STATE].update(preset=preset, start=shape, shape=shape, past=[], problem="")


def _take_preset() -> None:
    try:
        _start(st.session_state["size_preset"])
    except (EngineError, ValueError) as error:
        st.session_state[_STATE]["problem"] = _("This model cannot be read: {sentence}", sentence=sentence(error))


def _undo() -> None:
    state = st.session_state[_STATE]
    if state["past"]:
        state.update(shape=state["past"][-1], past=state["past"][:-1], problem="")


def _reset() -> None:
    state = st.session_state[_STATE]
    _change(GPTConfig.from_dict(state["start"]))


def _change(config: GPTConfig) -> None:
    state = st.session_state[_STATE]
    past = [*state["past"], state["shape"]][-MAX_UNDO:]
    state.update(shape=config.to_dict(), past=past, problem="")


def _moved(name: str) -> None:
    """A control was moved: the shape follows, with heads that divide the width and an MLP of the same proportion."""
    state = st.session_state[_STATE]
    old = GPTConfig.from_dict(state["shape"])
    value = st.session_state[f"size_{name}"]
    changes: dict[str, Any] = {name: value}
    width, positions = (value if name == each else getattr(old, each) for each in ("d_model", "positions"))
    if name == "d_model":
        changes["d_ff"] = max(1, round(old.d_ff / old.d_model * value))
    if name in ("d_model", "positions"):
        offered = divisors(width, even_heads=positions == "rotary")
        if not offered:
            state["problem"] = _(
                "Rotary positions need heads of an even size: a width of {width} has none.", width=width
            )
            return
        changes["n_heads"] = min(offered, key=lambda n: (abs(n - old.n_heads), n))
    try:
        _change(replace(old, **changes))
    except (ConfigError, TypeError) as error:
        state["problem"] = sentence(error)


def divisors(width: int, *, even_heads: bool = False) -> list[int]:
    """Numbers of heads that cut a vector of `width` numbers into equal slices (of even length, if asked).

    >>> divisors(12), divisors(12, even_heads=True)
    ([1, 2, 3, 4, 6, 12], [1, 2, 3, 6])
    """
    return [n for n in range(1, width + 1) if width % n == 0 and not (even_heads and width // n % 2)]


def _differences(state: dict[str, Any]) -> list[str]:
    names = {
        "vocab_size": N_("vocabulary"),
        "context_length": N_("context"),
        "n_layers": N_("layers"),
        "n_heads": N_("heads"),
        "d_model": N_("width"),
        "d_ff": _("MLP width"),
        "positions": N_("positions"),
        "bias": N_("biases"),
        "tie_embeddings": N_("tied"),
    }
    return [
        f"{words} {_value(state['start'][name])} → {_value(state['shape'][name])}"
        for name, words in names.items()
        if state["start"][name] != state["shape"][name]
    ]


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return number(value) if isinstance(value, int) else str(value)


def _fill(key: str, value: Any) -> None:
    """Only where it differs: a value set here is sent to the browser and would stop a drag."""
    if st.session_state.get(key) != value:
        st.session_state[key] = value


def _with(options: tuple[int, ...], value: int) -> list[int]:
    return sorted({*options, value})


def _controls(config: GPTConfig) -> None:
    for name in ("n_layers", "d_model", "n_heads", "d_ff", "context_length", "vocab_size", "positions", "bias"):
        _fill(f"size_{name}", getattr(config, name))
    _fill("size_tie_embeddings", config.tie_embeddings)

    def named(name: str, default: str = "value") -> dict[str, Any]:
        """A browser that is slow to draw the control begins with its default, whatever was set before."""
        value = getattr(config, name)
        value = list(POSITIONS).index(value) if default == "index" else value
        return {"key": f"size_{name}", "on_change": _moved, "args": (name,), default: value}

    st.slider(
        _("Layers"),
        1,
        max(MAX_LAYERS, config.n_layers),
        help=_("Blocks of attention and MLP, one after another. GPT-2 small: 12, GPT-3: 96."),
        **named("n_layers"),
    )
    st.select_slider(
        _("Width (d_model)"),
        _with(WIDTHS, config.d_model),
        format_func=_value,
        help=_("C, the length of the vector that each token is. Most counts grow with its square."),
        **named("d_model"),
    )
    st.select_slider(
        _("Heads"),
        divisors(config.d_model, even_heads=config.positions == "rotary"),
        format_func=_value,
        help=_("Only numbers that cut the width into equal slices are offered. They change no count at all."),
        **named("n_heads"),
    )
    st.select_slider(
        _("MLP width (d_ff)"),
        _with(tuple(round(ratio * config.d_model) for ratio in RATIOS), config.d_ff),
        format_func=_value,
        help=_("Neurons of each MLP; usually 4 · d_model."),
        **named("d_ff"),
    )
    st.select_slider(
        _("Context length"),
        _with(CONTEXTS, config.context_length),
        format_func=_value,
        help=_("Tokens the model can read at once. GPT-2: 1,024, GPT-3: 2,048."),
        **named("context_length"),
    )
    st.number_input(
        _("Vocabulary"),
        2,
        max(MAX_VOCAB, config.vocab_size),
        step=1000,
        help=_("V, the number of different tokens. GPT-2 and GPT-3: 50,257."),
        **named("vocab_size"),
    )
    st.selectbox(
        _("Positions"),
        list(POSITIONS),
        format_func=lambda each: _(POSITIONS[each]),
        help=_("Learned vectors cost one vector for each place of the context; rotary positions cost nothing."),
        **named("positions", "index"),
    )
    st.toggle(
        _("Tied head"),
        help=_("The output layer uses the embedding's table (GPT-2, GPT-3); untied it has one of its own."),
        **named("tie_embeddings"),
    )
    st.toggle(
        _("Biases"), help=_("A number added behind each linear map, and the shift of each norm."), **named("bias")
    )
