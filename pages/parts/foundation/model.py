"""Part: the foundation model itself. What it writes, what it was made of, how well it knows each text."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from engine import foundation, generation
from engine.checkpoint import Checkpoint
from engine.corpus import mix_pieces
from engine.generation import SamplingConfig, next_token_distribution, top_candidates
from engine.language import N_, _, number
from engine.moments import read_logits
from engine.runs.records import RunRecord
from engine.writing import Continued, go_on
from pages.shared.aside import computed
from pages.shared.charts import next_token_bars, visible_token
from pages.shared.code_panel import show_code
from pages.shared.components.token_strip import token_strip
from pages.shared.draft import show_bytes
from pages.shared.errors import shown_errors
from pages.shared.examples import example_foundation
from pages.shared.lesson import exercise, notice
from pages.shared.models import ModelChoice, choose_model, load, model_named
from pages.shared.quantities import duration
from pages.shared.run_data import run_name, view
from pages.shared.tables import show_table
from pages.shared.text_source import corpora, english_title
from pages.shared.viewer import lab

OWN = N_("Your own")
PROMPTS = {
    N_("The lion"): "The lion is in the",
    N_("A story"): "Once there was a little lion named Leo who lived in the forest.",
    N_("A scene"): "SCENE I. A street in Verona.\n\n[Enter ROMEO and JULIET]\n\nROMEO:\n",
    N_("A phrase"): "English: The lion sleeps in the garden.\nFrench:",
    OWN: "",
}
TOKENS = 70
LARGE_TOKENS = 24
"""So many where every token costs a tenth of a second."""
TEMPERATURE = 0.6
MAX_PROMPT = 600
_PLACE = "foundation-place"


def choose_foundation() -> ModelChoice | None:
    """The controls of `choose_model`, which begins with the foundation model; a way back to it from another one."""
    choice, shipped = choose_model(), example_foundation()
    if choice is not None and shipped is not None and choice.run_id != shipped:
        st.button(
            _("Show the foundation model"),
            icon=":material/psychology:",
            key="foundation-back",
            on_click=_choose,
            args=(shipped,),
            help=_("Another model is chosen now, as on the pages before. This goes back to the one of the course."),
        )
    return choice


def _choose(run_id: str) -> None:
    st.session_state["run_id"] = run_id
    st.query_params["run"] = run_id


def show() -> None:
    """The part "The model"."""
    st.markdown(
        _(
            "A **foundation model** is what pretraining leaves behind: nobody told it what a lion is, what verse is, "
            "or that there are languages. It only learned to go on with a text. Let it go on with one of these."
        )
    )
    choice = choose_foundation()
    if choice is not None:
        _first_impression(choice)
        _card(choice)
    notice(
        _("The most probable next token comes from what the texts say: animals have their places there."),
        _(
            "The beginning decides the rest: a story goes on as a story, a scene as verse under speakers' names, an "
            "English phrase in French. There is no switch for it; it is the same next-token prediction."
        ),
        _(
            "The weights of the mixture are not the sizes of its sources: what is worth more is read more often, some "
            "of it several times."
        ),
        _("Texts differ in how well they can be predicted. Bits per byte compare them, whatever their tokens."),
    )
    exercise(
        _(
            "Move the checkpoint to the first steps and let it write again. What does it learn first: spelling, words, "
            "format, or sense?"
        ),
        _(
            "Frequent tokens come first, then short words and the format of lines, then grammar within a sentence, at "
            "last what has to agree over many sentences, such as who the story is about."
        ),
    )
    show_code(foundation.foundation_config, mix_pieces, generation.generate)


# --- what it writes --------------------------------------------------------------------------------------------


def _first_impression(choice: ModelChoice) -> None:
    prompt = _prompt()
    if not prompt:
        st.info(_("Type a beginning: the model needs at least one character to go on from."))
        return
    seed = int(st.session_state.get("foundation-seed", 0))
    text, bars = st.columns([3, 2], gap="large")
    with text:
        st.markdown(_("**It goes on**"))
        figure = st.container()
        st.button(
            _("Write another"),
            icon=":material/casino:",
            key="foundation-another",
            on_click=_again,
            args=(seed,),
            help=_("The same beginning with other dice."),
        )
    with figure, shown_errors():
        _written(choice, prompt, seed, bars)


def _written(choice: ModelChoice, prompt: str, seed: int, bars: Any) -> None:
    checkpoint = load(choice)
    small = checkpoint.model.config.n_parameters < 20_000_000
    written = computed(
        _("The model writes …"),
        go_on,
        model_named(choice),
        prompt,
        SamplingConfig(TEMPERATURE, seed=seed),
        TOKENS if small else LARGE_TOKENS,
    )
    origin = (choice.key, prompt, seed)
    if st.session_state.get("foundation-origin") != origin:
        st.session_state["foundation-origin"] = origin
        st.session_state[_PLACE] = written.n_prompt
    place = min(st.session_state[_PLACE], len(written.ids))
    clicked = token_strip(_tokens(written, checkpoint), key="foundation-strip", selected=place, label=_("The text"))
    if clicked is not None and clicked != place:
        st.session_state[_PLACE] = clicked
        st.rerun()
    st.caption(
        _(
            "The prompt is bold; the {n_prompt} tokens after it are the model's own, drawn at temperature "
            "{temperature} up to its sign for the end or an empty line. Choose a token to see what it was drawn "
            "from.",
            n_prompt=len(written.ids) - written.n_prompt,
            temperature=TEMPERATURE,
        )
    )
    with bars, shown_errors():
        before = written.ids[: max(1, place)]
        last = show_bytes(checkpoint.tokenizer.token_bytes(before[-1]))
        figure = next_token_bars(
            _next_tokens(choice, before, checkpoint),
            title=_("After {visible_token}", visible_token=visible_token(last)),
        )
        figure.show(caption=False)
        st.text(figure.summary)
        if place < len(written.ids):
            drawn = show_bytes(checkpoint.tokenizer.token_bytes(written.ids[place]))
            st.text(_("In the text stands {visible_token}.", visible_token=visible_token(drawn)))


def _next_tokens(choice: ModelChoice, before: tuple[int, ...], checkpoint: Checkpoint) -> pd.DataFrame:
    logits = computed(_("The model reads the text"), read_logits, model_named(choice), before)
    base = next_token_distribution(logits, SamplingConfig(), before).base
    found = top_candidates(base, checkpoint.tokenizer)
    return pd.DataFrame([{"token": each.text, "probability": each.probability} for each in found])


def _again(seed: int) -> None:
    st.session_state["foundation-seed"] = seed + 1


def _prompt() -> str:
    name = st.segmented_control(
        _("Beginning"),
        list(PROMPTS),
        format_func=_,
        default=next(iter(PROMPTS)),
        required=True,
        key="foundation-prompt",
        persist_state="session",
        help=_("Each of these looks like another part of the training text."),
    )
    if name != OWN:
        return PROMPTS[name]
    typed = st.text_area(
        _("Your own beginning"),
        _("The king and the rabbit"),
        key="foundation-own",
        persist_state="session",
        max_chars=MAX_PROMPT,
        height=80,
        help=_("Any text. What looks like nothing that the model has read goes on like nothing much."),
    )
    return typed.encode("utf-8", "replace").decode("utf-8")


def _tokens(written: Continued, checkpoint: Checkpoint) -> list[dict[str, Any]]:
    return [
        {
            "text": show_bytes(checkpoint.tokenizer.token_bytes(id)),
            "id": id,
            "probability": probability,
            "prompt": place < written.n_prompt,
            "forced": False,
        }
        for place, (id, probability) in enumerate(zip(written.ids, written.probabilities, strict=True))
    ]


# --- what it is ------------------------------------------------------------------------------------------------


def _card(choice: ModelChoice) -> None:
    st.header(_("What it is made of"), anchor=False)
    config = load(choice).model.config
    record = None if choice.is_open else lab().run(choice.run_id)
    numbers = [
        (_("Parameters"), f"{number(config.n_parameters / 1e6, ',.2f')} M", _("Numbers that training adjusted.")),
        (
            _("Layers × heads"),
            f"{config.n_layers} × {config.n_heads}",
            _("Blocks of attention and MLP; heads in each."),
        ),
        (_("Width"), f"{config.d_model}", _("Numbers in the vector of each token, d_model.")),
        (_("Context"), number(config.context_length), _("Tokens that it can look back on.")),
        (_("Vocabulary"), number(load(choice).tokenizer.n_vocab), _("Different tokens.")),
    ]
    if record is not None:
        settings = record.config.training
        per_step = settings.batch_size * settings.accumulation * config.context_length
        tokens, seconds = per_step * choice.step, record.seconds * choice.step / max(1, record.step)
        numbers += [
            (
                _("Tokens read"),
                f"{number(tokens / 1e6, ',.1f')} M",
                _("{step:,} steps of {per_step:,} tokens each.", step=choice.step, per_step=per_step),
            ),
            (_("Training time"), duration(seconds), _("On one core of a processor, up to this checkpoint.")),
        ]
    with st.container(horizontal=True):
        for label, value, help in numbers:
            st.metric(_(label), value, help=_(help), width=116)
    if record is None:
        st.info(_("These are open weights: their authors know what text they read. There is no run of them here."))
        return
    table, caption = _mixture(record, choice.step)
    st.markdown(_("**The texts it read**"))
    show_table(table, hide_index=True, width="stretch")
    st.caption(caption)


def _mixture(record: RunRecord, step: int) -> tuple[pd.DataFrame, str]:
    """The sources of a run, with how well each is predicted at a step; and where that was measured."""
    known = corpora()
    weights = dict(record.config.corpora)
    sources = view(record, run_name(record)).sources
    measured = sources[sources["step"] <= max(step, sources["step"].min())] if len(sources) else sources
    newest = measured[measured["step"] == measured["step"].max()].set_index("run")["bits_per_byte"]
    config = record.config
    rows = []
    for name, weight in sorted(weights.items(), key=lambda pair: -pair[1]):
        info = known.get(name)
        title = english_title(name)
        rows.append(
            {
                N_("Text"): _(title),
                N_("Weight"): number(weight, ".0%"),
                N_("Characters"): number(info.n_chars) if info and info.n_chars else "–",
                N_("In the mixture"): number(round(weight * config.n_chars)) if config.n_chars else "–",
                N_("Bits per byte"): number(newest[title], ".2f") if title in newest else "–",
                N_("Licence"): _(info.license) if info else "–",
            }
        )
    if len(newest):
        at = _("at step {int:,}", int=int(measured["step"].max()))
        caption = _("Bits per byte: validation loss on a part of each text that is never trained on, {at}.", at=at)
    else:
        caption = _("One text alone: its validation loss is in Pretraining.")
    return pd.DataFrame(rows), caption
