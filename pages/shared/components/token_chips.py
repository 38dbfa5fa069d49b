"""Text cut into tokens: one coloured chip per token, wrapping like text, with its bytes where they tell something."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from pages.shared.chips import CONTINUATION, Chip, escaped
from pages.shared.components.mount import clicked, ignore, register

MAX_CHIPS = 20_000
_mount = register("token_chips")


def token_chips(
    chips: Sequence[Chip],
    key: str,
    *,
    label: str,
    selected: int | None = None,
    show_whitespace: bool = False,
    show_bytes: bool = False,
    marks: Collection[int] = (),
    height: int | None = None,
) -> int | None:
    """Show chips; returns the index of the chip that was just clicked, once, else None.

    Hovering or focusing a chip tells its id, bytes and offsets and lights all chips of the same id. Bytes stand under
    every chip that is not ASCII, and under all with `show_bytes`; `show_whitespace` draws spaces and control
    characters as symbols. `marks` holds the indices of chips whose first boundary gets a bar. Beyond `height` pixels
    (None: about half a screen) the chips scroll. Raises `ValueError` for more than 20,000 chips.
    """
    if len(chips) > MAX_CHIPS:
        raise ValueError(f"{len(chips):,} chips are too many to show at once; the limit is {MAX_CHIPS:,}.")
    unusual = {index: row for index, chip in enumerate(chips) if (row := _unusual(chip)) is not None}
    result = _mount(
        key=key,
        data={
            "ids": [chip.id for chip in chips],
            "texts": [chip.text for chip in chips],
            "starts": [chip.start for chip in chips],
            "ends": [chip.end for chip in chips],
            "unusual": unusual,
            "marks": sorted(index for index in marks if 0 <= index < len(chips)),
            "selected": selected if selected is not None and 0 <= selected < len(chips) else None,
            "whitespace": show_whitespace,
            "bytes": show_bytes,
            "height": height,
            "label": label,
        },
        on_clicked_change=ignore,
    )
    index = clicked(result)
    return index if isinstance(index, int) and 0 <= index < len(chips) else None


def _unusual(chip: Chip) -> list[Any] | None:
    """What the text alone does not tell: [bytes of an earlier character, goes on in the next token, bytes, name].

    None for a token of whole characters. The name is that of a token that hides the text, such as <|unk|>.
    """
    data, text = chip.data, chip.text
    if text.encode("utf-8", "surrogatepass") == data:
        return None
    n_head = len(data) - len(data.lstrip(CONTINUATION))
    head = escaped(data[:n_head])
    if not text.startswith(head):
        n_head, head = 0, ""
    rest = text[len(head) :].encode("utf-8", "surrogatepass")
    if rest.startswith(data[n_head:]):
        return [n_head, int(len(rest) > len(data) - n_head), data.hex(), ""]
    try:
        return [0, 0, data.hex(), data.decode("utf-8")]
    except UnicodeDecodeError:
        return [0, 0, data.hex(), ""]
