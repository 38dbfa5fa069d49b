"""A lesson on two sheets of paper: one for the class, one with the answers for the teacher.

`to_html` writes any number of lessons as one page that needs nothing else: no script runs, nothing is loaded, every
text is escaped. Printed on A4, each lesson begins on a new sheet.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import segno

from engine.language import _, language
from engine.report_page import escaped

_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
@page { size: A4; margin: 12mm 16mm; }
body { margin: 0 auto; padding: 1.5rem; max-width: 54rem; background: #fff; color: #0f1720;
  font: 16px/1.45 "Source Sans", "Segoe UI", Helvetica, Arial, sans-serif; overflow-wrap: anywhere; }
article { break-after: page; padding-bottom: 2.5rem; }
article:last-child { break-after: auto; }
header { display: flex; justify-content: space-between; align-items: flex-start; gap: 1.5rem;
  border-bottom: 3px solid #0072b2; padding-bottom: 0.6rem; }
header svg { width: 7.2rem; height: 7.2rem; flex: none; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0 0 0.3rem; }
h2 { font-size: 1.1em; margin: 1.1em 0 0.3em; break-after: avoid; }
p { margin: 0.3rem 0; }
.quiet { color: #4a5561; font-size: 0.92em; }
ol, ul { margin: 0; padding-left: 1.4rem; }
li { margin: 0.2em 0; break-inside: avoid; }
.steps { list-style: none; padding-left: 0; }
.steps li { padding-left: 1.9rem; position: relative; }
.steps li::before { content: ""; position: absolute; left: 0; top: 0.2em; width: 1em; height: 1em;
  border: 1.5px solid #0f1720; border-radius: 2px; }
.answers { list-style: upper-alpha; }
.right { font-weight: 700; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: 0.25em 0.6em 0.25em 0; border-bottom: 1px solid #c3ccd5; }
th { font-weight: 500; }
td { text-align: right; font-weight: 650; white-space: nowrap; }
section { break-inside: avoid; }
@media print { body { padding: 0; max-width: none; font: 9.3pt/1.4 Helvetica, Arial, sans-serif; }
  article { padding-bottom: 0; } h1 { font-size: 16pt; } header svg { width: 6rem; height: 6rem; } }
"""


@dataclass(frozen=True)
class Asked:
    """A question with its answers, the number of the right one, and a sentence about each."""

    text: str
    answers: tuple[str, ...]
    right: int
    why: tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """All that stands on a lesson's sheets.

    `steps` are (title, what to do, part of the lesson); `notice` is (part, what to see there); `numbers` are (what,
    value) as measured here and now; `address` opens the lesson.
    """

    title: str
    goal: str
    minutes: int
    steps: tuple[tuple[str, str, str], ...]
    notice: tuple[tuple[str, str], ...]
    numbers: tuple[tuple[str, str], ...]
    questions: tuple[Asked, ...]
    address: str
    printed: str


def to_html(sheets: Sequence[Sheet]) -> str:
    """The sheets as one HTML page."""
    title = sheets[0].title if len(sheets) == 1 else _("Lesson sheets")
    body = "\n".join(_lesson(each) + _teacher(each) for each in sheets)
    return (
        f'<!doctype html>\n<html lang="{language()}">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n"
        "</body>\n</html>\n"
    )


def _lesson(sheet: Sheet) -> str:
    steps = "".join(
        f"<li><strong>{escaped(_ended(title))}</strong> {escaped(text)}"
        + (f' <span class="quiet">{escaped(_part(part))}</span>' if part else "")
        + "</li>"
        for title, text, part in sheet.steps
    )
    notice = "".join(
        f"<li>{f'<strong>{escaped(_ended(part))}</strong> ' if part else ''}{escaped(text)}</li>"
        for part, text in sheet.notice
    )
    about = _("About {minutes} minutes", minutes=sheet.minutes)
    questions = "".join(f"<li>{escaped(asked.text)}{_answers(asked, right=False)}</li>" for asked in sheet.questions)
    return (
        f"<article>\n<header><div><h1>{escaped(sheet.title)}</h1><p>{escaped(sheet.goal)}</p>"
        f'<p class="quiet">{escaped(about)} · {escaped(sheet.address)}</p></div>'
        f"{_qr(sheet.address)}</header>\n"
        + _section(_("Your way"), f'<ol class="steps">{steps}</ol>', steps)
        + _section(_("What to notice"), f"<ul>{notice}</ul>", notice)
        + _section(_("Questions for the class"), f"<ol>{questions}</ol>", questions)
        + "</article>\n"
    )


def _teacher(sheet: Sheet) -> str:
    numbers = "".join(
        f'<tr><th scope="row">{escaped(what)}</th><td>{escaped(value)}</td></tr>' for what, value in sheet.numbers
    )
    heading = _("{title}: for the teacher", title=sheet.title)
    measured = _("Measured on this server, {printed}", printed=sheet.printed)
    answers = "".join(f"<li>{escaped(asked.text)}{_answers(asked, right=True)}</li>" for asked in sheet.questions)
    return (
        f"<article>\n<header><div><h1>{escaped(heading)}</h1>"
        f'<p class="quiet">{escaped(measured)}</p></div></header>\n'
        + _section(_("Numbers to expect"), f"<table><tbody>{numbers}</tbody></table>", numbers)
        + _section(_("Answers"), f"<ol>{answers}</ol>", answers)
        + "</article>\n"
    )


def _section(title: str, body: str, content: str) -> str:
    return f"<section>\n<h2>{escaped(title)}</h2>\n{body}\n</section>\n" if content else ""


def _part(title: str) -> str:
    return _("Part “{part}”.", part=title)


def _ended(title: str) -> str:
    return title if title.endswith(("?", "!", ".")) else f"{title}."


def _answers(asked: Asked, *, right: bool) -> str:
    lines = []
    for place, (answer, why) in enumerate(zip(asked.answers, asked.why, strict=True)):
        if right:
            mark = ' class="right"' if place == asked.right else ""
            sign = "✓ " if place == asked.right else ""
            lines.append(
                f'<li><span{mark}>{sign}{escaped(answer)}</span> <span class="quiet">{escaped(why)}</span></li>'
            )
        else:
            lines.append(f"<li>{escaped(answer)}</li>")
    return f'<ol class="answers">{"".join(lines)}</ol>'


def _qr(address: str) -> str:
    out = io.BytesIO()
    segno.make(address, error="m").save(out, kind="svg", xmldecl=False, svgns=True, scale=4, border=2, title="QR code")
    return out.getvalue().decode("utf-8").replace("<svg ", '<svg role="img" aria-label="QR code of the lesson" ', 1)
