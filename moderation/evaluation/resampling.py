"""How far a figure could have come out otherwise, by drawing what it was measured on anew (bootstrap, Efron 1979)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES: Final = 200


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, and the middle 95% of its values over resamples."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, value: float, resampled: ArrayLike) -> Self:
        """Put a figure beside its values over resamples; NaN marks those on which it is not defined."""
        low, high = np.nanquantile(np.asarray(resampled), [0.025, 0.975])
        return cls(float(value), float(low), float(high))

    @classmethod
    def over(cls, size: int, figure: Callable[[NDArray[np.intp]], float]) -> Self:
        """Measure on all of `size` things, and on as many drawn with replacement, `RESAMPLES` times.

        Parameters
        ----------
        size : int
        figure : callable
            Takes the indices of the things to measure on, shape (size,).
        """
        generator = np.random.default_rng(0)
        resampled = [figure(generator.integers(size, size=size)) for _ in range(RESAMPLES)]
        return cls.of(figure(np.arange(size)), resampled)

    def figures(self, name: str, reach: float | None = None) -> dict[str, float]:
        """The numbers by name: `name`, with ``_low`` and ``_high``, and with ``_reach`` where there is one."""
        found = {name: self.value, f"{name}_low": self.low, f"{name}_high": self.high}
        values: dict[str, float] = rounded(found)
        return values if reach is None else {**values, f"{name}_reach": reach}


def rounded(value: Any) -> Any:
    """The same structure with its numbers rounded to four places, tuples as lists."""
    match value:
        case float():
            return round(value, 4)
        case dict():
            return {name: rounded(member) for name, member in value.items()}
        case list() | tuple():
            return [rounded(member) for member in value]
        case _:
            return value
