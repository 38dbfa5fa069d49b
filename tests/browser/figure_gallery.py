"""A page of all the components that are figures, with texts that would be markup, script or formulas if they could."""

import numpy as np
import pandas as pd
import streamlit as st

from engine.tokenizer import MergeTree
from pages.shared.charts import Figure, next_token_bars
from pages.shared.chips import Chip
from pages.shared.components.architecture_map import MapBox, architecture_map
from pages.shared.components.attention_arcs import attention_arcs, strong_arcs
from pages.shared.components.attention_map import attention_map
from pages.shared.components.batch_table import BatchRow, batch_table
from pages.shared.components.candidate_bars import candidate_bars
from pages.shared.components.confusion_grid import confusion_grid
from pages.shared.components.copied_text import copied_text
from pages.shared.components.embedding_map import MapPoint, embedding_map
from pages.shared.components.figure_saver import mount_figure_saver
from pages.shared.components.head_maps import KINDS, HeadTile, head_maps, pack_maps
from pages.shared.components.head_swap import Part, head_swap
from pages.shared.components.heat_grid import heat_grid
from pages.shared.components.journey_view import journey_view, packed
from pages.shared.components.lens_table import lens_table
from pages.shared.components.loss_mask import MaskedToken, loss_mask
from pages.shared.components.map_series import SmallMap, map_series
from pages.shared.components.matrix_view import Labels, Operand, matrix_view
from pages.shared.components.merge_steps import StepRow, merge_steps
from pages.shared.components.merge_tree import merge_tree_view
from pages.shared.components.neighbour_bars import neighbour_bars
from pages.shared.components.pipeline_map import lecture_stages, pipeline_map
from pages.shared.components.surprise_text import Piece, surprise_text
from pages.shared.components.text_view import heading_row, text_view, view_rows
from pages.shared.components.token_chips import token_chips
from pages.shared.components.token_strip import token_strip
from pages.shared.components.token_table import Cell, Row, token_table
from pages.shared.components.turning_pairs import Dial, turning_pairs
from pages.shared.components.vector_strips import OneHot, Strip, StripGroup, vector_strips
from pages.shared.components.window_grid import window_grid
from pages.shared.components.word_marks import word_marks
from pages.shared.live import kept_current

WORDS = ["<img src=x onerror=alert(1)>", '"--><script>alert(2)</script>', "=1+1", "@cmd\t]]>", " أسد", "\x00\x1b é"]
TITLE = f"Weights of {WORDS[0]}"


def main() -> None:
    st.set_page_config(layout="wide")
    mount_figure_saver()
    st.title("All figures")
    draw()
    kept_current(panel, every=3.0)()


def panel() -> None:
    """Drawn again by a clock."""
    chart_of_words().show()


def chart_of_words() -> Figure:
    return next_token_bars(pd.DataFrame({"token": WORDS[:3], "probability": [0.6, 0.3, 0.1]}))


def matrix() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)


