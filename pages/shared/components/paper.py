"""A finished HTML page inside the page, sealed off: no script runs in it, nothing of the app can be reached."""

from __future__ import annotations

from pages.shared.components.mount import register

MAX_CHARS = 2_000_000
_mount = register("paper")


def paper(html: str, key: str, *, label: str, height: int = 760) -> None:
    """Show a self-contained HTML document, `height` pixels high, under the name `label`.

    Raises `ValueError` for a document of more than two million characters.
    """
    if len(html) > MAX_CHARS:
        raise ValueError(f"The document has {len(html):,} characters; at most {MAX_CHARS:,} can be shown.")
    _mount(key=key, data={"html": html, "label": label, "height": height})
