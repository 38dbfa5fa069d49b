"""Controls that a teacher's link holds: locked, with a word about it, or out of sight.

The browser's part of it is for the eye and the keyboard; that nothing changes is the server's (`pages.shared.scenes`).
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.language import _
from pages.shared.components.mount import register

_mount = register("held_controls")


def hold_controls(keys: Sequence[str], *, hidden: bool) -> None:
    """Lock the controls with these keys wherever they stand on the page, or hide them."""
    _mount(key="held-controls", data={"keys": list(keys), "hidden": hidden, "note": _("set by the teacher")})