def draw() -> None:
    n, ids = len(WORDS), list(range(7, 7 + len(WORDS)))
    weights = np.tril(np.random.default_rng(1).random((n, n)))
    weights /= weights.sum(axis=1, keepdims=True)
    texts = {token: WORDS[token % n] for token in range(40)}
    boxes = [
        MapBox("in", "Embedding", "(V, d)", "before"),
        MapBox("norm", WORDS[0], "(d)", "branch", "Attention"),
        MapBox("add", "Add", "(T, d)", "add", "Attention"),
        MapBox("out", "Head", "(d, V)", "after"),
    ]
    architecture_map(boxes, "architecture", current="in", repeated="layer 1 of 2")
    attention_arcs(weights, WORDS, key="arcs", ids=ids, arcs=strong_arcs(weights, 0.1), summary=TITLE)
    attention_map(weights, WORDS, WORDS, key="map", row_ids=ids, column_ids=ids, locked=3, summary=TITLE)
    batch_table([BatchRow(3, [1, 2, 3], [2, 3, 4], [0], [5])], texts, "batch", show_ids=False, show="x")
    candidates = [
        {"id": 1, "text": WORDS[1], "base_probability": 0.6, "final_probability": 1.0},
        {"id": 2, "text": WORDS[2], "base_probability": 0.4, "final_probability": 0.0, "cut_by": "top-k"},
    ]
    candidate_bars(candidates, "candidates", chosen_id=1)
    counts = np.array([[5, 1], [2, 9]])
    confusion_grid(counts, WORDS[:2], key="confusion", title="Confusion", summary=TITLE, selected=(0, 1))
    copied_text([("once ", None), (WORDS[1], 0)], [WORDS[0]], "copied", label="Copied", prompt="Begin ")
    points = [MapPoint(i, WORDS[i], float(i), float(i * i % 7), i % 2) for i in range(n)]
    embedding_map(points, ["words", WORDS[0]], (0, 6, 0, 6), "embedding", selected=1, near=[2, 3], label=TITLE)
    maps = pack_maps(np.broadcast_to(weights, (1, 2, n, n)))
    tiles = [HeadTile(0, head, KINDS[head], (WORDS[0],), "Head", bar=0.4, off=bool(head)) for head in (0, 1)]
    head_maps(tiles, key="heads", maps=maps, summary=TITLE)
    parts = [Part("Embedding", 100, "no"), Part("Layers", 200, "adapter")]
    head_swap(parts, WORDS, 10, ["ham", "spam"], 4, key="swap", pooling="last", tied=True, summary=TITLE)
    names = {"row_name": "position", "column_name": "dimension", "row_labels": WORDS}
    heat_grid(matrix(), "heat", title="Heat grid", summary=TITLE, **names)
    show_journey(weights)
    tops = np.array([[[1, 2], [3, 4]], [[2, 1], [3, 4]]])
    chances = np.array([[[0.6, 0.2], [0.5, 0.1]], [[0.7, 0.2], [0.9, 0.1]]])
    lens_table(
        tops, chances, texts, [(WORDS[0], 1), (WORDS[1], 2)], ["layer 1", "end"], "lens", selected=1, label="Lens"
    )
    masked = [MaskedToken(WORDS[0], 1, "masked"), MaskedToken(WORDS[2], 2, "learned"), MaskedToken("", 0, "padding")]
    loss_mask([masked], "mask", wrap=False, show_ids=False, summary=TITLE)
    map_series(
        [SmallMap(weights, WORDS[1], "step 1"), SmallMap(weights, "late")], key="series", chosen=1, label="Series"
    )
    matrix_view(
        np.where(np.eye(3) > 0, -np.inf, matrix()[:3, :3]),
        Labels("query", WORDS[:3], ids[:3]),
        Labels("key", WORDS[:3], ids[:3]),
        key="matrix",
        title="Scores",
        shape="(3, 3)",
        summary=TITLE,
        left=Operand("q", matrix()[:3]),
        hatched=np.eye(3, dtype=bool),
        selected=(1, 1),
    )
    merge_steps([StepRow("bytes", [(1, "a"), (2, WORDS[0])], made=[1], next_pairs=[0])], "steps", label="States")
    tree = MergeTree(300, b"ab", 44, MergeTree(97, b"a"), MergeTree(98, b"b"))
    merge_tree_view(tree, "tree", text=lambda token: WORDS[len(token)], count=lambda token: 2)
    neighbour_bars([(1, WORDS[0], 0.9), (2, WORDS[2], -0.2)], "neighbours", label="Neighbours")
    pipeline_map(lecture_stages(), "pipeline")
    pieces = [
        Piece(word, bits, f"{bits} bits") for word, bits in zip(WORDS, (0.5, 2.0, 4.0, 7.0, 12.0, 1.0), strict=True)
    ]
    surprise_text(pieces, "surprise", scale="surprise", label="Surprise", selected=2)
    rows = [heading_row("Source"), *view_rows(" ".join(WORDS), hits=[(0, 4)], boundary=30)]
    text_view(rows, "text", label="The raw text", height=60)
    chips = [Chip(i, word, word.encode("utf-8", "replace"), i, i + 1) for i, word in enumerate(WORDS)]
    token_chips(chips, "chips", label="Tokens of the text", show_bytes=True, marks=[2])
    tokens = [{"text": word, "id": i, "probability": 0.1 * i, "prompt": i == 0} for i, word in enumerate(WORDS)]
    token_strip(tokens, "strip", label="Token strip")
    cells = (Cell(WORDS[0], 3, note="0.5", share=0.5), Cell(WORDS[2], 4, mark="wrong", word="wrong"), None)
    token_table(["row", "a", "b", "c"], [Row("first", cells)], "table", summary=TITLE)
    turning_pairs([Dial(0.1, 0.9, 1.0, 0.3, 2.0, 0.5, 0.4, -0.2)] * 2, "turning", query_name=WORDS[0], key_name="key")
    strips = [Strip("token", matrix()[0]), Strip("position", matrix()[1], sign="+", marked=True), OneHot("one", 3, 9)]
    vector_strips([StripGroup(WORDS[1], strips, token_id=3)], "vectors")
    seen = ([1, 2, 2, 2, 1, 0], [0, 1, 2, 2, 2, 1])
    tokens = list(zip(WORDS, ids, strict=True))
    window_grid(tokens, [0, 1], [ids[:3], ids[1:4]], [ids[1:4], ids[2:5]], seen, "windows")
    word_marks(WORDS, [0.5, -0.25, 0.125, 0.0, 1.0, -1.0], key="marks", title="Marks", unit="logit", summary=TITLE)


def show_journey(weights: np.ndarray) -> None:
    tokens = [[i, word] for i, word in enumerate(WORDS)]
    head = {"tokens": tokens[2:4], "next": [9, WORDS[0], 0.4], "facts": [["Step", "8"]], "change": WORDS[1]}
    shared = {"title": "Station", "sentence": WORDS[0], "shape": "(T)", "lesson": "a", "link": "A"}
    rows = [[i, word, ""] for i, word in enumerate(WORDS)]
    levels = [{"name": f"layer {i}", "attention": 1.0, "mlp": None, "length": 2.0} for i in range(6)]
    stations = [
        {"kind": "bytes", "characters": [[word, "41 42"] for word in WORDS]},
        {"kind": "merges", "words": WORDS, "word": 0, "rows": [{"name": "bytes", "tokens": tokens, "made": [1]}]},
        {"kind": "ids", "tokens": tokens},
        {"kind": "vectors", "label": "Vectors", "rows": rows, "matrix": packed(matrix())},
        {
            "kind": "head",
            "focus": [[0.2, 0.9]],
            "layer": 0,
            "head": 1,
            "tokens": tokens,
            "weights": list(weights[-1]),
            "most": 2,
        },
        {"kind": "stream", "label": "Stream", "rows": levels, "most": 2.0, "matrix": packed(matrix())},
        {"kind": "logits", "lens": [["layer 1", 1, WORDS[0], 0.5]], "n": 9, "mean": -1.0, "top": [[1, WORDS[2], 3.0]]},
        {"kind": "next", "rows": [[1, WORDS[2], 0.7, True]], "n": 9, "dice": 0.3, "drawn": 1, "drawnText": WORDS[2]},
    ]
    journey_view(head, [{**shared, **each} for each in stations], "journey")


if __name__ == "__main__":
    main()
