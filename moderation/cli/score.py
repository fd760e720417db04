"""`moderation score`: files of comments in, the same files with verdicts out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cache, partial
from math import isnan
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from rich.text import Text

from moderation.cli.bad_rows import OnError, OnErrorOption, reporter
from moderation.cli.console import STYLES, bar, notices, shown
from moderation.cli.workers import in_order
from moderation.comment import Article, Comment
from moderation.errors import InputError, RowError
from moderation.files import Batch, Format, Reader, open_reader, open_writer
from moderation.files.formats import resolve_format
from moderation.files.reader import TEXT_COLUMNS
from moderation.heads.calibration import CalibrationKind
from moderation.labels import LABELS
from moderation.moderator import Moderator
from moderation.policy import Policies
from moderation.verdict import Span

Columns: TypeAlias = dict[str, Sequence[Any]]


def score(
    file: Annotated[Path, typer.Argument(metavar="FILE|-", help="CSV, JSON Lines or Parquet; - is standard input.")],
    article: Annotated[
        Path | None,
        typer.Option(help="Article of all comments: JSON with title and text, or a text headed by its title."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="File to write; - is standard output. Without it: a table to read."),
    ] = None,
    format: Annotated[
        Format | None, typer.Option(help="Format of what has no suffix to tell it, such as standard input and output.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Add the parts of each comment that its flags rest on.")
    ] = False,
    on_error: OnErrorOption = OnError.STOP,
    model: Annotated[Path | None, typer.Option(help="Folder of a bundle; the shipped one by default.")] = None,
    calibration: Annotated[
        CalibrationKind, typer.Option(help="Meaning of a score, see the README.")
    ] = CalibrationKind.SITE,
    policy: Annotated[Path | None, typer.Option(help="TOML file with thresholds, see docs/policy.md.")] = None,
) -> None:
    """Score comments: abusive, off topic, and what to do with each.

    Columns: `text`, and where there are any `article_title`, `article_text`, `parent_text`.
    Every other column passes through.

    Example: `moderation score comments.csv -o scored.csv`
    """
    setup = _Setup(model, calibration, policy, _read_article(article) if article else None, explain)
    scorer = _scorer(setup)
    skipped: list[RowError] = []
    source = _stream(file)
    with open_reader(source, _told(source, format), on_row_error=reporter(on_error, skipped)) as reader:
        if out is None:
            scored = _show(reader, scorer)
        else:
            target = _stream(out)
            scored = _write(reader, setup, target, _told(target, format or (None if target else reader.format)))
    notices().print(f"{scored:,} comments scored" + (f", {len(skipped):,} bad rows left out" if skipped else ""))


def _stream(path: Path) -> Path | None:
    return None if str(path) == "-" else path


def _told(path: Path | None, asked: Format | None) -> Format | None:
    """The format that the file's name tells, otherwise the one asked for."""
    with suppress(InputError):
        return resolve_format(path, None)
    return asked


def _read_article(path: Path) -> Article:
    try:
        text = path.read_text(encoding="utf-8-sig")
        article = _article_in_json(text) if path.suffix == ".json" else _article_in_text(text)
        if not article:
            raise ValueError("it has neither")
        return article
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise InputError(
            f"{path}: cannot be read as an article (JSON with title and text, or plain text): {error}"
        ) from error


def _article_in_json(text: str) -> Article:
    article = Article(**json.loads(text))
    if not (isinstance(article.title, str) and isinstance(article.text, str)):
        raise TypeError("title and text must be strings")
    return article


def _article_in_text(text: str) -> Article:
    title, _, body = text.strip().partition("\n")
    return Article(title.strip(), body.strip())


@dataclass(frozen=True, slots=True)
class _Setup:
    """What was asked for; enough for another process to do the same."""

    model: Path | None
    calibration: CalibrationKind
    policy: Path | None
    article: Article | None
    explain: bool


@cache
def _scorer(setup: _Setup) -> _Scorer:
    """The scorer that was asked for, made once a process."""
    moderator = Moderator.load(setup.model, calibration=setup.calibration)
    if setup.policy is not None:
        policy = Policies.from_toml(setup.policy, moderator.policy).default
        moderator = Moderator(moderator.bundle, setup.calibration, policy)
    return _Scorer(moderator, setup.article, setup.explain)


def _verdict_columns(setup: _Setup, batch: Batch) -> Columns:
    return _scorer(setup).verdict_columns(batch)


