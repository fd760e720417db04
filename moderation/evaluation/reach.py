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
    """One figure with its 95% interval.

    Attributes
    ----------
    measured : str
        What, on which corpus.
    measure : Measure
    value, low, high : float
    reach : float or None
        What was to be reached, if anything.
    """

    measured: str
    measure: Measure
    value: float
    low: float
    high: float
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
    def outcome(self) -> str:
        """Whether it was met, in a word; empty where there is none."""
        return {True: "met", False: "missed", None: ""}[self.met]

    def document(self) -> dict[str, Any]:
        """Everything as JSON holds it."""
        return {**asdict(self), "measure": self.measure.title, "aim": str(self.measure.aim), "met": self.met}


def figures_of(figures: Mapping[str, Mapping[str, float]]) -> Iterator[Figure]:
    """Every measure among the figures of a manifest or an evaluation that has an interval.

    Parameters
    ----------
    figures : mapping of str to mapping of str to float
        By what was measured, then by names such as ``roc_auc``, ``roc_auc_low``, ``roc_auc_high`` and
        ``roc_auc_reach``; the last is there only where something was to be reached.
    """
    for measured, values in figures.items():
        for name, measure in MEASURES.items():
            if f"{name}_low" in values:
                interval = values[f"{name}_low"], values[f"{name}_high"]
                yield Figure(measured, measure, values[name], *interval, values.get(f"{name}_reach"))
