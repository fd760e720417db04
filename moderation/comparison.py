"""How our scores compare with those that another service gave the same comments, Perspective above all.

Agreement beyond chance is Cohen's kappa (Cohen 1960), correlation of ranks Spearman's (Spearman 1904).
"""

from __future__ import annotations

import reprlib
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isnan
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from moderation.comment import Comment
from moderation.errors import InputError, RowError
from moderation.files import ABSENT, Batch, OnError, Reader
from moderation.files.reader import check_columns
from moderation.heads.calibration import CalibrationKind
from moderation.moderator import Moderator

SCALE: Final = CalibrationKind.PERSPECTIVE
"""What a score means on Perspective's endpoints, and so in a comparison with what Perspective logged."""
THRESHOLDS: Final = (0.5, 0.7, 0.8, 0.9)
"""Where forums cut: Coral at .8, Discourse's plugin at .9."""


@dataclass(frozen=True, slots=True)
class Log:
    """What a file of logged answers holds.

    Parameters
    ----------
    text, score : str
        Names of the columns.
    label : str
        What was scored: one of our labels, which the text alone decides.
    """

    text: str = "text"
    score: str = "score"
    label: str = "toxicity"


@dataclass(frozen=True, slots=True)
class Agreement:
    """What two services flag, each what it scores at a threshold or above.

    Attributes
    ----------
    threshold : float
    both, only_theirs, only_ours, neither : int
        Comments.
    same_rate : float
        The threshold of ours that flags as many comments as `threshold` flags of theirs, or as nearly as scores that
        are equal allow.
    """

    threshold: float
    both: int
    only_theirs: int
    only_ours: int
    neither: int
    same_rate: float

    @property
    def comments(self) -> int:
        """All of them."""
        return self.both + self.only_theirs + self.only_ours + self.neither

    @property
    def their_rate(self) -> float:
        """Share of the comments that they flag."""
        return (self.both + self.only_theirs) / self.comments

    @property
    def our_rate(self) -> float:
        """Share of the comments that we flag."""
        return (self.both + self.only_ours) / self.comments

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa: 1 for the same flags, 0 for no more agreement than by chance; None where all are alike."""
        observed = (self.both + self.neither) / self.comments
        theirs, ours = self.their_rate, self.our_rate
        expected = theirs * ours + (1 - theirs) * (1 - ours)
        return None if expected == 1 else (observed - expected) / (1 - expected)

    def figures(self) -> dict[str, float | int | None]:
        """The numbers by name."""
        return {
            "threshold": self.threshold,
            "their_rate": self.their_rate,
            "our_rate": self.our_rate,
            "both": self.both,
            "only_theirs": self.only_theirs,
            "only_ours": self.only_ours,
            "neither": self.neither,
            "kappa": self.kappa,
            "same_rate": self.same_rate,
        }


@dataclass(frozen=True, slots=True)
class ScorePairs:
    """Two scores of every comment.

    Attributes
    ----------
    theirs, ours : ndarray of float, shape (n_comments,)
        In [0, 1].
    blank : int
        Comments that were left out because they had no score.
    """

    theirs: NDArray[np.float64]
    ours: NDArray[np.float64]
    blank: int = 0

    def __len__(self) -> int:
        return len(self.theirs)

    def rank_correlation(self) -> float | None:
        """Spearman's, from -1 to 1; None where one side gave every comment the same score."""
        theirs, ours = rankdata(self.theirs), rankdata(self.ours)
        if np.ptp(theirs) == 0 or np.ptp(ours) == 0:
            return None
        return float(np.corrcoef(theirs, ours)[0, 1])

    def agreement(self, threshold: float) -> Agreement:
        """What both sides flag at a threshold."""
        theirs, ours = self.theirs >= threshold, self.ours >= threshold
        return Agreement(
            threshold=threshold,
            both=int((theirs & ours).sum()),
            only_theirs=int((theirs & ~ours).sum()),
            only_ours=int((~theirs & ours).sum()),
            neither=int((~theirs & ~ours).sum()),
            same_rate=cut(self.ours, int(theirs.sum())),
        )


def cut(scores: NDArray[np.float64], flagged: int) -> float:
    """The threshold that flags a number of comments, half-way between two scores.

    Parameters
    ----------
    scores : ndarray of float, shape (n_comments,)
        In [0, 1].
    flagged : int
        Equal scores are flagged together, so there may be no threshold for exactly so many; then it is the nearest.
    """
    falling = np.concatenate([[1.0], np.sort(scores)[::-1], [-1.0]])
    places = np.flatnonzero(falling[:-1] > falling[1:])
    place = places[np.abs(places - flagged).argmin()]
    return max(float((falling[place] + falling[place + 1]) / 2), 0.0)


def read_pairs(
    reader: Reader,
    moderator: Moderator,
    log: Log,
    on_row_error: OnError | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> ScorePairs:
    """Score the comments of a log anew; of each no more than its two scores is kept in memory.

    Parameters
    ----------
    reader : Reader
        Gives the log's rows.
    moderator : Moderator
    log : Log
    on_row_error : callable or None
        Is handed the `RowError` of every row whose text or score cannot be used. None: the first one is raised.
    progress : callable
        Told after each batch how many comments have been scored.

    Raises
    ------
    InputError
        If a column is missing, or fewer than two comments have a score.
    RowError
        For the first bad row, where nobody asked to be handed them.
    """
    if reader.columns:  # JSON Lines names none beforehand
        check_columns(reader.name, reader.columns, (log.text, log.score))
    column = moderator.labels.index(log.label)
    theirs, ours, blank = array("d"), array("d"), 0
    for batch in reader:
        rows = list(_rows(batch, log, reader.name, on_row_error))
        answered = [(comment, score) for comment, score in rows if score is not None]
        theirs.extend(score for _, score in answered)
        ours.extend(moderator.probabilities([comment for comment, _ in answered])[:, column].tolist())
        blank += len(rows) - len(answered)
        progress(len(theirs))
    if len(theirs) < 2:
        raise InputError(f"{reader.name}: fewer than two rows have a number in {log.score!r}; nothing can be compared")
    return ScorePairs(np.array(theirs), np.array(ours), blank)


def _rows(batch: Batch, log: Log, source: str, on_row_error: OnError | None) -> Iterator[tuple[Comment, float | None]]:
    values = zip(batch.rows, batch.column(log.text), batch.column(log.score), strict=True)
    for row, text, score in values:
        try:
            yield Comment(_text(text, log.text)), _score(score, log.score)
        except ValueError as reason:
            error = RowError(source, row, str(reason))
            if on_row_error is None:
                raise error from None
            on_row_error(error)


def _text(value: Any, column: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{column!r} is {_told(value)}; expected a string")
    return value


def _score(value: Any, column: str) -> float | None:
    """A logged score; None where the service gave none."""
    if value is None or value is ABSENT or (isinstance(value, str) and not value.strip()):
        return None
    score = _number(value)
    if score is not None and isnan(score):  # how pandas writes what is missing
        return None
    if score is None or not 0 <= score <= 1:
        raise ValueError(f"{column!r} is {_told(value)}; expected a number from 0 to 1, or nothing")
    return score


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _told(value: Any) -> str:
    return "missing" if value is ABSENT else reprlib.repr(value)
