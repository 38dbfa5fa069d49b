"""Keeps the learner's random key in a cookie of the browser, so that a later visit is the same learner's."""

from __future__ import annotations

from pages.shared.components.mount import register

_mount = register("browser_key")


def keep_browser_key(cookie: str, learner_key: str) -> None:
    """Have the browser keep `learner_key` under the name `cookie` for a year, unless it has a key there."""
    _mount(key="browser-key", data={"cookie": cookie, "key": learner_key})
