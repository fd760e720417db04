"""What commands do with rows that cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import typer

from moderation.cli.console import notices
from moderation.errors import RowError


class OnError(StrEnum):
    """What a bad row does."""

    STOP = "stop"
    SKIP = "skip"


OnErrorOption = Annotated[OnError, typer.Option(help="Whether a bad row ends the run or is reported and left out.")]


def reporter(on_error: OnError, skipped: list[RowError]) -> Callable[[RowError], None] | None:
    """What a `Reader` shall do with bad rows: raise the first one (None), or report each and put it into `skipped`."""
    if on_error is OnError.STOP:
        return None

    def report(error: RowError) -> None:
        skipped.append(error)
        notices().print(f"left out: {error}", markup=False)

    return report
