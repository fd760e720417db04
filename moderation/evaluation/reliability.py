"""Whether scores are probabilities: of the comments with a score of .7, seven in ten should have the label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from moderation.evaluation.plan import StreamRule
from moderation.evaluation.resampling import Estimate
from moderation.evaluation.scoring import Scored

RELIABILITY_BINS: Final = 10
_INNER_EDGES: Final = np.linspace(0, 1, RELIABILITY_BINS + 1)[1:-1]
_Z: Final = 1.96  # of a normal distribution, 95% lie so many deviations from the mean at most


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Comments of about the same score.

    Attributes
    ----------
    comments : int
    score : float
        Their mean score.
    share, share_low, share_high : float
        The share of them that has the label, and its 95% interval (Wilson 1927).
    """

    comments: int
    score: float
    share: float
    share_low: float
    share_high: float


@dataclass(frozen=True, slots=True)
class Stream:
    """One label on comments as a site sees them.

    Attributes
    ----------
    label, corpus : str
    comments : int
    rate, mean_score : float
        Share of the stream that has the label, and the share that the scores foretell.
    expected_calibration_error : Estimate
        See `calibration_error`. Chance alone keeps it above 0, and drawing comments anew adds to chance.
    reach : float or None
    reliability : tuple of ReliabilityBin
    """

    label: str
    corpus: str
    comments: int
    rate: float
    mean_score: float
    expected_calibration_error: Estimate
    reach: float | None
    reliability: tuple[ReliabilityBin, ...]

    @property
    def name(self) -> str:
        """What was measured."""
        return f"{self.label} on the stream {self.corpus}"

    def figures(self) -> dict[str, float]:
        """The numbers alone, by name."""
        error = self.expected_calibration_error.figures("expected_calibration_error", self.reach)
        return {
            "comments": self.comments,
            "rate": round(self.rate, 4),
            "mean_score": round(self.mean_score, 4),
            **error,
        }


def measure_stream(scored: Scored, rule: StreamRule) -> Stream:
    """Measure one label on one stream.

    Parameters
    ----------
    scored : Scored
        Every comment of the stream.
    rule : StreamRule
        Its rate, if any, weighs comments with and without the label.
    """
    scores, target = scored.scores, scored.target
    weights = _weights(target, rule.rate)
    return Stream(
        label=scored.label,
        corpus=scored.corpus,
        comments=len(target),
        rate=float(np.average(target, weights=weights)),
        mean_score=float(np.average(scores, weights=weights)),
        expected_calibration_error=Estimate.over(
            len(target), lambda drawn: calibration_error(scores[drawn], target[drawn], weights[drawn])
        ),
        reach=rule.reach,
        reliability=reliability(scores, target, weights),
    )


def calibration_error(scores: NDArray[np.float64], target: NDArray[np.bool_], weights: NDArray[np.float64]) -> float:
    """Expected calibration error (Naeini et al. 2015).

    Returns
    -------
    float
        Mean distance between a bin's mean score and its share of comments with the label, weighed by comments. Bins are
        `RELIABILITY_BINS` of equal width in score.
    """
    bins = np.searchsorted(_INNER_EDGES, scores)
    distances = np.bincount(bins, weights * (scores - target))
    return float(np.abs(distances).sum() / weights.sum())


def reliability(
    scores: NDArray[np.float64], target: NDArray[np.bool_], weights: NDArray[np.float64]
) -> tuple[ReliabilityBin, ...]:
    """The bins of `calibration_error`, without empty ones."""
    bins = np.searchsorted(_INNER_EDGES, scores)
    return tuple(_bin(scores[bins == at], target[bins == at], weights[bins == at]) for at in np.unique(bins))


def _bin(scores: NDArray[np.float64], target: NDArray[np.bool_], weights: NDArray[np.float64]) -> ReliabilityBin:
    share = float(np.average(target, weights=weights))
    size = float(weights.sum() ** 2 / (weights**2).sum())  # as many comments of equal weight (Kish 1965)
    middle, spread = share + _Z**2 / (2 * size), _Z * np.sqrt(share * (1 - share) / size + (_Z / (2 * size)) ** 2)
    low, high = ((middle + way * spread) / (1 + _Z**2 / size) for way in (-1, 1))
    score = float(np.average(scores, weights=weights))
    return ReliabilityBin(len(scores), score, share, max(float(low), 0.0), min(float(high), 1.0))


def _weights(target: NDArray[np.bool_], rate: float | None) -> NDArray[np.float64]:
    """What each comment counts, so that the label has the rate wanted."""
    share = target.mean()
    if rate is None:
        return np.ones(len(target))
    return np.asarray(np.where(target, rate / share, (1 - rate) / (1 - share)))
