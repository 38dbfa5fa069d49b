"""Figures as files: pictures that show the data, pages that need nothing else, tables that are no formulas."""

from __future__ import annotations

import csv
import io
import json
import re

import pandas as pd
import pytest

from engine import figures
from engine.figures import FigureError, standalone, to_csv, to_page, to_png, to_svg

EVIL = '</script><script>alert(1)</script><!-- "\u202e'
DATA = pd.DataFrame({"name": ["a", EVIL], "value": [1.5, float("nan")]})
SPEC = {
    "title": "blue",
    "mark": {"type": "bar", "color": "blue"},
    "encoding": {"x": {"field": "value", "type": "quantitative"}, "y": {"field": "name", "type": "nominal"}},
}
COLOURS = {"blue": "#0072B2"}


def test_names_of_colours_become_the_themes_where_something_is_painted_and_only_there():
    spec = standalone(SPEC, DATA, COLOURS)
    assert spec["mark"]["color"] == "#0072B2" and spec["title"] == "blue"
    assert SPEC["mark"]["color"] == "blue" and "data" not in SPEC
    assert spec["data"]["values"][1] == {"name": EVIL, "value": None}


def test_a_chart_becomes_a_picture_and_a_drawing():
    spec = standalone(SPEC, DATA, COLOURS)
    assert to_png(spec).startswith(b"\x89PNG\r\n\x1a\n")
    drawing = to_svg(spec).decode()
    assert drawing.startswith("<svg") and "#0072B2" in drawing and "<script" not in drawing


def test_a_page_holds_its_data_as_data_and_loads_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "_convert", lambda kind, spec: b"/* library: </script> <!-- */")
    page = to_page(standalone(SPEC, DATA, COLOURS), EVIL, EVIL, tmp_path / "cache").decode()
    assert len(re.findall("</script", page)) == 3 and "<!--" not in page and page.count("<script") == 3
    held = re.search(r'id="spec">(.*?)</script>', page, re.S)
    assert held is not None and json.loads(held[1])["data"]["values"][1]["name"] == EVIL
    assert "default-src 'none'" in page and not re.search(r'(src|href)="', page)
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_a_table_has_no_cell_that_a_spreadsheet_runs():
    rows = list(csv.reader(io.StringIO(to_csv(pd.DataFrame({"=x": ["=1+1", "fine"], "n": [-1, 2]})).decode())))
    assert rows == [["'=x", "n"], ["'=1+1", "-1"], ["fine", "2"]]


def test_too_many_rows_and_a_broken_chart_are_refused_with_a_sentence():
    with pytest.raises(FigureError, match="save the table"):
        standalone(SPEC, pd.DataFrame({"a": range(figures.MAX_ROWS + 1)}), {})
    with pytest.raises(FigureError, match="CSV"):
        to_svg({"mark": 3})
