"""A token as the tree of its merges: the token at the top, single bytes at the bottom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.language import N_, _
from engine.merges import merge_number
from engine.tokenizer import MergeTree
from pages.shared.components.mount import clicked, ignore, register

MAX_NODES = 400
_mount = register("merge_tree")


def merge_tree_view(
    tree: MergeTree,
    key: str,
    *,
    text: Callable[[bytes], str],
    count: Callable[[int], int | None] = lambda _unused: None,
    count_name: str = N_("times"),
) -> int | None:
    """Draw the tree; returns the id of the node that was just clicked, once, else None.

    Every node shows its token, read by `text`, its id, the number of its merge and, where `count` knows one, a count
    with its name. Of trees with more than 400 nodes the upper levels are drawn.
    """
    nodes = _flat(tree)
    rows = [
        [
            node.token_id,
            text(node.token),
            node.token.hex(" ") if len(node.token) <= 16 else _("{n_token} bytes", n_token=len(node.token)),
            None if node.rank is None else merge_number(node.token_id),
            count(node.token_id),
            children,
        ]
        for node, children in nodes
    ]
    result = _mount(
        key=key,
        data={"nodes": rows, "countName": _(count_name), "label": _("Merge tree")},
        on_clicked_change=ignore,
    )
    index = clicked(result)
    return rows[index][0] if isinstance(index, int) and 0 <= index < len(rows) else None


def n_nodes_drawn(tree: MergeTree) -> int:
    """How many nodes of the tree the figure holds, at most 400."""
    return len(_flat(tree))


def _flat(tree: MergeTree) -> list[tuple[MergeTree, list[int]]]:
    """The nodes level by level, each with the places of its two halves in the list; none where they are left out."""
    found: list[tuple[MergeTree, list[int]]] = [(tree, [])]
    for node, children in found:  # the list grows while it is read
        if node.left is not None and node.right is not None and len(found) + 2 <= MAX_NODES:
            children += [len(found), len(found) + 1]
            found += [(node.left, []), (node.right, [])]
    return found


def as_rows(tree: MergeTree, text: Callable[[bytes], str], count: Callable[[int], int | None]) -> list[dict[str, Any]]:
    """The same nodes as a table, in the order of their merges, each token once."""
    seen: dict[int, dict[str, Any]] = {}
    for node, _unused in _flat(tree):
        seen[node.token_id] = {
            "merge": None if node.rank is None else merge_number(node.token_id),
            "token": text(node.token),
            "id": node.token_id,
            N_("left part"): None if node.left is None else text(node.left.token),
            N_("right part"): None if node.right is None else text(node.right.token),
            "count": count(node.token_id),
        }
    return sorted(seen.values(), key=lambda row: row["id"])
