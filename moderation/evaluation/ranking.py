"""How well comments that have a label are told from those that do not."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_score, recall_score, roc_auc_score

from moderation.evaluation.resampling import RESAMPLES, Estimate, rounded
from moderation.evaluation.scoring import Scored
from moderation.policy import Thresholds


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
    roc_auc_reach : float or None
        What was to be reached.
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
    roc_auc_reach: float | None = None

    @property
    def name(self) -> str:
        """What was measured."""
        return f"{self.label} on {self.corpus}"

    def figures(self) -> dict[str, float]:
        """The numbers alone, by name."""
        values = asdict(self).items()
        figures: dict[str, float] = rounded({name: value for name, value in values if isinstance(value, int | float)})
        return figures


def measure(scored: Scored, limits: Thresholds | None, reach: float | None = None) -> Measurement:
    """Measure one label on one corpus.

    Parameters
    ----------
    scored : Scored
    limits : Thresholds or None
        The label's; without any it is never flagged.
    reach : float or None
        ROC AUC to be reached.
    """
    scores, target = scored.scores, scored.target
    roc_auc = Estimate.of(float(roc_auc_score(target, scores)), resampled_auc(target, scores))
    flagged = scores >= limits.flag if limits is not None else np.zeros(len(scores), dtype=bool)
    return Measurement(
        label=scored.label,
        corpus=scored.corpus,
        comments=len(target),
        positive_share=float(target.mean()),
        roc_auc=roc_auc.value,
        roc_auc_low=roc_auc.low,
        roc_auc_high=roc_auc.high,
        average_precision=float(average_precision_score(target, scores)),
        flag_precision=float(precision_score(target, flagged, zero_division=0)),
        flag_recall=float(recall_score(target, flagged)),
        roc_auc_reach=reach,
    )


def resampled_auc(target: NDArray[np.bool_], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """ROC AUC by ranks (Mann-Whitney) on positives and negatives drawn anew, with replacement."""
    generator = np.random.default_rng(0)
    positive, negative = scores[target], np.sort(scores[~target])
    values = np.empty(RESAMPLES)
    for at in range(RESAMPLES):
        others = np.sort(negative[generator.integers(len(negative), size=len(negative))])
        drawn = positive[generator.integers(len(positive), size=len(positive))]
        below = np.searchsorted(others, drawn, "left") + np.searchsorted(others, drawn, "right")
        values[at] = below.mean() / (2 * len(others))
    return values
