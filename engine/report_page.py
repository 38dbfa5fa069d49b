"""A report card as a page that needs nothing else, to be printed or sent: curves are inline SVG, nothing is loaded.

No script runs, and every text of a learner, a model or a corpus is escaped.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Sequence
from typing import Any

from engine.language import _, language, number
from engine.report import Card, Facts, Lines, Samples, Section, Table

_COLOURS = ("#0072B2", "#D55E00", "#00805E", "#A8487F", "#8A6D00", "#56616D")
_DASHES = ("", "7 4", "2 3", "9 3 2 3", "12 4", "4 4")
# What HTML does not allow, or what would change the direction of everything behind it.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 760, 330, 62, 120, 34, 46
_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 56rem; background: #fff; color: #0f1720;
  font: 16px/1.5 "Source Sans", "Segoe UI", Helvetica, Arial, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.9rem; margin: 0; }
h2 { font-size: 1.25rem; margin: 2rem 0 0.6rem; border-bottom: 2px solid #0072b2; padding-bottom: 0.2rem; }
h3 { font-size: 1rem; margin: 1rem 0 0.3rem; }
.quiet { color: #4a5561; margin: 0.4rem 0 0; font-size: 0.92rem; }
.large { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 0.7rem; margin: 0; }
.large div { border: 1px solid #c3ccd5; border-radius: 6px; padding: 0.5rem 0.8rem; }
.large dt { color: #4a5561; font-size: 0.9rem; }
.large dd { margin: 0; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.small { columns: 2; column-gap: 2.5rem; margin: 0; font-size: 0.92rem; }
.small div { display: flex; justify-content: space-between; gap: 1rem; border-bottom: 1px solid #e3e8ed;
  break-inside: avoid; }
.small dt { color: #4a5561; }
.small dd { margin: 0; text-align: right; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; font-size: 0.95rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.6rem 0.3rem 0; border-bottom: 1px solid #c3ccd5; }
thead th { border-bottom: 2px solid #0f1720; }
tbody th { font-weight: 500; }
td, th { overflow-wrap: break-word; }
th.step { white-space: nowrap; }
svg { width: 100%; height: auto; font: 13px Helvetica, Arial, sans-serif; }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere;
  font: 0.92rem/1.45 ui-monospace, Menlo, Consolas, monospace; }
section { break-inside: avoid-page; overflow-x: auto; }
@media (max-width: 600px) { body { padding: 0.8rem; } .small { columns: 1; } svg { min-width: 32rem; } }
@media print { body { padding: 0; max-width: none; font-size: 11pt; } }
"""


def to_html(card: Card) -> str:
    """The card as one HTML page that needs nothing else: no script, no request, every text escaped."""
    body = "\n".join(_section(each) for each in card.sections)
    title = _("Report card: {title}", title=card.title)
    return (
        f'<!doctype html>\n<html lang="{language()}">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f'<header><h1>{_own(card.title)}</h1>\n<p class="quiet">{escaped(card.subtitle)}</p></header>\n'
        f"{body}\n</main>\n</body>\n</html>\n"
    )


