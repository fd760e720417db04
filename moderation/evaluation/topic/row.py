"""One row of the topic table: our head and its rivals on the same comments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from moderation.corpora import LabelledComments
from moderation.evaluation.curves import Finding, details
from moderation.evaluation.plan import TopicRule
from moderation.evaluation.ranking import measure, resampled_auc
from moderation.evaluation.reach import Figure, figure_of
from moderation.evaluation.resampling import Estimate, rounded
from moderation.evaluation.scoring import Scored
from moderation.evaluation.topic.contexts import InContext, word_counts
from moderation.evaluation.topic.matched import LengthMatched
from moderation.evaluation.topic.rivals import Rival
from moderation.labels import OFF_TOPIC
from moderation.moderator import Moderator

OURS: Final = "ours"
FEWEST: Final = 10
"""Comments of each kind without which a part of a row is not measured."""
_BANDS: Final = {
    "1 to 5 words": (1, 6),
    "6 to 14 words": (6, 15),
    "15 to 39 words": (15, 40),
    "40 words and more": (40, np.inf),
}
"""Fewest words, and the number that is too many."""


@dataclass(frozen=True, slots=True)
class Part:
    """ROC AUC on some of a row's comments.

    Attributes
    ----------
    name : str
    comments, off_topic : int
    ours : Estimate or None
        None where the bundle has learned from these comments.
    rivals : dict of str to float
        By name.
    """

    name: str
    comments: int
    off_topic: int
    ours: Estimate | None
    rivals: dict[str, float]


@dataclass(frozen=True, slots=True)
class TopicRow:
    """How well we and our rivals tell what is off topic.

    Attributes
    ----------
    name : str
    rule : TopicRule
    whole : Part
    matched : Part or None
        Over pairs of like length; None for moved comments, whose counterparts are just as long.
    parts : tuple of Part
        By length, then by depth; none that would be the whole.
    learned : mapping of str to float
        Where the bundle has learned from these comments: what training found by heads that had not seen them.
    finding : Finding or None
        Where it has not: what lies behind the figures.
    """

    name: str
    rule: TopicRule
    whole: Part
    matched: Part | None
    parts: tuple[Part, ...]
    learned: Mapping[str, float]
    finding: Finding | None

    @property
    def measured(self) -> str:
        """What was measured."""
        return _learned_name(self.rule) if self.rule.cross_validated else f"{OFF_TOPIC} on {self.name}"

    @property
    def roc_auc(self) -> Figure | None:
        """Ours on all comments; None where the bundle learned from them and nothing was written down."""
        return figure_of(
            self.measured, "cross_validated_roc_auc" if self.finding is None else "roc_auc", self.figures()
        )

    @property
    def matched_roc_auc(self) -> Figure | None:
        """Ours over pairs of like length; None where it was not measured."""
        return figure_of(self.measured, "matched_roc_auc", self.figures())

    def figures(self) -> dict[str, float]:
        """The numbers by name, as a manifest holds them."""
        reach = self.rule.reach.model_dump(exclude_none=True)
        figures = {**self.learned, **{f"{rival}_roc_auc": value for rival, value in self.whole.rivals.items()}}
        if self.finding is not None:
            figures |= self.finding.measurement.figures()
        elif "roc_auc" in reach:
            reach["cross_validated_roc_auc"] = reach.pop("roc_auc")
        if self.matched is not None and self.matched.ours is not None:
            figures |= self.matched.ours.figures("matched_roc_auc")
        return {**rounded(figures), **{f"{name}_reach": value for name, value in reach.items() if name in figures}}

    def document(self) -> dict[str, Any]:
        """Everything as JSON holds it, but what stands among the findings."""
        document: dict[str, Any] = rounded(
            {
                "measured": self.measured,
                "name": self.name,
                "corpus": self.rule.corpus,
                "moved": self.rule.moved,
                "figures": self.figures(),
                "whole": asdict(self.whole),
                "matched": asdict(self.matched) if self.matched is not None else None,
                "parts": list(map(asdict, self.parts)),
            }
        )
        return document


def measure_row(
    moderator: Moderator, name: str, rule: TopicRule, corpus: LabelledComments, rivals: Mapping[str, Rival]
) -> TopicRow:
    """Measure one row.

    Parameters
    ----------
    moderator : Moderator
    name : str
    rule : TopicRule
    corpus : LabelledComments
        The rule's.
    rivals : mapping of str to callable

    Raises
    ------
    RowError, RecipeError
        If the corpus does not hold what the rule says.
    """
    found = InContext.of(corpus, rule)
    scores = {rival: score(found.comments) for rival, score in rivals.items()}
    finding = None
    if not rule.cross_validated:
        scores[OURS] = moderator.probabilities(found.comments)[:, moderator.labels.index(OFF_TOPIC)]
        scored = Scored(OFF_TOPIC, name, scores[OURS], found.off_topic, found.comments, found.rows)
        limits = moderator.policy.thresholds.get(OFF_TOPIC)
        finding = Finding(measure(scored, limits, rule.reach.roc_auc), details(scored, limits))
    return TopicRow(
        name=name,
        rule=rule,
        whole=_part("all", found.off_topic, scores),
        matched=None if rule.moved else _matched(found, scores),
        parts=tuple(_parts(found, scores)),
        learned=moderator.bundle.manifest.figures.get(_learned_name(rule), {}) if rule.cross_validated else {},
        finding=finding,
    )


def _learned_name(rule: TopicRule) -> str:
    """Under which training writes down what it found."""
    return f"{OFF_TOPIC} on {rule.corpus}, cross-validated by thread"


def _part(name: str, target: NDArray[np.bool_], scores: Mapping[str, NDArray[np.float64]]) -> Part:
    rivals = {rival: float(roc_auc_score(target, values)) for rival, values in scores.items() if rival != OURS}
    ours = scores.get(OURS)
    estimate = None if ours is None else Estimate.of(float(roc_auc_score(target, ours)), resampled_auc(target, ours))
    return Part(name, len(target), int(target.sum()), estimate, rivals)


def _matched(found: InContext, scores: Mapping[str, NDArray[np.float64]]) -> Part:
    pairs = LengthMatched(word_counts(found.comments), found.off_topic)
    rivals = {rival: pairs.roc_auc(values) for rival, values in scores.items() if rival != OURS}
    off_topic, others = pairs.sizes
    ours = pairs.estimate(scores[OURS]) if OURS in scores else None
    return Part("matched in length", off_topic + others, off_topic, ours, rivals)


def _parts(found: InContext, scores: Mapping[str, NDArray[np.float64]]) -> Iterator[Part]:
    for name, members in _divisions(found):
        target = found.off_topic[members]
        if not members.all() and min(target.sum(), (~target).sum()) >= FEWEST:
            yield _part(name, target, {method: values[members] for method, values in scores.items()})


def _divisions(found: InContext) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    words = word_counts(found.comments)
    for name, (least, below) in _BANDS.items():
        yield name, (words >= least) & (words < below)
    replies = np.array([comment.parent is not None for comment in found.comments])
    yield "top-level comments", ~replies
    yield "replies", replies
