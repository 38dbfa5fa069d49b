"""Numbers, sizes and times as they can be read, the same on every page."""

from __future__ import annotations

from engine.language import N_, _, number, plural_of

DAY = 86_400.0
YEAR = 365.25 * DAY
_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def count(n: float) -> str:
    """A number of things: exact up to a million, then in millions, billions, and powers of ten.

    >>> count(2775), count(124_439_808), count(174_604_259_328), count(3.14e23)
    ('2,775', '124.4 million', '174.6 billion', '3.1 · 10²³')
    """
    if n < 1e6:
        return number(n, ",.0f")
    for name, size in ((N_("million"), 1e6), (N_("billion"), 1e9), (N_("trillion"), 1e12)):
        if n < 1000 * size:
            return f"{number(n / size, '.1f')} {_(name)}"
    digits, exponent = number(n, ".1e").split("e+")
    return f"{digits} · {power(int(exponent))}"


def power(exponent: int) -> str:
    """Ten to a whole number: power(12) -> "10¹²"."""
    return f"10{str(exponent).translate(_RAISED)}"


def scientific(value: float) -> str:
    """A large number as the papers print it.

    >>> scientific(3.1429e23), scientific(2.8e13)
    ('3.14 · 10²³', '2.80 · 10¹³')
    """
    if value < 1e6:
        return number(value, ",.0f")
    digits, exponent = number(value, ".2e").split("e+")
    return f"{digits} · {power(int(exponent))}"


def short(n: float) -> str:
    """The same for narrow places, with the letters of the charts' axes.

    >>> short(266_000_000), short(349e9), short(124)
    ('266 M', '349 B', '124')
    """
    for letter, one in ((N_("T"), 1e12), (N_("B"), 1e9), (N_("M"), 1e6)):
        if one <= n < 1000 * one:
            return f"{number(n / one, '.3g')} {_(letter)}"
    return count(n)


def size(n_bytes: float) -> str:
    """Bytes in decimal units: 1 GB = 10⁹ bytes.

    >>> size(12_288), size(497_759_232), size(1.4e12)
    ('12.3 kB', '498 MB', '1.4 TB')
    """
    for unit, one in ((N_("TB"), 1e12), (N_("GB"), 1e9), (N_("MB"), 1e6), (N_("kB"), 1e3)):
        if n_bytes >= one:
            value = n_bytes / one
            return f"{number(value, ',.0f' if value >= 100 else '.1f')} {_(unit)}"
    return _("{n_bytes:.0f} bytes", n_bytes=n_bytes)


def money(dollars: float) -> str:
    """Dollars as they are said.

    >>> money(4_672_000), money(508_262), money(950), money(0.02)
    ('$4.67 million', '$0.51 million', '$950', '$0.02')
    """
    for name, one, least in ((N_("billion"), 1e9, 1e9), (N_("million"), 1e6, 1e5)):
        if dollars >= least:
            return _("${amount:,.2f} {name}", amount=dollars / one, name=_(name))
    return _("${amount:,.0f}", amount=dollars) if dollars >= 100 else _("${amount:,.2f}", amount=dollars)


def duration(seconds: float) -> str:
    """A time in the unit that suits it.

    >>> duration(0.0123), duration(7.25), duration(75), duration(9000), duration(3e9)
    ('12 ms', '7.2 s', '75 s', '2.5 h', '95 years')
    """
    if not seconds:
        return "0 s"
    if seconds < 1:
        return (
            _("{seconds:.2g} ms", seconds=1000 * seconds)
            if seconds < 0.01
            else _("{seconds:.0f} ms", seconds=1000 * seconds)
        )
    units = ((N_("s"), 1, 90), (N_("min"), 60, 5400), (N_("h"), 3600, 2 * DAY), (N_("days"), DAY, 2 * YEAR))
    for unit, one, most in units:
        if seconds < most:
            value = seconds / one
            whole = value >= 9.95 or f"{value:.1f}".endswith(".0")
            return f"{number(value, '.0f' if whole else '.1f')} {_(unit)}"
    return _("{count} years", count=count(seconds / YEAR))


def estimate(seconds: float) -> str:
    """A time still to come, which nobody knows to tenths: whole seconds, at least one, or whole minutes.

    >>> estimate(0), estimate(40.4), estimate(200), estimate(9000)
    ('1 s', '40 s', '3 min', '2.5 h')
    """
    return duration(max(1, round(seconds)) if seconds < 89.5 else 60 * max(2, round(seconds / 60)))


def plural(n: int, one: str, many: str) -> str:
    """A count with its noun.

    >>> plural(1, "token", "tokens"), plural(1200, "token", "tokens")
    ('1 token', '1,200 tokens')
    """
    return f"{number(n)} {plural_of(n, one, many)}"
