"""How good a moderator is on labelled comments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_score, recall_score, roc_auc_score

from moderation.comment import Comment
from moderation.corpora import CorpusMap, LabelledComments, LabelRule, moved, read_corpora
from moderation.errors import RecipeError
from moderation.labels import LABELS
from moderation.moderator import Moderator
from moderation.policy import Thresholds

_RESAMPLES = 200


def no_progress(_: str) -> None:
    """Take the name of a corpus and tell nobody."""


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


@dataclass(frozen=True, slots=True)
class Measurement:
    """One label on one corpus.

    Attributes
    ----------
    label, corpus : str
    comments : int
        For which the label is defined.
    positive_share : float
        Share of them that have it; shares of votes count as having it above .5.
    roc_auc, roc_auc_low, roc_auc_high : float
        Area under the ROC curve, and the middle 95% of its values over resampled comments.
    average_precision : float
    flag_precision, flag_recall : float
        At the policy's threshold for flags.
    """

    label: str
    corpus: str
    comments: int
    positive_share: float
    roc_auc: float
    roc_auc_low: float
    roc_auc_high: float
    average_precision: float
    flag_precision: float
    flag_recall: float

    @property
    def place(self) -> tuple[int, str]:
        """By which measurements are put in order: that of labels, then the corpora's names."""
        return LABELS.index(self.label), self.corpus

    def figures(self) -> dict[str, float]:
        """The numbers alone, by name."""
        return {name: round(value, 4) for name, value in asdict(self).items() if not isinstance(value, str)}


def evaluate(
    moderator: Moderator, corpora: CorpusMap, folder: Path, progress: Callable[[str], None] = no_progress
) -> list[Measurement]:
    """Measure every label on every corpus that defines it.

    Parameters
    ----------
    moderator : Moderator
    corpora : CorpusMap
        What to measure on.
    folder : Path
        To which its file names are relative.
    progress : callable
        Told the name of each corpus before it is scored.

    Raises
    ------
    InputError, RecipeError
        If a corpus cannot be read or does not hold what the map says.
    """
    limits = moderator.policy.thresholds
    found = (measure(scored, limits.get(scored.label)) for scored in score(moderator, corpora, folder, progress))
    return sorted(found, key=lambda measurement: measurement.place)


def score(
    moderator: Moderator, corpora: CorpusMap, folder: Path, progress: Callable[[str], None] = no_progress
) -> Iterator[Scored]:
    """Score every corpus, and give what was scored label by label: what `evaluate` measures.

    Parameters and errors are those of `evaluate`.
    """
    for name, corpus in read_corpora(corpora, folder, progress):
        rules = {label: rules[name] for label, rules in corpora.heads.items() if name in rules}
        yield from _score_corpus(moderator, name, corpus, rules)


def measure(scored: Scored, limits: Thresholds | None) -> Measurement:
    """Measure one label on one corpus.

    Parameters
    ----------
    scored : Scored
    limits : Thresholds or None
        The label's; without any it is never flagged.
    """
    scores, target = scored.scores, scored.target
    low, high = np.quantile(_resampled_auc(target, scores), [0.025, 0.975])
    flagged = scores >= limits.flag if limits is not None else np.zeros(len(scores), dtype=bool)
    return Measurement(
        label=scored.label,
        corpus=scored.corpus,
        comments=len(target),
        positive_share=float(target.mean()),
        roc_auc=float(roc_auc_score(target, scores)),
        roc_auc_low=float(low),
        roc_auc_high=float(high),
        average_precision=float(average_precision_score(target, scores)),
        flag_precision=float(precision_score(target, flagged, zero_division=0)),
        flag_recall=float(recall_score(target, flagged)),
    )


def _score_corpus(
    moderator: Moderator, name: str, corpus: LabelledComments, rules: Mapping[str, LabelRule]
) -> Iterator[Scored]:
    at_home = moderator.probabilities(corpus.comments)
    for label, rule in rules.items():
        if label not in moderator.labels:
            continue
        column = moderator.labels.index(label)
        comments, rows, scores = corpus.comments, corpus.rows, at_home[:, column]
        if rule.moved:
            elsewhere = moved(corpus, seed=0)
            comments, rows = comments + elsewhere, rows * 2
            scores = np.concatenate([scores, moderator.probabilities(elsewhere)[:, column]])
            shares = np.repeat([0.0, 1.0], len(corpus))
        else:
            shares = corpus.shares(label, rule)
        known = np.flatnonzero(~np.isnan(shares) & ~np.isnan(scores)).tolist()
        known_comments, known_rows = [comments[at] for at in known], [rows[at] for at in known]
        yield Scored(label, name, scores[known], shares[known] > 0.5, known_comments, known_rows)


def _resampled_auc(target: NDArray[np.bool_], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """ROC AUC by ranks (Mann-Whitney) on positives and negatives drawn anew, with replacement."""
    generator = np.random.default_rng(0)
    positive, negative = scores[target], np.sort(scores[~target])
    values = np.empty(_RESAMPLES)
    for at in range(_RESAMPLES):
        others = np.sort(negative[generator.integers(len(negative), size=len(negative))])
        drawn = positive[generator.integers(len(positive), size=len(positive))]
        below = np.searchsorted(others, drawn, "left") + np.searchsorted(others, drawn, "right")
        values[at] = below.mean() / (2 * len(others))
    return values
