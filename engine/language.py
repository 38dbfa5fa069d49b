"""Messages in the reader's language, from gettext catalogs: `_("Train")`, `_("step {step:,}", step=1200)`.

A message is its English text; `assets/locales/fr.po` holds the French ones, and another language is one more such
file. Whoever draws for a reader tells `speak` how to find the reader's language; anywhere else messages are English.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import date, datetime
from functools import cache, lru_cache, wraps
from numbers import Real
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

from babel.messages.pofile import read_po

SOURCE = "en"
FOLDER = Path(__file__).resolve().parents[1] / "assets" / "locales"
_P = ParamSpec("_P")
_T = TypeVar("_T")
_readers_language: Callable[[], str] = lambda: SOURCE  # noqa: E731
_kept: ContextVar[str] = ContextVar("kept", default="")
_TELLING = 15
"""A message with so many letters around its values can be told from others by them."""


def speak(find: Callable[[], str]) -> None:
    """Sets how the language of whoever reads now is found: `find` returns its code, such as "fr"."""
    global _readers_language
    _readers_language = find


def language() -> str:
    """The code of the language of whoever reads now."""
    return _kept.get() or _readers_language()


def kept(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """The same function, to be called later and elsewhere, in the language of whoever reads now."""
    code = language()

    @wraps(function)
    def told(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        before = _kept.set(code)
        try:
            return function(*args, **kwargs)
        finally:
            _kept.reset(before)

    return told


@cache
def languages() -> dict[str, str]:
    """Code → own name of every language that has a catalog, English first."""
    from babel import Locale

    codes = [SOURCE, *sorted(file.stem for file in FOLDER.glob("*.po"))]
    return {code: str(Locale.parse(code).get_display_name(code)).capitalize() for code in codes}


@cache
def _catalog(code: str) -> Mapping[str, str | tuple[str, ...]]:
    """English → translation (of a plural: all its forms) of a language; messages not translated yet are absent."""
    file = FOLDER / f"{code}.po"
    if code == SOURCE or not file.is_file():
        return {}
    with file.open("rb") as opened:
        catalog = read_po(opened, locale=code)
    found: dict[str, str | tuple[str, ...]] = {}
    for message in catalog:
        if not message.id or message.fuzzy or not message.string:
            continue
        if isinstance(message.id, tuple):
            if all(message.string):
                found[str(message.id[0])] = tuple(message.string)
        else:
            found[str(message.id)] = str(message.string)
    return found


class Message(str):
    """English text, equal to it and usable as a key, that turns into the reader's language when it is shown.

    What shows it asks for `str(message)` or formats it, as Streamlit does with every label and text; all else (`==`,
    `hash`, `lower`, `join`) sees the English text.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return _(self[:])

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


def N_(message: str) -> Message:
    """Marks a message where it is written down, for what is made once and shown to readers of every language."""
    return Message(message)


def _(message: object, /, **values: Any) -> str:
    """The message in the reader's language, with `values` put in by name as `str.format` does.

    Without a translation it stays as it is, so that text which is no message may pass through; options that are no
    text become text. Numbers take the language's separators; whole ones without a format, as ids and years are, stay.

    >>> _("{n:,} tokens", n=1200)
    '1,200 tokens'
    """
    code = language()
    if not isinstance(message, str):
        return str(message) if code == SOURCE else _formatter(code).format_field(message, "")
    if code == SOURCE:
        return message.format(**values) if values else message[:]
    found = _catalog(code).get(message)
    text = message[:] if found is None else found[0] if isinstance(found, tuple) else found
    return _formatter(code).vformat(text, (), values) if values else text


def retold(text: str) -> str:
    """English text that a message made for somebody else, as the worker's notes on a run, in the reader's language.

    Its message is found by what stands around the values; text of no message stays as it is.

    >>> retold("Paused before training began.")
    'Paused before training began.'
    """
    code = language()
    return text if code == SOURCE else _retold(code, text)


@lru_cache(maxsize=512)
def _retold(code: str, text: str) -> str:
    catalog = _catalog(code)
    if text in catalog:
        return _(text)
    for message, form, pieces in _forms(code):
        found = form.fullmatch(text) if all(piece in text for piece in pieces) else None
        if found is None:
            continue
        formats = {name: spec for _before, name, spec, _how in string.Formatter().parse(message) if name}
        told = ""
        for before, name, _spec, _how in string.Formatter().parse(str(catalog[message])):
            told += before
            if name:
                value = found[name]
                said = " " in value or value[:1].isupper()  # else it is a number, or a name such as n_heads
                told += _formatter(code).swapped(value) if formats[name] else _retold(code, value) if said else value
        return told
    return text


