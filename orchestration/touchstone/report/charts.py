"""The charts: SVG that vl-convert renders from Vega-Lite when the page is written.

Why vl-convert: of the maintained libraries that need no network, Plotly adds 4.7 MB of JavaScript to a page, Bokeh 1.1
MB and a canvas that prints badly and is empty for screen readers, Vega in the page 0.9 MB. vl-convert has Vega's engine
in its wheel and writes 5 kB of SVG for a chart: without scripts, in the page's light and dark colours, and sharp in
print.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import date
from typing import Any

import vl_convert

from touchstone.report.headlines import Threshold
from touchstone.report.numbers import Line

# Pixels of the plot and its margins; page.js computes the pointer's day from the width.
WIDTH, HEIGHT = 300, 140
LEFT, _RIGHT, _TOP, _BOTTOM = 48, 10, 18, 24
# Lines differ in colour and dashes; the legend of the page has the same.
DASHES = ([1, 0], [7, 3], [2, 2], [9, 3, 2, 3])
_LABELS = 4

Spec = dict[str, Any]


def draw(lines: Sequence[Line], thresholds: Sequence[Threshold], days: Sequence[date], unfinished: set[date]) -> str:
    """An SVG of the lines over `days`; dots are hollow on `unfinished` days. Colours are CSS variables of the page."""
    return _slim(vl_convert.vegalite_to_svg(_spec(lines, thresholds, days, unfinished)))


def _spec(lines: Sequence[Line], thresholds: Sequence[Threshold], days: Sequence[date], unfinished: set[date]) -> Spec:
    numbers = [value for line in lines for value in line.values.values()] + [t.value for t in thresholds]
    unit = lines[0].unit
    # The axis of counts and small rates starts at 0; that of rates near 1 shows the distance from 1.
    zero = unit != "ratio" or min(numbers) < 0.5
    low, high = min(0.0, *numbers) if zero else min(numbers), max(numbers)
    if low == high:
        low, high = min(0.0, low), high or 1.0
    steps = max(1, math.ceil((len(days) - 1) / (_LABELS - 1)))
    labelled = list(range(len(days) - 1, -1, -steps))
    named = {number: f"{days[number].day} {days[number]:%b}" for number in labelled}
    x = {
        "field": "x",
        "type": "quantitative",
        "scale": {"domain": [0, max(1, len(days) - 1)], "nice": False},
        "axis": {
            "values": labelled,
            "labelExpr": f"({_texts(named)})[datum.value]",
            # the newest day's label ends at the edge
            "labelAlign": {
                "condition": {"test": f"datum.value == {len(days) - 1}", "value": "right"},
                "value": "center",
            },
            "grid": False,
            "title": None,
        },
    }
    y = {
        "field": "y",
        "type": "quantitative",
        "scale": {"domain": [low, high], "nice": 3, "zero": zero},
        "axis": {"tickCount": 3, "labelExpr": _label(unit, high - low), "title": None, "domain": False, "ticks": False},
    }
    names = [str(number) for number in range(len(lines))]
    coloured = {
        "field": "line",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": names, "range": [f"var(--line-{number})" for number in range(len(lines))]},
    }
    dashed = {**coloured, "scale": {"domain": names, "range": list(DASHES[: len(lines)])}}
    encoding = {"x": x, "y": y, "color": coloured}
    return {
        "data": {"values": _points(lines, days, unfinished)},
        "width": WIDTH,
        "height": HEIGHT,
        "padding": {"left": LEFT, "right": _RIGHT, "top": _TOP, "bottom": _BOTTOM},
        "autosize": "none",
        "background": None,
        "layer": [
            *_threshold_layers(thresholds, y),
            {"mark": {"type": "line", "strokeWidth": 2}, "encoding": {**encoding, "strokeDash": dashed}},
            {
                "transform": [{"filter": "datum.dot"}],
                "mark": {"type": "point", "size": 26, "filled": False, "strokeWidth": 2, "opacity": 1},
                "encoding": {**encoding, "fill": {**coloured, "condition": _HOLLOW}},
            },
        ],
        "config": {
            "aria": False,
            "view": {"stroke": None},
            "axis": {
                "labelColor": "var(--quiet)",
                "labelFontSize": 12,
                "labelFont": "inherit",
                "labelPadding": 6,
                "gridColor": "var(--grid)",
                "domainColor": "var(--axis)",
                "tickColor": "var(--axis)",
                "labelFlush": False,
                "labelOverlap": False,
            },
        },
    }


_HOLLOW = {"test": "datum.dot == 'hollow'", "value": "var(--card)"}


def _points(lines: Sequence[Line], days: Sequence[date], unfinished: set[date]) -> list[Spec]:
    """A row per line and day; NULL without a number, so that the line has a gap. The last day and days between
    two gaps, which a line alone would not show, have a dot.
    """
    points = []
    for number, line in enumerate(lines):
        values = [line.values.get(day) for day in days]
        last = max((i for i, value in enumerate(values) if value is not None), default=None)
        for i, (day, value) in enumerate(zip(days, values, strict=True)):
            alone = value is not None and all(v is None for v in (*values[max(0, i - 1) : i], *values[i + 1 : i + 2]))
            dot = "hollow" if day in unfinished else "full"
            points.append({"x": i, "y": value, "line": str(number), "dot": dot if alone or i == last else None})
    return points


def _threshold_layers(thresholds: Sequence[Threshold], y: Spec) -> list[Spec]:
    if not thresholds:
        return []
    data = {"values": [{"y": t.value, "name": t.name} for t in thresholds]}
    return [
        {
            "data": data,
            "mark": {"type": "rule", "stroke": "var(--alarm)", "strokeDash": [4, 4], "strokeWidth": 1.25},
            "encoding": {"y": y},
        },
        {
            "data": data,
            "mark": {
                "type": "text",
                "align": "left",
                "baseline": "bottom",
                "dy": -3,
                "dx": 3,
                "x": 0,
                "fontSize": 12,
                "font": "inherit",
                "fill": "var(--alarm)",
            },
            "encoding": {"y": y, "text": {"field": "name"}},
        },
    ]


def _label(unit: str, span: float) -> str:
    """Vega's expression for the labels of an axis with this span."""
    if unit != "ratio":
        return f"format(datum.value, '{'~s' if span >= 10 else ',.2~f'}')"
    digits = min(3, max(0, -math.floor(math.log10(span * 100 / 4))))
    return f"format(datum.value * 100, '.{digits}f') + '\u202f%'"


def _texts(named: dict[int, str]) -> str:
    return "{" + ", ".join(f"{number}: '{text}'" for number, text in named.items()) + "}"


def _slim(svg: str) -> str:
    """The SVG for embedding: without XML namespaces, ARIA attributes (screen readers read it as one image), needless
    digits, and invisible elements.
    """
    svg = re.sub(r' (xmlns(:xlink)?|version|role|aria-[a-z]+)="[^"]*"', "", svg)
    svg = re.sub(r"\d+\.\d{2,}", lambda number: f"{float(number[0]):.1f}".removesuffix(".0"), svg)
    return re.sub(r'<path class="(background|foreground)" [^>]*/>', "", svg)
