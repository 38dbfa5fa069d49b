"""Part: a token id becomes a vector, by looking up a row of a table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from engine import embedding
from engine.checkpoint import Checkpoint
from engine.language import N_, _, number
from pages.parts.embeddings.source import token_text
from pages.shared.charts import visible_token
from pages.shared.code_panel import show_code
from pages.shared.components.vector_strips import OneHot, Strip, StripGroup, vector_strips
from pages.shared.lesson import exercise, notice
from pages.shared.models import choose_model, load
from pages.shared.tables import show_table

MAX_TOKENS = 6
NUMBERS = 8  # dimensions written out


def show() -> None:
    """Draw the part."""
    st.markdown(
        _(
            "A model calculates with vectors, not with ids. Its **embedding** is a table W with one row for each "
            "token: the vector of token *i* is row *i*. The rows begin as noise and are learned like every other "
            "weight."
        )
    )
    controls, figure = st.columns([1, 2.6], gap="large")
    with controls:
        choice = choose_model()
        words = st.text_input(
            _("Words"),
            " lion forest",
            max_chars=200,
            key="lookup_words",
            persist_state="session",
            help=_(
                "Cut by the model's own tokenizer; the first {max_tokens} tokens are shown. A leading space counts.",
                max_tokens=MAX_TOKENS,
            ),
        )
    if choice is None:
        return
    checkpoint = load(choice)
    ids = checkpoint.tokenizer.encode(words)
    if not ids:
        st.info(_("Type a word: at least one character to look up."))
        return
    weights = embedding.token_vectors(checkpoint.model)
    shown = ids[:MAX_TOKENS]
    with figure:
        _rows(checkpoint, weights, shown)
        if len(ids) > MAX_TOKENS:
            st.caption(_("The first {max_tokens} of {n_ids} tokens.", max_tokens=MAX_TOKENS, n_ids=len(ids)))
        _table(checkpoint, weights, shown[0])
    _both_ways(checkpoint, weights, shown)
    notice(
        _(
            "The same token always gets the same row, wherever it stands. What differs between two places is added "
            "later, by positions and attention."
        ),
        _(
            "One-hot × W picks out a row: every other row is multiplied by 0. That is why the embedding is a linear "
            "layer, and why its gradient reaches only the rows of the tokens in the batch, if it is not also the "
            "output layer."
        ),
        _(
            "Move the checkpoint slider to step 0: the same rows before training, when no two tokens had anything in "
            "common."
        ),
    )
    exercise(
        _("Look up “ lion” with and without its leading space. Are the vectors alike? Should they be?"),
        _(
            "Without its space it is another token, or several pieces: other ids, so other rows. Only training can "
            "make rows alike, and only if their tokens occur in like company."
        ),
    )
    show_code(embedding.look_up, embedding.one_hot, embedding.look_up_by_product)


def _rows(checkpoint: Checkpoint, weights: np.ndarray, ids: list[int]) -> None:
    st.markdown(_("**Each id picks its row**"))
    vectors = embedding.look_up(weights, ids)
    vector_strips(
        [
            StripGroup(
                token_text(checkpoint.tokenizer, i),
                [OneHot("one-hot", i, len(weights)), Strip(_("row of W"), vector)],
                token_id=i,
            )
            for i, vector in zip(ids, vectors, strict=True)
        ],
        "lookup_strips",
        label=_("The one-hot vector and the row of each token"),
    )


def _table(checkpoint: Checkpoint, weights: np.ndarray, token_id: int) -> None:
    with st.expander(_("The table around the first row"), icon=":material/table_rows:"):
        first = min(max(token_id - 2, 0), max(len(weights) - 5, 0))
        near = range(first, min(first + 5, len(weights)))
        tokenizer = checkpoint.tokenizer
        vector_strips(
            [
                StripGroup(
                    _("W, {n_weights:,} rows of {shape} numbers", n_weights=len(weights), shape=weights.shape[1]),
                    [
                        Strip(
                            f"{number(i)} "
                            + (visible_token(token_text(tokenizer, i)) if i < tokenizer.n_vocab else _("(unused)")),
                            weights[i],
                            marked=i == token_id,
                        )
                        for i in near
                    ],
                )
            ],
            "lookup_table",
            label=_("Five rows of the table"),
        )
        st.caption(
            _(
                "Rows that follow each other have nothing in common: ids are numbered by when the tokenizer made the "
                "token."
            )
        )


def _both_ways(checkpoint: Checkpoint, weights: np.ndarray, ids: list[int]) -> None:
    looked_up = embedding.look_up(weights, ids)
    multiplied = embedding.look_up_by_product(weights, ids)
    n_rows, width = weights.shape
    st.markdown(_("**Look-up and multiplication give the same numbers**"))
    names = [visible_token(token_text(checkpoint.tokenizer, i)) for i in ids]
    dimensions = [_("dim {k}", k=k) for k in range(min(NUMBERS, width))]
    frames = []
    for way, vectors in ((_("look-up"), looked_up), (_("one-hot × W"), multiplied)):
        frame = pd.DataFrame(vectors[:, :NUMBERS], columns=dimensions)
        frame.insert(0, N_("token"), names)
        frame.insert(1, N_("id"), ids)
        frame.insert(2, N_("way"), way)
        frames.append(frame)
    both = pd.concat(frames).sort_index(kind="stable")
    show_table(
        both,
        hide_index=True,
        width="stretch",
        column_config={name: st.column_config.NumberColumn(format="%.4f") for name in dimensions},
    )
    difference = float(np.abs(looked_up - multiplied).max())
    with st.container(border=True):
        columns = st.columns(3)
        columns[0].metric(
            _("Largest difference"),
            number(difference, "g"),
            help=_("Over all {width:,} numbers, not only those shown.", width=len(ids) * width),
        )
        columns[1].metric(
            _("Multiplications, one-hot × W"),
            number(len(ids) * n_rows * width),
            help=_("tokens × V × d. A look-up needs none: it copies the row."),
        )
        share = n_rows * width / checkpoint.model.n_parameters
        columns[2].metric(
            _("Numbers in W"),
            number(n_rows * width),
            help=_("V × d = {n_rows:,} × {width}: {share:.0%} of this model.", n_rows=n_rows, width=width, share=share),
        )
    if checkpoint.model.config.tie_embeddings:
        st.caption(_("This model uses W twice: its rows are also what the output is compared with (tied embeddings)."))
