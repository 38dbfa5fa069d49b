"""Part: type a text and see its tokens, their ids, bytes and places; type ids and see their text."""

from __future__ import annotations

import json
import re

import streamlit as st

from engine import offsets
from engine.errors import EngineError
from engine.language import N_, _, number
from engine.tokenizer import BPETokenizer, OfficialTokenizer, Tokenizer
from pages.parts.tokenization.typed import Tokenized, counts, pick_tokenizer, say_what_is_drawn, tokenized, typed_text
from pages.shared import guide
from pages.shared.charts import visible_token
from pages.shared.chips import Chip
from pages.shared.code_panel import show_code
from pages.shared.components import token_chips
from pages.shared.draft import show_bytes
from pages.shared.errors import sentence, shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.tokenizers import TokenizerChoice

MAX_IDS = 20_000
SENTENCE = "The lion is in the forest"  # whose ids the decoder shows first


def explore() -> None:
    """Chips for a typed text, its numbers, one token's details, and the way back from ids."""
    st.markdown(_("The same text is a different list of numbers for every tokenizer. The model sees only the numbers."))
    left, right = st.columns([5, 3], gap="large")
    with left:
        text = typed_text()
    with right:
        choice = pick_tokenizer("tokens", "gpt2")
        whitespace = st.toggle(
            _("Show spaces and control characters"),
            key="tokens-whitespace",
            persist_state="session",
            wrap=True,
            help=_("Draws a space as ␣ and what has no shape of its own by its name, such as ZWJ or RLO."),
        )
        every_byte = st.toggle(
            _("Show bytes"),
            key="tokens-bytes",
            persist_state="session",
            help=_("Bytes stand under every token; otherwise only under those that are not plain ASCII."),
        )
    if choice is None:
        return
    with shown_errors():
        _tokens(text, choice, whitespace, every_byte)
    notice(
        _("A space belongs to the word after it: “ lion” and “lion” are two tokens with two ids."),
        _(
            "Common words are one token, rare ones are several; every text can be cut, since single bytes are tokens "
            "too."
        ),
        _("Outside ASCII a character has two to four bytes. One token may hold only some of them."),
        _("A colour is an id: it is the same for this token everywhere in the course."),
    )
    exercise(
        _(
            "Write the same word at the start of the text, after a space, in capitals and with a typing error. "
            "How many different ids does it get?"
        ),
        _(
            "Usually four or more. To the model these are unrelated numbers: it has to learn from text that they are "
            "one word. That is also why it finds spelling and counting letters hard."
        ),
    )
    show_code(offsets.token_spans, Tokenizer.encode, BPETokenizer.merge_trace, label=_("Show the code"))


def _tokens(text: str, choice: TokenizerChoice, whitespace: bool, every_byte: bool) -> None:
    cut = tokenized(text, choice)
    _numbers(cut)
    guide.tell("tokens", {"text": text[:100], "characters": len(text), "tokens": len(cut.spans)})
    say_what_is_drawn(cut)
    selected = _selected(cut)
    clicked = token_chips(
        cut.chips,
        key="tokens-chips",
        label=_("Tokens of the text"),
        selected=selected,
        show_whitespace=whitespace,
        show_bytes=every_byte,
    )
    if clicked is not None:
        chip = cut.chips[clicked]
        st.session_state["tokens-selected"] = None if clicked == selected else (clicked, chip)
        st.rerun()
    if selected is None:
        st.caption(_("Point at a token, or go there with Tab and arrows: its equals light up. Click to keep it."))
    else:
        _details(cut, cut.chips[selected], choice)
    _downloads(cut, choice)
    _decoder(cut.tokenizer, choice)


def _numbers(cut: Tokenized) -> None:
    helps = {
        N_("Words"): _("What white space separates."),
        N_("Tokens"): _("What the model reads, and what is paid for."),
        N_("Different tokens"): _("How many different ids occur."),
        N_("Bytes per token"): _("How much text a token holds: the higher, the better the text is compressed."),
    }
    with st.container(horizontal=True, gap="small"):
        for name, value in counts(cut).items():
            shown = number(value, ".2f") if isinstance(value, float) else number(value)
            st.metric(_(name), shown, width="content", help=helps.get(name))


def _selected(cut: Tokenized) -> int | None:
    """The index of the kept token, as long as it is still there."""
    kept = st.session_state.get("tokens-selected")
    if kept is not None and kept[0] < len(cut.chips) and cut.chips[kept[0]] == kept[1]:
        return kept[0]
    return None


