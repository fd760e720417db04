"""Labels on which people disagreed, as binary targets with weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def harden(
    shares: NDArray[np.float64], weights: NDArray[np.float64], label: str
) -> tuple[NDArray[np.intp], NDArray[np.bool_], NDArray[np.float64]]:
    """Turn shares of votes into a binary target with weights.

    A text with share .7 becomes a positive of weight .7 and a negative of weight .3, which for the logistic loss is
    the same as the share itself.

    Returns
    -------
    rows, target, weights : ndarrays
        Row numbers of the texts, possibly twice; their targets; their weights, which are all above 0.
    """
    known = ~np.isnan(shares) & (weights > 0)
    positive = np.flatnonzero(known & (shares > 0))
    negative = np.flatnonzero(known & (shares < 1))
    if not len(positive) or not len(negative):
        missing = "positive" if not len(positive) else "negative"
        raise ValueError(f"{label} cannot be learned: no {missing} text")
    rows = np.concatenate([positive, negative])
    target = np.arange(len(rows)) < len(positive)
    mass = np.concatenate([shares[positive], 1 - shares[negative]]) * weights[rows]
    order = np.argsort(rows, kind="stable")
    return rows[order], target[order], mass[order]
