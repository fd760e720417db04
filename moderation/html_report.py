"""What an evaluation found, as one HTML file that loads nothing and runs no script.

The page is a view of the very document that `moderation evaluate --json` writes, so that their numbers cannot differ.
Plots are SVG from a file of Jinja macros instead of matplotlib: they follow the reader's light or dark colours and
screen width, name their values to screen readers and pointers, take 3 kB each, and need no plotting library.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import groupby
from math import sqrt
from operator import itemgetter
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_SPACES = {"\n": " ⏎ ", "\r": " ", "\t": " "}
_INVISIBLE = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
"""Unicode categories of what has no shape of its own but may hide, reorder or break what stands beside it."""


def render(report: Mapping[str, Any]) -> str:
    """Write the page.

    Parameters
    ----------
    report : mapping
        ``model`` and ``source``, names, beside what `moderation.evaluation.Evaluation.document` holds.

    Returns
    -------
    str
        HTML.
    """
    figures = [{**found, "id": f"m{at}"} for at, found in enumerate(report["figures"], 1)]
    groups = [(label, list(found)) for label, found in groupby(figures, itemgetter("label"))]
    places = {f"{found['label']} on {found['corpus']}": found["id"] for found in figures}
    return _environment().get_template("evaluation.html").render(report, groups=groups, places=places)


def visible(value: object) -> object:
    """A text with its invisible and direction-changing characters named, as in ``⟨U+202E⟩``; other values untouched."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return "".join(map(_shown, value))


def _shown(character: str) -> str:
    if unicodedata.category(character) in _INVISIBLE:
        return _SPACES.get(character, f"⟨U+{ord(character):04X}⟩")
    return character


@cache
def _environment() -> Environment:
    """Templates in which every text is made visible and escaped unless they say otherwise."""
    environment = Environment(
        loader=PackageLoader("moderation"),
        autoescape=True,
        finalize=visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"fixed": "{:.3f}".format, "percent": _percent, "signed": "{:+.1%}".format}
    environment.filters |= {"path": _path, "outline": _outline}
    return environment


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _path(points: Iterable[tuple[float, float]]) -> str:
    """The `d` of an SVG path through points."""
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)


def _outline(counts: list[int]) -> str:
    """The `d` of a histogram's outline, as high as the square root of each bin's share."""
    heights = [sqrt(count / sum(counts)) for count in counts]
    width = 1 / len(counts)
    corners = [(edge * width, height) for at, height in enumerate(heights) for edge in (at, at + 1)]
    return _path([(0, 0), *corners, (1, 0)])