class _Scorer:
    """Scores batches of rows."""

    def __init__(self, moderator: Moderator, article: Article | None, explain: bool) -> None:
        self.moderator = moderator
        self.article = article
        self.explain = explain

    @property
    def added(self) -> dict[str, type]:
        """Columns that scoring adds, with their types."""
        scores: dict[str, type] = {label: float for label in LABELS if label in self.moderator.labels}
        return {**scores, "flags": str, "action": str, **({"spans": str} if self.explain else {})}

    def comments(self, batch: Batch) -> list[Comment]:
        """The rows as comments; a row's own article goes before that of all."""
        titles, bodies = batch.strings("article_title"), batch.strings("article_text")
        rows = zip(batch.columns["text"], titles, bodies, batch.strings("parent_text"), strict=True)
        return [
            Comment(text, Article(title or "", body or "") if title or body else self.article, parent)
            for text, title, body, parent in rows
        ]

    def spans(self, comment: Comment, flags: Sequence[str]) -> list[Span]:
        """The reasons for flags, where they are wanted."""
        return self.moderator.explain(comment, flags) if self.explain else []

    def verdict_columns(self, batch: Batch) -> Columns:
        """The columns of `added` for some rows."""
        comments = self.comments(batch)
        probabilities = self.moderator.probabilities(comments)
        flags, actions = self.moderator.policy.decisions(probabilities, self.moderator.labels)
        scores = dict(zip(self.moderator.labels, probabilities.round(6).T, strict=True))
        columns: Columns = {name: _known(scores[name]) for name, kind in self.added.items() if kind is float}
        columns["flags"] = [" ".join(flagged) for flagged in flags]
        columns["action"] = [action.value for action in actions]
        if self.explain:
            columns["spans"] = [
                _as_json(self.spans(comment, some)) for comment, some in zip(comments, flags, strict=True)
            ]
        return columns


def _known(scores: NDArray[np.float64]) -> list[float | None]:
    """Scores, with None for what has none."""
    found = scores.tolist()
    return [None if isnan(score) else score for score in found] if np.isnan(scores).any() else found


def _as_json(spans: list[Span]) -> str:
    return json.dumps([[span.start, span.end, span.label, round(span.weight, 3)] for span in spans])


def _write(reader: Reader, setup: _Setup, target: Path | None, format: Format | None) -> int:
    scored = 0
    with (
        open_writer(target, format, reader.columns, like=reader, added=_scorer(setup).added) as writer,
        bar(reader.bytes_total) as update,
        closing(in_order(partial(_verdict_columns, setup), reader, sent=_texts)) as judged,
    ):
        for batch, columns in judged:
            writer.write(batch.with_columns(columns))
            scored += len(batch)
            update(reader.bytes_read, f"{scored:,} comments")
    return scored


def _texts(batch: Batch) -> Batch:
    """What another process needs of a batch."""
    texts: Columns = {name: list(values) for name, values in batch.columns.items() if name in TEXT_COLUMNS}
    return Batch(texts, batch.rows)


def _show(reader: Reader, scorer: _Scorer) -> int:
    """Print a table, a batch at a time, so that a long file starts to show at once."""
    console = Console()
    if scorer.article:
        console.print(
            Text(shown(scorer.article.title), style="bold"),
            Text(shown(scorer.article.text), style="dim"),
            sep="\n",
            end="\n\n",
        )
    scored = 0
    for batch in reader:
        table = Table(box=None, show_header=scored == 0, expand=True, pad_edge=False)
        table.add_column("comment", ratio=5)
        table.add_column("flags, and why" if scorer.explain else "flags", ratio=4)
        table.add_column("action", width=8)
        for row in _table_rows(batch, scorer):
            table.add_row(*row)
        console.print(table)
        scored += len(batch)
    return scored


def _table_rows(batch: Batch, scorer: _Scorer) -> Iterator[tuple[Text, Text, Text]]:
    comments = scorer.comments(batch)
    for comment, verdict in zip(comments, scorer.moderator.score(comments), strict=True):
        spans = scorer.spans(comment, verdict.flags)
        text = Text("↳ " if comment.parent else "", style="dim")
        words = shown(comment.text)
        text.append_text(_underlined(words, spans))
        flags = Text("\n".join(_reason(words, label, verdict.scores[label], spans) for label in verdict.flags))
        yield text, flags, Text(verdict.action.value, style=STYLES[verdict.action.value])


def _reason(comment: str, label: str, score: float, spans: list[Span]) -> str:
    """A flag with the words that it rests on most."""
    found = sorted((span for span in spans if span.label == label), key=lambda span: -span.weight)
    quotes = (comment[span.start : span.end] for span in found[:2])
    words = ", ".join(f"“{quote[:60]}…”" if len(quote) > 60 else f"“{quote}”" for quote in quotes)
    return f"{label} {score:.2f} {words}"


def _underlined(comment: str, spans: list[Span]) -> Text:
    text = Text(comment, style="not dim")
    for span in spans:
        text.stylize("underline", span.start, span.end)
    text.truncate(400, overflow="ellipsis")
    return text
