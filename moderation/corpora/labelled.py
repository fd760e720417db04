"""Reading labelled comments, with file, row and reason for whatever is wrong in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moderation.comment import Article, Comment
from moderation.corpora.recipe import CorpusMap, CorpusSpec, LabelRule
from moderation.errors import InputError, RecipeError, RowError
from moderation.files import ABSENT, open_reader
from moderation.labels import LABELS

_EXPECTED = "expected a number from 0 to 1, true, false or nothing"
_TRUTH = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}


@dataclass(frozen=True, slots=True)
class LabelledComments:
    """A corpus in memory.

    Attributes
    ----------
    source : str
        File name, for messages.
    comments : list of Comment
    groups : list of str
        Thread, article or video of each comment: what must not be torn apart between training and testing.
    columns : dict of str to list
        Every other column as it was read.
    rows : list of int
        Row of each comment in the file, from 1.
    """

    source: str
    comments: list[Comment]
    groups: list[str]
    columns: dict[str, list[Any]]
    rows: list[int]

    def __len__(self) -> int:
        return len(self.comments)

    def shares(self, label: str, rule: LabelRule) -> NDArray[np.float64]:
        """What a rule makes of this corpus.

        Returns
        -------
        ndarray of float, shape (n_comments,)
            Shares in [0, 1]; NaN where the label is not defined.

        Raises
        ------
        RowError
            If a value is neither blank nor a share, truth value or known word.
        RecipeError
            If the column does not exist.
        """
        shares = self._raw_shares(label, rule)
        if rule.invert:
            shares = 1 - shares
        if rule.keep != "all":
            shares[(shares > 0.5) != (rule.keep == "positives")] = np.nan
        if rule.where is not None:
            shares[~self.chosen(rule.where)] = np.nan
        return shares

    def chosen(self, column: str) -> NDArray[np.bool_]:
        """In which rows a column is 1."""
        return np.array([_share(value) == 1 for value in self._column(column)])

    def _raw_shares(self, label: str, rule: LabelRule) -> NDArray[np.float64]:
        if rule.constant is not None:
            return np.full(len(self), rule.constant)
        name = rule.column or label
        values = self._column(name)
        if rule.positive:
            words = {**dict.fromkeys(rule.positive, 1.0), **dict.fromkeys(rule.negative, 0.0)}
            return np.array([words.get(str(value), np.nan) for value in values])
        if rule.above is not None:
            numbers = self._sound(np.array([_number(value) for value in values]), name, "expected a number or nothing")
            negative = numbers <= rule.below if rule.below is not None else numbers < rule.above
            return np.select([numbers >= rule.above, negative], [1.0, 0.0], np.nan)
        return self._sound(np.array([_share(value) for value in values]), name, _EXPECTED)

    def _sound(self, numbers: NDArray[np.float64], column: str, expected: str) -> NDArray[np.float64]:
        """Numbers read from a column, none of which may be infinite: that marks what is none."""
        for at in np.flatnonzero(np.isinf(numbers))[:1]:
            raise RowError(self.source, self.rows[at], f"{column} is {self.columns[column][at]!r}; {expected}")
        return numbers

    def _column(self, name: str) -> list[Any]:
        if name not in self.columns:
            raise RecipeError(f"{self.source}: no column {name!r}; it has {', '.join(sorted(self.columns))}")
        return self.columns[name]


def read_labelled(path: Path, spec: CorpusSpec, articles: Path | None = None) -> LabelledComments:
    """Read a corpus.

    Parameters
    ----------
    path : Path
    spec : CorpusSpec
        Names of its columns.
    articles : Path, optional
        File with columns id, title, text, to which the comments' article ids lead.

    Raises
    ------
    InputError, RowError
        If the file or a row of it cannot be used.
    """
    columns, rows = _read_columns(path, (spec.text,))
    known = _read_articles(articles) if articles is not None else None
    for name in (spec.group, None if known is None else spec.article_id):
        if name is not None and name not in columns:
            raise InputError(f"{path}: no column {name!r}; it has {', '.join(sorted(columns))}")
    texts = columns.pop(spec.text)
    parents = _parent_texts(columns, spec, texts)
    comments, groups = [], []
    for at, text in enumerate(texts):
        article = _article(columns, spec, known, at)
        if article is None and known is not None:
            raise RowError(
                str(path), rows[at], f"{spec.article_id} {columns[spec.article_id][at]!r} is not in {articles}"
            )
        comments.append(Comment(text, article, parents[at]))
        groups.append(str(columns[spec.group][at]) if spec.group else (article.title if article else ""))
    return LabelledComments(str(path), comments, groups, columns, rows)


def read_corpora(
    corpora: CorpusMap, folder: Path, progress: Callable[[str], None]
) -> Iterator[tuple[str, LabelledComments]]:
    """Read every corpus of a map, in its order, and tell the name of each before.

    Raises
    ------
    InputError, RowError
        If a file or a row of it cannot be used.
    """
    for name, spec in corpora.corpora.items():
        progress(name)
        articles = corpora.locate(spec.articles, folder) if spec.articles else None
        yield name, read_labelled(corpora.locate(spec.file, folder), spec, articles)


def moved(corpus: LabelledComments, seed: int) -> list[Comment]:
    """Each comment under the article of another thread, answering a comment there if it answered one at home."""
    generator = np.random.default_rng(seed)
    groups = np.array(corpus.groups)
    if len(set(corpus.groups)) < 2:
        raise RecipeError(f"{corpus.source}: comments can be moved only between two threads or more")
    targets = generator.integers(len(corpus), size=len(corpus))
    while (clash := groups[targets] == groups).any():
        targets[clash] = generator.integers(len(corpus), size=int(clash.sum()))
    hosts = [corpus.comments[target] for target in targets.tolist()]
    return [
        Comment(comment.text, host.article if comment.article else None, host.text if comment.parent else None)
        for comment, host in zip(corpus.comments, hosts, strict=True)
    ]


def check_labelled(path: Path, spec: CorpusSpec, articles: Path | None, report: Callable[[RowError], None]) -> int:
    """Look at a labelled file in our own format as a strict reader would, and report every bad row.

    Returns
    -------
    int
        Number of rows without fault.

    Raises
    ------
    InputError
        If the file as a whole cannot be used.
    """
    faults: dict[int, RowError] = {}

    def note(error: RowError) -> None:
        if faults.setdefault(error.row, error) is error:
            report(error)

    columns, rows = _read_columns(path, (spec.text,), note)
    labels = [label for label in LABELS if label in columns]
    if not labels:
        raise InputError(f"{path}: no label column; expected at least one of {', '.join(LABELS)}")
    known = set(_read_articles(articles)) if articles is not None else None
    seen: dict[str, int] = {}
    for at, row in enumerate(rows):
        for reason in _faults({name: values[at] for name, values in columns.items()}, spec, labels, known, seen):
            note(RowError(str(path), row, reason))
        if spec.id in columns and columns[spec.id][at] not in (None, ""):
            seen.setdefault(str(columns[spec.id][at]), row)
    return len([row for row in rows if row not in faults])


def _faults(
    entry: dict[str, Any], spec: CorpusSpec, labels: Sequence[str], articles: set[str] | None, seen: dict[str, int]
) -> list[str]:
    reasons = []
    if not str(entry[spec.text]).strip():
        reasons.append("the text is empty; leave the row out")
    for label in labels:
        if np.isinf(_share(entry[label])):
            reasons.append(f"{label} is {entry[label]!r}; {_EXPECTED}")
    if spec.id in entry and (first := seen.get(str(entry[spec.id]))):
        reasons.append(f"id {entry[spec.id]!r} stands already in row {first}; ids must be unique")
    if articles is not None and str(entry.get(spec.article_id)) not in articles:
        reasons.append(f"{spec.article_id} {entry.get(spec.article_id)!r} is not in the articles file")
    parent = entry.get(spec.parent_id)
    if spec.id in entry and parent not in (None, "") and str(parent) not in seen:
        reasons.append(f"{spec.parent_id} {parent!r} is not the id of an earlier row")
    return reasons


def _read_columns(
    path: Path, required: Sequence[str], on_row_error: Callable[[RowError], None] | None = None
) -> tuple[dict[str, list[Any]], list[int]]:
    rows: list[int] = []
    with open_reader(path, required=required, on_row_error=on_row_error) as reader:
        columns: dict[str, list[Any]] = {name: [] for name in (*required, *reader.columns)}
        for batch in reader:
            for name, values in batch.columns.items():
                known = (None if value is ABSENT else value for value in values)
                columns.setdefault(name, [None] * len(rows)).extend(known)
            rows.extend(batch.rows)
            for values in columns.values():
                values.extend([None] * (len(rows) - len(values)))
    return columns, rows


def _read_articles(path: Path) -> dict[str, Article]:
    columns, _ = _read_columns(path, ("text",))
    for name in ("id", "title"):
        if name not in columns:
            raise InputError(f"{path}: no column {name!r}; an articles file has id, title and text")
    return {
        str(key): Article(str(title or ""), str(text or ""))
        for key, title, text in zip(columns["id"], columns["title"], columns["text"], strict=True)
    }


def _article(
    columns: dict[str, list[Any]], spec: CorpusSpec, known: dict[str, Article] | None, at: int
) -> Article | None:
    if known is not None:
        return known.get(str(columns[spec.article_id][at]))
    title, text = (
        str(columns[name][at] or "") if name in columns else "" for name in (spec.article_title, spec.article_text)
    )
    return Article(title, text) if title.strip() or text.strip() else None


def _parent_texts(columns: dict[str, list[Any]], spec: CorpusSpec, texts: list[str]) -> list[str | None]:
    if spec.parent_text in columns:
        return [str(parent) if parent else None for parent in columns[spec.parent_text]]
    if spec.parent_id in columns and spec.id in columns:
        by_id = {str(key): text for key, text in zip(columns[spec.id], texts, strict=True)}
        return [by_id.get(str(parent)) if parent else None for parent in columns[spec.parent_id]]
    return [None] * len(texts)


def _number(value: Any) -> float:
    """A number; NaN for nothing, infinity for what is none."""
    if value is None or value == "":
        return np.nan
    try:
        return float(value)
    except (TypeError, ValueError):
        return np.inf


def _share(value: Any) -> float:
    """A share in [0, 1]; NaN for nothing, infinity for anything else."""
    number = _TRUTH.get(str(value).strip().lower(), _number(value))
    return number if np.isnan(number) or 0 <= number <= 1 else np.inf
