"""Projector mode: what is shown to a room. Larger type, thick lines, strong contrast, and values written out that
otherwise only pointing tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from engine.language import _
from pages.shared.components.projector_style import show_projector_style
from pages.shared.tables import show_table

KEY = "projector"
LARGER, THICKER = 1.35, 1.8
MOST_ROWS = 400
WRITTEN_CELLS = 24
"""Grids of at most so many rows and columns have their numbers in the cells; larger ones have a table."""

_LETTERS = {"fontSize", "labelFontSize", "titleFontSize", "labelLimit", "titlePadding", "labelPadding", "symbolSize"}
_STROKES = {"strokeWidth", "symbolStrokeWidth"}
_DEFAULTS: dict[str, dict[str, float]] = {
    "text": {"fontSize": 16},
    "line": {"strokeWidth": 4},
    "rule": {"strokeWidth": 2.5},
    "trail": {"strokeWidth": 4},
}


def show_toggle() -> None:
    """The switch in the sidebar; `?projector=1` in the address has it on."""
    if KEY not in st.session_state and st.query_params.get(KEY, "").lower() in ("1", "true", "yes"):
        st.session_state[KEY] = True
    st.sidebar.toggle(
        _("Projector"),
        key=KEY,
        persist_state="session",
        help=_(
            "For showing a page to a room: larger type, thicker lines, and what otherwise pointing tells in writing."
        ),
    )
    if on():
        show_projector_style()
    elif KEY in st.query_params:
        del st.query_params[KEY]


def on() -> bool:
    """Whether this visitor shows the page to a room."""
    return bool(st.session_state.get(KEY, False))


def enlarged(spec: dict[str, Any]) -> dict[str, Any]:
    """A chart's specification with larger letters and thicker lines; the same for equal ones, and none is changed."""
    larger: dict[str, Any] = _enlarged(spec, "")
    if isinstance(spec.get("height"), (int, float)):
        larger["height"] = round(spec["height"] * 1.2)
    config = dict(larger.get("config", {}))
    for mark, defaults in _DEFAULTS.items():
        config[mark] = {**defaults, **config.get(mark, {})}
    config["axis"] = {**config.get("axis", {}), "gridOpacity": 1, "domain": True, "domainWidth": 2}
    larger["config"] = config
    return larger


def _enlarged(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _enlarged(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_enlarged(each, "") for each in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if name in _LETTERS:
            return value * LARGER
        if name in _STROKES:
            return value * THICKER
    return value


def show_values(table: pd.DataFrame) -> None:
    """What pointing tells, as a table; in projector mode only."""
    if not on() or table.empty:
        return
    with st.expander(_("The values"), icon=":material/table:"):
        show_table(table.head(MOST_ROWS), hide_index=True, width="stretch")
        if len(table) > MOST_ROWS:
            st.caption(_("The first {most_rows} of {n_table:,} rows.", most_rows=MOST_ROWS, n_table=len(table)))


def show_cells(matrix: np.ndarray, rows: Sequence[str] | None = None, columns: Sequence[str] | None = None) -> None:
    """The numbers of a grid that is too fine to have them in its cells; in projector mode only."""
    if not on() or max(matrix.shape) <= WRITTEN_CELLS:
        return
    n_rows, n_columns = min(matrix.shape[0], 100), min(matrix.shape[1], 100)
    names = [f"{n} {columns[n]}" if columns else str(n) for n in range(n_columns)]
    table = pd.DataFrame(matrix[:n_rows, :n_columns], columns=names)
    table.insert(0, "row", [f"{n} {rows[n]}" if rows else str(n) for n in range(n_rows)])
    show_values(table)
