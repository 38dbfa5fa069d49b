"""Part: inside a token. The tree of merges that made it, and how a word is encoded, merge by merge."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from engine import merges
from engine.bpe import N_BYTES
from engine.errors import EngineError
from engine.language import N_, _
from engine.merges import TraceState, merge_number, merge_trace, merge_tree
from engine.readable import readable
from engine.tokenizer import MergeTree, Tokenizer
from pages.shared.bpe_training import learned_counts, quoted, sample_counts
from pages.shared.chips import chips_of
from pages.shared.code_panel import show_code
from pages.shared.components import StepRow, as_rows, merge_steps, merge_tree_view, token_chips
from pages.shared.components.merge_tree import MAX_NODES
from pages.shared.errors import sentence, shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.quantities import plural
from pages.shared.tables import show_table
from pages.shared.text_source import corpora
from pages.shared.tokenizers import TOKENIZERS, VOCAB_SIZES, TokenizerChoice

KINDS = ("bpe", "gpt2", "cl100k_base", "o200k_base")
SAMPLE = "stories"  # always there
DEFAULT_TEXT = "An unbelievable storyteller"
MAX_TEXT = 400
MAX_WORD = 60
INBOX = "inside"
_TOKENS = "inside-tokens"


def inside() -> None:
    """A token as the tree of its merges, a word as the ladder of its merges."""
    st.markdown(
        _(
            "Every token was made by joining two older ones, and these were made of older ones still, down to bytes. "
            "Encoding a word climbs the same way: of all pairs that can be merged, the one learned first goes first."
        )
    )
    _open_inbox()
    choice, source = _choose_tokenizer()
    with shown_errors():
        _tree_and_trace(choice, source)
    notice(
        _("Ranks fall from the top of the tree to the bottom: a merge can only join what was there before."),
        _("A token is seldom cut where a linguist would cut it. Its halves are what was frequent when it was made."),
        _("In the trace the next merge is the one of the lowest rank, wherever it stands, not the leftmost one."),
        _(
            "Of GPT-4's and GPT-4o's tokens only the ranks are published. Their merges are recovered here: encoding a "
            "token's bytes with lower ranks alone leaves the two parts that its merge joined."
        ),
    )
    exercise(
        _(
            "Trace “ the” and “the” with GPT-2, with and without the space in front. Which merge do they share, and "
            "where do they part?"
        ),
        _(
            "Both join *h* and *e*. But “␣” + *t* is the very first merge of GPT-2, so with a space in front *t* is "
            "taken before *he* is there, and the paths end in two different tokens for what we call one word."
        ),
    )
    show_code(merges.merge_trace, merges._states, merges._halves, merges.merge_tree)


def _tree_and_trace(choice: TokenizerChoice, source: str) -> None:
    tokenizer = choice.load()
    st.header(_("The tree of one token"), anchor=False)
    token_id = _choose_token(choice, tokenizer)
    if token_id is not None:
        with shown_errors():
            _tree(choice, source, tokenizer, token_id)
    st.header(_("The trace of one word"), anchor=False)
    _trace(tokenizer)


# --- choosing ----------------------------------------------------------------------------------------------------


def look_inside(choice: TokenizerChoice, token_id: int) -> None:
    """For a button's `on_click`: open this part with a token of a tokenizer."""
    st.session_state[INBOX] = {
        "kind": choice.kind,
        "source": choice.source,
        "vocab_size": choice.vocab_size,
        "id": token_id,
    }
    st.session_state["part"] = N_("Inside a token")


def _open_inbox() -> None:
    """Set the controls to what another part wants to be looked at, once."""
    wanted = st.session_state.pop(INBOX, None)
    if not isinstance(wanted, dict):
        return
    kind = wanted.get("kind")
    if kind not in KINDS:
        name = _(TOKENIZERS.get(str(kind)) or N_("This tokenizer"))
        st.info(
            _(
                "{name}: its tokens were not made by merging, so there is no tree to show. Here is GPT-2 instead.",
                name=name,
            )
        )
        st.session_state["inside-kind"] = "gpt2"
        return
    choice = TokenizerChoice(kind)
    st.session_state["inside-kind"] = kind
    if kind == "bpe":
        choice = TokenizerChoice(kind, str(wanted.get("source")), int(wanted.get("vocab_size") or 1000))
        st.session_state["inside-source"] = choice.source
        st.session_state["inside-size"] = choice.vocab_size
    _remember(choice, int(wanted.get("id", 0)))


