"""What each head is worth: how much the loss rises when it is switched off."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from engine import inspection
from engine.gpt import Attention
from engine.language import N_, _, cached_by_language, number
from pages.parts.attention import effects
from pages.parts.attention.chosen_heads import Chosen, three_decimals
from pages.parts.attention.head import head_name
from pages.parts.attention.maps import overview
from pages.shared.charts import Figure, _to_spec
from pages.shared.code_panel import show_code
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.tables import show_table

RANKS = (N_("Loss"), N_("Next token"))
MOST_BARS = 40


def show_worth(chosen: Chosen) -> None:
    """Draw the view."""
    st.markdown(
        _(
            "Switch one head off and let the model read on without it. If the loss rises, the head was of use. The "
            "**damage** is that rise, in nats per token; the **shift** is how much probability moves from some next "
            "tokens to others after your sentence."
        )
    )
    with shown_errors():
        _measured(chosen)
    notice(
        _(
            "Damages do not add up: heads that do the same work are cheap to lose one at a time (Michel et al. 2019). "
            "In the example the four heads of layer 1 cost less than 0.5 nats in sum, and about 1.2 when all are off."
        ),
        _("A head can matter much for one sentence and little on average; compare both rankings."),
        _("A bar to the left of zero means that the model does better without the head, on this much text."),
    )
    exercise(
        _("Guess first: is the head with the clearest label also the one whose loss hurts most?"),
        _(
            "Often not. A label says where a head looks; the damage says whether what it fetches there is needed. In "
            "the example the costliest head is mixed."
        ),
    )
    show_code(inspection.head_effects, Attention.forward)


def _measured(chosen: Chosen) -> None:
    asked = effects.on_sentence(chosen.choice, chosen.sentence.ids)
    on_text = effects.on_text(chosen.choice) if effects.has_text(chosen.choice) else []
    if not on_text:
        st.info(_("There is no held-out text for this model here: the loss is that of your own sentence."))
    complete = effects.measure(chosen.choice, [*on_text, *asked])
    sentence = effects.found_of(asked)
    loss = effects.found_of(on_text) if on_text else sentence
    if not loss.heads:
        return
    rank = st.segmented_control(
        _("Ranked by"),
        RANKS,
        format_func=_,
        default=RANKS[0],
        required=True,
        key="heads_rank",
        persist_state="session",
        help=_("The rise of the loss on the held-out text, or the shift of the token after your sentence."),
    )
    damage, shift = loss.damage(chosen.shape), sentence.shift(chosen.shape)
    values = damage if rank == RANKS[0] else 100 * shift
    scores = overview(chosen.choice, chosen.sentence.ids).scores
    _ranked(values, scores, rank, loss.base).show()
    if not complete:
        st.caption(
            _("{n_effects} of {n_heads} heads have been measured.", n_effects=len(loss.heads), n_heads=damage.size)
        )
    with st.expander(_("As a table"), icon=":material/table:"):
        frame = pd.DataFrame(
            [
                (*place, _(scores.label(*place)[0]), damage[place], damage[place] / loss.base, shift[place])
                for place in np.ndindex(*chosen.shape)
            ],
            columns=[
                N_("layer"),
                N_("head"),
                N_("label"),
                N_("damage (nats per token)"),
                N_("share of the loss"),
                N_("shift"),
            ],
        )
        decimals = three_decimals(N_("damage (nats per token)"), N_("share of the loss"), N_("shift"))
        show_table(frame, hide_index=True, width="stretch", column_config=decimals)


def _ranked(values: np.ndarray, scores: inspection.HeadScores, rank: str, base: float) -> Figure:
    places = [place for place in np.ndindex(*values.shape) if np.isfinite(values[place])]
    places.sort(key=lambda place: -values[place])
    places = places[:MOST_BARS]
    unit = _("Rise of the loss (nats per token)") if rank == RANKS[0] else _("Probability that moves (%)")
    data = pd.DataFrame(
        [
            (f"{layer + 1} · {head + 1}", float(values[layer, head]), _(scores.label(layer, head)[0]), n)
            for n, (layer, head) in enumerate(places)
        ],
        columns=[N_("head"), N_("value"), N_("label"), N_("rank")],
    )
    data["shown"] = [
        number(value, "+.3f") if rank == RANKS[0] else _("{value:.1f} %", value=value) for value in data["value"]
    ]
    summary = _("Nothing has been measured yet.")
    if places:
        (layer, head), top = places[0], data["shown"][0]
        if rank == RANKS[0]:
            summary = _(
                "With all heads on the loss is {base:.3f} nats per token; without {head_name} it is "
                "{base_2:.3f} ({top}), the largest rise.",
                base=base,
                head_name=head_name(layer, head),
                base_2=base + data["value"][0],
                top=top,
            )
        else:
            summary = _(
                "Without {head_name}, {top} of the probability goes to other tokens, the most.",
                head_name=head_name(layer, head),
                top=top,
            )
        if values.size > MOST_BARS:
            summary += _(" The {most_bars} heads that matter most are shown.", most_bars=MOST_BARS)
    alt_text = _("Bar chart: what changes when each head is switched off, the largest change first.")
    return Figure(data, _ranked_spec(unit, len(data)), alt_text, summary)


@cached_by_language(maxsize=64)
def _ranked_spec(unit: str, n_bars: int) -> dict[str, Any]:
    head = alt.Y(
        "head:N", title=_("Layer · head"), sort=alt.EncodingSortField("rank", op="min"), axis=alt.Axis(labelLimit=90)
    )
    tips = [
        alt.Tooltip("head:N", title=_("Layer · head")),
        alt.Tooltip("label:N", title=_("Label")),
        alt.Tooltip("shown:N", title=_(unit)),
    ]
    x = alt.X("value:Q", title=_(unit), axis=alt.Axis(tickCount=5))
    base = alt.Chart().encode(y=head)
    bars = base.mark_bar().encode(x, color=alt.value("orange"), tooltip=tips)
    text = alt.Text("caption:N")
    # Beside the bar, on its outer side whichever way it points.
    up = base.transform_filter("datum.value >= 0").transform_calculate(caption="datum.shown + '  ' + datum.label")
    down = base.transform_filter("datum.value < 0").transform_calculate(caption="datum.shown + '  ' + datum.label")
    right = up.mark_text(align="left", dx=5, fontSize=13).encode(x="value:Q", text=text, color=alt.value("gray"))
    at_zero = down.mark_text(align="left", dx=5, fontSize=13).encode(x=alt.datum(0), text=text, color=alt.value("gray"))
    return _to_spec(
        alt.layer(bars, right, at_zero), _("{unit} without each head", unit=unit), max(150, 26 * n_bars + 70)
    )