@cache
def _forms(code: str) -> list[tuple[str, re.Pattern[str], list[str]]]:
    """Messages with values, those of most letters first: (message, what it looks like, what stands around them)."""
    found = []
    for message, other in _catalog(code).items():
        try:
            parsed = list(string.Formatter().parse(message))
        except ValueError:  # its braces are no placeholders
            continue
        names = [name for _before, name, _spec, _how in parsed if name]
        pieces = [before for before, _name, _spec, _how in parsed if before]
        if isinstance(other, str) and names and len(set(names)) == len(names) and len("".join(pieces)) >= _TELLING:
            form = "".join(re.escape(before) + (f"(?P<{name}>.+)" if name else "") for before, name, *_rest in parsed)
            found.append((message, re.compile(form, re.DOTALL), pieces))
    return sorted(found, key=lambda each: -len("".join(each[2])))


def plural_of(n: int, one: str, many: str) -> str:
    """The form of a noun that a count takes in the reader's language.

    >>> plural_of(1, "token", "tokens"), plural_of(0, "token", "tokens")
    ('token', 'tokens')
    """
    code = language()
    if code != SOURCE:
        found = _catalog(code).get(one)
        if isinstance(found, tuple):
            return found[min(_plural_form(code, n), len(found) - 1)]
    return one if n == 1 else many


def number(value: float, spec: str = ",") -> str:
    """A number with the separators of the reader's language.

    >>> number(12345.678, ",.1f")
    '12,345.7'
    """
    code = language()
    return format(value, spec) if code == SOURCE else _formatter(code).format_field(value, spec)


def day(when: date) -> str:
    """A day with its month in words.

    >>> from datetime import date
    >>> day(date(2026, 11, 21))
    '21 November 2026'
    """
    from babel.dates import format_date

    return str(format_date(when, "d MMMM y", locale=language()))


def moment(when: datetime) -> str:
    """A day and time of day.

    >>> from datetime import UTC
    >>> moment(datetime(2026, 11, 21, 9, 5, tzinfo=UTC))
    '21 November 2026, 09:05 UTC'
    """
    return f"{day(when)}, {when:%H:%M} {when.tzname() or ''}".rstrip()


def separators() -> dict[str, str]:
    """What stands before the decimals, between the thousands and for per cent, by the reader's language."""
    code = language()
    return {"decimal": ".", "thousands": ",", "percent": "%"} if code == SOURCE else _separators(code)


def cached_by_language(maxsize: int | None = 128) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """`lru_cache` for functions whose result holds messages: one result for each language."""

    def decorate(function: Callable[_P, _T]) -> Callable[_P, _T]:
        @lru_cache(maxsize=maxsize)
        def in_language(_code: str, *args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        @wraps(function)
        def asked(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            return cast(_T, in_language(language(), *args, **kwargs))  # type: ignore[arg-type]

        return asked

    return decorate


class _Formatter(string.Formatter):
    """`str.format` with the separators of a language."""

    def __init__(self, code: str) -> None:
        signs = _separators(code)
        self.swap = str.maketrans({",": signs["thousands"], ".": signs["decimal"], "%": signs["percent"]})

    def format_field(self, value: Any, format_spec: str) -> str:
        text = format(value, format_spec)
        is_number = isinstance(value, float if not format_spec else Real) and not isinstance(value, bool)
        return self.swapped(text) if is_number else str(text)

    def swapped(self, text: str) -> str:
        """A number as English writes it, with the language's signs."""
        return text.translate(self.swap)


@cache
def _separators(code: str) -> dict[str, str]:
    from babel import Locale
    from babel.numbers import get_decimal_symbol, get_group_symbol

    percent = Locale.parse(code).percent_formats[None].suffix[0]  # in French with a space that does not break
    return {"decimal": get_decimal_symbol(code), "thousands": get_group_symbol(code), "percent": percent}


@cache
def _formatter(code: str) -> _Formatter:
    return _Formatter(code)


def _plural_form(code: str, n: int) -> int:
    return int(_plural_rule(code)(n))


@cache
def _plural_rule(code: str) -> Callable[[int], int]:
    from gettext import c2py

    from babel.messages.plurals import get_plural

    return c2py(get_plural(code).plural_expr)
