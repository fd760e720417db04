"""One row of the benchmark: a figure of ours beside that of a rival, and what their ratio is to reach."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self


class Aim(StrEnum):
    """Which side of its reach a row should be on."""

    AT_LEAST = "at least"
    AT_MOST = "at most"


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison.

    Attributes
    ----------
    name : str
    unit : str
        Of both figures.
    ours : float
    against : str
        The rival; empty where ours is held to the reach by itself.
    rival : float or None
        None where it could not be measured, or there is none.
    reach : float or None
        Of the ratio of both; of ours where there is no rival.
    aim : Aim
    """

    name: str
    unit: str
    ours: float
    against: str = ""
    rival: float | None = None
    reach: float | None = None
    aim: Aim = Aim.AT_LEAST

    @classmethod
    def of(cls, document: dict[str, Any]) -> Self:
        """Read what `document` wrote."""
        return cls(**{**document, "aim": Aim(document["aim"])})

    @property
    def value(self) -> float | None:
        """What is held to the reach; None where the rival could not be measured."""
        if not self.against:
            return self.ours
        return None if self.rival is None else self.ours / self.rival

    @property
    def met(self) -> bool | None:
        """Whether the reach was reached; None where there is none, or nothing that could."""
        if self.reach is None or self.value is None:
            return None
        return self.value >= self.reach if self.aim is Aim.AT_LEAST else self.value <= self.reach

    @property
    def cells(self) -> tuple[str, ...]:
        """What tables show: what is measured, ours, the rival's, the ratio, its reach, whether it was met."""
        ratio = "" if not self.against else "not measured" if self.value is None else f"{shown(self.value)} times"
        return (
            f"{self.name}, {self.unit}" + (f"; against {self.against}" if self.against else ""),
            shown(self.ours),
            "" if self.rival is None else shown(self.rival),
            ratio,
            "" if self.reach is None else f"{self.aim} {self.reach:,g}",
            {True: "met", False: "missed", None: ""}[self.met],
        )

    def document(self) -> dict[str, Any]:
        """Everything as JSON holds it."""
        return asdict(self)


def shown(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
