"""The table of devices that a bill is reckoned with: shipped numbers that a learner can overwrite."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from engine.hardware import DEVICES
from engine.language import N_, _
from pages.shared.edited_table import edited_table

MAX_ROWS = 12
COLUMNS = (N_("Device"), N_("Peak (TFLOP/s)"), N_("Utilisation (%)"), N_("$ per hour"), N_("Where from"), N_("Date"))


@dataclass(frozen=True)
class Row:
    """A device as the table has it now: peak in FLOP/s, utilisation from 0 to 1, price in dollars an hour."""

    name: str
    peak: float
    utilisation: float
    price: float


def edited_devices() -> list[Row]:
    """The table of devices as edited. What was edited outlives a page switch."""
    with st.expander(_("Devices: change prices, peaks and utilisation"), icon=":material/edit:"):
        edited = edited_table(
            "cost",
            usual_table,
            reset=_("Back to the course's table"),
            column_config={
                COLUMNS[0]: st.column_config.TextColumn(_(COLUMNS[0]), required=True, max_chars=30),
                COLUMNS[1]: st.column_config.NumberColumn(
                    _(COLUMNS[1]),
                    min_value=0.001,
                    format="localized",
                    help=_("Dense products of 16-bit numbers, as the maker gives it."),
                ),
                COLUMNS[2]: st.column_config.NumberColumn(
                    _(COLUMNS[2]),
                    min_value=0.1,
                    max_value=100.0,
                    format="localized",
                    help=_("The share of the peak that a training reaches (MFU)."),
                ),
                COLUMNS[3]: st.column_config.NumberColumn(
                    _(COLUMNS[3]), min_value=0.0, format="dollar", help=_("US dollars for one.")
                ),
                COLUMNS[4]: st.column_config.TextColumn(_(COLUMNS[4]), max_chars=200),
                COLUMNS[5]: st.column_config.TextColumn(_(COLUMNS[5]), max_chars=30),
            },
        )
        st.caption(
            _(
                "Peaks are the makers'. Prices were looked up on the date given and change every month; a utilisation "
                "without a source is an assumption. Overwrite what you know better."
            )
        )
    return rows_of(edited)


def usual_table() -> pd.DataFrame:
    """The course's own devices, as the editor shows them."""
    rows = [
        (
            _(each.name),
            each.peak_half / 1e12,
            round(100 * each.utilisation, 1),
            each.price,
            _(each.source),
            _(each.date),
        )
        for each in DEVICES
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def rows_of(table: pd.DataFrame) -> list[Row]:
    """The rows that can be reckoned with: a name that is not there yet, a peak and utilisation above 0, a price."""
    found: dict[str, Row] = {}
    for name, peak, used, price in table[list(COLUMNS[:4])].itertuples(index=False):
        numbers = [_number(each) for each in (peak, used, price)]
        if not isinstance(name, str) or not name.strip() or name.strip() in found or None in numbers:
            continue
        row = Row(name.strip()[:30], 1e12 * numbers[0], numbers[1] / 100, numbers[2])  # type: ignore[operator,arg-type]
        if row.peak > 0 and 0 < row.utilisation <= 1 and row.price >= 0 and len(found) < MAX_ROWS:
            found[row.name] = row
    return list(found.values())


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
