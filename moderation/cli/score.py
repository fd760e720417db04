"""`moderation score`: files of comments in, the same files with verdicts out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from moderation.cli.bad_rows import OnError, OnErrorOption, reporter
from moderation.cli.console import STYLES, bar, notices, shown
from moderation.comment import Article, Comment
from moderation.errors import InputError, RowError
from moderation.files import Batch, Format, Reader, open_reader, open_writer
from moderation.files.formats import resolve_format
from moderation.heads.calibration import CalibrationKind
from moderation.labels import LABELS
from moderation.moderator import Moderator
from moderation.policy import Policies
from moderation.verdict import Span, Verdict


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
    moderator = Moderator.load(model, calibration=calibration)
    if policy is not None:
        moderator = Moderator(moderator.bundle, calibration, Policies.from_toml(policy, moderator.policy).default)
    scorer = _Scorer(moderator, _read_article(article) if article else None, explain)
    skipped: list[RowError] = []
    source = _stream(file)
    with open_reader(source, _told(source, format), on_row_error=reporter(on_error, skipped)) as reader:
        if out is None:
            scored = _show(reader, scorer)
        else:
            target = _stream(out)
            scored = _write(reader, scorer, target, _told(target, format or (None if target else reader.format)))
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

    def spans(self, comment: Comment, verdict: Verdict) -> list[Span]:
        """The reasons for a verdict's flags, where they are wanted."""
        return self.moderator.explain(comment, verdict.flags) if self.explain else []

    def with_verdicts(self, batch: Batch) -> Batch:
        """The batch with the columns of `added`."""
        comments = self.comments(batch)
        verdicts = self.moderator.score(comments)
        columns: dict[str, list[Any]] = {
            label: [_rounded(verdict.scores.get(label)) for verdict in verdicts]
            for label, kind in self.added.items()
            if kind is float
        }
        columns["flags"] = [" ".join(verdict.flags) for verdict in verdicts]
        columns["action"] = [verdict.action.value for verdict in verdicts]
        if self.explain:
            pairs = zip(comments, verdicts, strict=True)
            columns["spans"] = [_as_json(self.spans(comment, verdict)) for comment, verdict in pairs]
        return batch.with_columns(columns)


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 6)


def _as_json(spans: list[Span]) -> str:
    return json.dumps([[span.start, span.end, span.label, round(span.weight, 3)] for span in spans])


def _write(reader: Reader, scorer: _Scorer, target: Path | None, format: Format | None) -> int:
    scored = 0
    with (
        open_writer(target, format, reader.columns, like=reader, added=scorer.added) as writer,
        bar(reader.bytes_total) as update,
    ):
        for batch in reader:
            writer.write(scorer.with_verdicts(batch))
            scored += len(batch)
            update(reader.bytes_read, f"{scored:,} comments")
    return scored


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
        spans = scorer.spans(comment, verdict)
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
