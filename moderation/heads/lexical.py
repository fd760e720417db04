"""The lexical head: linear models on n-grams, for all labels at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from moderation.heads.linear import NaiveBayesLogistic
from moderation.heads.shares import harden
from moderation.labels import TEXT_LABELS
from moderation.text.ngrams import NgramTfidf
from moderation.text.tokens import TokenBatch
from moderation.text.vocabulary import Words


class LexicalHead(BaseEstimator):
    """What the very words of a text say: hashed n-grams of words and characters, one linear model a label.

    Each label is learned only from the texts for which it is defined. The weights are then laid side by side, so that
    one sparse product gives all labels.

    Parameters
    ----------
    labels : tuple of str
    ngrams : NgramTfidf, optional
    linear : NaiveBayesLogistic, optional

    Attributes
    ----------
    ngrams_ : NgramTfidf
    table_ : ndarray of float32, shape (n_columns, n_labels + 1)
        Linear weights with IDF folded in, see `NgramTfidf.folded`.
    intercepts_ : ndarray of float32, shape (n_labels,)
    """

    def __init__(
        self,
        labels: tuple[str, ...] = TEXT_LABELS,
        ngrams: NgramTfidf | None = None,
        linear: NaiveBayesLogistic | None = None,
    ) -> None:
        self.labels = labels
        self.ngrams = ngrams
        self.linear = linear

    def fit(
        self,
        X: TokenBatch,
        Y: NDArray[np.float64],
        sample_weight: NDArray[np.float64] | None = None,
        on_label: Callable[[str], None] = lambda _: None,
    ) -> Self:
        """Learn every label.

        Parameters
        ----------
        X : TokenBatch
        Y : ndarray of float, shape (n_texts, n_labels)
            Share of people who would give the label, in [0, 1]; NaN where the label is not defined for a text.
        sample_weight : ndarray of float, shape (n_texts, n_labels), optional
        on_label : callable
            Told each label before it is learned.

        Raises
        ------
        ValueError
            If a label has no positive or no negative text.
        """
        weights = np.ones_like(Y) if sample_weight is None else sample_weight
        self.ngrams_ = clone(self.ngrams if self.ngrams is not None else NgramTfidf()).fit(X)
        matrix = self.ngrams_.transform(X)
        view = self.linear if self.linear is not None else NaiveBayesLogistic()
        learned = []
        for column, label in enumerate(self.labels):
            on_label(label)
            rows, target, weight = harden(Y[:, column], weights[:, column], label)
            learned.append(clone(view).fit(matrix[rows], target, sample_weight=weight))
        self.table_ = self.ngrams_.folded(np.stack([model.coef_ for model in learned], axis=1))
        self.intercepts_ = np.array([model.intercept_ for model in learned], dtype=np.float32)
        return self

    def decision_function(self, X: TokenBatch) -> NDArray[np.float32]:
        """Log-odds of each label before calibration, shape (n_texts, n_labels)."""
        if not hasattr(self, "table_"):  # the check itself takes as long as a comment does
            check_is_fitted(self)
        windows = X.vocabulary.tabulated(self._windows)
        return np.asarray(self.ngrams_.project(X, self.table_, windows) + self.intercepts_)

    def contributions(self, X: TokenBatch) -> NDArray[np.float32]:
        """What each word adds to `decision_function`, shape (n_words, n_labels); the intercepts are the rest."""
        check_is_fitted(self)
        return np.asarray(self.ngrams_.contributions(X, self.table_, X.vocabulary.tabulated(self._windows)))

    def _windows(self, words: Words) -> NDArray[np.float32]:
        return np.asarray(self.ngrams_.windows(words, self.table_))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.target_tags.required = True
        return tags
