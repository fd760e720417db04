"""The service over HTTP, as rows beside an endpoint of the same app that does nothing; figures are by `over_http`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import over_http
from rows import Aim, Row

_AGAINST: Final = ", times nothing's"
_REACHES: Final = {
    "requests a second": (0.85, Aim.AT_LEAST),
    "p50 in milliseconds": (1.25, Aim.AT_MOST),
    "p99 in milliseconds": (1.25, Aim.AT_MOST),
    "comments a second": (25_000, Aim.AT_LEAST),
    "two workers' speed, times one's": (1.8, Aim.AT_LEAST),
}
"""By the unit of a figure."""


def rows() -> list[Row]:
    """Measure."""
    return list(rows_of(over_http.figures()))


def rows_of(figures: Mapping[str, float]) -> Iterator[Row]:
    """A row for each figure, with its rival where the figures tell how many times the rival's it is."""
    for name, value in figures.items():
        if name.endswith(_AGAINST):
            continue
        measured, _, unit = name.rpartition(": " if ": " in name else ", ")
        times = figures.get(name + _AGAINST)
        rival = ("", None) if times is None else ("an endpoint that does nothing", value / times)
        yield Row(f"HTTP, {measured}", unit, value, *rival, *_REACHES.get(unit, (None,)))
