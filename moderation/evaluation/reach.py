"""Every figure of an evaluation on one list: what was measured, beside what was to be reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final


class Aim(StrEnum):
    """Which side of its reach a figure should be on."""

    AT_LEAST = "at least"
    AT_MOST = "at most"
    WITHIN = "within"
    """As far from 0 as that at most, in either direction."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A kind of figure: what people call it, and its aim."""

    title: str
    aim: Aim = Aim.AT_LEAST


ROC_AUC: Final = Measure("ROC AUC")
MEASURES: Final = {
    "roc_auc": ROC_AUC,
    "cross_validated_roc_auc": Measure("ROC AUC, cross-validated"),
    "matched_roc_auc": Measure("ROC AUC, matched in length"),
    "flag_precision": Measure("precision of flags"),
    "flag_recall": Measure("recall of flags"),
    "replies_flagged": Measure("clean replies flagged", Aim.AT_MOST),
    "transformer_times": Measure("times the transformer takes"),
    "spearman": Measure("Spearman"),
    "flag_rate_difference": Measure("difference", Aim.WITHIN),
    "expected_calibration_error": Measure("calibration error", Aim.AT_MOST),
    "character_f1": Measure("character F1"),
    "accuracy": Measure("cases right"),
    "worst_function": Measure("cases right, worst function"),
    "worst_subgroup": Measure("subgroup AUC, worst"),
    "mean_subgroup": Measure("subgroup AUC, mean"),
    "worst_bpsn": Measure("BPSN AUC, worst"),
    "mean_bpsn": Measure("BPSN AUC, mean"),
    "worst_bnsp": Measure("BNSP AUC, worst"),
    "mean_bnsp": Measure("BNSP AUC, mean"),
}
"""By the names that figures have in manifests and JSON."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with its 95% interval, where it has one.

    Attributes
    ----------
    measured : str
        What, on which corpus.
    measure : Measure
    value : float
    low, high : float or None
    reach : float or None
        What was to be reached, if anything.
    """

    measured: str
    measure: Measure
    value: float
    low: float | None
    high: float | None
    reach: float | None

    @property
    def met(self) -> bool | None:
        """Whether the reach was reached; None where there is none."""
        if self.reach is None:
            return None
        match self.measure.aim:
            case Aim.AT_LEAST:
                return self.value >= self.reach
            case Aim.AT_MOST:
                return self.value <= self.reach
            case Aim.WITHIN:
                return abs(self.value) <= self.reach

    @property
    def goal(self) -> str:
        """The reach in words; empty where there is none."""
        return "" if self.reach is None else f"{self.measure.aim} {self.reach:g}"

    @property
    def interval(self) -> str:
        """The interval in words; empty where there is none."""
        return "" if self.low is None or self.high is None else f"{self.low:.3f} to {self.high:.3f}"

    @property
    def outcome(self) -> str:
        """Whether it was met, in a word; empty where there is none."""
        return {True: "met", False: "missed", None: ""}[self.met]

    def document(self) -> dict[str, Any]:
        """Everything as JSON holds it."""
        return {**asdict(self), "measure": self.measure.title, "aim": str(self.measure.aim), "met": self.met}


def figures_of(figures: Mapping[str, Mapping[str, float]]) -> Iterator[Figure]:
    """Every measure among the figures of a manifest or an evaluation that has an interval or was to reach anything.

    Parameters
    ----------
    figures : mapping of str to mapping of str to float
        By what was measured, then by names such as ``roc_auc``, ``roc_auc_low``, ``roc_auc_high`` and
        ``roc_auc_reach``; the last is there only where something was to be reached.
    """
    for measured, values in figures.items():
        for name in MEASURES:
            figure = figure_of(measured, name, values)
            if figure is not None and (figure.low is not None or figure.reach is not None):
                yield figure


def figure_of(measured: str, name: str, values: Mapping[str, float]) -> Figure | None:
    """One measure among the figures of what was measured; None where it is not among them."""
    if name not in values:
        return None
    low, high, reach = (values.get(f"{name}_{end}") for end in ("low", "high", "reach"))
    return Figure(measured, MEASURES[name], values[name], low, high, reach)
