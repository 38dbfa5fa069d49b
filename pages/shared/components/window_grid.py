"""Windows over a text: where they lie, how often each token is seen, and one window with its targets beneath."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pages.shared.components.mount import register

MAX_TOKENS = 400
MAX_WINDOWS = 60
_mount = register("window_grid")


def window_grid(
    tokens: Sequence[tuple[str, int]],
    starts: Sequence[int],
    inputs: Sequence[Sequence[int]],
    targets: Sequence[Sequence[int]],
    seen: tuple[Sequence[int], Sequence[int]],
    key: str,
    *,
    more: int = 0,
) -> None:
    """Draw an excerpt (text and id of each token), its windows, and how often each token is an input and a target.

    Window n begins at token `starts[n]` and holds the ids `inputs[n]` and `targets[n]`; `more` windows exist that are
    not passed. Choosing a window happens in the browser alone.
    Raises `ValueError` for lists of different lengths, a window outside the excerpt, or too much to draw.
    """
    n = len(tokens)
    if n > MAX_TOKENS or len(starts) > MAX_WINDOWS:
        raise ValueError(f"{n} tokens and {len(starts)} windows are too many: at most {MAX_TOKENS} and {MAX_WINDOWS}.")
    if not len(starts) == len(inputs) == len(targets) or any(len(counts) != n for counts in seen):
        raise ValueError("Each window needs a start, inputs and targets, and each token two counts.")
    if any(start < 0 or start + len(x) + 1 > n for start, x in zip(starts, inputs, strict=True)):
        raise ValueError("A window reaches beyond the excerpt.")
    data: dict[str, Any] = {
        "tokens": [[str(text), int(token_id)] for text, token_id in tokens],
        "starts": [int(start) for start in starts],
        "inputs": [[int(i) for i in row] for row in inputs],
        "targets": [[int(i) for i in row] for row in targets],
        "seen": [[int(count) for count in counts] for counts in seen],
        "more": int(more),
    }
    _mount(key=key, data=data)
