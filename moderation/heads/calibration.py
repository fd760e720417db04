"""From a head's raw log-odds to probabilities: a site's own, at half and half, or as Perspective meant them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from moderation.heads.shares import harden

_FLATTEST: Final = 1e-3


class CalibrationKind(StrEnum):
    """What a score of .5 is meant to say.

    ``site``: of a site's comments with this score half have the label. ``balanced``: half of them would if it were as
    common as not. ``perspective``: the comment stands where Google's Perspective would have put it at .5.
    """

    SITE = "site"
    BALANCED = "balanced"
    PERSPECTIVE = "perspective"


@dataclass(frozen=True, slots=True)
class Line:
    """A line through log-odds: Platt scaling (Platt 1999). The slope is above 0, so order is kept."""

    slope: float
    offset: float

    @classmethod
    def through(cls, raw: NDArray[np.float64], wanted: NDArray[np.float64]) -> Self:
        """The line closest to some points, by least squares.

        Parameters
        ----------
        raw : ndarray, shape (n_points,)
            The head's log-odds.
        wanted : ndarray, shape (n_points,)
            What they should become.
        """
        slope = max(float(np.polyfit(raw, wanted, 1)[0]), _FLATTEST)
        return cls(slope, float(wanted.mean() - slope * raw.mean()))


@dataclass(frozen=True, slots=True)
class LabelCalibration:
    """How the log-odds of one label become probabilities of each kind.

    Parameters
    ----------
    slope, offset : float
        The line for the site.
    rate : float
        Share of comments with the label on the site that is meant, inside (0, 1).
    balanced : Line, optional
        By default the line for the site, moved to half and half (prior shift: Saerens et al. 2002).
    perspective : Line, optional
        By default the balanced one.
    """

    slope: float
    offset: float
    rate: float
    balanced: Line | None = None
    perspective: Line | None = None

    @classmethod
    def fit(
        cls,
        raw: NDArray[np.floating],
        shares: NDArray[np.float64],
        label: str,
        rate: float | None = None,
        weights: NDArray[np.float64] | None = None,
    ) -> Self:
        """Fit to held-out texts.

        Parameters
        ----------
        raw : ndarray, shape (n_texts,)
            The head's log-odds.
        shares : ndarray, shape (n_texts,)
            True shares in [0, 1]; NaN is left out.
        label : str
            For the error message.
        rate : float, optional
            The site's rate where it differs from that of the texts given.
        weights : ndarray, shape (n_texts,), optional
            What each text counts.
        """
        rows, target, weight = harden(shares, np.ones_like(shares) if weights is None else weights, label)
        line = LogisticRegression(C=1e3).fit(raw[rows, None], target, sample_weight=weight)
        observed = float(weight[target].sum() / weight.sum())
        wanted = observed if rate is None else rate
        offset = float(line.intercept_[0]) + log_odds(wanted) - log_odds(observed)
        return cls(max(float(line.coef_[0, 0]), _FLATTEST), offset, wanted)

    def line(self, kind: CalibrationKind) -> Line:
        """The line that gives probabilities of a kind."""
        if kind is CalibrationKind.SITE:
            return Line(self.slope, self.offset)
        balanced = self.balanced or Line(self.slope, self.offset - log_odds(self.rate))
        return (self.perspective or balanced) if kind is CalibrationKind.PERSPECTIVE else balanced


@dataclass(frozen=True, slots=True)
class Calibration:
    """Lines for several labels at once, of one kind.

    Parameters
    ----------
    slopes, offsets : ndarray of float, shape (n_labels,)
    """

    slopes: NDArray[np.float64]
    offsets: NDArray[np.float64]

    @classmethod
    def of(cls, lines: Mapping[str, LabelCalibration], labels: Sequence[str], kind: CalibrationKind) -> Self:
        """Line up the calibration of `labels`."""
        chosen = [lines[label].line(kind) for label in labels]
        return cls(np.array([line.slope for line in chosen]), np.array([line.offset for line in chosen]))

    def log_odds(self, raw: NDArray[np.floating]) -> NDArray[np.float64]:
        """Calibrated log-odds of raw ones, shape (n_texts, n_labels)."""
        return np.asarray(self.slopes * raw + self.offsets)

    def probabilities(self, raw: NDArray[np.floating]) -> NDArray[np.float64]:
        """Calibrated probabilities of raw log-odds, shape (n_texts, n_labels); NaN stays."""
        return np.asarray(1 / (1 + np.exp(np.minimum(np.maximum(-self.log_odds(raw), -30), 30))))


def rescale(threshold: float, calibration: LabelCalibration, kind: CalibrationKind) -> float:
    """The threshold on probabilities of `kind` that cuts where `threshold` cuts those of the site."""
    if not 0 < threshold < 1:
        return threshold
    line = calibration.line(kind)
    raw = (log_odds(threshold) - calibration.offset) / calibration.slope
    return float(1 / (1 + np.exp(-(line.slope * raw + line.offset))))


def log_odds(probability: float) -> float:
    """Natural logarithm of a probability's odds."""
    return float(np.log(probability / (1 - probability)))
