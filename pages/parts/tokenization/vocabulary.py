"""Part: vocabulary. Every token of a tokenizer, to search and to sort, and the tokenizer as a file."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import streamlit as st

from engine import tokenizer_export
from engine.aside_worker import Call
from engine.language import N_, _, number
from engine.runs.named_texts import LEARN_CHARS, TextOf
from engine.runs.tokens_listed import huggingface_file, ranks_code, ranks_file, tokens_listed
from engine.tokenizer import Tokenizer
from engine.tokenizer_export import can_export, huggingface_code
from pages.parts.tokenization.inside import KINDS as WITH_TREES
from pages.parts.tokenization.inside import look_inside
from pages.shared.aside import computed, for_download
from pages.shared.bpe_charts import token_lengths
from pages.shared.bpe_training import quoted
from pages.shared.code_panel import show_code
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.models import settings_aside
from pages.shared.tables import show_table
from pages.shared.text_source import choose_text
from pages.shared.tokenizers import TokenizerChoice, choose_tokenizer

MAX_ROWS = 2_000
ORDERS = {
    "frequent": N_("most frequent in the text first"),
    "id": N_("by id"),
    "longest": N_("longest first"),
    "rare": N_("rarest in the text first"),
    "alphabet": N_("by alphabet"),
}
KEPT = {
    "all": N_("all tokens"),
    "used": N_("used in the text"),
    "unused": N_("never used in it"),
    "special": N_("special tokens"),
}


def vocabulary() -> None:
    """Search a vocabulary, and take it along."""
    st.markdown(
        _(
            "A vocabulary is a list: each token has its number, its bytes and, in a text at hand, its frequency. Look "
            "for what you would expect in it, and for what you would not."
        )
    )
    beside, other = st.columns(2, gap="medium")
    with beside:
        source = choose_text(
            "vocabulary-text",
            default="stories",
            min_chars=20,
            label=_("Text"),
            help=_("Your own tokenizers learn from this text, and tokens are counted in its first million characters."),
        )
    if source.problem:
        st.info(source.problem)
        return
    with other:
        choice = choose_tokenizer("vocabulary", source.name)
    _figures(choice, source.name)
    notice(
        _(
            "In a learned vocabulary the first 256 ids are the bytes; most are never used in an English text, but with "
            "them no text is ever unknown."
        ),
        _("Most words are there twice, with and without the space in front, and once more with a capital."),
        _(
            "The longest tokens tell what the training text was: names in stories, runs of spaces and of marks where "
            "the text was code."
        ),
        _("A token that training hardly ever saw is a trap: its vector stays what chance made it."),
    )
    exercise(
        _(
            "Search GPT-2 for “ the”, then sort by length. What are the longest tokens, and why does a tokenizer spend "
            "numbers on them?"
        ),
        _(
            "Long runs of marks and odd words of web pages. BPE counts frequency in *its* text: a banner repeated on "
            "many pages earns a token, whether or not a reader of English ever needs it."
        ),
    )
    show_code(tokenizer_export.tiktoken_ranks, tokenizer_export.huggingface_json)


def _figures(choice: TokenizerChoice, source: str) -> None:
    numbers = st.container()
    wanted, order, kept = _which()
    figure, files = st.container(), st.container()
    with figure, shown_errors():
        tokenizer = choice.load()
        with files, shown_errors():
            _downloads(choice, source, tokenizer)
        text = TextOf(settings_aside(), source, LEARN_CHARS)
        table = computed(_("Listing the tokens …"), tokens_listed, choice.named, text, choice.kind in WITH_TREES)
        with numbers:
            _numbers(table, tokenizer)
        _browse(table, choice, tokenizer, wanted, order, kept)
        token_lengths(table["bytes"].to_numpy()).show()
        with st.expander(_("As a table"), icon=":material/table_rows:"):
            lengths = table["bytes"].value_counts().sort_index()
            show_table(
                pd.DataFrame({N_("bytes"): lengths.index, N_("tokens"): lengths.to_numpy()}),
                hide_index=True,
                width="content",
            )


def _numbers(table: pd.DataFrame, tokenizer: Tokenizer) -> None:
    n_used = int((table["count"] > 0).sum())
    with st.container(horizontal=True):
        st.metric(_("Tokens"), number(len(table)), width=150, help=_("Ids in use, special tokens included."))
        st.metric(_("Used in the text"), number(n_used), width=170, help=_("They occur at least once."))
        st.metric(
            _("Never used in it"),
            number(len(table) - n_used),
            width=170,
            help=_("They cost parameters and learn nothing from this text."),
        )
        st.metric(
            _("Special tokens"), number(len(tokenizer.special_tokens)), width=150, help=_("Added by hand, not learned.")
        )
        st.metric(
            _("Longest (bytes)"),
            number(int(table["bytes"].max())),
            width=150,
            help=_("The length of the longest token."),
        )


# --- browsing ----------------------------------------------------------------------------------------------------


def _which() -> tuple[str, str, str]:
    """Which tokens are listed: what they hold, in which order, and of which kind."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.text_input(
            _("Search"),
            "",
            key="vocabulary-search",
            persist_state="session",
            max_chars=100,
            placeholder=_("part of a token; ␣ for a space"),
            help=_("Plain text, capitals matter. ␣ finds a space and ↵ a line end, as the tokens are written below."),
            width=280,
        )
        order = st.selectbox(
            _("Order"),
            list(ORDERS),
            format_func=lambda each: _(ORDERS[each]),
            key="vocabulary-order",
            persist_state="session",
            help=_("Frequencies are those in the first million characters of the text above."),
            width=280,
        )
        kept = st.selectbox(
            _("Show"),
            list(KEPT),
            format_func=lambda each: _(KEPT[each]),
            key="vocabulary-kept",
            persist_state="session",
            help=_("Which tokens to list."),
            width=200,
        )
    return wanted, order, kept


