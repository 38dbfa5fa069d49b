"""Part: one sentence through every operation of the model, in order, with its values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from engine import anatomy
from engine.anatomy import Operation
from engine.checkpoint import Checkpoint
from engine.language import N_, _, number
from pages.parts.transformer.operations import words_of
from pages.parts.transformer.reading import read_sentence, token_name
from pages.shared.charts import next_token_bars, visible_token
from pages.shared.code_panel import show_code
from pages.shared.components.architecture_map import MapBox, architecture_map
from pages.shared.components.heat_grid import MAX_CELLS, heat_grid
from pages.shared.components.token_strip import token_strip
from pages.shared.lesson import exercise, notice
from pages.shared.quantities import plural
from pages.shared.sentence import Sentence
from pages.shared.tables import show_table

MAX_TOKENS = 48
TOP = 40  # tokens of the vocabulary that a picture of logits shows
AXES = {
    "T": N_("T: tokens of the sentence"),
    "S": N_("S: tokens that are looked at"),
    "C": N_("C: the width, d_model"),
    "3C": N_("3 C: query, key and value"),
    "2": N_("queries and keys"),
    "H": N_("H: heads"),
    "D": N_("D: numbers of a head"),
    "F": N_("d_ff: neurons of the MLP"),
    "V": N_("V: tokens of the vocabulary"),
}
_STATE = "anatomy:place"


def show() -> None:
    """Draw the part."""
    st.markdown(
        _(
            "From ids to the probability of the next token, one operation after another. Each picture holds the "
            "numbers that this model computes for your sentence."
        )
    )
    reading = read_sentence(MAX_TOKENS)
    if reading is None:
        return
    checkpoint, sentence = reading.checkpoint, reading.sentence
    config = checkpoint.model.config
    operations = anatomy.operations(config, len(sentence.ids))
    place = _place(operations)
    drawing, picture = st.columns([1, 1.9], gap="large")
    with drawing:
        layer = _layer_control(operations, place)
        _drawing(operations, place, layer, checkpoint)
    with picture:
        _steps(operations, place)
        operation = operations[place]
        values = anatomy.operation_values(config, reading.trace, reading.logits, sentence.ids, operation)
        _describe(checkpoint, operation, values)
        _picture(checkpoint, sentence, operation, values)
    _as_list(operations, checkpoint)
    notice(
        _(
            "Between the ids and the logits the shape of the stream never changes: T vectors of C numbers. Every block "
            "reads them, computes, and adds to them."
        ),
        _(
            "Only attention moves information between tokens: its scores are T × T. Norms, MLP and head treat each "
            "token by itself."
        ),
        _(
            "The MLP's matrices hold about twice as many parameters as those of attention; the scores, the softmax and "
            "the sums hold none."
        ),
    )
    exercise(
        _(
            "Change the last word of the sentence and step through the first layer. In which pictures do rows of "
            "earlier tokens change?"
        ),
        _(
            "In none. The causal mask hides later tokens from earlier ones, so their rows stay as they are through all "
            "layers; only the last rows change."
        ),
    )
    show_code(anatomy.operations, anatomy.operation_values, type(checkpoint.model.layers[0]), type(checkpoint.model))


def _place(operations: list[Operation]) -> int:
    """The index of the operation that is looked at: the same kind and layer as before, where this model has it."""
    kind, layer = st.session_state.get(_STATE, ("token_embedding", None))
    return _find(operations, kind, layer)


def _find(operations: list[Operation], kind: str, layer: int | None) -> int:
    same = [index for index, each in enumerate(operations) if each.kind == kind]
    if not same:
        return min(1, len(operations) - 1)
    return min(same, key=lambda index: abs((operations[index].layer or 0) - (layer or 0)))


def _go(operations: list[Operation], index: int) -> None:
    operation = operations[max(0, min(index, len(operations) - 1))]
    st.session_state[_STATE] = (operation.kind, operation.layer)
    if operation.layer is not None:
        st.session_state["anatomy:layer"] = operation.layer


def _layer_control(operations: list[Operation], place: int) -> int:
    """The layer that the drawing shows: that of the operation, or the last one looked at outside the blocks."""
    n_layers = 1 + max(each.layer for each in operations if each.layer is not None)
    layer = operations[place].layer
    if layer is None:
        layer = min(st.session_state.get("anatomy:layer", 0), n_layers - 1)
    if n_layers == 1:
        return layer
    if st.session_state.get("through_layer") != layer + 1:
        st.session_state["through_layer"] = layer + 1

    def moved() -> None:
        chosen = max(0, min(int(st.session_state["through_layer"]) - 1, n_layers - 1))
        st.session_state["anatomy:layer"] = chosen
        if operations[place].layer is not None:
            _go(operations, _find(operations, operations[place].kind, chosen))

    st.slider(
        _("Layer"),
        1,
        n_layers,
        key="through_layer",
        on_change=moved,
        help=_("The same operation in another block: the blocks have one form and different weights."),
    )
    return layer


def _drawing(operations: list[Operation], place: int, layer: int, checkpoint: Checkpoint) -> None:
    config = checkpoint.model.config
    shown = [(index, each) for index, each in enumerate(operations) if each.layer in (None, layer)]
    boxes = []
    for index, each in shown:
        words = words_of(each.kind, config)
        boxes.append(MapBox(str(index), words.title, _shape(each), words.place, words.group))
    chosen = architecture_map(
        boxes,
        "through_map",
        current=str(place),
        repeated=_("layer {layer} of {n_layers}", layer=layer + 1, n_layers=config.n_layers),
    )
    if chosen is not None and int(chosen) != place:
        _go(operations, int(chosen))
        st.rerun()


def _shape(operation: Operation) -> str:
    return " × ".join(number(each) for each in operation.shape)


def _steps(operations: list[Operation], place: int) -> None:
    back, middle, forth = st.columns([1, 2.2, 1], vertical_alignment="bottom")
    back.button(
        _("Back"),
        key="through_back",
        icon=":material/arrow_back:",
        disabled=place == 0,
        on_click=_go,
        args=(operations, place - 1),
        width="stretch",
        help=_("The operation before."),
    )
    if st.session_state.get("through_step") != place + 1:
        st.session_state["through_step"] = place + 1
    middle.slider(
        _("Operation, of {n_operations}", n_operations=len(operations)),
        1,
        len(operations),
        key="through_step",
        on_change=lambda: _go(operations, int(st.session_state["through_step"]) - 1),
        help=_("All operations in the order in which they are computed, layer by layer."),
    )
    forth.button(
        _("Next"),
        key="through_next",
        icon=":material/arrow_forward:",
        disabled=place == len(operations) - 1,
        on_click=_go,
        args=(operations, place + 1),
        width="stretch",
        help=_("The operation after."),
    )


def _describe(checkpoint: Checkpoint, operation: Operation, values: np.ndarray) -> None:
    config = checkpoint.model.config
    words = words_of(operation.kind, config)
    where = (
        "" if operation.layer is None else _(" · {group}, layer {layer}", group=words.group, layer=operation.layer + 1)
    )
    st.header(f"{words.title}{where}", anchor=False)
    st.code(words.formula, language=None, wrap_lines=True)
    st.markdown(words.text)
    axes = ", ".join(
        f"{AXES[name]} = {number(length)}" for name, length in zip(operation.axes, operation.shape, strict=True)
    )
    owned = (
        _("{n_parameters:,} parameters", n_parameters=operation.n_parameters)
        if operation.n_parameters
        else _("no parameters of its own")
    )
    if operation.kind == "head" and config.tie_embeddings:
        owned = _("no parameters of its own: it shares the embedding's")
    st.markdown(_("**Shape** {shape} ({axes}) · **uses** {owned}", shape=_shape(operation), axes=axes, owned=owned))
    if operation.kind == "ids":
        return
    finite = values[np.isfinite(values)]
    st.caption(
        _(
            "{size}: mean {mean:.3g}, standard deviation {std:.3g}, from {min:.3g} to {max:.3g}.",
            size=plural(finite.size, "number", "numbers"),
            mean=finite.mean(),
            std=finite.std(),
            min=finite.min(),
            max=finite.max(),
        )
    )


def _picture(checkpoint: Checkpoint, sentence: Sentence, operation: Operation, values: np.ndarray) -> None:
    if operation.kind == "ids":
        token_strip(
            [{"text": text, "id": i} for text, i in zip(sentence.tokens, sentence.ids, strict=True)],
            "through_tokens",
            by_id=True,
            label=_("The sentence, one button per token"),
        )
        ids = pd.DataFrame({N_("position"): range(len(sentence.ids)), N_("token"): sentence.tokens, "id": sentence.ids})
        show_table(ids, hide_index=True, width="stretch", height=min(420, 38 + 35 * len(ids)))
        return
    title = words_of(operation.kind, checkpoint.model.config).title
    if operation.kind in ("scores", "weights", "rotation"):
        head = _head_control(checkpoint.model.config.n_heads)
        _heads_picture(sentence.tokens, operation, values, head, title)
    elif operation.kind in ("head", "softmax"):
        _vocabulary_picture(checkpoint, sentence, operation, values)
    else:
        flat = values.transpose(1, 0, 2).reshape(len(sentence.ids), -1) if operation.kind == "heads" else values
        columns = min(flat.shape[1], MAX_CELLS // len(flat))
        names = {"up": _("neuron"), "activation": _("neuron"), "heads": _("dimension, head after head")}
        heat_grid(
            flat[:, :columns],
            "through_grid",
            title=_("{title}: one row a token", title=title),
            row_name="position",
            column_name=names.get(operation.kind, "dimension"),
            summary=_("Orange is positive, blue negative, the background near zero."),
            height=_height(len(flat)),
            row_labels=sentence.tokens,
        )
        if columns < flat.shape[1]:
            st.caption(_("The first {columns:,} of {shape:,} columns are drawn.", columns=columns, shape=flat.shape[1]))


def _height(rows: int) -> int:
    return max(160, min(660, 18 * rows))


def _head_control(n_heads: int) -> int:
    if n_heads == 1:
        return 0
    return (
        st.slider(
            _("Head"),
            1,
            n_heads,
            key=f"through_head:{n_heads}",
            persist_state="session",
            help=_("Each head has scores of its own; all are computed at once."),
        )
        - 1
    )


def _heads_picture(tokens: tuple[str, ...], operation: Operation, values: np.ndarray, head: int, title: str) -> None:
    if operation.kind == "rotation":
        both = np.concatenate([values[0, head], values[1, head]], axis=1)  # (T, 2D)
        heat_grid(
            both,
            "through_grid",
            title=_("{title}, head {head}: the query on the left, the key on the right", title=title, head=head + 1),
            row_name="position",
            column_name=_("dimension of q, then of k"),
            summary=_("Pairs that turn fast change from row to row, slow ones hardly."),
            height=_height(len(both)),
            row_labels=tokens,
        )
        return
    grid = values[head]
    hidden = ~np.isfinite(grid)
    heat_grid(
        np.where(hidden, 0.0, grid),
        "through_grid",
        title=_("{title}, head {head}", title=title, head=head + 1),
        row_name=_("query position"),
        column_name=_("key position"),
        summary=_("Rows look, columns are looked at; above the diagonal everything is hidden."),
        height=_height(len(grid) + 4),
        row_labels=tokens,
        column_labels=tokens,
    )
    if hidden.any():
        st.caption(
            _("{plural} of −∞ drawn as blanks.", plural=plural(int(hidden.sum()), "masked score", "masked scores"))
        )


def _vocabulary_picture(checkpoint: Checkpoint, sentence: Sentence, operation: Operation, values: np.ndarray) -> None:
    last = len(sentence.ids) - 1
    position = last
    if last > 0:
        position = st.slider(
            _("After position"),
            0,
            last,
            last,
            key=f"through_position:{last}",
            persist_state="session",
            help=_("The model predicts what follows every token of the sentence; the last one is what it would write."),
        )
    row = values[position]
    order = np.argsort(-row, kind="stable")[:TOP]
    names = [token_name(checkpoint, int(each)) for each in order]
    st.markdown(_("After the token"))
    st.code(visible_token(sentence.tokens[position]), language=None, wrap_lines=True)
    if operation.kind == "softmax":
        next_token_bars(
            pd.DataFrame({"token": names[:12], "probability": row[order[:12]]}),
            title=_("The most probable next tokens"),
        ).show()
    else:
        heat_grid(
            values[:, order],
            "through_grid",
            title=_("Logits of the {n_order} tokens that score highest here", n_order=len(order)),
            row_name="position",
            column_name="rank",
            summary=_("Columns are tokens of the vocabulary, the highest score of the chosen position first."),
            height=_height(len(values)),
            row_labels=sentence.tokens,
            column_labels=names,
        )
    with st.expander(_("As a table"), icon=":material/table:"):
        kind = "probability" if operation.kind == "softmax" else "logit"
        show_table(
            pd.DataFrame({N_("rank"): range(1, len(order) + 1), N_("token"): names, N_("id"): order, kind: row[order]}),
            hide_index=True,
            width="stretch",
        )


def _as_list(operations: list[Operation], checkpoint: Checkpoint) -> None:
    with st.expander(
        _("All {n_operations} operations as a table", n_operations=len(operations)), icon=":material/table:"
    ):
        config = checkpoint.model.config
        rows = [
            {
                "step": index,
                "layer": None if each.layer is None else each.layer + 1,
                N_("operation"): words_of(each.kind, config).title,
                N_("formula"): words_of(each.kind, config).formula,
                "shape": _shape(each),
                "parameters": each.n_parameters,
            }
            for index, each in enumerate(operations, 1)
        ]
        show_table(
            pd.DataFrame(rows),
            hide_index=True,
            width="stretch",
            column_config={N_("parameters"): st.column_config.NumberColumn(format="localized")},
        )
        st.caption(
            _("Together {sum:,} parameters: all that the model has.", sum=sum(each.n_parameters for each in operations))
        )