def _details(cut: Tokenized, chip: Chip, choice: TokenizerChoice) -> None:
    n_times = int((cut.spans.ids == chip.id).sum())
    times = _("once") if n_times == 1 else _("{n_times:,} times", n_times=n_times)
    with st.container(border=True):
        token, facts, action = st.columns([3, 5, 2], vertical_alignment="center")
        with token:
            st.caption(_("Token"))
            st.code(visible_token(show_bytes(chip.data)), language=None, wrap_lines=True)
        with facts:
            st.markdown(
                _(
                    "**id** {id:,} of {n_vocab:,}  \n"
                    "**bytes** `{value}`  \n"
                    "**place** `text[{start}:{end}]`, {times} in this text",
                    id=chip.id,
                    n_vocab=cut.tokenizer.n_vocab,
                    value=chip.data.hex(" ")[:240],
                    start=chip.start,
                    end=chip.end,
                    times=times,
                )
            )
        with action:
            if isinstance(cut.tokenizer, (BPETokenizer, OfficialTokenizer)):
                st.button(
                    _("Look inside"),
                    key="tokens-inside",
                    icon=":material/account_tree:",
                    on_click=_look_inside,
                    args=(choice, chip.id),
                    help=_("Opens the part “Inside a token”: the merges that made this token."),
                )
            else:
                st.caption(_("This tokenizer has no merges to look into."))


def _look_inside(choice: TokenizerChoice, token_id: int) -> None:
    st.session_state["inside"] = {
        "kind": choice.kind,
        "source": choice.source,
        "vocab_size": choice.vocab_size,
        "id": token_id,
    }
    st.session_state["part"] = N_("Inside a token")


def _downloads(cut: Tokenized, choice: TokenizerChoice) -> None:
    st.download_button(
        _("Ids as JSON"),
        data=lambda: ids_as_json(cut, choice),
        file_name="ids.json",
        mime="application/json",
        key="tokens-download",
        icon=":material/download:",
        on_click="ignore",
        help=_("The ids of the whole text and their character offsets."),
    )


def ids_as_json(cut: Tokenized, choice: TokenizerChoice) -> bytes:
    """The tokenizer's name, the ids, and [start, end] of each in characters."""
    return json.dumps(
        {
            "tokenizer": choice.title,
            "n_vocab": cut.tokenizer.n_vocab,
            "n_characters": len(cut.text),
            "ids": cut.spans.ids.tolist(),
            "offsets": list(zip(cut.spans.starts.tolist(), cut.spans.ends.tolist(), strict=True)),
        }
    ).encode()


def _decoder(tokenizer: Tokenizer, choice: TokenizerChoice) -> None:
    with st.expander(_("From ids back to text"), icon=":material/undo:"):
        # A key for each tokenizer: ids of one mean nothing to another.
        typed = st.text_input(
            _("Ids"),
            " ".join(map(str, tokenizer.encode(SENTENCE))),
            key=f"tokens-ids-{choice.kind}-{choice.source}-{choice.vocab_size}",
            persist_state="session",
            max_chars=10 * MAX_IDS,
            help=_("Whole numbers with spaces or commas between them, as a model would write them."),
        )
        try:
            ids = read_ids(typed or "")
            text = tokenizer.decode(ids)
        except (EngineError, ValueError) as error:
            st.error(sentence(error))
            return
        st.code(text, language=None, wrap_lines=True)
        if "\ufffd" in text:
            st.caption(_("� stands for bytes that are no whole character."))
        if tokenizer.encode(text) != ids and ids:
            st.caption(
                _(
                    "Encoding this text with {title} gives other ids: several lists of ids spell one text.",
                    title=choice.title,
                )
            )


def read_ids(typed: str) -> list[int]:
    """Ids separated by spaces, commas or brackets. Raises `ValueError` with the word that is no whole number."""
    words = [word for word in re.split(r"[\s,;\[\]]+", typed) if word]
    if len(words) > MAX_IDS:
        raise ValueError(f"These are {len(words):,} ids; at most {MAX_IDS:,} can be decoded here.")
    wrong = next((word for word in words if not re.fullmatch(r"[0-9]{1,9}", word)), None)
    if wrong is not None:
        raise ValueError(f"“{wrong[:40]}” is no token id: an id is a whole number from 0.")
    return [int(word) for word in words]
