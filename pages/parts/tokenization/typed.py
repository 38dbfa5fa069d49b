"""The text that the learner types and its tokens, shared by the parts of the lesson."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from engine.language import N_, _
from engine.offsets import TokenSpans, token_spans
from engine.tokenizer import AllowedSpecial, Tokenizer
from pages.shared.chips import Chip, chips_from_spans
from pages.shared.components.token_chips import MAX_CHIPS
from pages.shared.text_source import choose_text
from pages.shared.tokenizers import TOKENIZERS, TokenizerChoice, choose_tokenizer

MAX_CHARS = 1_000_000  # of a typed text that are read
MAX_TYPED = 2 * MAX_CHARS  # that the field takes
DRAWN_CHARS = 20_000  # of them that are drawn as chips
LEARNED = ("bpe", "word", "char")
_REMEMBERED = 6

EXAMPLES = {
    N_("A bit of everything"): (
        "The lion isn't sleeping: he dreams of 12,345 antelopes and 3.14159 seas 🦁🌊.\n"
        "French: le lion rêve. German: Löwenträume. Arabic: الأسد يحلم. Chinese: 狮子在做梦。\n"
        "def dream(of='sea'):\n    return 3 * of"
    ),
    N_("Numbers"): (
        "7 77 777 7777 77777 777777 7777777\n1,000,000 = 10^6; 3.14159; 2026-11-21; 0xFF; 12345 + 54321 = 66666"
    ),
    N_("Code"): (
        "for name, age in sorted(lions.items()):\n    if age >= 3:\n        print(f'{name}: {age}')  # grown up\n"
        "\tindented_with_a_tab = True\n"
    ),
    N_("Odd words"): (
        "tokenization Tokenization TOKENIZATION tokenisation\n SolidGoldMagikarp petertodd\n"
        "Donaudampfschifffahrtsgesellschaft antidisestablishmentarianism"
    ),
    N_("Emoji"): "🦁 👩‍👩‍👧‍👦 🏳️‍🌈 🇧🇷🇯🇵 👍🏽 ❤️ ☕",
    N_("Right to left"): (
        "الأسد ينام في الغابة منذ 2024 ويحلم بالبحر.\nהאריה ישן ביער וחולם על הים.\n"
        'In English: the Arabic for "lion in the forest" is "أسد في الغابة", read from the right.'
    ),
    N_("Direction override"): (
        "photo_\u202egnp.exe\u202c and \u2066isolated\u2069, zero\u200bwidth, no\u00a0break, NUL: \x00"
    ),
    N_("Combining marks"): "Z" + "\u0335\u0321\u034d\u030d\u0300\u0316" * 6 + "algo e\u0301 = é? n\u0303 = ñ?",
    "HTML": "<script>alert('hello')</script> </textarea><b>bold</b> &lt;p&gt; **not bold** $x^2$",
}


@dataclass(frozen=True)
class Tokenized:
    """A text cut by a tokenizer: all its tokens as arrays, the first of them as chips."""

    text: str
    tokenizer: Tokenizer
    spans: TokenSpans
    chips: list[Chip]

    @property
    def is_whole(self) -> bool:
        """Whether every token has its chip."""
        return len(self.chips) == len(self.spans)


def typed_text(*, height: int = 190) -> str:
    """The lesson's text area with examples beneath it: one text for all parts that cut a typed text."""
    text = st.text_area(
        _("Text"),
        EXAMPLES["A bit of everything"],
        key="tokens-text",
        persist_state="session",
        height=height,
        max_chars=MAX_TYPED,
        help=_("Any text. It is cut when you press Ctrl+Enter or leave the field."),
    )
    st.pills(
        _("Try an example"),
        list(EXAMPLES),
        format_func=_,
        key="tokens-example",
        on_change=_take_example,
        wrap=True,
        help=_("Replaces the text above."),
    )
    text = text or ""
    if len(text) > MAX_CHARS:
        st.info(
            _(
                "The text has {n_text:,} characters. The first {max_chars:,} are read here; the field keeps them all.",
                n_text=len(text),
                max_chars=MAX_CHARS,
            )
        )
    return text[:MAX_CHARS]


