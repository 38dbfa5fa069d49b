"""Figures as files: a chart as PNG, SVG or a page that needs nothing else, and its data as CSV.

A chart is a Vega-Lite specification (Satyanarayan et al. 2017) and a table. Pictures are drawn by vl-convert in a
process of its own, a few at a time, so that nobody waits for the figures of another.
"""

from __future__ import annotations

import csv
import html
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from engine.errors import EngineError
from engine.language import _
from engine.spreadsheets import harmless_cell

Kind = Literal["svg", "png", "bundle"]
WIDTH = 760
MAX_ROWS = 20_000
"""A chart of more rows is saved as a table only."""
SECONDS = 90
_WORKER = Path(__file__).with_name("figure_worker.py")
_AT_ONCE = threading.BoundedSemaphore(2)
_PAINTED = {"color", "fill", "stroke", "value", "range", "labelColor", "titleColor"}
_MANY_VIEWS = {"hconcat", "vconcat", "concat", "facet", "repeat"}


class FigureError(EngineError):
    """A figure that cannot be made into a file."""


def standalone(
    spec: Mapping[str, Any], data: pd.DataFrame, colours: Mapping[str, str], width: int = WIDTH
) -> dict[str, Any]:
    """A specification with its data in it, that stands for itself: on white, `width` pixels wide.

    `colours` are the names that the pages' charts use, each with the colour of the theme. FigureError for more than
    20,000 rows.
    """
    if len(data) > MAX_ROWS:
        raise FigureError(
            _("a picture of {n_data:,} rows is too large: save the table (CSV) and draw from it.", n_data=len(data))
        )
    whole: dict[str, Any] = _painted(dict(spec), "", colours)
    whole["data"] = {"values": json.loads(data.to_json(orient="records", date_format="iso", default_handler=str))}
    whole["$schema"] = "https://vega.github.io/schema/vega-lite/v6.json"
    if not _MANY_VIEWS & whole.keys():
        whole.setdefault("width", width)
    return {**whole, "background": "#ffffff"}


def _painted(value: Any, name: str, colours: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _painted(each, key, colours) for key, each in value.items()}
    if isinstance(value, list):
        return [_painted(each, name, colours) for each in value]
    if isinstance(value, str) and name in _PAINTED:
        return colours.get(value, value)
    return value


def to_svg(spec: Mapping[str, Any]) -> bytes:
    """A standalone specification as SVG."""
    return _convert("svg", spec)


def to_png(spec: Mapping[str, Any]) -> bytes:
    """A standalone specification as PNG, two pixels for each of the screen's."""
    return _convert("png", spec)


def to_page(spec: Mapping[str, Any], title: str, summary: str, kept: Path) -> bytes:
    """A standalone specification as an HTML page with the drawing library in it: pointing tells the values.

    The library is put together once (some seconds) and kept in the folder `kept`. No text of the chart can become
    markup or script, and the page may not load anything.
    """
    held = json.dumps(spec).replace("<", "\\u003c")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n"
        "<style>body { margin: 1.5rem auto; max-width: 60rem; padding: 0 1rem; color: #0f1720; background: #fff; "
        "font: 16px/1.5 Helvetica, Arial, sans-serif; } #chart { overflow-x: auto; }</style>\n</head>\n<body>\n"
        f'<div id="chart"></div>\n<p>{html.escape(summary)}</p>\n'
        f'<script type="application/json" id="spec">{held}</script>\n'
        f"<script>{_bundle(kept)}</script>\n"
        '<script>vegaEmbed("#chart", JSON.parse(document.getElementById("spec").textContent), '
        "{ actions: false });</script>\n</body>\n</html>\n"
    ).encode()


def to_csv(data: pd.DataFrame) -> bytes:
    """A table as CSV for a spreadsheet, with no cell that it would take for a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([harmless_cell(str(name)) for name in data.columns])
    for row in data.itertuples(index=False):
        writer.writerow(["" if each is None or each != each else harmless_cell(each) for each in row])
    return out.getvalue().encode("utf-8", "replace")


def _bundle(kept: Path) -> str:
    import importlib.metadata

    file = kept / f"vega-{importlib.metadata.version('vl-convert-python')}.js"
    if not file.exists():
        made = _convert("bundle", {})
        kept.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
        part.write_bytes(made)
        part.replace(file)
    return file.read_text("utf-8").replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _convert(kind: Kind, spec: Mapping[str, Any]) -> bytes:
    with _AT_ONCE:
        try:
            done = subprocess.run(
                [sys.executable, "-I", str(_WORKER), kind],
                input=json.dumps(spec).encode(),
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise FigureError(
                _("the figure could not be drawn: {error}. Save its data as CSV instead.", error=error)
            ) from error
    if done.returncode or not done.stdout:
        raise FigureError(_("the figure could not be drawn. Save its data as CSV instead."))
    return done.stdout
