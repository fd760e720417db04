"""How far scores follow a graded truth, such as the scores that another service gave."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from moderation.corpora import LabelledComments
from moderation.errors import RecipeError, RowError
from moderation.evaluation.plan import AgreementRule
from moderation.evaluation.resampling import Estimate
from moderation.evaluation.scoring import ScoredCorpus, column_of


@dataclass(frozen=True, slots=True)
class FlagRates:
    """How much is flagged from a threshold on, by us and by another's scores.

    Attributes
    ----------
    threshold : float
    ours, theirs : float
        Shares of all comments.
    difference : Estimate
        By how much ours is higher, as a share of theirs.
    """

    threshold: float
    ours: float
    theirs: float
    difference: Estimate


@dataclass(frozen=True, slots=True)
class Agreement:
    """One label beside one column of numbers.

    Attributes
    ----------
    label, corpus, column : str
    comments : int
    spearman : Estimate
        Rank correlation (Spearman 1904).
    reach : float or None
        Of the rank correlation.
    flag_rates : tuple of FlagRates
    flags_within : float or None
        Reach of their differences.
    calibration : str
        Of our scores.
    """

    label: str
    corpus: str
    column: str
    comments: int
    spearman: Estimate
    reach: float | None
    flag_rates: tuple[FlagRates, ...]
    flags_within: float | None
    calibration: str

    @property
    def name(self) -> str:
        """What was measured."""
        return f"{self.label} and {self.column} on {self.corpus}"

    def figures(self) -> dict[str, dict[str, float]]:
        """The numbers by what was measured, then by name."""
        rank = {"comments": self.comments, **self.spearman.figures("spearman", self.reach)}
        return {self.name: rank, **dict(map(self._flags, self.flag_rates))}

    def _flags(self, rates: FlagRates) -> tuple[str, dict[str, float]]:
        shares = {"flag_rate": round(rates.ours, 4), "their_flag_rate": round(rates.theirs, 4)}
        difference = rates.difference.figures("flag_rate_difference", self.flags_within)
        return f"{self.name}, flags from {rates.threshold:g}", {**shares, **difference}


def measure_agreement(scored: ScoredCorpus, label: str, rule: AgreementRule) -> Agreement:
    """Compare one label with a column of numbers.

    Parameters
    ----------
    scored : ScoredCorpus
        By a moderator in the calibration that the rule names.
    label : str
    rule : AgreementRule

    Raises
    ------
    RowError
        If a value is neither blank nor a number.
    RecipeError
        If the column does not exist, says the same of all comments, or flags none at a threshold.
    """
    ours, theirs = scored.scores(label), _numbers(scored.corpus, rule.column)
    known = ~np.isnan(ours) & ~np.isnan(theirs)
    ours, theirs = ours[known], theirs[known]
    if len(ours) == 0 or isnan(_spearman(ours, theirs)):
        raise RecipeError(f"{scored.name} cannot measure agreement with {rule.column}: it takes different values")
    return Agreement(
        label=label,
        corpus=scored.name,
        column=rule.column,
        comments=len(ours),
        spearman=Estimate.over(len(ours), lambda drawn: _spearman(ours[drawn], theirs[drawn])),
        reach=rule.reach,
        flag_rates=tuple(_flag_rates(scored.name, rule.column, ours, theirs, at) for at in rule.flags_at),
        flags_within=rule.flags_within,
        calibration=str(rule.calibration),
    )


def _spearman(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
    """Rank correlation; NaN where either says the same of all comments."""
    if np.ptp(ours) == 0 or np.ptp(theirs) == 0:
        return np.nan
    return float(spearmanr(ours, theirs).statistic)


def _flag_rates(
    corpus: str, column: str, ours: NDArray[np.float64], theirs: NDArray[np.float64], threshold: float
) -> FlagRates:
    our_flags, their_flags = ours >= threshold, theirs >= threshold
    if not their_flags.any():
        raise RecipeError(f"{corpus}: {column} flags nothing from {threshold:g} on; take it out of flags_at")

    def difference(drawn: NDArray[np.intp]) -> float:
        flags = max(int(their_flags[drawn].sum()), 1)  # a draw may miss the few that there are
        return float(our_flags[drawn].sum() / flags - 1)

    rates = float(our_flags.mean()), float(their_flags.mean())
    return FlagRates(threshold, *rates, Estimate.over(len(ours), difference))


def _numbers(corpus: LabelledComments, column: str) -> NDArray[np.float64]:
    """A column of numbers, shape (n_comments,); NaN where there is none."""
    pairs = zip(corpus.rows, column_of(corpus, column), strict=True)
    return np.array([_number(corpus.source, row, column, value) for row, value in pairs])


def _number(source: str, row: int, column: str, value: Any) -> float:
    if value is None or value == "":
        return np.nan
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.inf
    if not isfinite(number):
        raise RowError(source, row, f"{column} is {value!r}; expected a number or nothing")
    return number