def escaped(text: str) -> str:
    """Escaped; what cannot be seen or would turn the writing direction stands as \\\\u and its number."""
    return html.escape(_UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", str(text)), quote=True)


def _own(text: str) -> str:
    """A text of a learner, a model or a corpus: its direction stays its own."""
    return f"<bdi>{escaped(text)}</bdi>"


def _section(section: Section) -> str:
    write = {Facts: _facts_html, Table: _table_html, Lines: _lines_html, Samples: _samples_html}[type(section)]
    return f"<section>\n<h2>{escaped(section.title)}</h2>\n{write(section)}\n</section>"  # type: ignore[operator]


def _facts_html(facts: Facts) -> str:
    rows = "".join(f"<div><dt>{escaped(name)}</dt><dd>{_own(value)}</dd></div>" for name, value in facts.rows)
    return f'<dl class="{"large" if facts.large else "small"}">{rows}</dl>'


def _table_html(table: Table) -> str:
    head = "".join(f'<th scope="col">{_own(name)}</th>' for name in table.head)
    rows = "".join(
        f'<tr><th scope="row">{_own(row[0])}</th>' + "".join(f"<td>{_own(cell)}</td>" for cell in row[1:]) + "</tr>"
        for row in table.rows
    )
    note = f'<p class="quiet">{escaped(table.note)}</p>' if table.note else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{note}"


def _samples_html(samples: Samples) -> str:
    parts = []
    for prompt, written in samples.prompts:
        rows = "".join(
            f'<tr><th scope="row" class="step">{escaped(_("step {step:,}", step=step))}</th>'
            f"<td><pre>{_own(text)}</pre></td></tr>"
            for step, text in written
        )
        after = escaped(_("After {prompt}")).replace("{prompt}", _own(repr(prompt)[1:-1]))
        parts.append(f"<h3>{after}</h3><table><tbody>{rows}</tbody></table>")
    return "".join(parts)


def _lines_html(lines: Lines) -> str:
    """The chart as inline SVG: round numbers on the axes, a dash for every series, levels named at the right."""
    points = [point for _unused, series in lines.series for point in series]
    ys = [y for _unused, y in points] + [y for _unused, y in lines.levels]
    x_low, x_high = min(x for x, _unused in points), max(x for x, _unused in points)
    y_ticks = ticks(min(ys), max(ys), 6)
    y_low, y_high = min(y_ticks[0], min(ys)), max(y_ticks[-1], max(ys))
    wide, high = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            _LEFT + wide * (x - x_low) / ((x_high - x_low) or 1),
            _TOP + high * (1 - (y - y_low) / ((y_high - y_low) or 1)),
        )

    drawn = [_tick_marks(at, ticks(x_low, x_high, 6), y_ticks, (x_low, x_high))]
    lowest = float(_HEIGHT)  # of the labels so far, from below: none may cover another
    for name, level in sorted(lines.levels, key=lambda each: each[1]):
        (left, y), (right, _unused) = at(x_low, level), at(x_high, level)
        lowest = min(y + 4, lowest - 15)
        drawn.append(
            f'<line x1="{left:.1f}" y1="{y:.1f}" x2="{right:.1f}" y2="{y:.1f}" stroke="#56616d" '
            'stroke-dasharray="2 3"/>'
            f'<text x="{right + 6:.1f}" y="{lowest:.1f}" fill="#4a5561">{escaped(name)} {number(level, ".2f")}</text>'
        )
    left = float(_LEFT)
    for place, (name, series) in enumerate(lines.series):
        colour, dash = (
            _COLOURS[place % len(_COLOURS)],
            _DASHES[(place + 1) % 2 if len(lines.series) == 2 else place % 6],
        )
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in series))
        style = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
        drawn.append(f'<polyline points="{path}" {style}/>')
        drawn.append(f'<line x1="{left:.0f}" y1="14" x2="{left + 28:.0f}" y2="14" {style}/>')
        drawn.append(f'<text x="{left + 34:.0f}" y="18" fill="#0f1720">{escaped(name)}</text>')
        left += 60 + 8 * len(name)
    centre, middle = _LEFT + wide / 2, _TOP + high / 2
    axis = (
        f'<text x="{centre:.0f}" y="{_HEIGHT - 8}" text-anchor="middle" fill="#0f1720">{escaped(lines.x)}</text>'
        f'<text x="14" y="{middle:.0f}" text-anchor="middle" fill="#0f1720" '
        f'transform="rotate(-90 14 {middle:.0f})">{escaped(lines.y)}</text>'
    )
    said = "; ".join(
        _("{name} from {value:.3g} to {value_2:.3g}", name=name, value=series[0][1], value_2=series[-1][1])
        for name, series in lines.series
        if series
    )
    label = escaped(f"{lines.title}: {said}.")
    picture = f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">{"".join(drawn)}{axis}</svg>'
    return f'{picture}<p class="quiet">{escaped(said[:1].upper() + said[1:])}.</p>'


def _tick_marks(at: Any, x_ticks: Sequence[float], y_ticks: Sequence[float], x_range: tuple[float, float]) -> str:
    marks = []
    for tick in y_ticks:
        (left, y), (right, _unused) = at(x_range[0], tick), at(x_range[1], tick)
        marks.append(
            f'<line x1="{left:.1f}" y1="{y:.1f}" x2="{right:.1f}" y2="{y:.1f}" stroke="#e3e8ed"/>'
            f'<text x="{left - 8:.1f}" y="{y + 4:.1f}" text-anchor="end" fill="#4a5561">{number(tick, "g")}</text>'
        )
    for tick in x_ticks:
        if x_range[0] <= tick <= x_range[1]:
            x, y = at(tick, y_ticks[0])
            y = max(y, _HEIGHT - _BOTTOM)
            marks.append(
                f'<text x="{x:.1f}" y="{y + 20:.1f}" text-anchor="middle" fill="#4a5561">{number(tick, ",.6g")}</text>'
            )
    return "".join(marks)


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers from `low` to `high`, at most about `most` of them: 1, 2 or 5 times a power of ten apart.

    >>> ticks(0.3, 8.3, 5)
    [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    """
    if not high > low:
        return [low, low + 1]
    rough = (high - low) / max(most - 1, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(each * power for each in (1, 2, 5, 10) if each * power >= rough * 0.999)
    first, last = math.floor(low / step), math.ceil(high / step - 1e-9)
    return [round(n * step, 10) for n in range(first, last + 1)]
