"""From a head's raw log-odds to probabilities, at a site's own rate of abuse or at half and half."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from moderation.heads.abuse import harden


class CalibrationKind(StrEnum):
    """At which rate of a label its probability is meant."""

    SITE = "site"
    BALANCED = "balanced"


@dataclass(frozen=True, slots=True)
class LabelCalibration:
    """A line through log-odds: Platt scaling (Platt 1999), with the rate it was fitted at.

    Parameters
    ----------
    slope, offset : float
        Calibrated log-odds are ``slope * raw + offset``; slope > 0, so order is kept.
    rate : float
        Share of comments with the label on the site that is meant, inside (0, 1).
    """

    slope: float
    offset: float
    rate: float

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
        return cls(max(float(line.coef_[0, 0]), 1e-3), offset, wanted)

    def shift(self, kind: CalibrationKind) -> float:
        """The offset that gives probabilities of a kind (prior shift: Saerens et al. 2002)."""
        return self.offset - (log_odds(self.rate) if kind is CalibrationKind.BALANCED else 0.0)


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
        chosen = [lines[label] for label in labels]
        return cls(np.array([line.slope for line in chosen]), np.array([line.shift(kind) for line in chosen]))

    def log_odds(self, raw: NDArray[np.floating]) -> NDArray[np.float64]:
        """Calibrated log-odds of raw ones, shape (n_texts, n_labels)."""
        return np.asarray(self.slopes * raw + self.offsets)

    def probabilities(self, raw: NDArray[np.floating]) -> NDArray[np.float64]:
        """Calibrated probabilities of raw log-odds, shape (n_texts, n_labels); NaN stays."""
        return np.asarray(1 / (1 + np.exp(-np.clip(self.log_odds(raw), -30, 30))))


def rescale(threshold: float, line: LabelCalibration, kind: CalibrationKind) -> float:
    """The threshold on probabilities of `kind` that cuts where `threshold` cuts those of the site."""
    if not 0 < threshold < 1:
        return threshold
    return float(1 / (1 + np.exp(-(log_odds(threshold) + line.shift(kind) - line.offset))))


def log_odds(probability: float) -> float:
    """Natural logarithm of a probability's odds."""
    return float(np.log(probability / (1 - probability)))