def _choose_tokenizer() -> tuple[TokenizerChoice, str]:
    """The tokenizer, and the text that the counts are from."""
    which, learned, size = st.columns(3)
    kind = which.selectbox(
        _("Tokenizer"),
        KINDS,
        index=1,
        format_func=lambda each: _("BPE learned here") if each == "bpe" else _(TOKENIZERS[each]),
        key="inside-kind",
        persist_state="session",
        help=_("Yours, with the counts of its training, or one of OpenAI's."),
    )
    titles = {info.name: info.title for info in corpora().values() if info.available}
    wanted = st.session_state.get("inside-source")
    if wanted and wanted not in titles:
        titles[wanted] = _("My own text") if wanted.startswith("upload:") else wanted
    source = learned.selectbox(
        _("Learned on") if kind == "bpe" else _("Count its tokens in"),
        list(titles),
        index=list(titles).index(SAMPLE),
        format_func=lambda each: _(titles[each]),
        key="inside-source",
        persist_state="session",
        help=_("The text whose pairs were counted for your tokenizer; for OpenAI's, where their tokens are counted."),
    )
    if kind != "bpe":
        return TokenizerChoice(kind), source
    sizes = sorted({*VOCAB_SIZES, st.session_state.get("inside-size", 1000)})
    vocab_size = size.select_slider(
        _("Vocabulary size"),
        sizes,
        1000,
        format_func=_,
        key="inside-size",
        persist_state="session",
        help=_("How many tokens it has learned to know."),
    )
    return TokenizerChoice(kind, source, vocab_size), source


def _remember(choice: TokenizerChoice, token_id: int) -> None:
    st.session_state.setdefault(_TOKENS, {})[choice] = token_id


def _choose_token(choice: TokenizerChoice, tokenizer: Tokenizer) -> int | None:
    text = st.text_input(
        _("A text to take the token from"),
        DEFAULT_TEXT,
        key="inside-text",
        persist_state="session",
        max_chars=MAX_TEXT,
        help=_("Click one of its tokens below."),
    )
    chips = chips_of(text, tokenizer)
    remembered = st.session_state.get(_TOKENS, {}).get(choice)
    if remembered is None:
        longest = max(chips, key=lambda chip: len(chip.data), default=None)
        remembered = longest.id if longest else N_BYTES
    remembered = max(0, min(remembered, tokenizer.n_vocab - 1))
    chosen = next((place for place, chip in enumerate(chips) if chip.id == remembered), None)
    clicked = token_chips(chips, "inside-chips", label=_("Tokens of the text: choose one"), selected=chosen, height=160)
    if clicked is not None:
        _remember(choice, chips[clicked].id)
        st.rerun()
    key = f"inside-id-{choice.kind}-{choice.vocab_size}-{remembered}"
    typed = st.number_input(
        _("… or its id"),
        0,
        tokenizer.n_vocab - 1,
        remembered,
        key=key,
        width=220,
        help=_("Any token of the vocabulary, 0 to {n_vocab:,}.", n_vocab=tokenizer.n_vocab - 1),
    )
    if typed != remembered:
        _remember(choice, int(typed))
        st.rerun()
    try:
        tokenizer.token_bytes(remembered)
    except EngineError as error:
        st.warning(sentence(error))
        return None
    return remembered


# --- the tree ----------------------------------------------------------------------------------------------------


def _counts(choice: TokenizerChoice, source: str) -> tuple[Callable[[int], int | None], str]:
    """What is counted at the nodes of a tree, and what to call it."""
    if choice.kind == "bpe":
        counts = learned_counts(choice)
        return (lambda token_id: counts.get(token_id)), _("times the pair stood in the text when it was merged")
    found = sample_counts(choice, source)
    return (lambda token_id: int(found[token_id])), _("times a token of the text chosen above")


