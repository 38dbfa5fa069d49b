"""Where the number of a cell comes from: the arithmetic of each step, written out."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import streamlit as st

from engine import attention_steps
from engine.language import N_, _
from engine.language import number as written_number
from pages.parts.attention.step_view import View, number
from pages.shared.components.vector_strips import Strip, StripGroup, vector_strips
from pages.shared.tables import show_table


def _heading(view: View, row: int, column: int, text: str) -> None:
    st.text(
        _(
            "Query {token} ({row}), key {token_2} ({column})",
            token=view.token(row),
            row=row,
            token_2=view.token(column),
            column=column,
        )
    )
    st.markdown(text)


def _dot_product(view: View, row: int, column: int) -> None:
    terms = attention_steps.sum_of_products(view.stages.q[row], view.stages.k[column])
    first = " ".join(
        f"{number(p)}" if i == 0 else f"{'−' if p < 0 else '+'} {number(abs(p))}"
        for i, p in enumerate(terms.products[:4])
    )
    rest = _(" … ({n_products} terms)", n_products=len(terms.products)) if len(terms.products) > 4 else ""
    _heading(view, row, column, f"q · k = {first}{rest} = **{number(terms.total)}**")
    vector_strips(
        [
            StripGroup(
                _("One bar a dimension"),
                [
                    Strip(_("q of the query"), terms.a),
                    Strip(_("k of the key"), terms.b, sign="×"),
                    Strip(_("products"), terms.products, sign="=", own_scale=True),
                    Strip(_("running sum"), terms.running, sign="Σ", marked=True, own_scale=True),
                ],
            )
        ],
        "steps_strips",
        label=_("The dot product of a query and a key, dimension by dimension"),
    )
    with st.expander(_("As a table"), icon=":material/table_rows:"):
        table = pd.DataFrame({"q": terms.a, "k": terms.b, "q × k": terms.products, N_("running sum"): terms.running})
        table.index.name = N_("dimension")
        show_table(table, width="stretch", height=300)


def _division(view: View, row: int, column: int) -> None:
    D = view.config.head_size
    score, scaled = view.stages.scores[row, column], view.stages.scaled[row, column]
    _heading(
        view,
        row,
        column,
        f"{number(score)} ÷ √{D} = {number(score)} ÷ {written_number(math.sqrt(D), '.3f')} = **{number(scaled)}**",
    )
    seen = ~view.hidden[row]
    without = attention_steps.softmax_row(np.where(seen, view.stages.scores[row], -np.inf)).weights.max()
    with_it = view.stages.weights[row].max()
    spread = [float(matrix[~view.hidden].std()) for matrix in (view.stages.scores, view.stages.scaled)]
    columns = st.columns(3)
    columns[0].metric(
        _("Spread of the scores"),
        f"{written_number(spread[0], '.2f')} → {written_number(spread[1], '.2f')}",
        help=_("Standard deviation of all scores that the mask leaves, before and after the division."),
    )
    columns[1].metric(
        _("Largest weight, not divided"),
        written_number(without, ".1%"),
        help=_("What softmax would make of this row if the scores were not divided."),
    )
    columns[2].metric(
        _("Largest weight, divided"), written_number(with_it, ".1%"), help=_("What it does make of this row.")
    )


def _masking(view: View, row: int, column: int) -> None:
    scaled = number(view.stages.scaled[row, column])
    if view.hidden[row, column]:
        text = _(
            "{scaled} becomes **−∞**: token {column} comes after token {row}. Since e^(−∞) = 0, softmax gives it "
            "no weight, and what it says has no way into this row.",
            scaled=scaled,
            column=column,
            row=row,
        )
    elif not view.config.causal:
        text = _(
            "**{scaled}** stays: this model was trained without a mask, every token sees every other.", scaled=scaled
        )
    else:
        where = _("is the token itself") if row == column else _("comes before token {row}", row=row)
        text = _("**{scaled}** stays: token {column} {where}.", scaled=scaled, column=column, where=where)
    _heading(view, row, column, text)
    n_hidden, n = int(view.hidden.sum()), view.hidden.size
    st.caption(
        _(
            "The mask hides {n_hidden} of {n} cells: row i keeps the i + 1 tokens up to its own, counted from 0.",
            n_hidden=n_hidden,
            n=n,
        )
    )


def _softmax(view: View, row: int, column: int) -> None:
    steps = attention_steps.softmax_row(view.stages.masked[row])
    weight = view.matrix(3)[row, column]
    text = (
        f"e^({number(steps.scores[column])} − {number(steps.largest)}) ÷ {number(steps.total)} = "
        f"{number(steps.exponentials[column])} ÷ {number(steps.total)} = **{number(steps.weights[column])}**"
    )
    if view.dropped is not None:
        if view.dropped.kept[row, column]:
            text += _(
                ", kept by dropout: × {scale:.2f} = **{number}**", scale=view.dropped.scale, number=number(weight)
            )
        else:
            text += _(", dropped: **0**")
    _heading(view, row, column, text)
    table = pd.DataFrame(
        {
            N_("key"): [view.token(i) for i in range(view.n_tokens)],
            N_("score"): [number(each) for each in steps.scores],
            N_("e^(score − largest)"): steps.exponentials,
            N_("weight"): steps.weights,
        }
    )
    if view.dropped is not None:
        table["after dropout"] = view.matrix(3)[row]
    _table(table, shares=("weight", N_("after dropout")))
    st.caption(
        _(
            "The row's largest score, {number}, is subtracted from all first: the weights stay the same, "
            "and no power of e gets too large. The sum of the row is {number_2}.",
            number=number(steps.largest),
            number_2=number(steps.total),
        )
    )


def _weighted_sum(view: View, row: int, dimension: int) -> None:
    weights = view.matrix(3)[row]
    terms = attention_steps.sum_of_products(weights, view.stages.v[:, dimension])
    st.text(_("Output at {token} ({row}), dimension {dimension}", token=view.token(row), row=row, dimension=dimension))
    largest = int(np.abs(terms.products).argmax())
    st.markdown(
        _(
            "The sum over all tokens of weight × v[token, {dimension}] = **{number}**. The largest part, "
            "{number_2}, comes from token {largest}.",
            dimension=dimension,
            number=number(terms.total),
            number_2=number(terms.products[largest]),
            largest=largest,
        )
    )
    _table(
        pd.DataFrame(
            {
                N_("token"): [view.token(i) for i in range(view.n_tokens)],
                N_("weight"): terms.a,
                _("v[token, {dimension}]", dimension=dimension): terms.b,
                N_("weight × v"): terms.products,
                N_("running sum"): terms.running,
            }
        ),
        shares=("weight",),
    )


def _table(table: pd.DataFrame, *, shares: tuple[str, ...]) -> None:
    config: dict[str, object] = {
        name: st.column_config.NumberColumn(format="%.4f") for name in table.select_dtypes("number")
    }
    for name in shares:
        if name in table:
            config[name] = st.column_config.ProgressColumn(
                format="%.3f", min_value=0, max_value=max(1.0, float(table[name].max()))
            )
    show_table(table, hide_index=True, width="stretch", column_config=config, height=min(35 * len(table) + 38, 460))


ARITHMETIC: tuple[Callable[[View, int, int], None], ...] = (
    _dot_product,
    _division,
    _masking,
    _softmax,
    _weighted_sum,
)
