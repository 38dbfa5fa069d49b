"""The map of the whole course: from raw text to a foundation model, and from there to a classifier or an assistant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.language import _
from pages.shared import sitemap
from pages.shared.components.mount import clicked, ignore, register

_mount = register("pipeline_map")


def pipeline_map(stages: Sequence[Mapping[str, Any]], key: str) -> str | None:
    """Show the stages as bands of boxes joined by arrows; returns the id of the box just clicked, once, else None.

    A stage has title, text and nodes; a node has id, title, text, after (ids it follows), column (1 to 6, place on
    a wide screen) and clickable. Boxes that are not clickable are described but are no buttons.
    Raises `ValueError` for two nodes of one id and for an `after` that names no node.
    """
    nodes = [node for stage in stages for node in stage["nodes"]]
    ids = [str(node["id"]) for node in nodes]
    doubled = sorted({each for each in ids if ids.count(each) > 1})
    if doubled:
        raise ValueError(f"Several nodes have the id {', '.join(doubled)}; ids must differ.")
    unknown = sorted({before for node in nodes for before in node.get("after", ())} - set(ids))
    if unknown:
        raise ValueError(f"A node follows {', '.join(unknown)}, which is no node; nodes are {', '.join(ids)}.")
    data = [
        {
            "title": str(stage["title"]),
            "text": str(stage.get("text", "")),
            "nodes": [
                {
                    "id": str(node["id"]),
                    "title": str(node["title"]),
                    "text": str(node.get("text", "")),
                    "after": [str(before) for before in node.get("after", ())],
                    "column": int(node.get("column", 1)),
                    "clickable": bool(node.get("clickable")),
                }
                for node in stage["nodes"]
            ],
        }
        for stage in stages
    ]
    result = _mount(key=key, data={"stages": data}, on_clicked_change=ignore)
    node_id = clicked(result)
    return node_id if any(node["id"] == node_id and node.get("clickable") for node in nodes) else None


def lecture_stages() -> list[dict[str, Any]]:
    """The lectures' two stages; a node whose id is the address of an existing lesson can be clicked."""

    def node(node_id: str, title: str, text: str, column: int, *after: str) -> dict[str, Any]:
        return {
            "id": node_id,
            "title": title,
            "text": text,
            "column": column,
            "after": list(after),
            "clickable": sitemap.has_lesson(node_id),
        }

    return [
        {
            "title": _("Stage 1 · Pretraining"),
            "text": _("Learn to predict the next token, from text that nobody labelled."),
            "nodes": [
                node("data", _("Raw text"), _("Books, news, stories: nothing but text."), 1),
                node("tokenization", _("Tokens"), _("The text cut into pieces with numbers."), 2, "data"),
                node(
                    "embeddings",
                    _("Windows and vectors"),
                    _("Training examples; a vector per id."),
                    3,
                    "tokenization",
                ),
                node("pretraining", _("Pretraining"), _("Guess the next token, measure, correct."), 4, "embeddings"),
                node("foundation", _("Foundation model"), _("It continues any text."), 5, "pretraining"),
                node("generation", _("Generation"), _("Draw one token after another."), 6, "foundation"),
            ],
        },
        {
            "title": _("Stage 2 · Fine-tuning"),
            "text": _("Go on training the same model, on few examples of one task."),
            "nodes": [
                node("finetuning", _("Fine-tuning"), _("Labelled examples adjust the weights."), 5, "foundation"),
                node("classification", _("Classifier"), _("Spam or not? Which topic?"), 6, "finetuning"),
                node("instructions", _("Assistant"), _("Follows an instruction."), 6, "finetuning"),
            ],
        },
    ]
