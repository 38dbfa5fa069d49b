"""Part: the logit lens. What the model would predict if it stopped after each layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from engine import anatomy
from engine.anatomy import Lens
from engine.checkpoint import Checkpoint
from engine.language import N_, _, number
from pages.parts.transformer.figures import lines
from pages.parts.transformer.reading import Reading, choose_position, read_sentence, shown, token_name
from pages.shared.charts import _distinct, percent
from pages.shared.code_panel import show_code
from pages.shared.components.lens_table import lens_table
from pages.shared.lesson import exercise, notice
from pages.shared.models import inference
from pages.shared.tables import show_table

MAX_TOKENS = 32
TOP = 5
FOLLOWED = 6  # tokens whose probability is followed through the layers
MEASURES = (N_("Candidates"), N_("Rank"), N_("Distance"))


def show() -> None:
    """Draw the part."""
    st.markdown(
        _(
            "The head can read the stream anywhere, not only at its end. Put the final norm and the head behind every "
            "layer, and see the prediction form: the **logit lens** (nostalgebraist 2020)."
        )
    )
    reading = read_sentence(MAX_TOKENS)
    if reading is None:
        return
    lens = _lens(*reading.key, _reading=reading)
    checkpoint, sentence = reading.checkpoint, reading.sentence
    rows = [_("embedding"), *(_("layer {n}", n=n) for n in range(1, len(lens.ids) - 1)), _("output")]
    last = len(sentence.ids) - 1
    key = f"lens_position:{last + 1}"
    position = min(st.session_state.get(key, last), last)
    clicked = lens_table(
        lens.ids[:, :, :3],
        lens.probabilities[:, :, :3],
        {int(i): token_name(checkpoint, int(i)) for i in np.unique(lens.ids[:, :, :3])},
        list(zip(sentence.tokens, sentence.ids, strict=True)),
        rows,
        "lens_table",
        selected=position,
        label=_("The most probable next token after each layer, for every token of the sentence"),
    )
    if clicked is not None and clicked != position:
        st.session_state[key] = clicked
        position = clicked
    agree = (lens.ids[:, :, 0] == lens.final_ids).mean(axis=1)
    st.caption(
        _("Share of positions at which a row already says what the model says at the end: ")
        + ", ".join(f"{name} {number(share, '.0%')}" for name, share in _few(rows, agree))
        + "."
    )
    left, right = st.columns([1, 1.8], vertical_alignment="bottom")
    with left:
        position = choose_position(
            sentence,
            "lens_position",
            _("The column that is followed below. A click in the table chooses it too."),
            label=_("Follow the token"),
        )
    measure = right.segmented_control(
        _("Through the layers"),
        MEASURES,
        format_func=_,
        default=MEASURES[0],
        required=True,
        key="lens_measure",
        persist_state="session",
        help=_(
            "Probabilities of the candidates; the place of the final answer among all tokens; how far each layer's "
            "prediction is from the last one, in bits."
        ),
    )
    ticks = tuple((float(n), "0" if n == 0 else str(n)) for n in _ticks(len(rows)))
    if measure == MEASURES[0]:
        _candidates(reading, lens, position, rows, ticks)
    else:
        _measures(reading, lens, position, rows, ticks, rank=measure == MEASURES[1])
    _table(checkpoint, lens, position, rows)
    notice(
        _(
            "The embedding alone often predicts the token itself, or what commonly follows it: with a tied head the "
            "row of a token is most like itself."
        ),
        _(
            "Answers that need the sentence come late; a word's second half comes early. Probability and rank often "
            "jump in one layer: look at what that layer's attention does."
        ),
        _(
            "The early rows are read with a norm and a head that were trained for the last one. What looks like "
            "nonsense may be meant for other layers, not for the head; the tuned lens (Belrose et al. 2023) corrects "
            "for that."
        ),
    )
    exercise(
        _("Find a position where the answer is settled in the first layers, and one where it is not. What differs?"),
        _(
            "Settled early: frequent pairs, such as the end of a word or “the” after “in”, which need no more than the "
            "token itself. Settled late: words that depend on something far back, for which attention has to fetch it."
        ),
    )
    show_code(anatomy.logit_lens_top, anatomy.Lens)


@st.cache_resource(max_entries=8, show_spinner=N_("Reading the stream after every layer …"))
def _lens(key: str, ids: tuple[int, ...], *, _reading: Reading) -> Lens:
    with inference():
        return anatomy.logit_lens_top(_reading.checkpoint.model, _reading.trace, TOP)


@st.cache_data(max_entries=64, show_spinner=False)
def _followed(
    key: str, ids: tuple[int, ...], position: int, wanted: tuple[int, ...], *, _reading: Reading
) -> np.ndarray:
    with inference():
        return anatomy.lens_probabilities(_reading.checkpoint.model, _reading.trace, position, wanted)


def _few(rows: list[str], values: np.ndarray) -> list[tuple[str, float]]:
    """At most six of the rows, the first and the last among them."""
    kept = np.unique(np.linspace(0, len(rows) - 1, min(6, len(rows))).round().astype(int))
    return [(rows[index], float(values[index])) for index in kept]


def _ticks(n_rows: int) -> list[int]:
    step = max(1, (n_rows - 1) // 12)
    return list(range(0, n_rows, step))


def _candidates(
    reading: Reading, lens: Lens, position: int, rows: list[str], ticks: tuple[tuple[float, str], ...]
) -> None:
    wanted = _interesting(lens, position)
    values = _followed(*reading.key, position, tuple(wanted), _reading=reading)  # (L + 1, n)
    names = _distinct([shown(token_name(reading.checkpoint, each)) for each in wanted])
    frame = pd.DataFrame(
        {
            "x": np.tile(np.arange(len(rows)), len(wanted)),
            "y": values.T.ravel(),
            "series": np.repeat(names, len(rows)),
            "place": rows * len(wanted),
        }
    )
    answer = float(values[-1, 0])
    first = int(np.argmax(lens.ids[:, position, 0] == lens.final_ids[position]))
    lines(
        frame,
        title=_("Candidates for the next token, layer by layer"),
        x=_("Layers read (0: the embedding)"),
        y=_("Probability (%)"),
        series=names,
        percent=True,
        ticks=ticks,
        alt_text=_("Line chart: probability of the candidates for the next token after each layer."),
        summary=_(
            "The answer is {names} with {answer}; it first leads in row {rows}. Drawn are the "
            "leading tokens of all rows, at most {followed}.",
            names=names[0],
            answer=percent(answer),
            rows=rows[first],
            followed=FOLLOWED,
        ),
        height=340,
    ).show()


def _interesting(lens: Lens, position: int) -> list[int]:
    """The answer first, then the leaders of the other rows from the last one back, then runners-up at the end."""
    leaders = [int(each) for each in lens.ids[::-1, position, 0]]
    return list(dict.fromkeys([*leaders, *map(int, lens.ids[-1, position])]))[:FOLLOWED]


def _measures(
    reading: Reading, lens: Lens, position: int, rows: list[str], ticks: tuple[tuple[float, str], ...], *, rank: bool
) -> None:
    values = (lens.final_rank if rank else lens.divergence).astype(float)
    average = np.exp(np.log(values).mean(axis=1)) if rank else values.mean(axis=1)
    names = [_("chosen token"), _("geometric mean of all") if rank else _("mean of all tokens")]
    frame = pd.DataFrame(
        {
            "x": np.tile(np.arange(len(rows)), 2),
            "y": np.concatenate([values[:, position], average]),
            "series": np.repeat(names, len(rows)),
            "place": rows * 2,
        }
    )
    own = values[:, position]
    if rank:
        summary = _(
            "The answer is number {own:,.0f} of {vocab_size:,} after the embedding "
            "and number 1 at the end; it is first from row {rows} on.",
            own=own[0],
            vocab_size=reading.checkpoint.model.config.vocab_size,
            rows=rows[_settled(own)],
        )
    else:
        summary = _("From {own:.2f} bits after the embedding to 0 at the end (KL divergence).", own=own[0])
    lines(
        frame,
        title=_("Rank of the final answer after each layer")
        if rank
        else _("How far each layer is from the final prediction"),
        x=_("Layers read (0: the embedding)"),
        y=_("Rank (1 is first), logarithmic") if rank else N_("KL divergence (bits)"),
        series=names,
        log=rank,
        ticks=ticks,
        alt_text=_("Line chart: ")
        + (_("rank of the final answer by layer.") if rank else _("KL divergence by layer.")),
        summary=summary,
        height=340,
    ).show()


def _settled(ranks: np.ndarray) -> int:
    """The first row from which on the answer stays in front."""
    behind = np.flatnonzero(ranks > 1)
    return int(behind[-1]) + 1 if len(behind) else 0


def _table(checkpoint: Checkpoint, lens: Lens, position: int, rows: list[str]) -> None:
    with st.expander(_("As a table"), icon=":material/table:"):
        found: list[dict[str, Any]] = []
        for index, name in enumerate(rows):
            row: dict[str, Any] = {"row": name}
            for place in range(lens.ids.shape[2]):
                token = shown(token_name(checkpoint, int(lens.ids[index, position, place])))
                row[f"number {place + 1}"] = f"{token} {percent(float(lens.probabilities[index, position, place]))}"
            row[N_("rank of the answer")] = int(lens.final_rank[index, position])
            row["probability of the answer (%)"] = 100 * float(lens.final_probability[index, position])
            row["KL divergence (bits)"] = float(lens.divergence[index, position])
            found.append(row)
        show_table(
            pd.DataFrame(found),
            hide_index=True,
            width="stretch",
            column_config={
                N_("probability of the answer (%)"): st.column_config.NumberColumn(format="%.1f"),
                N_("KL divergence (bits)"): st.column_config.NumberColumn(format="%.2f"),
            },
        )
