"""The page itself: controls and the training beside each other, then the stations, then what to do with the token."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from engine import journey as engine_journey
from engine import merges
from engine.checkpoint import Checkpoint
from engine.errors import EngineError
from engine.generation import uniform
from engine.gpt import Block
from engine.journey import Glance, Journey, draw_sorted
from engine.language import N_, _
from engine.runs.records import CheckpointInfo
from engine.tokenizer import Tokenizer
from pages.parts.journey import following, seen
from pages.parts.journey.prompt import MAX_CHARS, Prompt, appended_text, change_to, past, pinned_prompt, read_by
from pages.parts.journey.stations import stations, token_text, top_line, words_in
from pages.shared import guide, sitemap
from pages.shared.code_panel import show_code
from pages.shared.components.journey_view import journey_view
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.models import ModelChoice, load
from pages.shared.tables import show_table

VIEW = "journey_view"
_WORD, _HEAD, _ROLL = "journey:word", "journey:head", "journey:roll"


def show() -> None:
    """Draw everything."""
    controls, training = st.columns([1, 1.7], gap="large")
    with controls:
        followed = following.choose()
        text = pinned_prompt()
    with shown_errors():
        if followed.choice is None:
            if followed.run is not None:
                with training:
                    following.keep_up(followed, lambda: False, complete=True)
        else:
            _way(followed, followed.choice, text, training)
    notice(
        _(
            "Nothing on this page is drawn by hand: it is the model's own arithmetic on your prompt. While a model "
            "trains, stations 1 to 3 stay as they are; from station 4 on everything moves."
        ),
        _(
            "At step 0 the attention is spread almost evenly and every token is about equally likely. First the model "
            "finds out which tokens are frequent at all, then which follow the words that stand here."
        ),
        _(
            "One vector, the last token's, has to hold all that matters for the next token. Attention is the only way "
            "by which the other tokens can reach it."
        ),
        _(
            "The model only gives probabilities. The choice is made by dice outside of it, and what was chosen is read "
            "again with all the rest."
        ),
    )
    exercise(
        _(
            "Pin a prompt whose next word depends on an early one, such as “Anna has a lion. The lion belongs to”. "
            "Train a model and watch when the right name appears. Which head reads from it?"
        ),
        _(
            "Frequent words come first; the name needs a head that looks back to it, which forms late in a short "
            "training or not at all. When it does, one dot among the heads grows, and its bars point at the name."
        ),
    )
    show_code(engine_journey.follow_prompt, merges.merge_trace, Block.forward, engine_journey.draw_sorted)


def _way(followed: following.Followed, choice: ModelChoice, text: str, training: Any) -> None:
    checkpoint, choice = _loaded(followed, choice)
    tokenizer = checkpoint.tokenizer
    prompt = read_by(text, checkpoint)
    if prompt is None:
        with training:
            following.keep_up(followed, lambda: False, complete=True)
        st.info(_("Type a prompt: at least one character to follow."))
        return
    ids = prompt.ids
    found = seen.seen(followed.run, choice, ids)
    infos = seen.checkpoints_of(choice.run_id)
    info = next((each for each in infos if each.step == choice.step), CheckpointInfo(choice.step, 0.0, None))
    journey = seen.journey_of(choice, ids, info)
    here = seen.remember(found, journey, info)
    guide.tell("journey", {"prompt": prompt.text, "run": choice.run_id, "step": choice.step})
    all_seen = seen.glances(found)

    def look() -> bool:
        if followed.run is not None and followed.run.run_id != choice.run_id:
            return bool(seen.checkpoints_of(followed.run.run_id))  # its first model is there
        if followed.following and any(info.step > choice.step for info in seen.checkpoints_of(choice.run_id)):
            return True  # the newest is drawn at once, whatever else is being read
        return seen.look_at_missing(found, choice.run_id, ids, choice.title)

    with training:
        following.keep_up(followed, look, complete=all(each.step in found for each in infos))
        with st.container():  # there also when it is empty, so that nothing below it is moved and drawn anew
            _early(followed, choice)
        if followed.run is None:
            st.caption(_("This model was trained elsewhere: there are no earlier checkpoints to look back on."))
        else:
            seen.over_training(all_seen, choice.step, tokenizer).show()
    if followed.run is None:
        state = top_line(prompt, tokenizer, here, "", choice.title)
    else:
        state = top_line(prompt, tokenizer, here, seen.what_changed(all_seen, choice.step, tokenizer))
    _stations(prompt, journey, checkpoint, state)
    _tables(prompt, journey, all_seen, tokenizer)


def _loaded(followed: following.Followed, choice: ModelChoice) -> tuple[Checkpoint, ModelChoice]:
    """The model, or the one that has taken its place since it was listed."""
    try:
        return load(choice), choice
    except EngineError:
        steps = [info.step for info in seen.checkpoints_of(choice.run_id)]
        if not followed.following or not steps:
            raise
        choice = ModelChoice(choice.run_id, steps[-1], choice.title)
        return load(choice), choice


def _early(followed: following.Followed, choice: ModelChoice) -> None:
    if followed.live and followed.run is not None and followed.run.run_id != choice.run_id:
        st.info(
            _("Its first model comes in a few seconds. Until then you see {title}.", title=choice.title),
            icon=":material/schedule:",
        )


def _stations(prompt: Prompt, journey: Journey, checkpoint: Checkpoint, state: dict[str, Any]) -> None:
    tokenizer, model = checkpoint.tokenizer, checkpoint.model
    n_layers, n_heads, _unused = journey.attention.shape
    words = words_in(prompt, tokenizer)
    word = min(_number(st.session_state.get(_WORD), 1), len(words) - 1)
    layer, head = _pair(st.session_state.get(_HEAD), (n_layers - 1, 0))
    layer, head = min(layer, n_layers - 1), min(head, n_heads - 1)
    roll = _number(st.session_state.get(_ROLL), 0)
    dice = uniform(roll, len(prompt.ids))
    drawn = draw_sorted(journey.probabilities, dice)

    def on_choice(choice: list[Any]) -> None:
        _act(choice, prompt, tokenizer, len(words), (n_layers, n_heads))

    pressed = journey_view(
        state,
        stations(prompt, journey, tokenizer, model.config, word=word, head=(layer, head), dice=dice, drawn=drawn),
        key=VIEW,
        on_choice=on_choice,
    )
    if pressed and pressed[0] == "lesson" and sitemap.has_lesson(str(pressed[-1])):
        sitemap.open_lesson(str(pressed[-1]))
    _buttons(prompt, tokenizer, drawn, roll)


def _act(chosen: list[Any], prompt: Prompt, tokenizer: Tokenizer, n_words: int, heads: tuple[int, int]) -> None:
    """Do what was pressed inside the figure, if it makes sense. Twice is the same as once."""
    match chosen:
        case ["word", int(index)] if 0 <= index < n_words:
            st.session_state[_WORD] = index
        case ["head", int(layer), int(head)] if 0 <= layer < heads[0] and 0 <= head < heads[1]:
            st.session_state[_HEAD] = (layer, head)
        case ["append", int(token_id)] if 0 <= token_id < tokenizer.n_vocab:
            added = _addition(prompt, tokenizer, token_id)
            if added is not None:
                change_to(prompt.text + added, [*past(), prompt.text])


def _addition(prompt: Prompt, tokenizer: Tokenizer, token_id: int) -> str | None:
    """What appending a token adds to the prompt; None where it adds no text or there is no room."""
    if token_id in tokenizer.special_tokens.values():
        return None
    added = appended_text(tokenizer.token_bytes(token_id))
    return added if added and len(prompt.text) + len(added) <= MAX_CHARS else None


def _buttons(prompt: Prompt, tokenizer: Tokenizer, drawn: int, roll: int) -> None:
    added = _addition(prompt, tokenizer, drawn)
    before = past()
    with st.container(horizontal=True, key="journey_buttons"):
        st.button(
            _("Append the drawn token"),
            key="journey_append",
            type="primary",
            icon=":material/add:",
            disabled=added is None,
            on_click=change_to,
            args=(prompt.text + (added or ""), [*before, prompt.text]),
            help=_("Puts it behind the prompt; the whole way is then gone again, with one token more.")
            if added is not None
            else _("This token cannot be written into the prompt: it is no text of its own, or the prompt is full."),
        )
        st.button(
            _("Roll again"),
            key="journey_roll",
            icon=":material/casino:",
            on_click=st.session_state.__setitem__,
            args=(_ROLL, roll + 1),
            help=_("Other dice, the same probabilities."),
        )
        st.button(
            _("Undo"),
            key="journey_undo",
            icon=":material/undo:",
            disabled=not before,
            on_click=change_to,
            args=(before[-1] if before else prompt.text, before[:-1]),
            help=_("The prompt before the last token that was appended."),
        )


def _tables(prompt: Prompt, journey: Journey, all_seen: list[Glance], tokenizer: Tokenizer) -> None:
    with st.expander(_("As a table"), icon=":material/table:"):
        st.caption(_("The next token at every checkpoint seen so far; probabilities in percent."))
        show_table(seen.as_table(all_seen, tokenizer), hide_index=True, width="stretch")
        st.caption(_("The tokens of the prompt."))
        show_table(
            pd.DataFrame(
                {
                    N_("token"): [token_text(chip.text) for chip in prompt.chips],
                    N_("id"): [chip.id for chip in prompt.chips],
                    N_("bytes"): [chip.data[:24].hex(" ") for chip in prompt.chips],
                    N_("length of its vector"): [float((row**2).sum() ** 0.5) for row in journey.token_vectors],
                }
            ),
            hide_index=True,
            width="stretch",
        )
        st.caption(_("The last token's vector and what the model would say, layer by layer."))
        show_table(
            pd.DataFrame(
                {
                    N_("after"): [_("embedding"), *(_("layer {n}", n=n + 1) for n in range(len(journey.added)))],
                    N_("length"): journey.lengths,
                    N_("attention adds"): [None, *journey.added[:, 0]],
                    N_("MLP adds"): [None, *journey.added[:, 1]],
                    N_("would say"): [seen.token_name(tokenizer, int(i)) for i in journey.lens_ids],
                    N_("with %"): 100 * journey.lens_probabilities,
                }
            ),
            hide_index=True,
            width="stretch",
        )


def _number(value: object, default: int) -> int:
    return value if isinstance(value, int) and value >= 0 else default


def _pair(value: object, default: tuple[int, int]) -> tuple[int, int]:
    return value if isinstance(value, tuple) and len(value) == 2 else default
