"""Keeps a choice, such as the language, in a cookie of the browser."""

from __future__ import annotations

from pages.shared.components.mount import register

_mount = register("kept_choice")


def keep_choice(cookie: str, value: str) -> None:
    """Have the browser keep `value` (a short word) under the name `cookie` for a year."""
    _mount(key=f"kept-{cookie}", data={"cookie": cookie, "value": value})
