"""Part: a window slides over the text; every place it stops is a row of examples."""

from __future__ import annotations

import csv
import io

import numpy as np
import streamlit as st

from engine import windows
from engine.language import N_, _, number
from engine.spreadsheets import harmless_cell
from engine.tokenizer import Tokenizer
from pages.parts.embeddings.source import choose_tokenized, texts_of
from pages.shared import guide
from pages.shared.charts import visible_token
from pages.shared.code_panel import show_code
from pages.shared.components.window_grid import MAX_WINDOWS, window_grid
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.tables import show_table

EXCERPT = (60, 200)


def show() -> None:
    """Draw the part."""
    st.markdown(
        _(
            "A model trains on **windows** of the text. The input is T tokens in a row; the target is the same "
            "stretch, one token later. Nobody writes labels: the text is its own answer key."
        )
    )
    controls, figure = st.columns([1, 2.6], gap="large")
    with controls:
        text = choose_tokenized()
        context_length = st.slider(
            _("Context length (tokens)"),
            2,
            64,
            8,
            key="window_context",
            persist_state="session",
            help=_("T, the tokens in a window: the most a model can look back."),
        )
        stride = st.slider(
            _("Stride (tokens)"),
            1,
            64,
            4,
            key="window_stride",
            persist_state="session",
            help=_("How far the window moves each time."),
        )
        with st.expander(_("Which part of the text"), icon=":material/location_searching:"):
            size = st.slider(
                _("Length of the excerpt (tokens)"),
                *EXCERPT,
                80,
                20,
                key="window_size",
                persist_state="session",
                help=_("How much of the text the figure shows."),
            )
            place = st.slider(
                _("Where in the text (%)"),
                0,
                100,
                0,
                key="window_place",
                persist_state="session",
                help=_("0 is the beginning of the text, 100 its end."),
            )
    if text is None:
        return
    below = st.container()
    with figure, shown_errors():
        ids, tokenizer = text.tokenized()
        first = round(place / 100 * max(0, len(ids) - size))
        _figure(ids[first : first + size], tokenizer, context_length, stride, first)
        guide.tell("windows", {"context": context_length, "stride": stride})
        with below:
            _numbers(len(ids), context_length, stride)
    notice(
        _(
            "The target row is the input row moved by one: each target comes back as the next input. A window of T "
            "tokens holds T predictions, with contexts of 1 to T tokens."
        ),
        _(
            "**Stride = context**: windows lie end to end and each token is a target once. **Stride < context**: they "
            "overlap, and each token is seen about context / stride times: more examples, each with another "
            "context before it, but no new text. **Stride > context** skips tokens."
        ),
        _(
            "The trainer of this course takes stride = context and shifts where the windows begin at each epoch, so "
            "that cuts fall elsewhere. GPT-3 filled windows of 2,048 tokens with documents, an end-of-text token "
            "between them."
        ),
    )
    exercise(
        _(
            "Set the context length to 8. Which stride shows every token as a target exactly four times (but for the "
            "ends)? Which strides never show some tokens at all?"
        ),
        _(
            "A stride of 2: 8 / 2 = 4. From a stride of 9 on, stride − 8 tokens between one window and the next are "
            "never a target, and as many never an input."
        ),
    )
    show_code(windows.sliding_windows, windows.times_seen)


def _figure(excerpt: np.ndarray, tokenizer: Tokenizer, context_length: int, stride: int, first: int) -> None:
    inputs, targets = windows.sliding_windows(excerpt, context_length, stride)
    texts = texts_of(tokenizer, excerpt)
    n = len(inputs)
    window_grid(
        [(texts[int(i)], int(i)) for i in excerpt],
        [k * stride for k in range(min(n, MAX_WINDOWS))],
        inputs[:MAX_WINDOWS].tolist(),
        targets[:MAX_WINDOWS].tolist(),
        windows.times_seen(len(excerpt), context_length, stride),
        key="window_grid",
        more=max(0, n - MAX_WINDOWS),
    )
    st.caption(_summary(len(excerpt), context_length, stride))
    with st.expander(_("As a table"), icon=":material/table:"):
        rows = _rows(excerpt, inputs, targets, texts, first, stride)
        show_table(
            [
                dict(zip(("window", _("from token"), _("input x"), _("target y")), row, strict=True))
                for row in rows[:MAX_WINDOWS]
            ],
            hide_index=True,
            width="stretch",
        )
        st.download_button(
            _("Pairs as CSV"),
            data=lambda: _csv(rows),
            file_name="windows.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            help=_("Every window of the excerpt: its place, its inputs and its targets."),
        )


def _summary(n_tokens: int, context_length: int, stride: int) -> str:
    n = windows.count_windows(n_tokens, context_length, stride)
    _unused, targets = windows.times_seen(n_tokens, context_length, stride)
    never = int((targets[1:] == 0).sum())
    most = int(targets.max(initial=0))
    windows_word = _("1 window") if n == 1 else _("{n} windows", n=n)
    often = _("once") if most == 1 else _("up to {most} times", most=most)
    skipped = _("; {never} of {n_tokens} are never one", never=never, n_tokens=n_tokens - 1) if never else ""
    return _(
        "{windows_word} in {n_tokens} tokens. A token is a target {often}{skipped}.",
        windows_word=windows_word,
        n_tokens=n_tokens,
        often=often,
        skipped=skipped,
    )


def _rows(
    excerpt: np.ndarray, inputs: np.ndarray, targets: np.ndarray, texts: dict[int, str], first: int, stride: int
) -> list[tuple[int, int, str, str]]:
    # Quoted tokens: no cell begins with a sign that a spreadsheet takes for a formula.
    quoted = {i: visible_token(text) for i, text in texts.items()}
    return [
        (
            k + 1,
            first + k * stride + 1,
            " ".join(quoted[int(i)] for i in x),
            " ".join(quoted[int(i)] for i in y),
        )
        for k, (x, y) in enumerate(zip(inputs, targets, strict=True))
    ]


def _csv(rows: list[tuple[int, int, str, str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("window", "from_token", "input", "target"))
    writer.writerows([harmless_cell(each) for each in row] for row in rows)
    return out.getvalue()


def _numbers(n_ids: int, context_length: int, stride: int) -> None:
    n = windows.count_windows(n_ids, context_length, stride)
    copied = 2 * n * context_length * 8
    with st.container(border=True):
        st.markdown(_("**The whole text with these settings**"))
        columns = st.columns(4)
        columns[0].metric(_("Tokens"), number(n_ids), help=_("Of the part of the text that is read here."))
        columns[1].metric(_("Windows"), number(n), help=_("(tokens − T − 1) / stride, rounded down, + 1"))
        columns[2].metric(_("Predictions"), number(n * context_length), help=_("T in each window."))
        columns[3].metric(_("Memory if copied"), _size(copied), help=_("Inputs and targets, 8 bytes a number."))
        st.caption(
            _(
                "Nothing is copied: a window is a view into the one row of ids ({size}), and only the windows "
                "of a batch are ever gathered.",
                size=_size(8 * n_ids),
            )
        )


def _size(n_bytes: int) -> str:
    for unit, scale in ((N_("GB"), 1e9), (N_("MB"), 1e6), (N_("kB"), 1e3)):
        if n_bytes >= scale:
            return f"{number(n_bytes / scale, ',.1f')} {_(unit)}"
    return _("{n_bytes} bytes", n_bytes=n_bytes)