def _browse(
    table: pd.DataFrame, choice: TokenizerChoice, tokenizer: Tokenizer, wanted: str, order: str, kept: str
) -> None:
    found = select(table, wanted, kept)
    shown = arrange(found, order)
    if found.empty:
        st.info(_("No token of this vocabulary fits. Search for a shorter part, or show all tokens."))
        return
    event = show_table(
        shown[["id", "token", "bytes", "count", "merge", "special"]],
        width="stretch",
        height=380,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key=f"vocabulary-rows-{choice.kind}-{choice.vocab_size}-{order}-{kept}-{wanted}",
        column_config={
            N_("id"): st.column_config.NumberColumn(_("id"), format="%d", help=_("The number that the model reads.")),
            N_("token"): st.column_config.TextColumn(
                _("token"), width="large", help=_("␣ is a space, ↵ a line end, \\xNN a byte.")
            ),
            N_("bytes"): st.column_config.NumberColumn(_("bytes"), help=_("Length in UTF-8.")),
            N_("count"): st.column_config.NumberColumn(
                _("in the text"), format="localized", help=_("How often it occurs.")
            ),
            N_("merge"): st.column_config.NumberColumn(_("merge"), format="localized", help=_("Which merge made it.")),
            N_("special"): st.column_config.CheckboxColumn(_("special"), help=_("Added by hand.")),
        },
    )
    more = (
        _(" The first {max_rows:,} are listed: search to narrow them down.", max_rows=MAX_ROWS)
        if len(found) > MAX_ROWS
        else ""
    )
    st.caption(
        _(
            "{n_found:,} of {n_table:,} tokens.{more} Choose a row for more about its token.",
            n_found=len(found),
            n_table=len(table),
            more=more,
        )
    )
    rows = event.selection.rows
    if rows and 0 <= rows[0] < len(shown):
        _details(shown.iloc[rows[0]], choice, tokenizer)


def select(table: pd.DataFrame, wanted: str, kept: str) -> pd.DataFrame:
    """The rows that hold `wanted`, in the plain token or as it is written in the table, and are to be shown."""
    chosen = pd.Series(True, index=table.index)
    if wanted:
        chosen = table["plain"].str.contains(wanted, regex=False) | table["token"].str.contains(wanted, regex=False)
    if kept == "special":
        chosen &= table["special"]
    elif kept in ("used", "unused"):
        chosen &= (table["count"] > 0) == (kept == "used")
    return table[chosen]


