"""Tables for readers of another language: names, numbers and words are theirs, and the values stay what they are."""

import pandas as pd
import pyarrow
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from engine import language
from pages.shared import tables


def draw(monkeypatch, code: str, frame: pd.DataFrame, **kwargs):
    monkeypatch.setattr(language, "_readers_language", lambda: code)

    def page(frame, kwargs):
        from pages.shared.tables import show_table

        show_table(frame, hide_index=True, **kwargs)

    app = AppTest.from_function(page, args=(frame, kwargs)).run()
    assert not app.exception
    return app.dataframe[0]


def shown(element) -> dict[str, list[str]]:
    """What the cells of each column say."""
    data = pyarrow.ipc.open_stream(element.proto.arrow_data.styler.display_values).read_all().to_pydict()
    return {name: cells for name, cells in data.items() if not name.startswith("__")}


FRAME = pd.DataFrame(
    {
        "loss": [1234.5, float("nan")],
        "share": [0.125, 1.0],
        "id": [50_256, 7],
        "tokens": [12_345, 6],
        "kind": ["word"] * 2,
    }
)
FORMATS = {
    "loss": st.column_config.NumberColumn(format="%.2f"),
    "share": st.column_config.NumberColumn(format="percent"),
    "tokens": st.column_config.NumberColumn(format="localized"),
}


def test_numbers_have_the_signs_of_the_language_and_columns_stay_numbers(monkeypatch):
    element = draw(monkeypatch, "fr", FRAME, column_config=FORMATS, words=["kind"])
    cells = shown(element)
    assert cells["loss"] == ["1234,50", "–"] and cells["share"] == ["12,5\u00a0%", "100\u00a0%"]
    assert cells["id"] == ["50256", "7"] and cells["tokens"] == ["12\u202f345", "6"] and cells["kind"] == ["mot", "mot"]
    assert element.value["loss"].dtype == "float64" and '"perte"' in element.proto.columns


def test_english_tables_are_written_by_streamlit(monkeypatch):
    element = draw(monkeypatch, "en", FRAME, column_config=FORMATS, words=["kind"])
    assert not element.proto.arrow_data.HasField("styler") and "%.2f" in element.proto.columns


def test_a_large_table_is_left_to_the_browser(monkeypatch):
    monkeypatch.setattr(tables, "MOST_WRITTEN", 3)
    element = draw(monkeypatch, "fr", FRAME, column_config=FORMATS)
    assert not element.proto.arrow_data.HasField("styler") and "%.2f" not in element.proto.columns


@pytest.mark.parametrize(
    ("form", "value", "said"),
    [
        (None, 3.1, "3,1"),
        (None, -0.00001, "0"),
        ("%.1f %%", 12.34, "12,3\u00a0%"),
        ("%+.2f", 1.5, "+1,50"),
        ("%d", 7.0, "7"),
        ("%.4g", 0.0000123456, "0,00001235"),
        ("localized", 1234.5678, "1\u202f234,568"),
        ("%.2f", float("inf"), "inf"),
    ],
)
def test_streamlits_formats_are_written_in_french(monkeypatch, form, value, said):
    monkeypatch.setattr(language, "_readers_language", lambda: "fr")
    assert tables._writer(form)(value) == said
