"""How many tokens suit a size: those that published models read for each parameter, and the run."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine import scaling_laws
from engine.language import N_, _, number
from engine.scaling import training_flops
from engine.scaling_laws import PUBLISHED_TRAININGS, TOKENS_PER_PARAMETER
from pages.parts.scaling.figures import ratio_chart
from pages.parts.scaling.measured import choose_run
from pages.shared.code_panel import show_code
from pages.shared.lesson import exercise, notice
from pages.shared.quantities import count, scientific
from pages.shared.tables import show_table


def show_tokens() -> None:
    """Draw the view."""
    rows = [(each.name, each.n_parameters, each.n_tokens, each.source, each.note) for each in PUBLISHED_TRAININGS]
    run = choose_run()
    if run is not None:
        rows.append((N_("your run"), float(run.config.n_parameters), float(run.tokens), _("measured here"), ""))
    frame = pd.DataFrame(
        {
            "name": [row[0] for row in rows],
            "value": [row[2] / row[1] for row in rows],
            "shown": [_ratio(row[2] / row[1]) for row in rows],
            "own": [row[0] == "your run" for row in rows],
        }
    )
    below = [name for name, value in zip(frame["name"], frame["value"], strict=True) if value < TOKENS_PER_PARAMETER]
    ratio_chart(
        frame,
        best=TOKENS_PER_PARAMETER,
        title=_("Tokens read for each parameter; the dashed line is 20"),
        summary=_(
            "Below {tokens_per_parameter:.0f} tokens a parameter: {value}.",
            tokens_per_parameter=TOKENS_PER_PARAMETER,
            value=", ".join(below) or _("none"),
        ),
    ).show()
    table = []
    for name, n_parameters, n_tokens, source, note in rows:
        flops = training_flops(n_parameters, n_tokens)
        best_n, best_d = scaling_laws.optimal_split(flops)
        table.append(
            {
                N_("model"): name,
                N_("parameters"): count(n_parameters),
                N_("tokens read"): count(n_tokens),
                N_("20 a parameter would be"): count(scaling_laws.optimal_tokens(n_parameters)),
                N_("FLOPs (6 N D)"): scientific(flops),
                N_("best size for these FLOPs"): count(best_n),
                N_("… with tokens"): count(best_d),
                N_("source"): source + (f"; {note}" if note else ""),
            }
        )
    show_table(pd.DataFrame(table), hide_index=True, width="stretch")
    st.caption(
        _(
            "Hoffmann et al. (2022) asked for the size that a given compute is best spent on. Three approaches agree "
            "that parameters and tokens should grow alike, about 20 tokens a parameter. Their third, a fitted formula, "
            "was printed with numbers that give more; fitted again (Besiroglu et al. 2024) it agrees with the others."
        )
    )
    notice(
        _(
            "GPT-3 and Gopher were too large for what they read: Chinchilla took Gopher's compute, a quarter of its "
            "parameters and nearly five times its tokens, and was better."
        ),
        _(
            "Later models read far more than 20: they cost more to train than they must, and less to use ever after. "
            "The rule minimises training alone."
        ),
        _("Small models here read few tokens for each parameter because seconds are short, not because it is best."),
    )
    exercise(
        _(
            "With GPT-3's compute, how large would its best model have been, and how many tokens would it have needed? "
            "Was there so much text in its table 2.2?"
        ),
        _(
            "About 51 billion parameters and a trillion tokens. Table 2.2 holds 499 billion tokens: the filtered text "
            "would have been read twice."
        ),
    )
    show_code(scaling_laws.optimal_split, scaling_laws.LossSurface)


def _ratio(value: float) -> str:
    return number(value, ",.0f") if value >= 10 else number(value, ".2g")
