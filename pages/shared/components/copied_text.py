"""A text whose copied spans are underlined buttons: press one, and the page shows where it stands in the source."""

from __future__ import annotations

from collections.abc import Sequence

from pages.shared.components.mount import clicked, ignore, register

MAX_CHARS = 60_000
_mount = register("copied_text")


def copied_text(
    pieces: Sequence[tuple[str, int | None]],
    notes: Sequence[str],
    key: str,
    *,
    label: str,
    selected: int | None = None,
    prompt: str = "",
) -> int | None:
    """Show pieces of a text, (text, number of its span or None) each; returns the span that was just pressed, once.

    `notes` says for each span by number what it is; `prompt` is drawn before the text, in bold. Raises `ValueError` for
    a span without a note or more than 60,000 characters.
    """
    if any(span is not None and not 0 <= span < len(notes) for _, span in pieces):
        raise ValueError(f"A piece belongs to a span without a note; there are {len(notes)} notes.")
    if sum(len(text) for text, _ in pieces) > MAX_CHARS:
        raise ValueError(f"The text is too long to show at once; the limit is {MAX_CHARS:,} characters.")
    data = {
        "pieces": [list(piece) for piece in pieces],
        "notes": list(notes),
        "label": label,
        "selected": selected,
        "prompt": prompt,
    }
    pressed = clicked(_mount(key=key, data=data, on_clicked_change=ignore))
    return pressed if isinstance(pressed, int) and 0 <= pressed < len(notes) else None
