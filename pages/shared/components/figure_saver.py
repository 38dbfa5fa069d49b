"""What makes files of the components' figures, in the browser: mounted once on each page (`savable` in common.js)."""

from __future__ import annotations

import functools

import streamlit as st

from pages.shared.components.mount import register

_NAMES = (
    *("textColor", "secondaryBackgroundColor", "linkColor", "borderColor", "primaryColor"),
    *("grayColor", "blueColor", "orangeColor", "greenColor", "redColor", "yellowColor", "violetColor"),
)
_mount = register("figure_saver")


def mount_figure_saver() -> None:
    """Have the figures of this page be saved as the light theme has them: a file is read on white."""
    _mount(key="figure-saver", data={"light": _light()})


@functools.cache
def _light() -> dict[str, str]:
    """The colours of the light theme by CSS variable, on white."""
    colours = {_variable(name): str(st.get_option(f"theme.light.{name}")) for name in _NAMES}
    return {**colours, "--st-background-color": "#ffffff"}


def _variable(name: str) -> str:
    """The CSS variable of a theme's colour: "borderColor" -> "--st-border-color"."""
    return "--st-" + "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)
