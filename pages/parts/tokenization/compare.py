"""Part: two tokenizers over one text, side by side, with the boundaries that only one of them has."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine import offsets
from engine.language import N_, _, number
from engine.offsets import TokenSpans, differing_boundaries
from engine.tokenizer import CharTokenizer, WordTokenizer
from pages.parts.tokenization.typed import (
    Tokenized,
    chosen_kind,
    counts,
    learned_from,
    say_what_is_drawn,
    tokenized,
    typed_text,
)
from pages.shared.charts import visible_token
from pages.shared.code_panel import show_code
from pages.shared.components import token_chips
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.tables import show_table
from pages.shared.tokenizers import TokenizerChoice, choose_tokenizer

DEFAULTS = {"left": ("gpt2", 1000), "right": ("o200k_base", 4000)}
AROUND = 40  # characters of a token that the sentence about the first difference quotes


def compare() -> None:
    """Counts of both, and chips with a bar where only that tokenizer begins a token."""
    st.markdown(
        _("Cut one text with two tokenizers. A bar marks every token that begins where the other has no boundary.")
    )
    text = typed_text(height=150)
    columns = dict(zip(DEFAULTS, st.columns(2, gap="medium"), strict=True))
    source = learned_from(tuple(chosen_kind(side, kind) for side, (kind, _unused) in DEFAULTS.items()))
    choices = {}
    for side, (kind, size) in DEFAULTS.items():
        with columns[side]:
            label = _("Tokenizer on the left") if side == "left" else _("Tokenizer on the right")
            choices[side] = choose_tokenizer(side, source or "stories", default=kind, vocab_size=size, label=label)
    if source is None:
        return
    whitespace = st.toggle(
        _("Show spaces and control characters"),
        key="tokens-whitespace",
        persist_state="session",
        wrap=True,
        help=_("Draws a space as ␣ and what has no shape of its own by its name, such as ZWJ or RLO."),
    )
    with shown_errors():
        _both(text, choices, whitespace)
    notice(
        _("Fewer tokens are no better by themselves: a larger vocabulary needs a larger table of embeddings."),
        _(
            "Words with a fixed list lose what is not in it: <|unk|> cannot be turned back into text. Bytes lose "
            "nothing."
        ),
        _("GPT-4 and GPT-4o cut digits in threes; GPT-2 takes whatever run of digits was frequent."),
    )
    exercise(
        _(
            "Choose your own BPE with 300, then with 4,000 tokens, against GPT-2, and the example “Code”. What does "
            "each of them do with the spaces at the beginning of a line?"
        ),
        _(
            "GPT-2 spends a token on every single space of an indentation, and so does a BPE learned on stories, which "
            "has met none. GPT-4 and GPT-4o have tokens for whole indentations: code becomes much shorter."
        ),
    )
    show_code(offsets.token_spans, offsets.differing_boundaries, WordTokenizer)


def _both(text: str, choices: dict[str, TokenizerChoice], whitespace: bool) -> None:
    left, right = (tokenized(text, choices[side]) for side in DEFAULTS)
    names = {side: choice.title for side, choice in choices.items()}
    if names["left"] == names["right"]:
        names = {side: f"{name} ({_(side)})" for side, name in names.items()}
    marks = dict(zip(DEFAULTS, differing_boundaries(left.spans, right.spans), strict=True))
    say_what_is_drawn(left, right)
    for (side, place), cut in zip(zip(DEFAULTS, st.columns(2, gap="medium"), strict=True), (left, right), strict=True):
        with place:
            st.markdown(_("**{names}** · {n_spans:,} tokens", names=names[side], n_spans=len(cut.spans)))
            token_chips(
                cut.chips,
                key=f"chips-{side}",
                label=_("Tokens of {names}", names=names[side]),
                show_whitespace=whitespace,
                marks=set(marks[side].tolist()),
                height=420,
            )
    st.markdown(verdict(names["left"], left.spans, names["right"], right.spans))
    difference = first_difference(left, right)
    if difference is not None:
        place, one, other = difference
        # Plain text, never markdown: it quotes what was typed.
        st.text(
            _(
                "First difference, at character {place:,}:\n{left}: {one}\n{right}: {other}",
                place=place,
                left=names["left"],
                one=one,
                right=names["right"],
                other=other,
            )
        )
    show_table(_table(names, left, right), width="stretch", words=["Measure"])


def verdict(left_name: str, left: TokenSpans, right_name: str, right: TokenSpans) -> str:
    """Who needs fewer tokens and by what factor, and how many boundaries both have."""
    only_left, only_right = (len(each) for each in differing_boundaries(left, right))
    if len(left) == 0:
        return _("There is no text to cut yet.")
    if only_left == only_right == 0:
        return _(
            "{left_name} and {right_name} cut this text in the same {n_left:,} places.",
            left_name=left_name,
            right_name=right_name,
            n_left=len(left),
        )
    (few, fewer), (many, more) = sorted([(len(left), left_name), (len(right), right_name)])
    shared = len(left) - only_left
    if few == many:
        size = _("Both need {few:,} tokens", few=few)
    else:
        size = _(
            "**{more}** needs {many:.2f} times as many tokens as **{fewer}** ({many_2:,} to {few:,})",
            more=more,
            many=many / few,
            fewer=fewer,
            many_2=many,
            few=few,
        )
    return _(
        "{size}; {shared:,} tokens begin in the same place, {only_left:,} in places of their own.",
        size=size,
        shared=shared,
        only_left=only_left + only_right,
    )


def first_difference(left: Tokenized, right: Tokenized) -> tuple[int, str, str] | None:
    """The character where the first boundary of only one of them stands, and both readings around it, quoted."""
    alone = differing_boundaries(left.spans, right.spans)
    firsts = [int(cut.spans.bounds[each[0]]) for cut, each in zip((left, right), alone, strict=True) if len(each)]
    if not firsts:
        return None
    byte = min(firsts)
    place = len(left.text.encode("utf-8")[:byte].decode("utf-8", "ignore"))
    return place, _reading(left, byte), _reading(right, byte)


def _reading(cut: Tokenized, byte: int) -> str:
    """The token that a byte boundary runs through, or the two that meet there: “ 3” | “.14”."""
    after = int(cut.spans.bounds.searchsorted(byte, side="right")) - 1
    first = after - 1 if cut.spans.bounds[after] == byte else after
    data = cut.text.encode("utf-8")
    parts = []
    for token in range(first, after + 1):
        shown = data[cut.spans.bounds[token] : cut.spans.bounds[token + 1]].decode("utf-8", "backslashreplace")
        parts.append(visible_token(shown if len(shown) <= AROUND else shown[:AROUND] + "…"))
    return " | ".join(parts)


def _table(names: dict[str, str], left: Tokenized, right: Tokenized) -> pd.DataFrame:
    columns = {}
    for name, cut in zip(names.values(), (left, right), strict=True):
        rows = {
            key: number(value, ".2f") if isinstance(value, float) else number(value)
            for key, value in counts(cut).items()
        }
        rows["Vocabulary"] = number(cut.tokenizer.n_vocab)
        if isinstance(cut.tokenizer, (CharTokenizer, WordTokenizer)):
            rows["Unknown tokens"] = number(int((cut.spans.ids == cut.tokenizer.unknown_id).sum()))
        else:
            rows["Unknown tokens"] = "0"
        columns[name] = rows
    return (
        pd.DataFrame(columns)
        .rename_axis(N_("Measure"))
        .loc[
            [
                N_("Tokens"),
                N_("Different tokens"),
                N_("Tokens per word"),
                N_("Bytes per token"),
                N_("Unknown tokens"),
                N_("Vocabulary"),
            ]
        ]
    )
