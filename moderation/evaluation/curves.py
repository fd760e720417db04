"""What lies behind the figures: curves, reliability, distributions, thresholds and the worst errors."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from moderation.evaluation.ranking import Measurement
from moderation.evaluation.reliability import ReliabilityBin, calibration_error, reliability
from moderation.evaluation.resampling import rounded
from moderation.evaluation.scoring import Scored
from moderation.policy import Thresholds

CURVE_POINTS: Final = 200
"""Most points of a curve that are kept."""
HISTOGRAM_BINS: Final = 20
WORST: Final = 10
"""Most errors of a kind that are shown."""
LONGEST_TEXT: Final = 300
"""Characters of a text that are kept."""
THRESHOLDS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Rows of the threshold table, besides the policy's own; close at the low end, where site probabilities are."""

Curve = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class HistogramBin:
    """How many comments of each class have a score from `start` up to the next bin's."""

    start: float
    positives: int
    negatives: int


@dataclass(frozen=True, slots=True)
class ThresholdRow:
    """What flagging from a score on would mean.

    Attributes
    ----------
    threshold : float
    steps : tuple of str
        What the policy does from there on: "flag", "review", "reject" or nothing.
    flagged_share : float
        Of all comments.
    false_alarm_share : float
        Of the comments without the label, those that are flagged.
    precision : float or None
        None where nothing is flagged.
    recall : float
    """

    threshold: float
    steps: tuple[str, ...]
    flagged_share: float
    false_alarm_share: float
    precision: float | None
    recall: float


@dataclass(frozen=True, slots=True)
class Example:
    """A comment that was misjudged.

    Attributes
    ----------
    row : int
        In the corpus's file, from 1.
    score : float
    text : str
    article, parent : str or None
        Title of the article and text of the comment answered; these and `text` are cut at `LONGEST_TEXT` characters.
    """

    row: int
    score: float
    text: str
    article: str | None
    parent: str | None


@dataclass(frozen=True, slots=True)
class Details:
    """One label on one corpus, for plots and tables.

    Attributes
    ----------
    roc : tuple of (float, float)
        False positive rate and recall, at most `CURVE_POINTS` points.
    precision_recall : tuple of (float, float)
        Recall and precision, likewise.
    expected_calibration_error : float
    reliability : tuple of ReliabilityBin
    histogram : tuple of HistogramBin
    thresholds : tuple of ThresholdRow
        Rising.
    false_positives, false_negatives : tuple of Example
        Flagged without the label, highest score first; not flagged in spite of it, lowest first.
    """

    roc: Curve
    precision_recall: Curve
    expected_calibration_error: float
    reliability: tuple[ReliabilityBin, ...]
    histogram: tuple[HistogramBin, ...]
    thresholds: tuple[ThresholdRow, ...]
    false_positives: tuple[Example, ...]
    false_negatives: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One label on one corpus: its figures, and what lies behind them."""

    measurement: Measurement
    details: Details

    @property
    def label(self) -> str:
        """The measurement's."""
        return self.measurement.label

    @property
    def corpus(self) -> str:
        """The measurement's."""
        return self.measurement.corpus

    def document(self) -> dict[str, Any]:
        """Everything as JSON holds it, numbers rounded to four places."""
        names = {"label": self.label, "corpus": self.corpus}
        figures: dict[str, Any] = rounded(asdict(self.details))
        return {**names, **self.measurement.figures(), **figures}


def details(scored: Scored, limits: Thresholds | None) -> Details:
    """What lies behind the figures of one label on one corpus.

    Parameters
    ----------
    scored : Scored
    limits : Thresholds or None
        The label's; without any it is never flagged.
    """
    false_positive_rate, true_positive_rate, _ = roc_curve(scored.target, scored.scores)
    precision, recall, _ = precision_recall_curve(scored.target, scored.scores, drop_intermediate=True)
    weights = np.ones(len(scored.target))
    false_positives, false_negatives = _worst(scored, limits)
    return Details(
        roc=_thinned(false_positive_rate, true_positive_rate),
        precision_recall=_thinned(recall, precision),
        expected_calibration_error=calibration_error(scored.scores, scored.target, weights),
        reliability=reliability(scored.scores, scored.target, weights),
        histogram=_histogram(scored),
        thresholds=_threshold_rows(scored, limits),
        false_positives=false_positives,
        false_negatives=false_negatives,
    )


def _thinned(x: NDArray[np.float64], y: NDArray[np.float64]) -> Curve:
    """Points of a curve at about equal distances, both ends among them."""
    way = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    kept = np.unique(np.searchsorted(way, np.linspace(0, way[-1], CURVE_POINTS)))
    return tuple(zip(x[kept].tolist(), y[kept].tolist(), strict=True))


def _histogram(scored: Scored) -> tuple[HistogramBin, ...]:
    edges = np.linspace(0, 1, HISTOGRAM_BINS + 1)
    positives, negatives = (np.histogram(scored.scores[chosen], edges)[0] for chosen in (scored.target, ~scored.target))
    return tuple(map(HistogramBin, edges[:-1].tolist(), positives.tolist(), negatives.tolist()))


def _threshold_rows(scored: Scored, limits: Thresholds | None) -> tuple[ThresholdRow, ...]:
    steps = {name: value for name, value in asdict(limits).items() if value is not None} if limits is not None else {}
    return tuple(
        _threshold_row(scored, value, tuple(name for name, limit in steps.items() if limit == value))
        for value in sorted({*THRESHOLDS, *steps.values()})
    )


def _threshold_row(scored: Scored, threshold: float, steps: tuple[str, ...]) -> ThresholdRow:
    flagged = scored.scores >= threshold
    hits = flagged & scored.target
    return ThresholdRow(
        threshold=threshold,
        steps=steps,
        flagged_share=float(flagged.mean()),
        false_alarm_share=float(flagged[~scored.target].mean()),
        precision=float(hits.sum() / flagged.sum()) if flagged.any() else None,
        recall=float(hits.sum() / scored.target.sum()),
    )


def _worst(scored: Scored, limits: Thresholds | None) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    flagged = scored.scores >= (limits.flag if limits is not None else np.inf)
    rising = np.argsort(scored.scores, kind="stable")
    too_high = [at for at in rising[::-1].tolist() if flagged[at] and not scored.target[at]]
    too_low = [at for at in rising.tolist() if scored.target[at] and not flagged[at]]
    return tuple(_example(scored, at) for at in too_high[:WORST]), tuple(_example(scored, at) for at in too_low[:WORST])


def _example(scored: Scored, at: int) -> Example:
    comment = scored.comments[at]
    return Example(
        row=scored.rows[at],
        score=float(scored.scores[at]),
        text=_cut(comment.text),
        article=_cut(comment.article.title) if comment.article is not None else None,
        parent=_cut(comment.parent) if comment.parent is not None else None,
    )


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"
