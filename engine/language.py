"""Messages in the reader's language, from gettext catalogs: `_("Train")`, `_("step {step:,}", step=1200)`.

A message is its English text; `assets/locales/fr.po` holds the French ones, and another language is one more such
file. Whoever draws for a reader tells `speak` how to find the reader's language; anywhere else messages are English.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
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


def speak(find: Callable[[], str]) -> None:
    """Sets how the language of whoever reads now is found: `find` returns its code, such as "fr"."""
    global _readers_language
    _readers_language = find


def language() -> str:
    """The code of the language of whoever reads now."""
    return _readers_language()


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

    Without a translation it stays as it is, so that text which is no message may pass through, and options that are
    no text become text. Numbers take the language's separators.

    >>> _("{n:,} tokens", n=1200)
    '1,200 tokens'
    """
    if not isinstance(message, str):
        return str(message)
    code = _readers_language()
    if code == SOURCE:
        return message.format(**values) if values else message[:]
    found = _catalog(code).get(message)
    text = message[:] if found is None else found[0] if isinstance(found, tuple) else found
    return _formatter(code).vformat(text, (), values) if values else text


def plural_of(n: int, one: str, many: str) -> str:
    """The form of a noun that a count takes in the reader's language.

    >>> plural_of(1, "token", "tokens"), plural_of(0, "token", "tokens")
    ('token', 'tokens')
    """
    code = _readers_language()
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
    code = _readers_language()
    return format(value, spec) if code == SOURCE else _formatter(code).format_field(value, spec)


def separators() -> dict[str, str]:
    """What stands before the decimals, between the thousands and for per cent, by the reader's language."""
    code = _readers_language()
    return {"decimal": ".", "thousands": ",", "percent": "%"} if code == SOURCE else _separators(code)


def cached_by_language(maxsize: int | None = 128) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """`lru_cache` for functions whose result holds messages: one result for each language."""

    def decorate(function: Callable[_P, _T]) -> Callable[_P, _T]:
        @lru_cache(maxsize=maxsize)
        def in_language(_code: str, *args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        @wraps(function)
        def asked(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            return cast(_T, in_language(_readers_language(), *args, **kwargs))  # type: ignore[arg-type]

        return asked

    return decorate


class _Formatter(string.Formatter):
    """`str.format` with the separators of a language."""

    def __init__(self, code: str) -> None:
        signs = _separators(code)
        self.swap = str.maketrans({",": signs["thousands"], ".": signs["decimal"], "%": signs["percent"]})

    def format_field(self, value: Any, format_spec: str) -> str:
        text = format(value, format_spec)
        if format_spec and isinstance(value, Real) and not isinstance(value, bool):
            return text.translate(self.swap)
        return str(text)


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
