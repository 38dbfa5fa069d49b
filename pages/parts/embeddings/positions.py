"""Part: three ways to tell a model where a token stands."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from engine import embedding, positions
from engine.checkpoint import Checkpoint
from engine.gpt import rotate
from engine.language import N_, _
from pages.parts.embeddings.figures import by_distance
from pages.parts.embeddings.source import token_text
from pages.shared.charts import visible_token
from pages.shared.code_panel import show_code
from pages.shared.components.heat_grid import heat_grid
from pages.shared.components.turning_pairs import Dial, turning_pairs
from pages.shared.components.vector_strips import Strip, StripGroup, vector_strips
from pages.shared.lesson import exercise, notice
from pages.shared.models import choose_model, load
from pages.shared.tables import show_table

WAYS = (N_("Sinusoidal"), N_("Learned"), N_("Rotary"))
MAX_TOKENS = 12
MAX_SHOWN = 256
DIALS = 8
POSITION_WORDS = {"rotary": N_("rotary"), "learned": N_("learned"), "none": N_("none")}


def show() -> None:
    """Draw the part."""
    st.markdown(
        _(
            "A row of W says nothing about where the token stands: without more, *the dog bit the man* and *the man "
            "bit the dog* are the same bag of vectors. There are three usual ways to add the place."
        )
    )
    way = st.segmented_control(
        _("Kind of positions"),
        WAYS,
        format_func=_,
        default=WAYS[0],
        required=True,
        key="positions_way",
        persist_state="session",
        help=_("Sinusoidal: Vaswani et al. 2017. Learned: GPT-2 and GPT-3. Rotary: Su et al. 2021, most models now."),
    )
    controls, figure = st.columns([1, 2.6], gap="large")
    with controls:
        choice = choose_model()
        words = st.text_input(
            _("Text"),
            "The lion is in the forest",
            max_chars=200,
            key="positions_words",
            persist_state="session",
            help=_(
                "Its first {max_tokens} tokens, cut by the model's tokenizer, stand at positions 0, 1, 2 and so on.",
                max_tokens=MAX_TOKENS,
            ),
        )
    if choice is None:
        return
    checkpoint = load(choice)
    ids = checkpoint.tokenizer.encode(words)[:MAX_TOKENS]
    if not ids:
        st.info(_("Type a text: at least one token to give a position."))
        return
    {N_("Sinusoidal"): _sinusoidal, N_("Learned"): _learned, N_("Rotary"): _rotary}[way](
        checkpoint, ids, controls, figure
    )


def _position_slider(key: str) -> int:
    return st.slider(
        _("Token at position"),
        0,
        MAX_TOKENS - 1,
        1,
        key=key,
        persist_state="session",
        help=_("Which token of the text is shown: 0 is the first."),
    )


def _sum(checkpoint: Checkpoint, ids: list[int], table: np.ndarray, scale: float, name: str, key: str) -> None:
    """Token + position = sum, for one token of the text and for the next one."""
    vectors = embedding.look_up(embedding.token_vectors(checkpoint.model), ids) * scale
    at = min(st.session_state[key], len(ids) - 1)
    token = _("token × √{shape}", shape=vectors.shape[1]) if scale != 1 else _("token")
    vector_strips(
        [
            StripGroup(
                token_text(checkpoint.tokenizer, ids[place]),
                [
                    Strip(token, vectors[place]),
                    Strip(f"{name} {place}", table[place], sign="+"),
                    Strip(_("sum"), vectors[place] + table[place], sign="="),
                ],
                token_id=ids[place],
            )
            for place in range(at, min(at + 2, len(ids)))
        ],
        f"{key}_strips",
        label=_("Token vector, position vector and their sum"),
    )


def _as_table(table: np.ndarray) -> None:
    with st.expander(_("As a table"), icon=":material/table:"):
        frame = pd.DataFrame(table, columns=[_("dim {k}", k=k) for k in range(table.shape[1])])
        show_table(frame.round(4).rename_axis(N_("position")), width="stretch", height=260)


def _sinusoidal(checkpoint: Checkpoint, ids: list[int], controls, figure) -> None:
    with controls:
        at = _position_slider("sinusoidal_at")
        n_positions = st.slider(
            _("Positions"),
            16,
            256,
            64,
            16,
            key="sinusoidal_n",
            persist_state="session",
            help=_("How many positions the figure shows. The formula has no end."),
        )
    width = checkpoint.model.config.d_model - checkpoint.model.config.d_model % 2
    table = positions.sinusoidal(max(n_positions, MAX_TOKENS), width)
    with figure:
        heat_grid(
            table[:n_positions],
            "sinusoidal_grid",
            title=_("Sinusoidal position vectors, fixed by a formula"),
            row_name=_("position"),
            column_name=_("dimension"),
            summary=_("Waves that are fast on the left and ever slower to the right."),
        )
        _as_table(table[:n_positions])
        by_distance(
            positions.product_by_distance(width, np.arange(n_positions)),
            title=_("Dot product by distance"),
            y=_("Dot product"),
            marked=min(at, n_positions - 1),
        ).show()
        if width == checkpoint.model.config.d_model:
            st.markdown(_("**Token + position = what the first layer reads**"))
            _sum(checkpoint, ids, table, width**0.5, _("position"), "sinusoidal_at")
    st.caption(
        _(
            "Vaswani et al. multiply token vectors by √d before they add positions, and so does this figure. The "
            "tokens are those of the chosen model; its own positions may be of another kind."
        )
    )
    products = positions.dot_products(table)
    places = [(m, n) for m, n in ((at, 0), (at + 5, 5), (at + 20, 20)) if m < len(table)]
    st.markdown(
        _("**The same distance, elsewhere:** ")
        + ", ".join(_("PE({m}) · PE({n}) = {products:.6f}", m=m, n=n, products=products[m, n]) for m, n in places)
    )
    notice(
        _(
            "Each pair of columns is a sine and a cosine of one wavelength, from 2π positions on the left to nearly "
            "10,000 · 2π on the right: like the hands of clocks of which each is slower than the one before."
        ),
        _(
            "The dot product of two positions is Σ cos(wᵢ · distance). It depends on how far apart they are, not on "
            "where."
        ),
        _(
            "In the sum the fast pairs on the left tell neighbours apart; the slow ones on the right add nearly the "
            "same to all near positions."
        ),
    )
    exercise(
        _("The last columns hardly change over the positions shown. Why have them?"),
        _(
            "They tell far-away positions apart. A clock with only a second hand shows the same time every minute; the "
            "slow hands make each position's vector unique far beyond any context length."
        ),
    )
    show_code(positions.sinusoidal, positions.product_by_distance)


def _learned(checkpoint: Checkpoint, ids: list[int], controls, figure) -> None:
    with controls:
        _position_slider("learned_at")
    config = checkpoint.model.config
    own = embedding.position_vectors(checkpoint.model)
    if own is None:
        table = positions.untrained(max(config.context_length, MAX_TOKENS), config.d_model)
        title = _("A table of learned positions before training: noise")
    else:
        table, title = own, _("The position vectors this model has learned")
    shown = table[:MAX_SHOWN]
    ids = ids[: len(table)]
    with figure:
        if own is None:
            st.info(
                _(
                    "This model's positions are {positions}, so it has no such table; what follows is one as a new "
                    "GPT has it. To see a learned one, train with **Positions: learned** in **Pretraining** and choose "
                    "that run here.",
                    positions=_(POSITION_WORDS[config.positions]),
                )
            )
        heat_grid(
            shown,
            "learned_grid",
            title=title,
            row_name=_("position"),
            column_name=_("dimension"),
            summary=_("One learned vector for each position up to the context length."),
        )
        _as_table(shown)
        st.markdown(_("**Token + position = what the first layer reads**"))
        _sum(checkpoint, ids, table, 1.0, _("position"), "learned_at")
        products = embedding.unit_rows(shown - shown.mean(axis=0))
        heat_grid(
            positions.dot_products(products),
            "learned_products",
            title=_("How alike positions are: cosines, from −1 to 1"),
            row_name=_("position"),
            column_name=_("position"),
            summary=_("The diagonal is 1; colour beside it means that near positions are alike."),
            height=300,
        )
    notice(
        _("There is one row for each position up to the context length and none beyond: such a model cannot read on."),
        _(
            "Nothing tells the model that 7 stands between 6 and 8. Before training only the diagonal of the cosines "
            "stands out; with training near positions become alike, so colour spreads along it: the model has found "
            "out."
        ),
        _("Positions share the vector with the token: the sum is all that the first layer gets to see."),
    )
    exercise(
        _(
            "Train a run with learned positions for three minutes. Which positions have moved furthest from their "
            "noise?"
        ),
        _(
            "Mostly the first few, though all are trained equally often, once in each window: there the model has "
            "little context to read, so much is gained by knowing that it is at the beginning."
        ),
    )
    show_code(embedding.position_vectors, positions.untrained)


def _rotary(checkpoint: Checkpoint, ids: list[int], controls, figure) -> None:
    config = checkpoint.model.config
    if config.positions != "rotary":
        st.info(
            _(
                "This model's positions are {positions}; choose a run with rotary positions, such as the example, "
                "to see the queries and keys it turns.",
                positions=_(POSITION_WORDS[config.positions]),
            )
        )
        return
    texts = [visible_token(token_text(checkpoint.tokenizer, i)) for i in ids]
    with controls:
        head = st.selectbox(
            _("Head of the first layer"),
            range(config.n_heads),
            key=f"rotary_head:{config.n_heads}",
            persist_state="session",
            help=_("Each head has queries and keys of its own."),
        )
        last = len(ids) - 1
        query_at = st.selectbox(
            _("Query token"),
            range(len(ids)),
            index=last,
            format_func=lambda n: _(f"{n}: {texts[n]}"),
            key=f"rotary_query:{len(ids)}",
            help=_("The token that looks. Its query is computed by the model."),
        )
        key_at = st.selectbox(
            _("Key token"),
            range(len(ids)),
            index=min(1, last),
            format_func=lambda n: _(f"{n}: {texts[n]}"),
            key=f"rotary_key:{len(ids)}",
            help=_("The token that is looked at. Its key is computed by the model."),
        )
        m = st.slider(
            _("Position of the query"),
            0,
            63,
            5,
            key="rotary_m",
            persist_state="session",
            help=_("m: turns the query, pair by pair."),
        )
        n = st.slider(
            _("Position of the key"),
            0,
            63,
            1,
            key="rotary_n",
            persist_state="session",
            help=_("n: turns the key. A model with a causal mask only looks back, at n up to m."),
        )
    pair = positions.first_layer_query_key(checkpoint.model, ids[query_at], ids[key_at], head)
    product = positions.rotary_product(pair.query, pair.key, m, n)
    with figure:
        st.markdown(_("**Nothing is added: queries and keys are turned**"))
        turning_pairs(
            _dials(pair, m, n),
            "rotary_dials",
            query_name=_("query of {texts} at {m}", texts=texts[query_at], m=m),
            key_name=_("key of {texts} at {n}", texts=texts[key_at], n=n),
        )
        rest = config.head_size // 2 - DIALS
        if rest > 0:
            st.caption(
                _(
                    "The first {dials} of {head_size} pairs of this head; the other {rest} turn ever more "
                    "slowly. All together q·k = {product:.4f}.",
                    dials=DIALS,
                    head_size=config.head_size // 2,
                    rest=rest,
                    product=product,
                )
            )
        distances = np.arange(64)
        by_distance(
            positions.rotary_products_by_distance(pair.query, pair.key, distances),
            title=_("q·k by distance"),
            y="q·k",
            marked=m - n if m >= n else None,
        ).show()
    st.markdown(_("**Move both, and the product stays**"))
    shifts = (0, 1, 7, 30, 200)
    rows = [_place_row(pair, m + shift, n + shift) for shift in shifts] + [_place_row(pair, m + 1, n)]
    frame = pd.DataFrame(rows)
    frame.insert(
        3,
        N_("what moved"),
        [*(_("nothing") if not s else _("both by {s}", s=s) for s in shifts), _("the query alone, by 1")],
    )
    show_table(
        frame,
        hide_index=True,
        width="stretch",
        column_config={"q·k": st.column_config.NumberColumn(format="%.5f")},
    )
    spread = max(row["q·k"] for row in rows[:-1]) - min(row["q·k"] for row in rows[:-1])
    st.caption(
        _(
            "The first {n_shifts} products differ by {spread:.1g} at most, which is rounding: they depend on m − n "
            "alone.",
            n_shifts=len(shifts),
            spread=spread,
        )
    )
    with st.expander(_("All angles"), icon=":material/grid_on:"):
        angles = np.cos(np.outer(np.arange(64), positions.pair_frequencies(config.head_size)))
        heat_grid(
            angles,
            "rotary_angles",
            title=_("Cosine of the angle by which each pair is turned"),
            row_name=_("position"),
            column_name=_("pair"),
            summary=_("Fast turns on the left, ever slower ones to the right."),
        )
    notice(
        _("Move one position: the first pair turns by 57° (one radian) a step, the last ones hardly at all."),
        _("Move both by the same amount: all arrows turn, but the angle between query and key stays, and so does q·k."),
        _(
            "The token's vector in the residual stream is left alone; only what attention compares is turned, in each "
            "layer."
        ),
    )
    exercise(
        _(
            "Find a distance at which this head likes to look (a peak of the curve). Is it the same for another key "
            "token?"
        ),
        _(
            "The curve's shape comes from the lengths and angles of the pairs, so it changes with the tokens. A head "
            "that attends to the token before has the same peak, at distance 1, for nearly all keys."
        ),
    )
    show_code(rotate, positions.rotary_product, positions.rotary_products_by_distance)


def _place_row(pair: positions.QueryKey, m: int, n: int) -> dict[str, float | int]:
    return {
        N_("query at m"): m,
        N_("key at n"): n,
        "m − n": m - n,
        "q·k": positions.rotary_product(pair.query, pair.key, m, n),
    }


def _dials(pair: positions.QueryKey, m: int, n: int) -> list[Dial]:
    half = len(pair.query) // 2
    turns = positions.pair_frequencies(len(pair.query))
    query, key = positions.turned(pair.query, m), positions.turned(pair.key, n)
    dials = []
    for i in range(min(DIALS, half)):
        both = [i, i + half]
        before = [float(np.arctan2(v[i + half], v[i])) for v in (pair.query, pair.key)]
        dials.append(
            Dial(
                before[0],
                before[0] + m * float(turns[i]),
                float(np.hypot(*query[both])),
                before[1],
                before[1] + n * float(turns[i]),
                float(np.hypot(*key[both])),
                float(turns[i]),
                float(query[both] @ key[both]),
            )
        )
    return dials
