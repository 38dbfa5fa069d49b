"""Part: the residual stream. How long its vectors are, and what each attention and MLP adds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from engine import anatomy
from engine.anatomy import StreamReport
from engine.language import N_, _
from pages.parts.transformer.figures import lines
from pages.parts.transformer.reading import Reading, choose_position, read_sentence
from pages.shared.code_panel import show_code
from pages.shared.components.heat_grid import heat_grid
from pages.shared.lesson import exercise, notice
from pages.shared.tables import show_table

MAX_TOKENS = 48
VIEWS = (N_("Length"), N_("What is added"), N_("All tokens"))


def show() -> None:
    """Draw the part."""
    st.markdown(
        _(
            "The **residual stream** is one vector for each token that runs through the whole model. Nothing in it is "
            "ever replaced: attention and MLP only add to it. So its history can be read as a sum."
        )
    )
    reading = read_sentence(MAX_TOKENS)
    if reading is None:
        return
    left, right = st.columns([1.6, 1], vertical_alignment="bottom")
    view = left.segmented_control(
        _("Look at"),
        VIEWS,
        format_func=_,
        default=VIEWS[0],
        required=True,
        key="stream_view",
        persist_state="session",
        help=_("The stream's own length, the length and direction of what is added, or a picture of all tokens."),
    )
    report = anatomy.stream_report(reading.trace)
    position = 0
    if view != "All tokens":
        with right:
            position = choose_position(reading.sentence, "stream_token", _("Whose vector is followed."))
    if view == "Length":
        _length(reading, report, position)
    elif view == "What is added":
        _added(reading, report, position)
    else:
        _all_tokens(reading, report)
    _table(reading, report, position)
    notice(
        _(
            "The stream grows: what blocks add is rarely opposed to what is there. A cosine near 0 is a new direction, "
            "which the stream has room for; a negative one takes something back."
        ),
        _(
            "In larger models the first token is often longest by far: heads that find nothing to look at rest on it, "
            "and its vector is built to be a place of rest (Xiao et al. 2023)."
        ),
        _(
            "Length alone changes nothing that later blocks read, since they read it normalised: what counts is how "
            "much a block adds **compared with** what is there."
        ),
    )
    exercise(
        _("Which layer changes the stream most, compared with its length before? Is it the attention or the MLP?"),
        _(
            "Divide what is added by the length before it; the table has both. In small models it is usually the first "
            "MLP: the embedding is short, and one block can turn it right round."
        ),
    )
    show_code(anatomy.stream_report, anatomy.StreamReport)


def _places(n_layers: int) -> list[str]:
    """Names of the places where the stream is measured: after the embedding, each attention and each MLP."""
    return [
        _("embedding"),
        *(f"{n} {kind}" for n in range(1, n_layers + 1) for kind in (_("attention"), _("MLP"))),
    ]


def _length(reading: Reading, report: StreamReport, position: int) -> None:
    places = _places(len(report.attention))
    mean = report.norms.mean(axis=1)
    chosen = report.norms[:, position]
    x = np.arange(len(places)) / 2
    frame = pd.DataFrame(
        {
            "x": np.tile(x, 2),
            "y": np.concatenate([chosen, mean]),
            "series": [_("chosen token")] * len(x) + [_("mean of all tokens")] * len(x),
            "place": [_("after {place}", place=place) for place in places] * 2,
        }
    )
    lines(
        frame,
        title=_("Length of the residual stream"),
        x=_("Layers behind it (halves: attention done, MLP not yet)"),
        y=_("Length of the vector (norm)"),
        series=[_("chosen token"), _("mean of all tokens")],
        alt_text=_("Line chart: length of the residual stream by layer, for one token and on average."),
        summary=_(
            "The chosen token goes from {chosen:.2f} to {chosen_2:.2f}, the mean from {mean:.2f} to {mean_2:.2f}.",
            chosen=chosen[0],
            chosen_2=chosen[-1],
            mean=mean[0],
            mean_2=mean[-1],
        ),
    ).show()


def _added(reading: Reading, report: StreamReport, position: int) -> None:
    layers = np.arange(1, len(report.attention) + 1)
    before = report.norms[:-1, position]
    share = {
        _("attention"): report.attention[:, position] / np.maximum(before[0::2], 1e-9),
        "MLP": report.mlp[:, position] / np.maximum(before[1::2], 1e-9),
    }
    names = [_("layer {n}", n=n) for n in layers]

    def frame(series: dict[str, np.ndarray]) -> pd.DataFrame:
        return pd.concat(
            [pd.DataFrame({"x": layers, "y": y, "series": name, "place": names}) for name, y in series.items()],
            ignore_index=True,
        )

    most = max(share, key=lambda name: float(share[name].max()))
    lines(
        frame(share),
        title=_("How much is added"),
        x=_("Layer"),
        y=_("Length added / length before"),
        series=list(share),
        alt_text=_("Line chart: length of what attention and MLP add, as a share of the stream, by layer."),
        summary=_(
            "The largest step is that of the {most} in layer {value}: {max:.2f} times the length before.",
            most=most,
            value=int(share[most].argmax()) + 1,
            max=share[most].max(),
        ),
        height=260,
    ).show()
    cosines = {_("attention"): report.attention_cosine[:, position], "MLP": report.mlp_cosine[:, position]}
    every = np.concatenate(list(cosines.values()))
    lines(
        frame(cosines),
        title=_("In which direction it points"),
        x=_("Layer"),
        y=_("Cosine (1 along it, −1 against it)"),
        series=list(cosines),
        alt_text=_("Line chart: cosine between what is added and the stream, by layer."),
        summary=_(
            "Cosines go from {min:.2f} to {max:.2f}; {int} of {n_every} steps take something back.",
            min=every.min(),
            max=every.max(),
            int=int((every < 0).sum()),
            n_every=len(every),
        ),
        height=260,
    ).show()


def _all_tokens(reading: Reading, report: StreamReport) -> None:
    places = _places(len(report.attention))
    heat_grid(
        report.norms.T,
        "stream_grid",
        title=_("Length of the stream: one row a token, one column a place in the model"),
        row_name=_("position"),
        column_name=_("after"),
        summary=_("Lengths go from {min:.2f} to {max:.2f}.", min=report.norms.min(), max=report.norms.max()),
        height=max(160, min(660, 20 * len(reading.sentence.ids))),
        row_labels=reading.sentence.tokens,
        column_labels=places,
    )
    longest = int(report.norms[-1].argmax())
    st.caption(
        _(
            "At the end position {longest} is longest: {norms:.2f}, {value:.1f} times the median.",
            longest=longest,
            norms=report.norms[-1, longest],
            value=report.norms[-1, longest] / np.median(report.norms[-1]),
        )
    )


def _table(reading: Reading, report: StreamReport, position: int) -> None:
    with st.expander(_("As a table"), icon=":material/table:"):
        st.markdown(_("Position {position}", position=position))
        rows = []
        for layer in range(len(report.attention)):
            for kind, added, cosine, before in (
                (N_("attention"), report.attention, report.attention_cosine, report.norms[2 * layer]),
                ("MLP", report.mlp, report.mlp_cosine, report.norms[2 * layer + 1]),
            ):
                rows.append(
                    {
                        N_("layer"): layer + 1,
                        N_("what"): _(kind),
                        N_("length before"): float(before[position]),
                        N_("length added"): float(added[layer, position]),
                        N_("cosine"): float(cosine[layer, position]),
                        N_("length after"): float(report.norms[2 * layer + 1 + (kind == "MLP"), position]),
                    }
                )
        show_table(
            pd.DataFrame(rows),
            hide_index=True,
            width="stretch",
            column_config={
                name: st.column_config.NumberColumn(format="%.3f")
                for name in (N_("length before"), N_("length added"), N_("cosine"), N_("length after"))
            },
        )