def arrange(found: pd.DataFrame, order: str) -> pd.DataFrame:
    """The first 2,000 rows in an order; equal ones by id."""
    keys = {
        "longest": -found["bytes"].to_numpy(),
        "frequent": -found["count"].to_numpy(),
        "rare": found["count"].to_numpy(),
        "alphabet": found["alphabet"].to_numpy(),
    }
    if order in keys:
        return found.iloc[np.argsort(keys[order], kind="stable")[:MAX_ROWS]]
    return found.head(MAX_ROWS)


def _details(row: pd.Series, choice: TokenizerChoice, tokenizer: Tokenizer) -> None:
    token_id = int(row["id"])
    token = tokenizer.token_bytes(token_id)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        shown = token[:32].hex(" ") + (" …" if len(token) > 32 else "")
        st.text(
            _(
                "{token} · id {token_id:,} · bytes {shown} · {int:,} × in the text",
                token=quoted(token),
                token_id=token_id,
                shown=shown,
                int=int(row["count"]),
            )
        )
        if choice.kind in WITH_TREES:
            st.button(
                _("Look inside"),
                key="vocabulary-inside",
                icon=":material/account_tree:",
                help=_("Open its merge tree."),
                on_click=look_inside,
                args=(choice, token_id),
            )


# --- files -------------------------------------------------------------------------------------------------------


def _downloads(choice: TokenizerChoice, source: str, tokenizer: Tokenizer) -> None:
    st.header(_("Take it along"), anchor=False)
    name = file_name(choice, source)
    with st.container(horizontal=True):
        st.download_button(
            _("JSON of this program"),
            data=lambda: json.dumps(tokenizer.to_dict()).encode(),
            file_name=f"{name}.json",
            mime="application/json",
            icon=":material/download:",
            on_click="ignore",
            help=_("Everything that makes this tokenizer; the program itself reads it back."),
        )
        if can_export(tokenizer):
            st.download_button(
                _("Ranks for tiktoken"),
                data=for_download(Call(ranks_file, (choice.named,))),
                file_name=f"{name}.tiktoken",
                mime="text/plain",
                icon=":material/download:",
                on_click="ignore",
                help=_("One token a line: its bytes in base64 and its id."),
            )
            st.download_button(
                _("tokenizer.json for Hugging Face"),
                data=for_download(Call(huggingface_file, (choice.named,))),
                file_name="tokenizer.json",
                mime="application/json",
                icon=":material/download:",
                on_click="ignore",
                help=_(
                    "Pattern, vocabulary, merges and special tokens in one file. For GPT-4 and GPT-4o the merges are "
                    "recovered first: some seconds."
                ),
            )
    if not can_export(tokenizer):
        st.caption(
            _(
                "tiktoken and Hugging Face's BPE files hold bytes and merges. This tokenizer is a list of texts with "
                "<|unk|> for all others, so it fits neither."
            )
        )
        return
    st.caption(
        _(
            "All three give the same ids. In tiktoken the split pattern and the special tokens are given in code; "
            "Hugging Face's file holds them, and takes special tokens in a text as such unless it is told otherwise."
        )
    )
    with st.expander(_("How to load the files"), icon=":material/code:"), shown_errors():
        code = computed(_("Listing the tokens …"), ranks_code, choice.named, f"{name}.tiktoken")
        st.code(code, language="python", wrap_lines=True)
        st.code(huggingface_code("tokenizer.json"), language="python", wrap_lines=True)


def file_name(choice: TokenizerChoice, source: str) -> str:
    """A name for the files: the kind, its size, and the text where it learned from one.

    >>> file_name(TokenizerChoice("bpe", "stories", 1000), "stories")
    'bpe-1000-stories'
    """
    parts = [choice.kind]
    if choice.vocab_size:
        parts.append(str(choice.vocab_size))
    if choice.source:
        parts.append(source.removeprefix("upload:")[:24])
    return "-".join(parts)
