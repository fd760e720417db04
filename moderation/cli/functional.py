"""`moderation functional`: what a bundle gets right, function by function, and for whom."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from moderation.cli.console import shown
from moderation.evaluation.functional import (
    FunctionResult,
    TermResult,
    accuracy,
    identity_terms,
    measure,
    read_functions,
)
from moderation.moderator import Moderator


def functional(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Cases in the form of tests/functional/cases.")],
    model: Annotated[Path | None, typer.Option(help="Folder of a bundle; the shipped one by default.")] = None,
    wrong: Annotated[bool, typer.Option("--wrong", help="Show the cases that are misjudged as well.")] = False,
) -> None:
    """Measure a bundle on functional cases: which kinds of abuse it sees, what it wrongly flags, whom it wrongs.

    Example: `moderation functional tests/functional/cases`
    """
    moderator = Moderator.load(model)
    console = Console()
    results = measure(moderator, read_functions(folder))
    console.print(_functions(results), end="\n\n")
    console.print(_terms(identity_terms(moderator, folder).terms))
    if wrong:
        console.print(_wrong(results))


def _functions(results: list[FunctionResult]) -> Table:
    table = _table("function", "label", "n", "right")
    for result in results:
        table.add_row(result.name, result.label, f"{result.cases:,}", f"{result.accuracy:.0%}")
    table.add_row("all", "", f"{sum(result.cases for result in results):,}", f"{accuracy(results).value:.1%}")
    table.caption = "right: flagged at .5, in the balanced calibration, exactly if it should be"
    return table


def _terms(terms: Sequence[TermResult]) -> Table:
    """Those first for whom neutral talk is taken for abuse most often."""
    table = _table("identity term", "BPSN", "BNSP", "subgroup")
    for term in sorted(terms, key=lambda found: found.bpsn):
        table.add_row(term.term, f"{term.bpsn:.3f}", f"{term.bnsp:.3f}", f"{term.subgroup:.3f}")
    means = (sum(getattr(term, name) for term in terms) / len(terms) for name in ("bpsn", "bnsp", "subgroup"))
    table.add_row("mean", *(f"{mean:.3f}" for mean in means))
    table.caption = (
        "ROC AUC of toxicity. BPSN: neutral sentences with the term against abusive ones with others; "
        "BNSP: abusive with it against neutral with others; subgroup: both with it"
    )
    return table


def _wrong(results: list[FunctionResult]) -> Text:
    lines = [
        f"{result.name}: {'not flagged' if case.positive else 'flagged'}: {shown(case.text)}"
        for result in results
        for case in result.wrong
    ]
    return Text("\n".join(["", *lines]))


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), caption_justify="left")
    for name in names:
        table.add_column(name, no_wrap=True)
    return table
