"""How fast it is, on this machine, beside others: each row a ratio with its reach. Run by `make bench`.

Absolute times are those of a machine that does other things as well: compare them with others of the same run only.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import files
import http_rows
import in_process
import plot
import profiling
import start
import typer
from rich.console import Console
from rich.table import Table
from rows import Row
from texts import ROOT, distinct

from moderation import Moderator

RESULTS: Final = ROOT / ".cache" / "bench"


def main(
    rows: Annotated[int, typer.Option(help="Comments in the files that are scored.")] = 1_000_000,
    out: Annotated[Path, typer.Option(help="Folder for `bench.json` and `bench.svg`.")] = RESULTS,
) -> None:
    """Measure, print a table, keep the figures as JSON and the plot as SVG."""
    begun = time.monotonic()
    moderator = Moderator.load()
    measured = [*in_process.rows(moderator), *start.rows(), *files.rows(rows), *http_rows.rows()]
    shares = profiling.shares(moderator, distinct(500))
    show(measured, shares)
    out.mkdir(parents=True, exist_ok=True)
    (out / "bench.json").write_text(
        json.dumps(document(moderator, measured, shares), indent=2) + "\n", encoding="utf-8"
    )
    (out / "bench.svg").write_text(plot.drawing(measured), encoding="utf-8")
    Console(stderr=True).print(f"{out}: bench.json, bench.svg; it took {time.monotonic() - begun:.0f} seconds")


def document(moderator: Moderator, rows: Sequence[Row], shares: dict[str, float]) -> dict[str, Any]:
    """Everything as JSON holds it."""
    return {
        "model": moderator.model,
        "machine": f"{processor()}, {len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}",
        "taken": datetime.now(UTC).date().isoformat(),
        "rows": [row.document() for row in rows],
        "one comment": {module: round(share, 4) for module, share in shares.items()},
    }


def show(rows: Sequence[Row], shares: dict[str, float]) -> None:
    """Print both tables."""
    table = Table("measured", "ours", "the other", "ratio", "reach", "", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row.cells)
    profile = Table("one comment: where the time goes", "share", box=None, pad_edge=False)
    for module, share in shares.items():
        profile.add_row(module, f"{share:.1%}")
    Console().print(table, "", profile, sep="\n")


def processor() -> str:
    """The name of the processor, where the system tells it."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text(encoding="utf-8").splitlines() if known.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    typer.run(main)
