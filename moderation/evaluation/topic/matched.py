"""ROC AUC over pairs of comments of like length, so that length says nothing."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from moderation.evaluation.resampling import RESAMPLES, Estimate

TOLERANCE: Final = 0.1


class LengthMatched:
    """Pairs of a comment that is off topic and one that is not, of like length.

    Their numbers of words differ by a tenth of the larger at most: below ten words they are equal.

    Parameters
    ----------
    words : ndarray of int, shape (n_comments,)
    off_topic : ndarray of bool, shape (n_comments,)
    """

    def __init__(self, words: NDArray[np.intp], off_topic: NDArray[np.bool_]) -> None:
        self._off, self._on = np.flatnonzero(off_topic), np.flatnonzero(~off_topic)
        off, on = words[self._off][:, None], words[self._on][None, :]
        self._pairs = (np.abs(off - on) <= TOLERANCE * np.maximum(off, on)).astype(np.float32)

    @property
    def sizes(self) -> tuple[int, int]:
        """How many comments of each kind, off topic first, stand in a pair."""
        return int(self._pairs.any(axis=1).sum()), int(self._pairs.any(axis=0).sum())

    def roc_auc(self, scores: NDArray[np.float64]) -> float:
        """Share of the pairs in which the comment that is off topic has the higher score, ties counting half."""
        return float(self._won(scores).sum() / self._pairs.sum())

    def estimate(self, scores: NDArray[np.float64]) -> Estimate:
        """The same with its interval, over comments of both kinds drawn anew."""
        generator = np.random.default_rng(0)
        off, on = (_drawn(generator, len(kind)) for kind in (self._off, self._on))
        won, pairs = (np.einsum("ri,ir->r", off, table @ on.T) for table in (self._won(scores), self._pairs))
        return Estimate.of(self.roc_auc(scores), won / np.where(pairs > 0, pairs, np.nan))

    def _won(self, scores: NDArray[np.float64]) -> NDArray[np.float32]:
        off, on = scores[self._off][:, None], scores[self._on][None, :]
        return np.asarray(self._pairs * ((off > on) + 0.5 * (off == on)), dtype=np.float32)


def _drawn(generator: np.random.Generator, size: int) -> NDArray[np.float32]:
    """How often each of `size` things is drawn, in each of `RESAMPLES` draws of as many."""
    return generator.multinomial(size, np.full(size, 1 / size), size=RESAMPLES).astype(np.float32)
