"""Part: some windows at a time, as the (B, T) table that training reads in one step."""

from __future__ import annotations

import streamlit as st

from engine import windows
from engine.language import N_, _
from pages.parts.embeddings.source import ChosenText, choose_tokenized, texts_of
from pages.shared.code_panel import show_code
from pages.shared.components.batch_table import BatchRow, batch_table
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice

AROUND = 24  # tokens of text shown before and after a window


def show() -> None:
    """Draw the part."""
    st.markdown(
        _(
            "Training reads several windows at once: a **batch**. They come from all over the text, in an order that "
            "the seed decides."
        )
    )
    controls, figure = st.columns([1, 2.6], gap="large")
    with controls:
        text = choose_tokenized()
        batch_size = st.slider(
            _("Batch size (windows)"),
            1,
            16,
            4,
            key="batch_size",
            persist_state="session",
            help=_("B, the windows that one step reads."),
        )
        context_length = st.slider(
            _("Context length (tokens)"),
            2,
            64,
            8,
            key="batch_context",
            persist_state="session",
            help=_("T, the tokens in a window."),
        )
        step = st.number_input(
            _("Step"),
            0,
            100_000,
            0,
            key="batch_step",
            persist_state="session",
            help=_("Which batch: training takes number 0, then 1, 2 and so on."),
        )
        seed = st.number_input(
            _("Seed"),
            0,
            9_999,
            0,
            key="batch_seed",
            persist_state="session",
            help=_("Decides the order of the windows. The same seed and step always give the same batch."),
        )
    if text is None:
        return
    with figure:
        table, content = st.columns(2)
        shown = table.segmented_control(
            _("Table"),
            ["x", "y"],
            default="x",
            required=True,
            format_func=lambda each: _({"x": _("x (inputs)"), "y": _("y (targets)")}[each]),
            key="batch_show",
            persist_state="session",
            help=_("The inputs, or the targets that belong to them."),
        )
        kind = content.segmented_control(
            _("Cells"),
            [N_("text"), N_("ids")],
            format_func=_,
            default="text",
            required=True,
            key="batch_cells",
            persist_state="session",
            help=_("The model reads the ids; the text is for you."),
        )
        with shown_errors():
            _batch(text, int(step), int(seed), batch_size, context_length, shown, kind)
    notice(
        _(
            "Rows have nothing to do with each other: the model never looks from one into another. They are read "
            "together only because it is faster, and because their mean gradient is steadier."
        ),
        _(
            "Switch to **y**: the whole table has moved one token to the left, and a new column has come in on the "
            "right."
        ),
        _(
            "Change the step and come back: the batch is the same again. That is how a run that was interrupted can go "
            "on exactly as if it had not been."
        ),
    )
    exercise(
        _(
            "Choose a cell in x, remember its token, and switch to y. Where in y is that token now, and which tokens "
            "of y are nowhere in x?"
        ),
        _(
            "One place to the left: the target at position t is the input at t + 1. Only the last column of y is not "
            "in x: the token after each window, which the last position has to predict."
        ),
    )
    show_code(windows.WindowSampler)


def _batch(text: ChosenText, step: int, seed: int, batch_size: int, context_length: int, shown: str, kind: str) -> None:
    token_ids, tokenizer = text.tokenized()
    sampler = windows.WindowSampler(token_ids, context_length, batch_size, seed)
    x, y = (each.numpy() for each in sampler.batch(step))
    rows = []
    for start, inputs, targets in zip(sampler.starts(step).tolist(), x.tolist(), y.tolist(), strict=True):
        end = start + context_length + 1
        before = token_ids[max(0, start - AROUND) : start].tolist()
        rows.append(BatchRow(start, inputs, targets, before, token_ids[end : end + AROUND].tolist()))
    used = {i for row in rows for ids in (row.before, row.x, row.y, row.after) for i in ids}
    batch_table(rows, texts_of(tokenizer, used), "batch_table", show_ids=kind == "ids", show=shown)
    shapes = [f"{name}: {each.shape} {each.dtype}" for name, each in (("x", x), ("y", y))]
    shifted = bool((y[:, :-1] == x[:, 1:]).all())
    st.code("\n".join([*shapes, f"(y[:, :-1] == x[:, 1:]).all(): {shifted}"]), language=None, wrap_lines=True)
    n_windows = sampler.windows_per_epoch
    epoch = step * batch_size // n_windows + 1
    st.caption(
        _(
            "{size:,} predictions in this batch. The text has {n_windows:,} windows of {context_length} tokens; "
            "once through all of them is an epoch, and step {step:,} begins in epoch {epoch:,}.",
            size=x.size,
            n_windows=n_windows,
            context_length=context_length,
            step=step,
            epoch=epoch,
        )
    )
