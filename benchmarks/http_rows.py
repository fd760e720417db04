"""The service over HTTP, as rows beside an endpoint of the same app that does nothing; figures are by `over_http`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import over_http
from rows import Row

_AGAINST = ", times nothing's"


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
        if times is None:
            yield Row(f"HTTP, {measured}", unit, value)
        else:
            yield Row(f"HTTP, {measured}", unit, value, "an endpoint that does nothing", value / times)
