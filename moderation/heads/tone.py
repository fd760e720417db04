"""The tone head: what a transformer hears in a text, told by sums of word vectors."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import Tags

from moderation.text.embeddings import ScopedEmbeddings
from moderation.text.features import TextFeatures


class ToneHead(BaseEstimator):
    """A network of one hidden layer over a text's embedding and the scoped sums of its words' tone.

    It is not learned from labels but distilled from a transformer that was, see `moderation.distillation.tone`.

    Attributes
    ----------
    labels_ : tuple of str
    words_ : ScopedEmbeddings
    hidden_ : ndarray of float32, shape (n_dimensions + n_columns, n_hidden)
        For the embedding, then for the scoped sums.
    hidden_bias_ : ndarray of float32, shape (n_hidden,)
    output_ : ndarray of float32, shape (n_hidden, n_labels)
    output_bias_ : ndarray of float32, shape (n_labels,)
    """

    labels_: tuple[str, ...]
    words_: ScopedEmbeddings
    hidden_: NDArray[np.float32]
    hidden_bias_: NDArray[np.float32]
    output_: NDArray[np.float32]
    output_bias_: NDArray[np.float32]

    @classmethod
    def of(
        cls,
        labels: tuple[str, ...],
        words: ScopedEmbeddings,
        hidden: tuple[ArrayLike, ArrayLike],
        output: tuple[ArrayLike, ArrayLike],
    ) -> Self:
        """Put a head together from the weights and biases of its two layers."""
        self = cls()
        self.labels_, self.words_ = labels, words
        self.hidden_, self.hidden_bias_ = (np.asarray(part, dtype=np.float32) for part in hidden)
        self.output_, self.output_bias_ = (np.asarray(part, dtype=np.float32) for part in output)
        return self

    @property
    def n_dimensions(self) -> int:
        """Length of the embeddings that it stands on."""
        return len(self.hidden_) - self.words_.n_columns

    def fit(self, X: TextFeatures, y: object = None) -> Self:  # noqa: ARG002
        """Do nothing: the head comes from `of`."""
        return self

    def decision_function(self, X: TextFeatures) -> NDArray[np.float32]:
        """Log-odds of each label before calibration, shape (n_texts, n_labels)."""
        hidden = self._hidden(X)
        return np.asarray(np.maximum(hidden, 0, out=hidden) @ self.output_ + self.output_bias_)

    def contributions(self, X: TextFeatures, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """What each word adds to `decision_function`.

        A network of rectified units is linear as long as the same units are on, so each word's share of the inputs is
        followed through those that its text switches on.

        Parameters
        ----------
        X : TextFeatures
        vectors : ndarray of float32, shape (n_words, n_dimensions)
            Each word's share of ``X.vectors``.

        Returns
        -------
        ndarray of float32, shape (n_words, n_labels)
            Summed over a text's words, and with its row of `baseline` added, its row of `decision_function`.
        """
        shares = np.concatenate([vectors, self.words_.contributions(X.tokens)], axis=1)
        found = np.zeros((len(shares), len(self.labels_)), dtype=np.float32)
        for text, on in enumerate(self._hidden(X) > 0):
            words = slice(X.tokens.indptr[text], X.tokens.indptr[text + 1])
            found[words] = shares[words] @ (self.hidden_[:, on] @ self.output_[on])
        return found

    def baseline(self, X: TextFeatures) -> NDArray[np.float32]:
        """What `contributions` leaves of `decision_function`: the biases of the units that are on."""
        on = self._hidden(X) > 0
        return np.asarray((on * self.hidden_bias_) @ self.output_ + self.output_bias_)

    def _hidden(self, X: TextFeatures) -> NDArray[np.float32]:
        """What reaches the hidden units, shape (n_texts, n_hidden)."""
        hidden = X.vectors @ self.hidden_[: self.n_dimensions]
        hidden += self.words_.embed(X.tokens) @ self.hidden_[self.n_dimensions :]
        hidden += self.hidden_bias_
        return np.asarray(hidden)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.requires_fit = False
        return tags
