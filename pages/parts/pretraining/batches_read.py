"""Which windows a step read, and how often each token of the text was read until then."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from engine.language import N_, _
from engine.runs.batches import batch_read
from engine.runs.config import RunConfig
from engine.runs.records import RunRecord
from engine.windows import WindowSampler
from pages.parts.pretraining.beyond_figures import reading_map
from pages.parts.pretraining.long_text import may_read
from pages.parts.pretraining.moments import moments_of
from pages.shared.aside import computed
from pages.shared.code_panel import show_code
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.models import load, settings_aside
from pages.shared.tables import show_table


def show_batches(record: RunRecord) -> None:
    """Draw the view."""
    config = record.config
    if not isinstance(config, RunConfig):
        st.info(_("Only pretraining runs read windows of a text."))
        return
    if not may_read(
        record,
        "beyond-read",
        _("Read the text of this run"),
        _(
            "Which window was read when follows from text "
            "and seed alone, so it can be worked out again. The text has to be read and cut into tokens,"
        ),
    ):
        return
    total = max(1, record.step)
    step = int(
        st.number_input(
            _("Step"),
            1,
            total,
            min(total, 1),
            key=f"beyond-step:{record.run_id}:{total}",
            help=_("An update of the model, 1 to {total:,}. Type a number, or use the arrow keys.", total=total),
        )
    )
    with shown_errors():
        _show_step(record, config, step)
    notice(
        _(
            "Windows come in random order, every one once an epoch. Neighbours in a batch have nothing to do with each "
            "other, so that its mean gradient speaks for the whole text."
        ),
        _("In every epoch windows begin at other tokens: what was cut in two is whole the next time."),
        _(
            "Large models read most of their text once. Small runs here read theirs many times, which is why the "
            "training loss falls below the validation loss."
        ),
    )
    exercise(
        _("Choose a step where the loss jumped up (the record as CSV names it) and read its batch. What do you find?"),
        _(
            "Often nothing odd: a batch of few windows is a small sample, and some hold rare names, lists or another "
            "language. Real runs skip or look up such batches in the same way; with seed and step alone it can be done."
        ),
    )
    show_code(WindowSampler.starts, WindowSampler.times_read)


def _show_step(record: RunRecord, config: RunConfig, step: int) -> None:
    read = computed(
        _("Reading the run's text and cutting it into tokens …"), batch_read, settings_aside(), record.run_id, step
    )
    tokenizer = load(moments_of(record.run_id)[-1].choice).tokenizer
    starts, T = read.starts, config.model.context_length
    texts = [str(tokenizer.decode(ids)) for ids in read.ids.tolist()]
    table = pd.DataFrame(
        {
            N_("window"): range(1, len(starts) + 1),
            N_("begins at token"): starts,
            N_("read before"): read.read_before.round(2),
            N_("text"): texts,
        }
    )
    st.markdown(
        _(
            "**The {n_starts} windows of step {step:,}**, {t} tokens each, in the order in which they came",
            n_starts=len(starts),
            step=step,
            t=T,
        )
    )
    show_table(
        table,
        hide_index=True,
        width="stretch",
        height=min(420, 36 * len(table) + 40),
        column_config={
            N_("begins at token"): st.column_config.NumberColumn(format="localized"),
            N_("text"): st.column_config.TextColumn(width="large"),
            N_("read before"): st.column_config.NumberColumn(
                format="%.2f", help=_("How often the tokens of this window had been read before this step, on average.")
            ),
        },
    )
    chosen = st.selectbox(
        _("Read a window"),
        range(len(starts)),
        format_func=lambda i: _("window {i}, from token {int:,}", i=i + 1, int=int(starts[i])),
        key=f"beyond-window:{len(starts)}",
        help=_("Its whole text, as the model got it. The target of every token is the one after it."),
    )
    with st.container(border=True):
        st.text(texts[chosen])
    never, most = dict(read.tokens_by_times).get(0, 0) / read.n_tokens, read.tokens_by_times[-1][0]
    reading_map(
        np.arange(len(read.read_after)) * read.stretch,
        read.read_after,
        summary=_(
            "After step {step:,}, {epoch:.2f} epochs in: {never:.2%} of the {n_after:,} training tokens have "
            "not been read yet; the most read ones {ending}.",
            step=step,
            epoch=read.epochs,
            never=never,
            n_after=read.n_tokens,
            ending=_("once") if most == 1 else _("{most} times", most=most),
        ),
    ).show()
    with st.expander(_("As a table"), icon=":material/table:"):
        table = pd.DataFrame(read.tokens_by_times, columns=[N_("times read"), N_("tokens")])
        show_table(table, hide_index=True, width="stretch")
