"""The induction test: random tokens, repeated, and which head finds the copy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from engine import inspection
from engine.language import N_, _, language
from pages.parts.attention.chosen_heads import Chosen, three_decimals
from pages.parts.attention.head import choose_head, head_name, set_head
from pages.shared.code_panel import show_code
from pages.shared.components.attention_map import attention_map
from pages.shared.draft import show_bytes
from pages.shared.lesson import exercise, notice
from pages.shared.models import ModelChoice, inference, load
from pages.shared.tables import show_table


def show_induction(chosen: Chosen) -> None:
    """Draw the view."""
    st.markdown(
        _(
            "Random tokens, then the same again. There is nothing to understand, so whoever predicts the second half "
            "well has found the copy and reads on from there: **induction**. An induction head looks from each token "
            "to the one *after* its copy, a stripe in the lower half of the map (Olsson et al. 2022)."
        )
    )
    config = chosen.checkpoint.model.config
    row = inspection.repeated_row(config, seed=0)
    if not row:
        st.info(
            _(
                "A context of {context_length} tokens has no room to repeat anything.",
                context_length=config.context_length,
            )
        )
        return
    number, which = st.columns([1, 2.6], gap="large")
    with which:
        layer, head = choose_head(config, wide=True)
    seed = number.number_input(
        _("Random row"),
        0,
        9_999,
        0,
        key="heads_seed",
        persist_state="session",
        help=_("Another number draws other tokens."),
    )
    ids, tokens, maps = _repeated(chosen.choice.key, int(seed), language(), chosen.choice)
    half = len(ids) // 2
    queries = np.arange(half, 2 * half)
    shares = maps[:, :, queries, queries - half + 1].mean(-1)
    chance = float((1 / (queries + 1)).mean()) if config.causal else 1 / len(ids)
    best = np.unravel_index(int(shares.argmax()), shares.shape)
    attention_map(
        maps[layer, head],
        tokens,
        tokens,
        key="heads_repeated",
        row_ids=ids,
        column_ids=ids,
        causal=config.causal,
        summary=_(
            "Attention map of {half} random tokens and their repetition, {head_name}.",
            half=half,
            head_name=head_name(layer, head),
        ),
    )
    st.caption(
        _(
            "{capitalize} gives {shares:.3f} of its attention to the token after "
            "the copy, {half} places back; by chance it would be {chance:.3f}. The highest score on this row is "
            "{shares_2:.3f}, by {head_name}.",
            capitalize=head_name(layer, head).capitalize(),
            shares=shares[layer, head],
            half=half - 1,
            chance=chance,
            shares_2=shares[best],
            head_name=head_name(int(best[0]), int(best[1])),
        )
    )
    st.button(
        _("Show the head with the highest score"),
        key="heads_best",
        on_click=set_head,
        args=(config, int(best[0]), int(best[1])),
        help=_("Chooses that layer and head."),
    )
    with st.expander(_("All heads as a table"), icon=":material/table:"):
        frame = pd.DataFrame(
            [(*place, float(shares[place]), float(shares[place]) / chance) for place in np.ndindex(*chosen.shape)],
            columns=["layer", "head", "induction", "times chance"],
        ).sort_values("induction", ascending=False)
        show_table(
            frame, hide_index=True, width="stretch", column_config=three_decimals(N_("induction"), N_("times chance"))
        )
    notice(
        _(
            "No habit of the language can help here: the tokens were drawn blindly, so only their repetition is to be "
            "found."
        ),
        _(
            "Induction takes two heads: one in an earlier layer that writes at each token what stood before it, and "
            "one in a later layer that looks for its own token there. A model of one layer cannot do it."
        ),
        _(
            "If no head is much above chance, this model has not learned it yet, or never will at its size: an honest "
            "result, and the usual one for a model trained for a few minutes."
        ),
    )
    exercise(
        _("Why must the tokens be random? Would “The lion is in the forest. The lion is in the” not do?"),
        _(
            "A model that knows the language expects “ forest” there without any copy to look at. On random tokens "
            "nothing but the repetition tells what comes next, so the score measures that alone."
        ),
    )
    show_code(inspection.repeated_row, inspection.head_scores)


@st.cache_resource(max_entries=12, show_spinner=N_("The model reads the repeated row …"))
def _repeated(
    key: str, seed: int, spoken: str, _choice: ModelChoice
) -> tuple[tuple[int, ...], tuple[str, ...], np.ndarray]:
    checkpoint = load(_choice)
    ids = inspection.repeated_row(checkpoint.model.config, seed=seed)
    with inference():
        maps = inspection.attention_maps(inspection.trace_of(checkpoint.model, ids)[0])
    tokenizer = checkpoint.tokenizer
    texts = [show_bytes(tokenizer.token_bytes(i)) if i < tokenizer.n_vocab else _("(unused)") for i in ids]
    return tuple(ids), tuple(texts), maps
