"""The published trainings of GPT-3 beside our own count of their operations."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine import scaling
from engine.gpt import GPTConfig
from engine.language import N_, _, number
from engine.scaling import flops_per_token, training_flops
from engine.scaling_laws import GPT3_COMPUTE
from pages.shared import charts
from pages.shared.code_panel import show_code
from pages.shared.lesson import exercise, notice
from pages.shared.quantities import count, scientific
from pages.shared.tables import show_table


def show_published() -> None:
    """Draw the view."""
    rows, bars = [], []
    for each in GPT3_COMPUTE:
        config = GPTConfig.preset(each.preset)
        rule = training_flops(config.n_parameters, each.n_tokens)
        exact = flops_per_token(config).training * each.n_tokens
        rows.append(
            {
                N_("model"): each.name,
                N_("parameters, published"): count(each.n_parameters),
                N_("parameters, counted"): number(config.n_parameters),
                N_("difference"): _off(config.n_parameters, each.n_parameters),
                N_("FLOPs, published"): scientific(each.flops),
                "6 N D": scientific(rule),
                N_("off by"): _off(rule, each.flops),
                N_("exact"): scientific(exact),
                N_("exact off by"): _off(exact, each.flops),
            }
        )
        bars += [
            {"row": each.name, "series": name, "value": value / each.flops, "shown": number(value / each.flops, ".1%")}
            for name, value in (("6 · N · D", rule), (_("exact count"), exact))
        ]
    worst = max(abs(row["value"] - 1) for row in bars if row["series"] == "6 · N · D")
    charts.grouped_bars(
        pd.DataFrame(bars),
        title=_("Our count as a share of the published training FLOPs"),
        rows_title=_("Model"),
        value_title=_("Share of the published number"),
        series_title=_("Counted as"),
        alt_text=_("Bar chart: our counts of training FLOPs divided by those of the GPT-3 paper, by model."),
        summary=_(
            "6 · N · D of our own parameter counts is within {worst:.1%} of the paper in every row.", worst=worst
        ),
    ).show()
    show_table(pd.DataFrame(rows), hide_index=True, width="stretch")
    st.caption(
        _(
            "Brown et al. (2020), table D.1, all with 300 billion tokens. The paper counts 6 operations for each "
            "parameter and token; the exact count adds the scores of attention, which weigh most in the small models, "
            "and leaves out the look-up of positions. Two shapes are printed with mistakes in the paper's table 2.1 "
            "and set right here: XL (24 heads of 128 do not make 2,048; here 16) and 13B (width 5,140, which 40 heads "
            "of 128 do not fill; here 5,120)."
        )
    )
    notice(
        _(
            "Every size read the same 300 billion tokens, so compute grows with the parameters alone, 1,400 times from "
            "the smallest to the largest."
        ),
        _(
            "In GPT-3 Small the scores and the long context add 14 % to the rule of thumb, in GPT-3 175B 1.5 %: the "
            "wider the model, the more of its work is in its matrices."
        ),
        _(
            "Common Crawl is often said to be 410 billion *words*. Table 2.2 of the paper counts tokens of byte-pair "
            "encoding: 410 billion tokens, of which the training, 300 billion tokens in all, read not even half."
        ),
    )
    exercise(
        _("Why is the paper's FLOPs for GPT-3 XL, 2.38 · 10²¹, right although its row of heads is not?"),
        _(
            "6 · N · D needs only N. The number of heads cuts the same matrices into other slices and changes neither "
            "the parameters nor the operations of their products."
        ),
    )
    show_code(scaling.flops_per_token, scaling.count_parameters, scaling.training_flops)


def _off(ours: float, published: float) -> str:
    return number(round(ours / published - 1, 3) + 0.0, "+.1%")  # + 0.0: never "-0.0%"
