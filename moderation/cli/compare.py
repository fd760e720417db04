"""`moderation compare`: what would change for a forum that leaves Perspective."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from moderation.cli.bad_rows import OnError, OnErrorOption, reporter
from moderation.cli.console import bar
from moderation.comparison import SCALE, THRESHOLDS, Agreement, Log, ScorePairs, read_pairs
from moderation.errors import InputError, RowError
from moderation.files import OnError as OnRowError
from moderation.files import open_reader
from moderation.files.atomic import output_to
from moderation.heads.calibration import CalibrationKind
from moderation.labels import TEXT_LABELS
from moderation.moderator import Moderator

_DEFAULT = Log()


def compare(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Comments with their scores: CSV, JSON Lines, Parquet.")],
    text_column: Annotated[str, typer.Option(help="Column of the comments.")] = _DEFAULT.text,
    score_column: Annotated[str, typer.Option(help="Column of Perspective's scores; blank where there is none.")] = (
        _DEFAULT.score
    ),
    label: Annotated[
        str, typer.Option(help="What was scored: toxicity, insult, ... or Perspective's TOXICITY.")
    ] = _DEFAULT.label,
    threshold: Annotated[
        list[float] | None,
        typer.Option(min=0, max=1, help="Score from which on the forum flags; may be repeated.", show_default=False),
    ] = None,
    calibration: Annotated[CalibrationKind, typer.Option(help="Meaning of our scores, see the README.")] = SCALE,
    model: Annotated[Path | None, typer.Option(help="Folder of a bundle; the shipped one by default.")] = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="Write the figures there as well.")] = None,
    on_error: OnErrorOption = OnError.STOP,
) -> None:
    """Compare our scores with those that Perspective gave the same comments: ranks, flags, thresholds.

    Example: `moderation compare logged.csv`
    """
    moderator = Moderator.load(model, calibration=calibration)
    log = Log(text_column, score_column, _label(label, moderator))
    skipped: list[RowError] = []
    with ExitStack() as stack:  # what cannot be written is found out before the work is done
        data = stack.enter_context(output_to(json_out)) if json_out else None
        pairs = _read(file, moderator, log, reporter(on_error, skipped))
        agreements = [pairs.agreement(value) for value in threshold or THRESHOLDS]
        document = {
            "model": moderator.model,
            "source": str(file),
            "label": log.label,
            "calibration": calibration.value,
            "comments": len(pairs),
            "blank": pairs.blank,
            "skipped": len(skipped),
            "rank_correlation": pairs.rank_correlation(),
            "thresholds": [agreement.figures() for agreement in agreements],
        }
        if data is not None:
            data.stream.write(json.dumps(document, indent=2).encode() + b"\n")
    _show(document, agreements)


def _label(name: str, moderator: Moderator) -> str:
    """Ours and Perspective's names differ in case alone."""
    known = [label for label in TEXT_LABELS if label in moderator.labels]
    if name.lower() not in known:
        raise InputError(f"--label {name}: is none of those that {moderator.model} scores: {', '.join(known)}")
    return name.lower()


def _read(file: Path, moderator: Moderator, log: Log, on_row_error: OnRowError | None) -> ScorePairs:
    with open_reader(file, required=(), on_row_error=on_row_error) as reader, bar(reader.bytes_total) as update:

        def progress(comments: int) -> None:
            update(reader.bytes_read, f"{comments:,} comments")

        return read_pairs(reader, moderator, log, on_row_error, progress)


def _show(document: dict[str, Any], agreements: list[Agreement]) -> None:
    console = Console(highlight=False)
    left_out = ", ".join(f"{document[why]:,} {why}" for why in ("blank", "skipped") if document[why])
    console.print(
        f"{document['comments']:,} comments{f', left out: {left_out}' if left_out else ''}; "
        f"{document['label']} of {document['model']}, {document['calibration']}; "
        f"rank correlation {_number(document['rank_correlation'])}",
        soft_wrap=True,
        end="\n\n",
    )
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), caption_justify="left")
    for name in ("from", "Perspective", "ours", "both", "only Persp.", "only ours", "kappa", "same rate"):
        table.add_column(name, justify="right", no_wrap=True)
    for found in agreements:
        table.add_row(
            f"{found.threshold:.2f}",
            f"{found.their_rate:.1%}",
            f"{found.our_rate:.1%}",
            f"{found.both:,}",
            f"{found.only_theirs:,}",
            f"{found.only_ours:,}",
            _number(found.kappa),
            f"{found.same_rate:.3f}",
        )
    table.caption = (
        "Comments that score at least as much: shares, then numbers; kappa: agreement beyond chance, from 0 to 1; "
        "same rate: our threshold that flags as many as Perspective's"
    )
    console.print(table)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
