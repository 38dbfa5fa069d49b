"""“Save” under a figure: PNG, SVG, a page that stands for itself, and the data as CSV.

The menu is filled when it is opened, and a file is made when its button is pressed: until then a figure costs one
closed popover.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState

from engine import figures
from engine.language import _
from engine.runs import service as run_service

Make = Callable[[], bytes]
_NAMES = ("blue", "orange", "green", "red", "yellow", "violet", "gray")


_saving: ContextVar[bool] = ContextVar("saving", default=True)


@contextmanager
def saving(allowed: bool) -> Iterator[None]:
    """Whether what is drawn here has its menu: in a panel that a fast clock draws, it would cost a third more."""
    before = _saving.set(allowed)
    try:
        yield
    finally:
        _saving.reset(before)


def show_save(title: str, files: Callable[[], list[tuple[str, str, str, Make, str]]], *, note: str = "") -> None:
    """A small menu. `files` is asked for (label, ending, type, what makes it, help) when the menu is open."""
    key = _free_key(title) if _saving.get() else None
    if key is None:
        return
    menu = st.popover(
        _("Save"),
        icon=":material/download:",
        type="tertiary",
        key=key,
        on_change="rerun",
        help=_("This figure as a file: picture, page or table."),
    )
    if not menu.open:
        return
    name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "figure"
    with menu:
        for label, ending, mime, make, about in files():
            st.download_button(
                label,
                data=make,
                file_name=f"{name}.{ending}",
                mime=mime,
                key=f"{key}:{ending}",
                icon=":material/download:",
                on_click="ignore",
                width="stretch",
                help=about,
            )
        if note:
            st.caption(note)


def chart_files(
    spec: dict[str, Any], data: pd.DataFrame, title: str, summary: str
) -> list[tuple[str, str, str, Make, str]]:
    """The files of a chart of ours."""
    colours, folder = theme_colours(), run_service.lab().settings.home / "cache"

    def whole() -> dict[str, Any]:
        return figures.standalone(spec, data, colours)

    return [
        (
            _("Picture (PNG)"),
            "png",
            "image/png",
            lambda: figures.to_png(whole()),
            _("For slides; twice the screen's points."),
        ),
        (
            _("Drawing (SVG)"),
            "svg",
            "image/svg+xml",
            lambda: figures.to_svg(whole()),
            _("For print: sharp at any size."),
        ),
        (
            _("Page (HTML)"),
            "html",
            "text/html",
            lambda: figures.to_page(whole(), title, summary, folder),
            _("Pointing tells the values, and it needs no network. The first one of a server takes some seconds."),
        ),
        table_file(data),
    ]


def table_file(data: pd.DataFrame) -> tuple[str, str, str, Make, str]:
    """A table as a file."""
    return (_("Data (CSV)"), "csv", "text/csv", lambda: figures.to_csv(data), _("The numbers, for a spreadsheet."))


def page_of_plotly(figure: Any) -> tuple[str, str, str, Make, str]:
    """A figure of plotly as a page that can be turned and needs no network."""
    return (
        _("Page (HTML)"),
        "html",
        "text/html",
        lambda: figure.to_html(include_plotlyjs=True, full_html=True).encode("utf-8"),
        _("The cloud can be turned in it, and it needs no network."),
    )


def theme_colours() -> dict[str, str]:
    """The names that charts use, as the light theme has them: a file is read on white."""
    found = {name: st.get_option(f"theme.light.{name}Color") for name in _NAMES}
    return {name: str(colour) for name, colour in found.items() if colour}


def plain_title(spec: dict[str, Any], otherwise: str) -> str:
    """The title of a chart's specification."""
    title = spec.get("title")
    text = title.get("text") if isinstance(title, dict) else title
    return text if isinstance(text, str) and text else otherwise


def _free_key(title: str) -> str | None:
    """A key that no other figure of this run has; None outside of a page's script."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        return None
    taken = context.shared.widget_user_keys_this_run
    base = hashlib.sha256(title.encode("utf-8", "replace")).hexdigest()[:10]
    place = (ThreadState.get().fragment_id or "")[:6]
    number = 0
    while f"save:{base}{place}:{number}" in taken:
        number += 1
    return f"save:{base}{place}:{number}"
