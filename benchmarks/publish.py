"""Writes what `make bench` measured into docs/performance.md, to which a test holds it. Run by `make performance`."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from typing import Any, Final

from plot import drawing
from rows import Row
from run import RESULTS
from texts import ROOT

PAGE: Final = ROOT / "docs" / "performance.md"
KEPT: Final = ROOT / "docs" / "performance.json"
PLOT: Final = ROOT / "docs" / "performance.svg"
_BLOCK: Final = re.compile(r"(<!-- figures:[^>]*-->\n).*?(<!-- /figures -->)", re.DOTALL)
_HEAD: Final = ("measured", "ours", "the other", "ratio", "reach", "")


def with_figures(page: str, found: dict[str, Any]) -> str:
    """The page with the figures of a run in their place."""
    rows = [Row.of(row).cells for row in found["rows"]]
    shares = [(f"`{module}`", f"{share:.1%}") for module, share in found["one comment"].items() if share >= 0.01]
    text = (
        f"{found['model']}, {found['taken']}, on {found['machine']}.\n\n"
        f"{_table(_HEAD, rows)}\n\n"
        f"Where the time of one comment with an article goes, by module:\n\n{_table(('module', 'share'), shares)}\n"
    )
    return _BLOCK.sub(lambda block: block[1] + text + block[2], page)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *rows])


def main() -> None:
    """Write page, figures and plot."""
    shutil.copyfile(RESULTS / "bench.json", KEPT)
    found = json.loads(KEPT.read_text(encoding="utf-8"))
    PLOT.write_text(drawing([Row.of(row) for row in found["rows"]]), encoding="utf-8")
    PAGE.write_text(with_figures(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")


if __name__ == "__main__":
    main()