def _take_example() -> None:
    chosen = st.session_state.get("tokens-example")
    if chosen in EXAMPLES:
        st.session_state["tokens-text"] = EXAMPLES[chosen]
    st.session_state["tokens-example"] = None


def learned_from(kinds: tuple[str, ...]) -> str | None:
    """The text that tokenizers with a vocabulary of their own learn from; asked for only if one of `kinds` needs it.

    None, with a sentence on the page, when the chosen one cannot be used.
    """
    if not set(kinds) & set(LEARNED):
        return "stories"
    with st.expander(_("Where the vocabulary comes from"), icon=":material/library_books:"):
        source = choose_text(
            "tokens-source",
            default="stories",
            label=_("Text that the tokenizer learns from"),
            help=_("Its first million characters make the vocabulary of words, of characters and of your own BPE."),
        )
    if source.problem:
        st.info(source.problem)
        return None
    return source.name


def chosen_kind(key: str, default: str) -> str:
    """The kind that a `choose_tokenizer` with this key will return, before it is drawn."""
    kind = st.session_state.get(f"{key}-kind", default)
    return kind if kind in TOKENIZERS else default


def pick_tokenizer(key: str, default: str, *, label: str = N_("Tokenizer")) -> TokenizerChoice | None:
    """A tokenizer with, where it learns, the text it learns from; None when that text cannot be used."""
    place = st.container()
    source = learned_from((chosen_kind(key, default),))
    with place:
        choice = choose_tokenizer(key, source or "stories", default=default, label=label)
    return choice if source else None


def tokenized(text: str, choice: TokenizerChoice, allowed_special: AllowedSpecial = ()) -> Tokenized:
    """The text's tokens, remembered in the session: a rerun that changes neither text nor tokenizer costs nothing.

    Raises `TokenizerError` or `CorpusError` as the tokenizer's own loading and encoding.
    """
    memory: dict = st.session_state.setdefault("tokens-memory", {})
    key = (text, choice, allowed_special if isinstance(allowed_special, str) else tuple(sorted(allowed_special)))
    if key not in memory:
        tokenizer = choice.load()
        spans = token_spans(text, tokenizer, allowed_special=allowed_special)
        drawn = min(int(np.searchsorted(spans.ends, DRAWN_CHARS, side="right")), MAX_CHIPS)
        memory[key] = Tokenized(text, tokenizer, spans, chips_from_spans(text, spans, tokenizer, first=drawn))
        while len(memory) > _REMEMBERED:
            del memory[next(iter(memory))]
    return memory[key]


def say_what_is_drawn(*cut: Tokenized) -> None:
    """A sentence when some tokens have no chip, so that nobody takes the drawn part for the whole."""
    short = [each for each in cut if not each.is_whole]
    if not short:
        return
    drawn = min(each.chips[-1].end if each.chips else 0 for each in short)
    st.info(
        _(
            "Drawn are the first {drawn:,} of {n_text:,} characters, so that the page stays quick. "
            "Numbers and downloads are about the whole text.",
            drawn=drawn,
            n_text=len(short[0].text),
        )
    )


def counts(cut: Tokenized) -> dict[str, float]:
    """What the numbers row and the comparison show; words are what white space separates."""
    n_bytes, n_words, n_tokens = int(cut.spans.bounds[-1]), len(cut.text.split()), len(cut.spans)
    return {
        N_("Characters"): len(cut.text),
        N_("Bytes"): n_bytes,
        N_("Words"): n_words,
        N_("Tokens"): n_tokens,
        N_("Different tokens"): len(np.unique(cut.spans.ids)),
        N_("Tokens per word"): n_tokens / n_words if n_words else 0.0,
        N_("Bytes per token"): n_bytes / n_tokens if n_tokens else 0.0,
    }
