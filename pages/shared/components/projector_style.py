"""Larger type and stronger contrast of the whole page, for as long as it is mounted."""

from __future__ import annotations

from pages.shared.components.mount import register

_mount = register("projector_style")


def show_projector_style() -> None:
    """Have the page look as a room needs it."""
    _mount(key="projector-style", data={})
