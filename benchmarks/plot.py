"""All rows that have a reach in one drawing: how many times as good as wanted, on a logarithmic scale."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from rows import Aim, Row

_TICKS: Final = (0.1, 1.0, 10.0)
_ORIGIN: Final = 560.0
_DECADE: Final = 130.0
_LINE: Final = 40


def drawing(rows: Sequence[Row]) -> str:
    """An SVG of the rows that were measured and have a reach."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    held = [row for row in rows if row.met is not None]
    return environment.get_template("plot.svg.jinja").render(
        height=_LINE * len(held) + 40,
        origin=_ORIGIN,
        ticks=[{"value": tick, "x": _place(tick)} for tick in _TICKS],
        bars=[_bar(row, at) for at, row in enumerate(held)],
    )


def goodness(row: Row) -> float:
    """How many times as good as wanted a row is that has a reach and was measured."""
    assert row.value is not None
    assert row.reach is not None
    return row.value / row.reach if row.aim is Aim.AT_LEAST else row.reach / row.value


def _bar(row: Row, at: int) -> dict[str, Any]:
    _, _, _, ratio, reach, outcome = row.cells
    return {
        "y": 40 + _LINE * at,
        "x": _place(min(max(goodness(row), 0.05), 20)),
        "name": row.name,
        "against": f"against {row.against}" if row.against else row.unit,
        "figures": f"{ratio or row.cells[1]} ({reach})",
        "outcome": outcome,
    }


def _place(goodness: float) -> float:
    return round(_ORIGIN + _DECADE * log10(goodness), 1)
