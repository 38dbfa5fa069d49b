"""Part: one head computed by hand, from queries and keys to what it writes, a matrix at a time."""

from __future__ import annotations

import streamlit as st

from engine import attention_steps, inspection
from engine.gpt import GPTConfig, rotate
from engine.language import _
from pages.parts.attention.head import choose_head
from pages.parts.attention.query_change import change_a_query, changes_of
from pages.parts.attention.step_arithmetic import ARITHMETIC
from pages.parts.attention.step_controls import choose_dropout, choose_stage
from pages.parts.attention.step_matrix import draw_matrix
from pages.parts.attention.step_view import View
from pages.shared.code_panel import show_code
from pages.shared.lesson import exercise, notice
from pages.shared.models import choose_model, load
from pages.shared.sentence import choose_sentence, traced

FEWEST, MOST, USUAL = 4, 24, 12


def show() -> None:
    """Draw the part."""
    st.markdown(
        _(
            "One head of attention is five small steps: softmax(q kᵀ / √D) v. Follow them on your own sentence, with "
            "the numbers of a model that was trained. Choose any cell to see where its number comes from."
        )
    )
    controls, figure = st.columns([1, 2.6], gap="large")
    with controls:
        choice = choose_model()
        if choice is None:
            return
        n_tokens = st.slider(
            _("Tokens"),
            FEWEST,
            MOST,
            USUAL,
            key="steps_tokens",
            persist_state="session",
            help=_("How many tokens of the sentence are read here: T, the side of the matrices."),
        )
        sentence = choose_sentence(choice, most=n_tokens)
        if sentence is None:
            return
        config = load(choice).model.config
        layer, head = choose_head(config)
        _positions_note(config)
    trace, _unused = traced(choice, sentence.ids)
    own = inspection.attention_stages(trace, layer, head, causal=config.causal)
    changes = changes_of((choice.key, sentence.ids, layer, head))
    with figure:
        stage = choose_stage()
        dropped = choose_dropout(own) if stage >= 3 else None
        stages = own
        if changes.now:
            stages = inspection.attention_stages(
                trace, layer, head, causal=config.causal, q=attention_steps.with_changes(own.q, changes.now)
            )
        view = View(sentence, config, own, stages, dropped, changes)
        place = draw_matrix(view, stage)
        ARITHMETIC[stage](view, *place)
        change_a_query(view, stage, place[0])
    notice(
        _(
            "Only one matrix is T × T numbers of *where to look*; q, k, v and the output are T × D numbers of *what*. "
            "Twice as many tokens make four times as many scores."
        ),
        _(
            "Steps 1 to 3 treat each cell by itself. Softmax is the first that ties a row together: raise one score "
            "and all other weights of its row fall."
        ),
        _("A changed query moves its own row only: each token asks for itself. A changed key would move a column."),
    )
    exercise(
        _(
            "In step 1, choose a cell below the diagonal. Which single number of the query would you change, and in "
            "which direction, to raise its score most? Try it, then look at step 4."
        ),
        _(
            "The score changes by Δq[d] · k[d], so take the dimension where the key is largest in size, and move q the "
            "way of the key's sign. In step 4 that column gains weight, but other keys with the same sign there gain "
            "as well."
        ),
    )
    show_code(
        inspection.attention_stages,
        attention_steps.sum_of_products,
        attention_steps.softmax_row,
        attention_steps.with_changes,
        attention_steps.drop_weights,
        *([rotate] if config.positions == "rotary" else []),
    )


def _positions_note(config: GPTConfig) -> None:
    if config.positions == "rotary":
        st.caption(_("Positions are rotary here: q and k are shown after each was turned by its position."))
    elif config.positions == "learned":
        st.caption(_("Positions were added to the embeddings before the first layer, so q and k already know them."))
    else:
        st.caption(_("This model knows no positions: q and k depend on the tokens alone."))
