"""What a moderator says of a corpus, beside what is true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moderation.comment import Comment
from moderation.corpora import LabelledComments, LabelRule
from moderation.errors import RecipeError
from moderation.moderator import Moderator


@dataclass(frozen=True, slots=True)
class Scored:
    """The comments of one corpus for which one label is defined: what the moderator says, beside the truth.

    Attributes
    ----------
    label, corpus : str
    scores : ndarray of float, shape (n_comments,)
        Probabilities.
    target : ndarray of bool, shape (n_comments,)
        Whether a comment has the label; shares of votes count as having it above .5.
    comments : sequence of Comment
    rows : sequence of int
        Row of each comment in the corpus's file, from 1.

    Raises
    ------
    RecipeError
        If all comments have the label, or none.
    """

    label: str
    corpus: str
    scores: NDArray[np.float64]
    target: NDArray[np.bool_]
    comments: Sequence[Comment]
    rows: Sequence[int]

    def __post_init__(self) -> None:
        comments, having = len(self.target), int(self.target.sum())
        if having in (0, comments):
            raise RecipeError(f"{self.corpus} cannot measure {self.label}: of {comments} comments {having} have it")


@dataclass(frozen=True)  # without slots, which would leave no place for what is cached
class ScoredCorpus:
    """A corpus that a moderator scores once, however many labels are measured on it.

    Parameters
    ----------
    moderator : Moderator
    name : str
    corpus : LabelledComments
    """

    moderator: Moderator
    name: str
    corpus: LabelledComments

    @cached_property
    def _probabilities(self) -> NDArray[np.float64]:
        return self.moderator.probabilities(self.corpus.comments)

    def scores(self, label: str) -> NDArray[np.float64]:
        """Probabilities of a label, shape (n_comments,); NaN where there is none."""
        return self._probabilities[:, self.moderator.labels.index(label)]

    def scored(self, label: str, rule: LabelRule) -> Scored:
        """The comments for which a rule defines a label, with their truth.

        Raises
        ------
        RowError
            If a value of the rule's column is not what it should be.
        RecipeError
            If the column does not exist, or all comments have the label, or none.
        """
        scores, shares = self.scores(label), self.corpus.shares(label, rule)
        known = np.flatnonzero(~np.isnan(shares) & ~np.isnan(scores)).tolist()
        comments, rows = [self.corpus.comments[at] for at in known], [self.corpus.rows[at] for at in known]
        return Scored(label, self.name, scores[known], shares[known] > 0.5, comments, rows)


def column_of(corpus: LabelledComments, name: str) -> list[Any]:
    """A column of a corpus as it was read.

    Raises
    ------
    RecipeError
        If the corpus has none of that name.
    """
    if name not in corpus.columns:
        raise RecipeError(f"{corpus.source}: no column {name!r}; it has {', '.join(sorted(corpus.columns))}")
    return corpus.columns[name]
