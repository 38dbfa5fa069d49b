"""Which windows a step read, and how often each token of the text was read until then."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from engine.errors import EngineError
from engine.language import N_, _
from engine.runs.config import RunConfig
from engine.runs.preparation import read_corpora
from engine.runs.records import RunRecord
from engine.tokenizer import Tokenizer
from engine.windows import WindowSampler
from pages.parts.pretraining.beyond_figures import reading_map
from pages.parts.pretraining.long_text import may_read
from pages.parts.pretraining.moments import moments_of
from pages.shared.code_panel import show_code
from pages.shared.lesson import exercise, notice
from pages.shared.models import load
from pages.shared.tables import show_table
from pages.shared.viewer import lab

STRETCHES = 150


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
    sampler = _sampler(record.run_id, str(lab().settings.home))
    tokenizer = load(moments_of(record.run_id)[-1].choice).tokenizer
    n, total = config.training.accumulation, max(1, record.step)
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
    starts = np.concatenate([sampler.starts((step - 1) * n + i).numpy() for i in range(n)])
    times = _times(record.run_id, str(lab().settings.home), (step - 1) * n, sampler)
    T = config.model.context_length
    texts = [_text(tokenizer, sampler.ids[start : start + T].tolist()) for start in starts]
    epoch = ((step - 1) * n * sampler.batch_size) / sampler.windows_per_epoch
    table = pd.DataFrame(
        {
            N_("window"): range(1, len(starts) + 1),
            N_("begins at token"): starts,
            N_("read before"): [round(float(times[start : start + T].mean()), 2) for start in starts],
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
    after = _times(record.run_id, str(lab().settings.home), step * n, sampler)
    stretch = max(1, len(after) // STRETCHES)
    whole = after[: len(after) // stretch * stretch].reshape(-1, stretch).mean(axis=1)
    never, most = float((after == 0).mean()), int(after.max())
    reading_map(
        np.arange(len(whole)) * stretch,
        whole,
        summary=_(
            "After step {step:,}, {epoch:.2f} epochs in: {never:.2%} of the {n_after:,} training tokens have "
            "not been read yet; the most read ones {ending}.",
            step=step,
            epoch=epoch,
            never=never,
            n_after=len(after),
            ending=_("once") if most == 1 else _("{most} times", most=most),
        ),
    ).show()
    with st.expander(_("As a table"), icon=":material/table:"):
        values, counts = np.unique(after, return_counts=True)
        show_table(pd.DataFrame({N_("times read"): values, N_("tokens"): counts}), hide_index=True, width="stretch")
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


@st.cache_resource(max_entries=2, show_spinner=N_("Reading the run's text and cutting it into tokens …"))
def _sampler(run_id: str, home: str) -> WindowSampler:
    """The sampler that the run had, made again from its config."""
    service = lab()
    config = service.run(run_id).config
    if not isinstance(config, RunConfig):
        raise EngineError(_("this run did not read windows of a text: choose a pretraining run."))
    tokenizer = service.load_model(run_id).tokenizer
    ids, _unused = read_corpora(config, service.artifacts).encode(tokenizer, config.validation_fraction)
    return WindowSampler(ids, config.model.context_length, config.training.batch_size, config.seed)


@st.cache_resource(max_entries=6, show_spinner=False)
def _times(run_id: str, home: str, steps: int, _sampler: WindowSampler) -> np.ndarray:
    return _sampler.times_read(steps).astype(np.int32)


def _text(tokenizer: Tokenizer, ids: list[int]) -> str:
    return str(tokenizer.decode(ids))