def _tree(choice: TokenizerChoice, source: str, tokenizer: Tokenizer, token_id: int) -> None:
    tree = merge_tree(tokenizer, token_id)
    count, count_name = _counts(choice, source)
    st.text(_in_words(tree, token_id, tokenizer))
    clicked = merge_tree_view(
        tree, "inside-tree", text=lambda data: readable(data, 24), count=count, count_name=count_name
    )
    if clicked is not None and clicked != token_id:
        _remember(choice, clicked)
        st.rerun()
    if choice.kind == "bpe":
        st.caption(
            _("At each node: the token, its id, the number of its merge, and how often its pair stood in the text.")
        )
    else:
        st.caption(
            _(
                "At each node: the token, its id, the number of its merge. How often the pairs stood in OpenAI's text "
                "is not published; × is how often the token itself occurs in the first million characters of the text "
                "above."
            )
        )
    rows = as_rows(tree, readable, count)
    if len(tree.token) * 2 - 1 > MAX_NODES:
        st.caption(_("This tree has more than {max_nodes} nodes; its upper levels are shown.", max_nodes=MAX_NODES))
    with st.expander(_("As a table"), icon=":material/table_rows:"):
        show_table(pd.DataFrame(rows), width="stretch", hide_index=True)


def _in_words(tree: MergeTree, token_id: int, tokenizer: Tokenizer) -> str:
    if tree.left is not None and tree.right is not None:
        return _(
            "{token} · id {token_id:,} · merge {merge_number:,} joined {token_2} and {token_3}",
            token=quoted(tree.token),
            token_id=token_id,
            merge_number=merge_number(token_id),
            token_2=quoted(tree.left.token),
            token_3=quoted(tree.right.token),
        )
    if token_id in tokenizer.special_tokens.values():
        return _(
            "{token} · id {token_id:,} · a special token: it was added by hand, not learned",
            token=quoted(tree.token),
            token_id=token_id,
        )
    return _(
        "{token} · id {token_id:,} · a single byte: it was there before the first merge",
        token=quoted(tree.token),
        token_id=token_id,
    )


# --- the trace ---------------------------------------------------------------------------------------------------


def _trace(tokenizer: Tokenizer) -> None:
    word = st.text_input(
        _("A word, or a few"),
        " unbelievable",
        key="inside-word",
        persist_state="session",
        max_chars=MAX_WORD,
        help=_("A space in front belongs to the word for these tokenizers; try with and without."),
    )
    if not word:
        st.info(_("Type a word to see how it is encoded."))
        return
    states = merge_trace(tokenizer, word)
    last = len(states) - 1
    shown = last
    if last > 0:
        shown = st.slider(
            _("Merges made, of {last}", last=last),
            0,
            last,
            last,
            key=f"inside-step-{last}",
            persist_state="session",
            help=_("Go back to the bytes and climb up again, merge by merge."),
        )
    rows = [_row(tokenizer, states, place) for place in range(shown + 1)]
    merge_steps(rows, "inside-trace", label=_("States of encoding, one a row"))
    n_bytes, n_tokens = len(states[0].ids), len(states[-1].ids)
    st.caption(
        _(
            "From {n_bytes:,} bytes to {tokens} in {merges}. A frame marks what a merge has made, a "
            "dashed line the pair that is merged next.",
            n_bytes=n_bytes,
            tokens=plural(n_tokens, "token", "tokens"),
            merges=plural(last, "merge", "merges"),
        )
    )
    with st.expander(_("As a table"), icon=":material/table_rows:"):
        show_table(_trace_table(tokenizer, states), width="stretch", hide_index=True)


def _row(tokenizer: Tokenizer, states: list[TraceState], place: int) -> StepRow:
    state = states[place]
    name = _("Bytes") if state.new_id is None else _("Merge {merge_number:,}", merge_number=merge_number(state.new_id))
    tokens = [(token_id, readable(tokenizer.token_bytes(token_id))) for token_id in state.ids]
    return StepRow(name, tokens, state.made, _next_pairs(states, place))


def _next_pairs(states: list[TraceState], place: int) -> list[int]:
    """Where in a state the pairs begin that the next merge joins: each made token stood here as two."""
    if place + 1 >= len(states):
        return []
    return [made + before for before, made in enumerate(states[place + 1].made)]


def _trace_table(tokenizer: Tokenizer, states: list[TraceState]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                N_("merge"): None if state.new_id is None else merge_number(state.new_id),
                N_("joined"): ""
                if state.pair is None
                else " + ".join(readable(tokenizer.token_bytes(half)) for half in state.pair),
                "tokens": " | ".join(readable(tokenizer.token_bytes(token_id)) for token_id in state.ids),
                "ids": " ".join(map(str, state.ids)),
            }
            for state in states
        ]
    )
