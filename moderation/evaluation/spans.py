"""Whether the words that a moderator gives as its reasons are those that people would underline."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from moderation.corpora import LabelledComments
from moderation.errors import RecipeError, RowError
from moderation.evaluation.plan import SpanRule
from moderation.evaluation.resampling import Estimate
from moderation.evaluation.scoring import column_of
from moderation.moderator import Moderator


@dataclass(frozen=True, slots=True)
class Explanation:
    """One label on one corpus in which people underlined what it rests on.

    Attributes
    ----------
    label, corpus : str
    comments : int
    character_f1 : Estimate
        Mean over comments, see `character_f1`.
    underlined, explained : float
        Share of all characters that people underlined, and that the moderator names.
    reach : float or None
    """

    label: str
    corpus: str
    comments: int
    character_f1: Estimate
    underlined: float
    explained: float
    reach: float | None

    @property
    def name(self) -> str:
        """What was measured."""
        return f"{self.label} spans on {self.corpus}"

    def figures(self) -> dict[str, float]:
        """The numbers alone, by name."""
        shares = {"underlined": round(self.underlined, 4), "explained": round(self.explained, 4)}
        return {"comments": self.comments, **self.character_f1.figures("character_f1", self.reach), **shares}


def measure_explanation(
    moderator: Moderator, name: str, corpus: LabelledComments, label: str, rule: SpanRule
) -> Explanation:
    """Explain one label in every comment of a corpus, flagged or not, and compare with what people underlined.

    Parameters
    ----------
    moderator : Moderator
    name : str
        The corpus's.
    corpus : LabelledComments
    label : str
    rule : SpanRule

    Raises
    ------
    RowError
        If a value is neither blank nor a list of offsets into its text.
    RecipeError
        If a column does not exist, or no row is chosen.
    """
    found, wanted, characters = [], [], 0
    for at in _chosen(corpus, rule):
        comment = corpus.comments[at]
        wanted.append(_offsets(corpus, at, rule.column))
        spans = moderator.explain(comment, [label])
        found.append(frozenset(chain.from_iterable(range(span.start, span.end) for span in spans)))
        characters += len(comment.text)
    if not wanted:
        raise RecipeError(f"{name} cannot measure explanations: in no row {dict(rule.where)}")
    scores = np.array(list(map(character_f1, found, wanted)))
    return Explanation(
        label=label,
        corpus=name,
        comments=len(scores),
        character_f1=Estimate.over(len(scores), lambda drawn: float(scores[drawn].mean())),
        underlined=sum(map(len, wanted)) / characters,
        explained=sum(map(len, found)) / characters,
        reach=rule.reach,
    )


def character_f1(found: frozenset[int], wanted: frozenset[int]) -> float:
    """F1 of two sets of characters of one comment; 1 where both are empty (Da San Martino et al. 2019).

    Its mean over comments is the measure of SemEval-2021 task 5 (Pavlopoulos et al. 2021).
    """
    if not found and not wanted:
        return 1.0
    return 2 * len(found & wanted) / (len(found) + len(wanted))


def _chosen(corpus: LabelledComments, rule: SpanRule) -> Iterator[int]:
    """Rows that the rule measures on: those it names in which the column is not blank."""
    words = [(column_of(corpus, column), word) for column, word in rule.where.items()]
    for at, value in enumerate(column_of(corpus, rule.column)):
        if value not in (None, "") and all(str(column[at]) == word for column, word in words):
            yield at


def _offsets(corpus: LabelledComments, at: int, column: str) -> frozenset[int]:
    value = corpus.columns[column][at]
    try:
        offsets = frozenset(json.loads(value) if isinstance(value, str) else value)
    except (TypeError, ValueError):
        offsets = frozenset({-1})
    length = len(corpus.comments[at].text)
    if not all(isinstance(offset, int) and 0 <= offset < length for offset in offsets):
        reason = f"{column} is {value!r}; expected a list of characters from 0 to {length - 1}, as [0, 1, 2]"
        raise RowError(corpus.source, corpus.rows[at], reason)
    return offsets
