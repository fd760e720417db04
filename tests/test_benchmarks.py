"""What the benchmark does with its figures; taking them is `make bench`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parent.parent
MODULES = (
    "bert",
    "clock",
    "files",
    "http_rows",
    "in_process",
    "latency",
    "over_http",
    "plot",
    "profiling",
    "publish",
    "rows",
    "run",
    "start",
    "texts",
)


@pytest.fixture(scope="module")
def bench() -> Iterator[SimpleNamespace]:
    """The benchmark's modules by name; they are scripts that import each other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        yield SimpleNamespace(**{name: __import__(name) for name in MODULES})
        for name in MODULES:
            sys.modules.pop(name)


def test_a_row_is_held_to_the_ratio_where_it_has_a_rival_and_to_itself_where_not(bench: SimpleNamespace) -> None:
    fast = bench.rows.Row("batch", "comments a second", 9000.0, "the other", 3000.0, 2.5)
    slow = bench.rows.Row("file", "seconds", 9.0, "the other", 2.0, 3, bench.rows.Aim.AT_MOST)
    large = bench.rows.Row("memory", "MB", 700.0, reach=600, aim=bench.rows.Aim.AT_MOST)

    assert [(row.value, row.met) for row in (fast, slow, large)] == [(3, True), (4.5, False), (700, False)]
    assert fast.cells == (
        "batch, comments a second; against the other",
        "9,000",
        "3,000",
        "3 times",
        "at least 2.5",
        "met",
    )
    assert [bench.plot.goodness(row) for row in (fast, slow)] == [pytest.approx(1.2), pytest.approx(2 / 3)]


def test_a_rival_that_is_not_installed_is_shown_as_not_measured(bench: SimpleNamespace) -> None:
    row = bench.rows.Row("batch", "comments a second", 9000.0, "BERT", None, 4000)

    assert row.met is None
    assert row.cells[2:] == ("", "not measured", "at least 4,000", "")


def test_rows_come_back_from_json(bench: SimpleNamespace) -> None:
    row = bench.rows.Row("file", "seconds", 9.0, "the other", 2.0, 3, bench.rows.Aim.AT_MOST)

    assert bench.rows.Row.of(json.loads(json.dumps(row.document()))) == row


def test_figures_over_http_stand_beside_those_of_the_endpoint_that_does_nothing(bench: SimpleNamespace) -> None:
    figures = {
        "alone, 16 connections: requests a second": 900.0,
        "alone, 16 connections: requests a second, times nothing's": 0.6,
        "bundle in memory, MB": 20.0,
    }

    found = [(row.name, row.unit, row.ours, row.rival) for row in bench.http_rows.rows_of(figures)]

    assert found == [
        ("HTTP, alone, 16 connections", "requests a second", 900, pytest.approx(1500)),
        ("HTTP, bundle in memory", "MB", 20, None),
    ]


def test_no_two_comments_are_equal_however_many_are_drawn(bench: SimpleNamespace) -> None:
    comments = bench.texts.distinct(5000)

    assert len({comment.text for comment in comments}) == 5000
    assert comments[:100] == bench.texts.distinct(100)


def test_actions_take_turns_and_the_first_turn_does_not_count(bench: SimpleNamespace) -> None:
    asked: list[str] = []

    times = bench.clock.in_turn(lambda: asked.append("ours"), lambda: asked.append("theirs"), repeats=2)

    assert asked == ["ours", "theirs"] * 3
    assert len(times) == 2


def test_actions_on_each_thing_see_it_once(bench: SimpleNamespace) -> None:
    asked: list[str] = []

    times = bench.clock.on_each("abc", asked.append, lambda thing: asked.append(thing.upper()))

    assert "".join(asked) == "aAbBcC"
    assert len(times) == 2


def test_the_plot_has_a_bar_for_every_row_that_can_be_held_to_a_reach(bench: SimpleNamespace) -> None:
    rows = [
        bench.rows.Row("a <fast> one", "comments a second", 90.0, "the other", 3.0, 2.5),
        bench.rows.Row("a slow one", "seconds", 9.0, "the other", 2.0, 3, bench.rows.Aim.AT_MOST),
        bench.rows.Row("one without reach", "MB", 9.0),
        bench.rows.Row("one that was not measured", "MB", 9.0, "the other", None, 2),
    ]

    bars = ElementTree.fromstring(bench.plot.drawing(rows)).findall("{http://www.w3.org/2000/svg}rect")

    assert [bar.get("class") for bar in bars] == ["met", "missed"]
    assert [float(bar.get("width", "")) > 0 for bar in bars] == [True, True]


def test_time_in_other_packages_is_put_down_to_the_module_that_asked_for_it(bench: SimpleNamespace) -> None:
    caller, other = ("/house/text/words.py", 1, "split"), ("/house/heads/sum.py", 9, "add")
    outer, inner = ("/numpy/core.py", 3, "outer"), ("~", 0, "inner")
    stats: dict[Any, Any] = {
        caller: (1, 1, 1.0, 6.0, {}),
        other: (1, 1, 2.0, 3.0, {}),
        outer: (2, 2, 1.0, 4.0, {caller: (1, 1, 0.5, 3.0), other: (1, 1, 0.5, 1.0)}),
        inner: (2, 2, 4.0, 4.0, {outer: (2, 2, 4.0, 4.0)}),
    }

    shares = bench.profiling.by_module(stats, "/house")

    assert shares == {"text.words": pytest.approx((1 + 5 * 0.75) / 8), "heads.sum": pytest.approx((2 + 5 * 0.25) / 8)}


def test_the_page_on_performance_holds_the_figures_that_were_kept(bench: SimpleNamespace) -> None:
    page = (ROOT / "docs/performance.md").read_text(encoding="utf-8")
    kept = json.loads((ROOT / "docs/performance.json").read_text(encoding="utf-8"))

    assert "<!-- figures:" in page
    assert bench.publish.with_figures(page, kept) == page, "run `make performance`"
    assert bench.plot.drawing([bench.rows.Row.of(row) for row in kept["rows"]]) == (
        ROOT / "docs/performance.svg"
    ).read_text(encoding="utf-8")
