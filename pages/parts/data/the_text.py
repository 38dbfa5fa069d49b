"""Part: the text itself, in numbers, to read and to search, and where training ends and validation begins."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from engine import offsets, text_statistics, windows
from engine.aside_worker import Call
from engine.errors import ConfigError
from engine.language import N_, _, number
from engine.runs.words_counted import text_counted, text_splits
from engine.text_statistics import TextCounts, TextSplit
from pages.parts.data.figures import facts
from pages.parts.data.source import ChosenText, the_text
from pages.shared.aside import all_computed
from pages.shared.code_panel import show_code
from pages.shared.components.text_view import Overview, text_view, view_rows
from pages.shared.errors import sentence, shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.quantities import plural
from pages.shared.tables import show_table
from pages.shared.texts import text_of
from pages.shared.tokenizers import TokenizerChoice, choose_tokenizer
from pages.shared.wording import inside

PAGE_CHARS = 5_000
SHARES = tuple(range(5, 51, 5))  # percent
CONTEXTS = (16, 32, 64, 128, 256, 512, 1024)
_PAGE, _HIT, _QUERY, _SEEN, _JUMP = "data-page", "data-hit", "data-query", "data-query-seen", "data-jump"


def show() -> None:
    """The whole part."""
    st.markdown(_("Pretraining needs nothing but raw text. Look at what a model is given before it is given to one."))
    controls, figure = st.columns([1, 2], gap="large")
    with controls:
        text = the_text()
        if text is None:
            return
        tokenizer = choose_tokenizer("data-tokenizer", text.name)
        share, context = split_controls()
    with figure:
        splits: dict[int, TextSplit] | None = None
        with shown_errors():
            calls = [Call(text_counted, (text.named,)), Call(text_splits, (text.named, tokenizer.named, SHARES))]
            found, splits = all_computed(_("Cutting the text into tokens …"), calls)
            numbers(text, found, tokenizer, splits[share].n_tokens)
        reader(text, splits[share].char if splits else None)
        if splits:
            split_in_words(text, splits[share], context, share)
    notice(
        _("A corpus is one long row of characters. Only the marker <|endoftext|> tells where a document ends."),
        _("A token is longer than a character and, on average, shorter than a word. The model is trained on tokens."),
        _(
            "Validation is the *last* part, cut off once. Random passages would not do: articles and plays quote each "
            "other and stories come in variants, so a near-duplicate of what was kept aside would stand in the "
            "training part, and the loss would reward remembering."
        ),
    )
    exercise(
        _("Choose BBC News, read all of it and look at what lies in the last tenth. Is it a fair test of the rest?"),
        _(
            "Only if the order of the documents says nothing about them. Here the articles were shuffled, so all five "
            "topics are in the last tenth; sorted by topic, the test would be on a topic never trained. Whole "
            "documents are shuffled, never sentences: neighbours give each other away."
        ),
    )
    show_code(text_statistics.find_words, text_statistics.count_text, windows.split_ids, offsets.token_spans)


def split_controls() -> tuple[int, int]:
    """The validation share in percent and the context length."""
    share = st.slider(
        _("Kept aside for validation"),
        SHARES[0],
        SHARES[-1],
        10,
        SHARES[1] - SHARES[0],
        format="%d %%",
        key="data-validation",
        persist_state="session",
        help=_(
            "The last part of the tokens. It is never trained on; its loss tells whether the model learned the "
            "language or the text."
        ),
    )
    context = st.select_slider(
        _("Context length"),
        CONTEXTS,
        128,
        format_func=_,
        key="data-context",
        persist_state="session",
        help=_("Tokens in a window: how far back the model can look. Windows are what is drawn in training."),
    )
    return share, context


def numbers(text: ChosenText, found: TextCounts, tokenizer: TokenizerChoice, n_tokens: int) -> None:
    """How much there is of everything, as cards and as a file."""
    per_word = n_tokens / found.n_words if found.n_words else float("nan")
    cards = (
        (
            _("Characters"),
            found.n_chars,
            _("Code points; {n_distinct_chars:,} different ones.", n_distinct_chars=found.n_distinct_chars),
        ),
        (_("Words"), found.n_words, _("Runs of letters, accents and digits with inner apostrophes.")),
        (_("Different words"), found.n_distinct_words, _("Case is folded: “The” and “the” are one word.")),
        (_("Tokens"), n_tokens, _("Of the tokenizer {title}.", title=tokenizer.title)),
        (_("Tokens per word"), per_word, _("Marks, spaces and line ends are in tokens too, but not in words.")),
        (
            _("Characters per token"),
            found.n_chars / n_tokens if n_tokens else float("nan"),
            _("How much one token carries."),
        ),
        (_("Lines"), found.n_lines, _("Parted by line ends.")),
        (_("Documents"), found.n_documents, _("Parted by the marker <|endoftext|>.")),
    )
    facts([(inside(label), _shown(value), meaning) for label, value, meaning in cards])
    table = pd.DataFrame([(label, value) for label, value, _unused in cards], columns=[N_("measure"), N_("value")])
    table.loc[len(table)] = (_("Bytes (UTF-8)"), found.n_bytes)
    with st.expander(_("As a table"), icon=":material/table:"):
        show_table(table.astype({N_("value"): float}), hide_index=True, width="stretch")
        st.download_button(
            _("Statistics as CSV"),
            table.to_csv(index=False),
            f"{text.file_name}-statistics.csv",
            "text/csv",
            key="data-statistics-csv",
            icon=":material/download:",
            on_click="ignore",
            help=_("These numbers for a spreadsheet."),
        )


def _shown(value: int | float) -> str:
    if isinstance(value, int):
        return number(value)
    return number(value, ".2f") if np.isfinite(value) else _("none")


@st.cache_data(max_entries=64, show_spinner=False)
def found_in(name: str, n_chars: int, query: str) -> np.ndarray:
    """Where a query stands in a text, (H, 2)."""
    return text_statistics.find_text(text_of(name, n_chars), query)


def reader(text: ChosenText, cut: int | None) -> None:
    """The searchable view: a page of the text with hits and, once it is known, the validation part marked."""
    n_pages = max(1, -(-text.n_chars // PAGE_CHARS))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        query = st.text_input(
            _("Search the text"),
            key=_QUERY,
            persist_state="session",
            max_chars=100,
            icon=":material/search:",
            placeholder=_("a word or a phrase"),
            live="300ms",
            width=260,
            help=_("Plain text, whatever its case. The marks in the strip show where it occurs."),
        )
        hits = found_in(text.name, text.n_chars, query)
        follow_query((text.name, text.n_chars, query), hits)
        for label, step, icon in (
            (_("Previous"), -1, ":material/arrow_upward:"),
            (_("Next"), 1, ":material/arrow_downward:"),
        ):
            st.button(
                _(label),
                key=f"data-hit-{step}",
                icon=icon,
                disabled=len(hits) < 2,
                on_click=go_to_hit,
                args=(step, hits),
                help=_("The {lower} hit.", lower=inside(label)),
            )
        st.session_state[_PAGE] = min(max(int(st.session_state.get(_PAGE) or 1), 1), n_pages)
        st.number_input(
            _("Page of {n_pages:,}", n_pages=n_pages),
            1,
            n_pages,
            key=_PAGE,
            persist_state="session",
            width=130,
            help=_("Pages of {page_chars:,} characters. The strip below does the same.", page_chars=PAGE_CHARS),
        )
        st.number_input(
            _("Go to character"),
            0,
            max(text.n_chars - 1, 0),
            None,
            key=_JUMP,
            placeholder=_("number"),
            width=150,
            on_change=go_to_character,
            help=_("Opens the page with this character."),
        )
        st.button(
            _("To validation"),
            key="data-to-validation",
            icon=":material/flag:",
            disabled=cut is None,
            on_click=open_page,
            args=(cut,),
            help=_("Opens the page where the validation part begins."),
        )
    if query:
        hit = st.session_state[_HIT]
        found = plural(len(hits), "hit", "hits")
        st.caption(
            _("Hit {hit:,} of {found}.", hit=hit + 1, found=found)
            if len(hits)
            else _("This does not occur in the part that is read here.")
        )
    page = st.session_state[_PAGE] - 1
    end = text.n_chars if cut is None else cut
    asked = text_view(
        page_rows(text.text, page, hits, end),
        "data-reader",
        label=_("The text, page {page} of {n_pages}", page=page + 1, n_pages=n_pages),
        overview=Overview(
            n_pages,
            page,
            end / max(text.n_chars, 1),
            places(hits, text.n_chars),
        ),
    )
    if asked is not None:
        st.session_state["data-page-asked"] = asked
        st.rerun()


def page_rows(text: str, page: int, hits: np.ndarray, cut: int) -> list[list]:
    """What the view shows of one page; hits that reach over its ends are clipped to it."""
    start = page * PAGE_CHARS
    end = min(start + PAGE_CHARS, len(text))
    here = hits[(hits[:, 1] > start) & (hits[:, 0] < end)] if len(hits) else hits
    clipped = [(max(a, start) - start, min(b, end) - start) for a, b in here.tolist()]
    current = None
    if len(hits):
        a, b = hits[min(st.session_state[_HIT], len(hits) - 1)].tolist()
        current = (max(a, start) - start, min(b, end) - start)
    boundary = cut - start if cut < end else None
    return view_rows(text[start:end], hits=clipped, current=current, boundary=boundary and max(boundary, 0))


def places(hits: np.ndarray, n_chars: int, n_marks: int = 300) -> tuple[float, ...]:
    """Where to mark hits in the strip, 0 to 1; hits that would cover each other are one mark."""
    if len(hits) == 0:
        return ()
    return tuple((np.unique(hits[:, 0] * n_marks // max(n_chars, 1)) / n_marks).tolist())


def follow_query(seen: tuple[str, int, str], hits: np.ndarray) -> None:
    """A new query opens the page of its first hit; a page asked for in the strip is opened."""
    if "data-page-asked" in st.session_state:
        st.session_state[_PAGE] = st.session_state.pop("data-page-asked") + 1
    if st.session_state.get(_SEEN) != seen:
        st.session_state[_SEEN] = seen
        st.session_state[_HIT] = 0
        if len(hits):
            open_page(int(hits[0, 0]))
    st.session_state.setdefault(_HIT, 0)


def go_to_hit(step: int, hits: np.ndarray) -> None:
    """To the next hit or the one before, round and round."""
    st.session_state[_HIT] = (st.session_state.get(_HIT, 0) + step) % len(hits)
    open_page(int(hits[st.session_state[_HIT], 0]))


def go_to_character() -> None:
    """What the number field says."""
    if st.session_state.get(_JUMP) is not None:
        open_page(int(st.session_state[_JUMP]))


def open_page(char: int) -> None:
    """Open the page with this character."""
    st.session_state[_PAGE] = char // PAGE_CHARS + 1


def split_in_words(text: ChosenText, split: TextSplit, context: int, share: int) -> None:
    """How much each part has, in characters, tokens and windows."""
    rows = []
    parts = (
        (_("Training"), split.char, split.token),
        (_("Validation"), text.n_chars - split.char, split.n_validation),
    )
    problem = ""
    for name, n_chars, n_tokens in parts:
        try:
            n_windows = len(windows.sliding_windows(np.zeros(n_tokens, dtype=np.int64), context, context)[0])
        except ConfigError as error:
            n_windows, problem = 0, f"{name}: {sentence(error)}"
        rows.append((name, n_chars, n_tokens, n_windows))
    columns = [N_("part"), N_("characters"), N_("tokens"), N_("windows")]
    table = pd.DataFrame(rows, columns=columns).set_index("part")
    show_table(table.style.format(number), width="stretch")
    st.caption(
        _(
            "The cut lies after token {token:,} of {n_tokens:,}, at character {char:,}: the last "
            "{share} % of the tokens are kept aside. Windows of {context} tokens are counted without overlap.",
            token=split.token,
            n_tokens=split.n_tokens,
            char=split.char,
            share=share,
            context=context,
        )
    )
    if problem:
        st.warning(problem)
