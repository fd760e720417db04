"""The abuse head: what a comment's own text says, for all its labels at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from moderation.heads.lexical import LexicalHead
from moderation.heads.tone import ToneHead
from moderation.text.features import TextFeatures

TONE_SHARE: Final = 0.6


@dataclass(frozen=True)  # without slots, which would leave no place for what is cached
class AbuseHead:
    """Two views of a text, averaged: its very words, and how it sounds.

    Parameters
    ----------
    lexical : LexicalHead
    tone : ToneHead
        Its labels may be fewer; the others are judged by the lexical head alone.
    tone_share : float
        Weight of the tone's log-odds in the average, in [0, 1].
    """

    lexical: LexicalHead
    tone: ToneHead
    tone_share: float = TONE_SHARE

    @property
    def labels(self) -> tuple[str, ...]:
        """In the order of columns."""
        return self.lexical.labels

    def decision_function(self, X: TextFeatures) -> NDArray[np.float32]:
        """Log-odds of each label before calibration, shape (n_texts, n_labels)."""
        return self._averaged(self.lexical.decision_function(X.tokens), self.tone.decision_function(X))

    def contributions(self, X: TextFeatures, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Say exactly what each word adds to `decision_function`.

        Parameters
        ----------
        X : TextFeatures
        vectors : ndarray of float32, shape (n_words, n_dimensions)
            Each word's share of ``X.vectors``, see `Featuriser.contributions`.

        Returns
        -------
        ndarray of float32, shape (n_words, n_labels)
            Summed over a text's words, and with its row of `baseline` added, its row of `decision_function`.
        """
        return self._averaged(self.lexical.contributions(X.tokens), self.tone.contributions(X, vectors))

    def baseline(self, X: TextFeatures) -> NDArray[np.float32]:
        """What no word adds: intercepts, and the biases of units that are on; shape (n_texts, n_labels)."""
        return self._averaged(np.tile(self.lexical.intercepts_, (len(X), 1)), self.tone.baseline(X))

    def _averaged(self, lexical: NDArray[np.float32], tone: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(lexical * self._lexical_shares + tone @ self._tone_shares)

    @cached_property
    def _tone_shares(self) -> NDArray[np.float32]:
        """What each label of the tone head adds to each of both, shape (n_tone_labels, n_labels)."""
        same = np.array([[heard == label for label in self.labels] for heard in self.tone.labels_], dtype=np.float32)
        return self.tone_share * same.reshape(len(self.tone.labels_), len(self.labels))

    @cached_property
    def _lexical_shares(self) -> NDArray[np.float32]:
        return np.asarray(1 - self._tone_shares.sum(axis=0))
