"""The page's format of numbers and days."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from touchstone.console import counted

if TYPE_CHECKING:
    from touchstone.report.numbers import Comparison

_THIN = "\u202f"
NONE = "\u2013"
# Other units are part of the metric's name.
_SHORT = {"milliseconds": "ms", "seconds": "s", "percent": "%", "USD": "USD"}


def number(value: float | Decimal | None, unit: str = "count") -> str:
    """A number with its unit: 12,345; 4.61 %; 311 s; a dash for none."""
    if value is None:
        return NONE
    if unit == "ratio":
        percent = float(value) * 100
        return f"{percent:.{_digits(percent)}f}{_THIN}%"
    if unit == "bytes":
        return _bytes(float(value))
    text = _short(f"{value:,.2f}")
    return f"{text}{_THIN}{_SHORT[unit]}" if unit in _SHORT else text


def limit(value: float, unit: str) -> str:
    """A declared number, without trailing zeros."""
    return _short(f"{value * 100:.6f}") + f"{_THIN}%" if unit == "ratio" else number(value, unit)


def span(low: float, high: float, unit: str) -> str:
    """A range of two numbers, with the unit once."""
    ends = number(low, unit), number(high, unit)
    same = _THIN in ends[0] and ends[0].rpartition(_THIN)[2] == ends[1].rpartition(_THIN)[2]
    return f"{ends[0].rpartition(_THIN)[0] if same else ends[0]} to {ends[1]}"


def _short(text: str) -> str:
    return text.rstrip("0").rstrip(".")


def _digits(percent: float) -> int:
    size = abs(percent)
    return 0 if size == 0 else 1 if size >= 10 else 2 if size >= 1 else 3


def _bytes(value: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if abs(value) < 1000:
            return f"{value:,.3g}{_THIN}{unit}"
        value /= 1000
    return f"{value:,.3g}{_THIN}TB"


def day(value: date) -> str:
    return f"{value.day} {value:%B %Y}"


def weekday(value: date) -> str:
    return f"{value:%A}"


def basis(comparison: Comparison, day: date, short: bool = False) -> str:
    """The days that a day is compared with: 5 Thursdays (short: 5 Thu), or 28 days."""
    if short and comparison.same_weekday:
        return f"{comparison.days} {day:%a}"
    return counted(comparison.days, weekday(day) if comparison.same_weekday else "day")


def since(value: date, today: date) -> str:
    """A day not after today, as one says it: since today, since Monday, since 3 November 2026."""
    return "since today" if value == today else f"since {weekday(value) if (today - value).days < 7 else day(value)}"


def short_day(value: date) -> str:
    return f"{value.day} {value:%b}"


def instant(value: datetime) -> str:
    """A UTC time, to the minute."""
    return f"{moment(value)} UTC"


def moment(value: datetime) -> str:
    """A time of the reporting zone, to the minute."""
    return f"{day(value)}, {value:%H:%M}"
